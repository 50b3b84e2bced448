"""The `websockets` library's own server, without a store: what a good Python server costs before it keeps anything."""

import asyncio

import msgspec
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


class Post(msgspec.Struct):
    key: str
    text: str


decode = msgspec.json.Decoder(Post).decode
encode = msgspec.json.encode
representatives: dict[str, ServerConnection] = {}


async def person(connection: ServerConnection) -> None:
    assert connection.request is not None
    _, side, pair = connection.request.path.split("/")
    if side == "r":
        representatives[pair] = connection
    try:
        async for frame in connection:
            if side != "c":
                continue
            post = decode(frame)
            await connection.send(encode({"ack": post.key}), text=True)
            if pair in representatives:
                await representatives[pair].send(encode({"key": post.key, "text": post.text}), text=True)
    except ConnectionClosed:
        pass


async def main() -> None:
    async with serve(person, "127.0.0.1", 0, compression=None, backlog=4096, ping_interval=None) as server:
        print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


uvloop.run(main())
