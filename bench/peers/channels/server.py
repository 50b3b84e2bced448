"""Django Channels on its Redis pub/sub layer: append to a Redis stream, acknowledge, send to the representative's group."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import django
import redis.asyncio
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

sys.path.insert(0, str(Path(__file__).parents[1]))
from serve import serve

REDIS_URL = f"unix://{os.environ['BENCH_REDIS_SOCKET']}"
settings.configure(
    SECRET_KEY="only for measuring",
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": REDIS_URL, "max_connections": 10_000}], "capacity": 1000},
        }
    },
)
django.setup()
# One connection for each append under way; the client's own bound of 100 refuses the rest.
store = redis.asyncio.Redis.from_url(REDIS_URL, max_connections=10_000)


class Customer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        pair = self.scope["url_route"]["kwargs"]["pair"]
        message = json.loads(text_data or "")
        key, text = message["key"], message["text"]
        entry_id = (await store.xadd(f"chat:{pair}", {"key": key, "text": text})).decode()
        await self.send(text_data=json.dumps({"ack": key, "id": entry_id}, separators=(",", ":")))
        await self.channel_layer.group_send(f"r.{pair}", {"type": "entry", "id": entry_id, "key": key, "text": text})


class Representative(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    async def connect(self) -> None:
        self.group = f"r.{self.scope['url_route']['kwargs']['pair']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def entry(self, event: dict[str, Any]) -> None:
        entry = {"id": event["id"], "key": event["key"], "text": event["text"]}
        await self.send(text_data=json.dumps(entry, separators=(",", ":")))


class Idle(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One of the crowd: connected, in a group of its own, silent."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(f"i.{self.scope['url_route']['kwargs']['pair']}", self.channel_name)
        await self.accept()


serve(
    ProtocolTypeRouter(
        {
            "websocket": URLRouter(
                [
                    path("c/<int:pair>", Customer.as_asgi()),
                    path("r/<int:pair>", Representative.as_asgi()),
                    path("i/<int:pair>", Idle.as_asgi()),
                ]
            )
        }
    )
)
