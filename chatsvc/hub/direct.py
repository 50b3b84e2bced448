"""A server protocol that, after the handshake, drives a connection straight from the network's callbacks (performance, section 3 rule 2).

Origin and sign-in stay in Starlette: the handshake's application is run as any server would. Then ``attach`` hands the socket over: frames go
from ``data_received`` to the peer without a queue, a task or an await, what waits to be sent leaves in one write per turn of the loop, and
nothing of the handshake is kept. Start the server with ``--ws chatsvc.hub.direct:HubProtocol``; on any other server the hub runs over
``wire_asgi`` instead. An application that accepts a socket here can have it attached or close it, and do nothing else with it.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined]  # the fast one where it could be built
from websockets.protocol import SERVER, Protocol
from websockets.utils import accept_key

from chatsvc.hub import codes, metrics
from chatsvc.hub.connection import Connection
from chatsvc.hub.hub import DIRECT
from chatsvc.hub.turns import TURNS, Turns

logger = logging.getLogger(__name__)
# It tells at length of every frame, at a level that nobody reads.
_library_logger: Final = logging.getLogger("websockets.server")

_TEXT: Final = 0x81  # the first byte of a text in one frame
# How long whoever was told goodbye may take to answer.
_FAREWELL_S: Final = 2.0

Message = MutableMapping[str, Any]


class _Unacceptable(Exception):
    """The request opens no socket."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class _Request(NamedTuple):
    """What a client asks for: target, headers with their names in lower case, and the answer to its key."""

    target: str
    headers: list[tuple[bytes, bytes]]
    accept: str


class HubProtocol(asyncio.Protocol):
    """One WebSocket of uvicorn's, from its request on."""

    __slots__ = (
        "_config", "_connection", "_deadline", "_flush_is_due", "_gone", "_is_accepted", "_is_text", "_library", "_may_write",
        "_over", "_pieces", "_server", "_state", "_unread", "close_sent", "loop", "transport",
    )  # fmt: skip

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Make it; the server does."""
        self.loop = _loop or asyncio.get_running_loop()
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.close_sent = False
        self._config = config
        self._server = server_state
        self._state: dict[str, Any] | None = app_state
        # Done when the socket is gone, as long as its handshake is under way; None before and after that.
        self._gone: asyncio.Future[None] | None = None
        self._is_accepted = False
        self._connection: Connection | None = None
        # Called with the connection when the socket is gone.
        self._over: Callable[[Connection], None] = _nothing
        # The beginning of a frame that has not come whole, or what came before somebody listened.
        self._unread = b""
        # Reads what is no text in one frame; made when there is any.
        self._library: Protocol | None = None
        # Of a message in pieces: what has come of it, and whether it is a text.
        self._pieces: list[bytes] = []
        self._is_text = False
        self._may_write = True
        self._flush_is_due = False
        self._deadline: asyncio.TimerHandle | None = None

    # The handshake.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a socket over from the server's HTTP."""
        self.transport = cast(asyncio.Transport, transport)
        self._server.connections.add(cast(Any, self))

    def _knock(self, data: bytes) -> None:
        """Take the request in, which comes whole; its application runs when it is its turn."""
        self._gone = self.loop.create_future()
        turns: Turns | None = self._state.get(TURNS) if self._state else None
        if turns is None:
            self._begin(data)
        else:
            turns.soon(lambda: self._begin(data))

    def _begin(self, data: bytes) -> None:
        if self._gone is None or self._gone.done():
            return
        try:
            request = _request_in(data)
        except _Unacceptable as error:
            self._refuse(error.status)
            return
        task = self.loop.create_task(self._shake_hands(request))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _shake_hands(self, request: _Request) -> None:
        """Run the application that decides about the request."""
        begins = True

        async def receive() -> Message:
            nonlocal begins
            if begins:
                begins = False
                return {"type": "websocket.connect"}
            if self._gone is not None:
                await asyncio.shield(self._gone)
            return {"type": "websocket.disconnect", "code": 1006}

        async def send(message: Message) -> None:
            self._answer(message, request)

        try:
            await cast(Any, self._config.loaded_app)(self._scope(request), receive, send)
        except Exception:
            logger.exception("handshake_failed")
        if self._connection is None:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _scope(self, request: _Request) -> Message:
        path, _, query = request.target.partition("?")
        root = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_ssl(self.transport) else "ws",
            "server": get_local_addr(self.transport),
            "client": get_remote_addr(self.transport),
            "root_path": root,
            "path": root + unquote(path),
            "raw_path": (root + path).encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": request.headers,
            "subprotocols": [],
            "state": dict(self._state or {}),
            "extensions": {DIRECT: self.attach},
        }

    def _answer(self, message: Message, request: _Request) -> None:
        """Do what the application says: accept, or close."""
        if self.transport.is_closing() or self.close_sent:
            return
        if message["type"] == "websocket.accept":
            lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
            lines += [f"Sec-WebSocket-Accept: {request.accept}", *self._headers(), "\r\n"]
            self.transport.write("\r\n".join(lines).encode("latin-1"))
            self._is_accepted = True
        elif self._is_accepted:
            self._say_goodbye(message.get("code", 1000), message.get("reason") or "", within_s=_FAREWELL_S)
        else:
            self._refuse(HTTPStatus.FORBIDDEN)

    def _headers(self) -> list[str]:
        return [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in self._server.default_headers]

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer the request with a status, unless it was answered."""
        if self._is_accepted or self.close_sent or self.transport.is_closing():
            return
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close", "Content-Length: 0"]
        self.transport.write("\r\n".join((*lines, *self._headers(), "\r\n")).encode("latin-1"))
        self.close_sent = True
        self.transport.close()

    def attach(self, connection: Connection, gone: Callable[[Connection], None]) -> None:
        """Take over for a connection, after the accept; ``gone`` is called with it when the socket is."""
        self._state = self._gone = None
        if self.transport.is_closing():
            connection.close(codes.GOODBYE, flush=False)
            gone(connection)
            return
        self._connection, self._over = connection, gone
        connection.wake = self._wake
        self._wake()
        if self._unread:  # what came together with the handshake
            data, self._unread = self._unread, b""
            self.data_received(data)
        self.transport.resume_reading()

    # What comes.

    def data_received(self, data: bytes) -> None:
        """Take bytes in: a text in one frame, which is what people send, is read here, and every other kind by the library.

        The library is given whole frames only, so that between two of them it stands at a beginning.
        """
        if self._connection is None and not self.close_sent:
            self._wait_with(data)
            return
        if self._unread:
            data, self._unread = self._unread + data, b""
        begin = 0
        while begin < len(data):
            found = _frame_at(data, begin)
            if found is not None and found.end - found.payload > self._config.ws_max_size:
                self._take_other(data[begin:])  # which closes, because it is too large
                return
            if found is None or found.end > len(data):
                self._unread = data[begin:]
                return
            if data[begin] == _TEXT and found.mask is not None and self._may_read_it():
                self._take_text(apply_mask(data[found.payload : found.end], found.mask))
            else:
                self._take_other(data[begin : found.end])
            begin = found.end

    def _may_read_it(self) -> bool:
        """Whether a connection listens and no message in pieces is under way."""
        in_pieces = self._library is not None and self._library.expect_continuation_frame
        return self._connection is not None and not self.close_sent and not in_pieces

    def _wait_with(self, data: bytes) -> None:
        """Keep what comes before somebody listens; the first of it is the request."""
        if self._gone is None:
            self._knock(data)
            return
        self._unread += data
        if len(self._unread) > self._config.ws_max_size:
            self.transport.pause_reading()

    def _read_by_library(self) -> Protocol:
        if self._library is None:
            self._library = Protocol(SERVER, max_size=self._config.ws_max_size, logger=_library_logger)
        return self._library

    def _take_other(self, data: bytes) -> None:
        """Take a frame in that is no whole text: a piece of one, a ping, a farewell, or nonsense."""
        library = self._read_by_library()
        library.receive_data(data)
        if library.parser_exc is not None:
            self._leave_with(library.data_to_send())
            return
        for event in library.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.CLOSE:
                self._leave_with(library.data_to_send())
            elif event.opcode is Opcode.PING:
                self.transport.write(b"".join(library.data_to_send()))
            elif event.opcode is not Opcode.PONG:
                self._take_piece(event)

    def _take_piece(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._pieces, self._is_text = [], frame.opcode is Opcode.TEXT
        self._pieces.append(bytes(frame.data))
        if not frame.fin:
            return
        data, self._pieces = b"".join(self._pieces), []
        if self._connection is None or self.close_sent:
            return
        if self._is_text:
            self._take_text(data)
        else:
            self._connection.receive(data)

    def _take_text(self, data: bytes) -> None:
        assert self._connection is not None
        try:
            text = data.decode()
        except UnicodeDecodeError:
            library = self._read_by_library()
            library.send_close(1007)
            self._leave_with(library.data_to_send())
            return
        self._connection.receive(text)

    def _leave_with(self, output: list[bytes]) -> None:
        self.transport.write(b"".join(output))
        self.close_sent = True
        self.transport.close()
        self._abort_within(_FAREWELL_S)

    # What goes.

    def _wake(self) -> None:
        if not self._flush_is_due:
            self._flush_is_due = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what waits, as far as the network takes it, in one piece; then say farewell when that is next."""
        self._flush_is_due = False
        connection = self._connection
        if connection is None or self.close_sent or self.transport.is_closing():
            return
        if self._may_write and connection.outgoing:
            frames = connection.pop_all()
            metrics.frames_out.inc(len(frames))
            self.transport.write(b"".join([_header(len(data)) + data for data in frames]))
        if connection.closing is not None and not connection.outgoing:
            self._say_farewell(connection)

    def _say_farewell(self, connection: Connection) -> None:
        assert connection.closing is not None
        code, reason = connection.closing
        self._say_goodbye(code.code, reason, within_s=connection.rules.farewell_s)

    def _say_goodbye(self, code: int, reason: str, *, within_s: float) -> None:
        library = self._read_by_library()
        library.send_close(code, reason)
        self.transport.write(b"".join(library.data_to_send()))
        self.close_sent = True
        # Whoever does not answer in time is cut off, and so is whoever does not even read.
        self._abort_within(within_s)

    def pause_writing(self) -> None:
        """The network takes no more: what waits, waits in the connection's own bounded queue."""
        self._may_write = False
        if self._connection is not None and self._deadline is None:
            self._deadline = self.loop.call_later(self._connection.rules.send_s, self._give_up)

    def resume_writing(self) -> None:
        """The network takes again."""
        self._may_write = True
        if self._connection is not None:
            if self._deadline is not None and not self.close_sent:
                self._deadline.cancel()
                self._deadline = None
            self._flush()

    def _give_up(self) -> None:
        self._deadline = None
        if self._connection is not None:
            self._connection.close(codes.SLOW_READER, flush=False)

    def _abort_within(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    # The end.

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._server.connections.discard(cast(Any, self))
        self.close_sent = True
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._connection is not None:
            self._connection.wake = _nothing
            self._connection.close(codes.GOODBYE, flush=False)
            self._over(self._connection)

    def shutdown(self) -> None:
        """The server ends: whoever was not seen out is told now."""
        if self._is_accepted and not self.close_sent:
            self._say_goodbye(codes.RESTART.code, "", within_s=_FAREWELL_S)
        else:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
        self.transport.close()


def _request_in(data: bytes) -> _Request:
    """Read a request as the server's HTTP hands it on, and check what makes it a handshake (RFC 6455, 4.2.1).

    The server has found ``Connection: upgrade`` and ``Upgrade: websocket`` in it.

    Raises:
        _Unacceptable: it is none.
    """
    first, *lines = data.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, _, rest = first.partition(b" ")
    if method != b"GET":
        raise _Unacceptable(HTTPStatus.METHOD_NOT_ALLOWED)
    headers = [(name.lower(), value) for name, _, value in (line.partition(b": ") for line in lines)]
    key = _only(headers, b"sec-websocket-key")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        is_key = False
    if not is_key or _only(headers, b"sec-websocket-version") != b"13":
        raise _Unacceptable(HTTPStatus.BAD_REQUEST)
    return _Request(rest.rpartition(b" ")[0].decode("latin-1"), headers, accept_key(key.decode("ascii")))


def _only(headers: list[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    """Return the value of a header that is there once; empty otherwise."""
    found = [value for name, value in headers if name == wanted]
    return found[0] if len(found) == 1 else b""


class _Found(NamedTuple):
    """Where a frame's payload begins and where it ends, and its mask; None for a frame without one."""

    payload: int
    end: int
    mask: bytes | None


def _frame_at(data: bytes, begin: int) -> _Found | None:
    """Read the header of a frame (RFC 6455, 5.2); None when not all of it is there."""
    there = len(data) - begin
    if there < 2:
        return None
    masked, size, payload = data[begin + 1] & 0x80, data[begin + 1] & 0x7F, begin + 2
    if size >= 126:
        payload += 2 if size == 126 else 8
        size = int.from_bytes(data[begin + 2 : payload], "big")
    if masked:
        payload += 4
    if payload > len(data):
        return None
    return _Found(payload, payload + size, data[payload - 4 : payload] if masked else None)


def _header(size_bytes: int) -> bytes:
    """Return the header of a whole text frame from a server."""
    if size_bytes < 126:
        return bytes((_TEXT, size_bytes))
    if size_bytes < 65_536:
        return bytes((_TEXT, 126)) + size_bytes.to_bytes(2, "big")
    return bytes((_TEXT, 127)) + size_bytes.to_bytes(8, "big")


def _nothing(*_: object) -> None:
    """Nobody is left to be told."""
