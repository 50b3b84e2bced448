"""python-socketio with its Redis manager: append to a Redis stream, acknowledge, emit to the representative's room."""

import os
import sys
from pathlib import Path
from typing import Any

import redis.asyncio
import socketio

sys.path.insert(0, str(Path(__file__).parents[1]))
from serve import serve

REDIS_URL = f"unix://{os.environ['BENCH_REDIS_SOCKET']}"
# One connection for each append under way; the client's own bound of 100 refuses the rest.
store = redis.asyncio.Redis.from_url(REDIS_URL, max_connections=10_000)
sio = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(REDIS_URL, redis_options={"max_connections": 10_000}),
    transports=["websocket"],
    http_compression=False,
)
pairs: dict[str, int] = {}


@sio.event
async def connect(sid: str, environ: dict[str, Any], auth: dict[str, Any]) -> None:
    pairs[sid] = auth["pair"]
    if auth["side"] == "r":
        await sio.enter_room(sid, f"r:{auth['pair']}")


@sio.event
async def disconnect(sid: str, reason: str) -> None:
    pairs.pop(sid, None)


@sio.event
async def post(sid: str, message: dict[str, str]) -> dict[str, str]:
    pair, key, text = pairs[sid], message["key"], message["text"]
    entry_id = (await store.xadd(f"chat:{pair}", {"key": key, "text": text})).decode()
    await sio.emit("entry", {"id": entry_id, "key": key, "text": text}, room=f"r:{pair}")
    return {"ack": key, "id": entry_id}


serve(socketio.ASGIApp(sio))
