"""The limit in Python: an asyncio protocol on uvloop that reads frames itself, relays, and stores nothing.

It knows short unfragmented text frames and the closing of a line, no other part of RFC 6455: it is half of the
denominator of "distance to the limit", not a server.
"""

import asyncio
import base64
import hashlib
from typing import cast

import msgspec
import uvloop
from websockets.speedups import apply_mask

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT = 0x81


class Post(msgspec.Struct):
    key: str
    text: str


decode = msgspec.json.Decoder(Post).decode
encode = msgspec.json.Encoder().encode
representatives: dict[bytes, "Person"] = {}


def text_frame(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    return bytes((TEXT, 126, size >> 8, size & 255)) + payload


class Person(asyncio.Protocol):
    """One connection: the handshake, then frames."""

    __slots__ = ("buffer", "pair", "side", "write")

    def __init__(self) -> None:
        self.buffer = b""
        self.side = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = cast(asyncio.Transport, transport).write

    def data_received(self, data: bytes) -> None:
        data = self.buffer + data if self.buffer else data
        self.buffer = self.frames(data) if self.side else self.handshake(data)

    def handshake(self, data: bytes) -> bytes:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return data
        lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines[1:])
        accept = base64.b64encode(hashlib.sha1(headers[b"Sec-WebSocket-Key"] + GUID).digest())
        self.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept
            + b"\r\n\r\n"
        )
        _, self.side, self.pair = lines[0].split(b" ")[1].split(b"/")
        if self.side == b"r":
            representatives[self.pair] = self
        return rest

    def frames(self, data: bytes) -> bytes:
        at, size = 0, len(data)
        while size - at >= 6:
            length, head = data[at + 1] & 127, 2
            if length == 126:
                length, head = data[at + 2] << 8 | data[at + 3], 4
            start = at + head + 4
            if start + length > size:
                break
            if data[at] == TEXT:
                self.post(apply_mask(data[start : start + length], data[start - 4 : start]))
            at = start + length
        return data[at:]

    def post(self, payload: bytes) -> None:
        post = decode(payload)
        self.write(text_frame(encode({"ack": post.key})))
        if representative := representatives.get(self.pair):
            representative.write(text_frame(encode({"key": post.key, "text": post.text})))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Person, "127.0.0.1", 0, backlog=4096)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


uvloop.run(main())
