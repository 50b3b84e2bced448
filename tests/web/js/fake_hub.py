"""A hub that does what a test tells it to, in the real frames: for what a real one does only on a bad day.

It also serves the modules, so that a page can load them. It keeps logs and stores entries by key; it decides nothing else.
"""

import asyncio
import mimetypes
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self

import msgspec
from websockets.asyncio.server import Request, Response, Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed

from chatsvc.conversations.views import Desk, Visit
from chatsvc.hub import frames
from chatsvc.hub.frames import ClientFrame, FromServer
from chatsvc.kernel.ids import LogId, PersonId
from chatsvc.tickets.model import Entry, Role, words
from web.assets import STATIC

ME = PersonId("pe_me00000000000000000")
OTHER = PersonId("pe_other0000000000000")
LOG = LogId("lg_0000000000000000000a")

_PAGE = f"""<!doctype html><html lang="en" data-person="{ME}" data-name="Claire" data-zone="UTC" data-locale="en-GB">
<meta charset="utf-8"><title>Test</title><div role="status" data-status></div>"""

_read = msgspec.json.Decoder(ClientFrame, strict=True)


class FakeHub:
    """One hub on a loopback port."""

    def __init__(self, *, beat_s: float = 25.0) -> None:
        self.beat_s = beat_s
        self.store = "store-1"
        # What it serves as its page, and the pictures that it sends to those who watch; None: none.
        self.page = _PAGE
        self.visit: Visit | None = None
        self.desk: Desk | None = None
        # Who the other side is.
        self.other = ("Ravi Patel", Role.STAFF)
        self.logs: dict[str, list[Entry]] = defaultdict(list)
        self.connections: list[ServerConnection] = []
        # Every frame that came, in order; and how many connections were made.
        self.heard: list[Any] = []
        self.connected = 0
        # When set: a handshake is refused with this status.
        self.refuses: HTTPStatus | None = None
        # Appends that are swallowed without an answer, before or after they are stored.
        self.swallow: Callable[[frames.AppendFrame], bool] = lambda frame: False
        self.is_silent = False
        self._changed = asyncio.Condition()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(self._serve, "127.0.0.1", 0, process_request=self._answer, compression=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def address(self) -> str:
        """Where its page is."""
        assert self._server is not None
        return f"http://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    # What a test says.

    def writes(
        self,
        text: str,
        *,
        sender: PersonId = OTHER,
        key: str = "",
        log: str = LOG,
        kind: str = "message",
        at: datetime | None = None,
    ) -> Entry:
        """Store a message without telling anybody."""
        entries = self.logs[log]
        name, role = (
            self.other if sender != ME else ("Me", Role.STAFF if self.other[1] is Role.CUSTOMER else Role.CUSTOMER)
        )
        entry = Entry(
            len(entries) + 1, at or datetime.now(UTC), kind, sender, name, role,
            key or f"key-{len(entries) + 1:04}", msgspec.Raw(words(text).encode()),
        )  # fmt: skip
        entries.append(entry)
        return entry

    async def says(self, text: str, *, log: str = LOG, sender: PersonId = OTHER) -> Entry:
        """Store a message and push it."""
        entry = self.writes(text, log=log, sender=sender)
        await self.push(frames.Entries(LogId(log), (entry,)))
        return entry

    async def push(self, frame: FromServer) -> None:
        """Send a frame to everybody who is connected."""
        for connection in self.connections:
            await connection.send(msgspec.json.encode(frame).decode())

    async def shows(self, picture: Visit | Desk) -> None:
        """Change a picture, and push it."""
        if isinstance(picture, Visit):
            self.visit = picture
            await self.push(frames.VisitFrame(picture))
        else:
            self.desk = picture
            await self.push(frames.DeskFrame(picture))

    async def beats(self, **heads: int) -> None:
        """Send a heartbeat."""
        await self.push(frames.ServerBeat({LOG: len(self.logs[LOG])} | heads))

    async def cut(self, code: int | None = None, reason: str = "") -> None:
        """End every connection: with a close code, or without a word."""
        for connection in tuple(self.connections):
            if code is None:
                connection.transport.abort()
            else:
                await connection.close(code, reason)

    async def hears(self, *, after: int = 0, where: Callable[[Any], bool]) -> Any:
        """Wait for a frame that fits, among those after so many."""
        async with self._changed:
            async with asyncio.timeout(10):
                await self._changed.wait_for(lambda: any(where(frame) for frame in self.heard[after:]))
        return next(frame for frame in self.heard[after:] if where(frame))

    async def has_connected(self, times: int) -> None:
        """Wait until so many connections have been made in all."""
        async with self._changed:
            async with asyncio.timeout(10):
                await self._changed.wait_for(lambda: self.connected >= times)

    # What it does.

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/ws":
            return connection.respond(self.refuses, "") if self.refuses else None
        if path == "/page":
            return _response("text/html", self.page.encode())
        file = (STATIC / path.removeprefix("/static/")).resolve()
        if path.startswith("/static/") and file.is_file() and STATIC in file.parents:
            return _response(mimetypes.guess_type(file.name)[0] or "text/plain", file.read_bytes())
        return _response("application/problem+json", b'{"code": "not_found"}', HTTPStatus.NOT_FOUND)

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        welcome = frames.Welcome(ME, "Claire", "contact", self.store, self.beat_s, datetime.now(UTC))
        try:
            if not self.is_silent:
                await connection.send(msgspec.json.encode(welcome).decode())
            async with self._changed:
                self.connected += 1
                self._changed.notify_all()
            async for data in connection:
                await self._hear(connection, _read.decode(data))
        except ConnectionClosed:
            pass
        finally:
            self.connections.remove(connection)

    async def _hear(self, connection: ServerConnection, frame: Any) -> None:
        answers: list[FromServer] = []
        match frame:
            case frames.Open():
                answers = self._open(frame)
            case frames.AppendFrame():
                answers = self._append(frame)
            case frames.Watch(view="visit") if self.visit is not None:
                answers = [frames.VisitFrame(self.visit)]
            case frames.Watch(view="desk") if self.desk is not None:
                answers = [frames.DeskFrame(self.desk)]
            case frames.Accept() | frames.Decline() | frames.SetDesk():
                answers = [frames.Done(frame.ref)]
        async with self._changed:
            self.heard.append(frame)
            self._changed.notify_all()
        for answer in answers:
            await connection.send(msgspec.json.encode(answer).decode())

    def _open(self, frame: frames.Open) -> list[FromServer]:
        entries = self.logs[frame.log]
        if frame.after and (frame.store != self.store or frame.after > len(entries)):
            return [frames.Reset(frame.ref, LogId(frame.log), self.store)]
        new = tuple(entries[frame.after :])
        caught_up = frames.CaughtUp(frame.ref, LogId(frame.log), len(entries), {})
        return [frames.Entries(LogId(frame.log), new), caught_up] if new else [caught_up]

    def _append(self, frame: frames.AppendFrame) -> list[FromServer]:
        if self.swallow(frame):
            return []
        known = next((entry for entry in self.logs[frame.log] if entry.key == frame.key), None)
        entry = known or self.writes(frame.text, sender=ME, key=frame.key, log=frame.log, kind=frame.kind)
        stored = frames.StoredFrame(frame.ref, LogId(frame.log), frame.key, entry.number, entry.at)
        return [stored] if known else [frames.Entries(LogId(frame.log), (entry,)), stored]


def _response(media_type: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    headers = Headers({"Content-Type": media_type, "Content-Length": str(len(body)), "Cache-Control": "no-store"})
    return Response(status.value, status.phrase, headers, body)
