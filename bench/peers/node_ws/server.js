// Node `ws`: a message is appended to a Redis stream, then acknowledged, then sent to the representative of the pair.
// ioredis pipelines by itself, so that the appends of one turn of the event loop share a round trip.
'use strict';
const http = require('node:http');
const Redis = require('ioredis');
const { WebSocketServer } = require('ws');

const redis = new Redis({ path: process.env.BENCH_REDIS_SOCKET, enableAutoPipelining: true });
const representatives = new Map(); // pair -> socket
const server = http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });

sockets.on('connection', (socket, request) => {
  const [, side, pair] = request.url.split('/');
  if (side === 'r') {
    representatives.set(pair, socket);
    socket.on('close', () => representatives.delete(pair));
  } else if (side === 'c') {
    socket.on('message', (data) => accept(socket, pair, JSON.parse(data)));
  }
});

async function accept(socket, pair, { key, text }) {
  const id = await redis.xadd(`chat:${pair}`, '*', 'key', key, 'text', text);
  socket.send(JSON.stringify({ ack: key, id }));
  representatives.get(pair)?.send(JSON.stringify({ id, key, text }));
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(`port ${server.address().port}`));
