"""Somebody who speaks the socket's protocol only as far as it serves them: raw bytes, no library that would hold them back."""

import asyncio
import base64
import contextlib
import os
import struct
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from chatsvc.hub.handshake import COOKIE

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9


def frame(opcode: int, payload: bytes, *, final: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """Return one frame as it goes over the wire (RFC 6455, section 5.2); the mask is zero, which is a mask all the same."""
    head = bytes([(0x80 if final else 0) | reserved | opcode])
    flag = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head += bytes([flag | size])
    elif size < 65_536:
        head += struct.pack("!BH", flag | 126, size)
    else:
        head += struct.pack("!BQ", flag | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def handshake(address: str, *, token: str, more: str = "") -> bytes:
    """Return the request that opens a socket."""
    host = urlsplit(address).netloc
    return (
        f"GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n{more}"
        f"Cookie: {COOKIE}={token}\r\n\r\n"
    ).encode()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Break a connection without a farewell, and wait until it is gone."""
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


class Hostile:
    """One raw connection; ``received`` is everything that ever came back."""

    def __init__(self, address: str, token: str, *, more: str = "") -> None:
        self._address = address
        self._request = handshake(address, token=token, more=more)
        self.received = b""

    async def __aenter__(self) -> Self:
        parts = urlsplit(self._address)
        self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        self._writer.write(self._request)
        self.received = await self._reader.readuntil(b"\r\n\r\n")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await hang_up(self._writer)

    async def send(self, data: bytes) -> None:
        """Send bytes; whoever has hung up already does not hear them."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def until_closed(self) -> int | None:
        """Read until the other side says goodbye or hangs up; return the close code it gave, None when it gave none."""
        start = len(self.received)
        with contextlib.suppress(ConnectionError):
            while _close_code(self.received[start:]) is None and (data := await self._reader.read(65_536)):
                self.received += data
        return _close_code(self.received[start:])


def _close_code(stream: bytes) -> int | None:
    at = 0
    while at + 2 <= len(stream):
        opcode, size, at = stream[at] & 0x0F, stream[at + 1] & 0x7F, at + 2
        if size == 126:
            (size,), at = struct.unpack_from("!H", stream, at), at + 2
        elif size == 127:
            (size,), at = struct.unpack_from("!Q", stream, at), at + 8
        if opcode == CLOSE and len(stream) >= at + 2:
            return int(struct.unpack_from("!H", stream, at)[0])
        at += size
    return None
