// socket.io with its Redis adapter: a message is appended to a Redis stream, then acknowledged by the library's own
// acknowledgement, then emitted to the representative's room, which may live in another process.
'use strict';
const http = require('node:http');
const Redis = require('ioredis');
const { createAdapter } = require('@socket.io/redis-adapter');
const { Server } = require('socket.io');

const connect = () => new Redis({ path: process.env.BENCH_REDIS_SOCKET, enableAutoPipelining: true });
const store = connect();
const server = http.createServer();
const io = new Server(server, {
  adapter: createAdapter(connect(), new Redis({ path: process.env.BENCH_REDIS_SOCKET })),
  transports: ['websocket'],
  serveClient: false,
});

io.on('connection', (socket) => {
  const { side, pair } = socket.handshake.auth;
  if (side === 'r') socket.join(`r:${pair}`);
  socket.on('post', async ({ key, text }, acknowledge) => {
    const id = await store.xadd(`chat:${pair}`, '*', 'key', key, 'text', text);
    acknowledge({ ack: key, id });
    io.to(`r:${pair}`).emit('entry', { id, key, text });
  });
});

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(`port ${server.address().port}`));
