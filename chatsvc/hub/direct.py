"""A server protocol that, after the handshake, drives a connection straight from the network's callbacks (performance, section 3 rule 2).

Handshake, Origin and sign-in stay in Starlette. Then ``attach`` hands the socket over: frames go from ``data_received`` to the peer without a
queue, a task or an await, what waits to be sent leaves in one write per turn of the loop, and everything that only the handshake needed is
freed. Start the server with ``--ws chatsvc.hub.direct:HubProtocol``; on any other server the hub runs over ``wire_asgi`` instead.
"""

import asyncio
from typing import Any, Final, NamedTuple

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, apply_mask  # type: ignore[attr-defined]  # the fast one where it could be built

from chatsvc.hub import codes, metrics
from chatsvc.hub.connection import Connection
from chatsvc.hub.hub import DIRECT

_TEXT: Final = 0x81  # the first byte of a text in one frame


class HubProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which can be taken over by a connection of the hub."""

    _connection: Connection | None = None
    # The beginning of a frame that has not come whole.
    _unread = b""
    _flush_is_due = False
    _deadline: asyncio.TimerHandle | None = None
    _over: "asyncio.Future[None] | None" = None

    def handle_connect(self, event: Any) -> None:
        """Answer the handshake; the scope offers to be taken over."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][DIRECT] = self.attach  # type: ignore[assignment]  # extensions hold what servers like

    def attach(self, connection: Connection) -> "asyncio.Future[None]":
        """Take over for a connection, after the accept; the answer is done when the socket is gone."""
        self._over = self.loop.create_future()
        if self.disconnected:
            self._over.set_result(None)
            return self._over
        self._connection = connection
        self.stop_keepalive()  # heartbeats are frames of the protocol
        connection.wake = self._wake
        self._wake()
        while not self.queue.empty():  # a frame that came together with the handshake
            self._take_in(self.queue.get_nowait())
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        return self._over

    def _take_in(self, message: Any) -> None:
        if message["type"] == "websocket.receive" and self._connection is not None:
            text = message.get("text")
            self._connection.receive(text if text is not None else message["bytes"])

    # What comes.

    def data_received(self, data: bytes) -> None:
        """Take bytes in: a text in one frame, which is what people send, is read here, and every other kind by the library.

        The library is given whole frames only, so that between two of them it stands at a beginning.
        """
        if not self.handshake_initiated:
            super().data_received(data)
            return
        if self._unread:
            data, self._unread = self._unread + data, b""
        begin = 0
        while begin < len(data):
            found = _frame_at(data, begin)
            if found is not None and found.end - found.payload > self.config.ws_max_size:
                super().data_received(data[begin:])  # which closes, because it is too large
                return
            if found is None or found.end > len(data):
                self._unread = data[begin:]
                return
            if data[begin] == _TEXT and found.mask is not None and self._may_read_it():
                self._take_text(apply_mask(data[found.payload : found.end], found.mask))
            else:
                super().data_received(data[begin : found.end])
            begin = found.end

    def _may_read_it(self) -> bool:
        """Whether a connection listens and no message in pieces is under way."""
        return self._connection is not None and not self.close_sent and not self.conn.expect_continuation_frame

    def send_receive_event_to_app(self) -> None:
        """Hand a whole message on."""
        if self._connection is None:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.curr_msg_data_type != "text":
            self._connection.receive(bytes(data))
            return
        self._take_text(bytes(data))

    def _take_text(self, data: bytes) -> None:
        assert self._connection is not None
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.conn.send_close(1007)
            self._leave_with(self.conn.data_to_send())
            return
        self._connection.receive(text)

    def handle_close(self, event: Frame) -> None:
        """The client says goodbye, or answers ours."""
        if self._connection is None:
            super().handle_close(event)
            return
        self._leave_with(self.conn.data_to_send())

    def handle_parser_exception(self) -> None:
        """Something that is no WebSocket, or too large."""
        if self._connection is None:
            super().handle_parser_exception()
            return
        self._leave_with(self.conn.data_to_send())

    def _leave_with(self, output: list[bytes]) -> None:
        self.transport.write(b"".join(output))
        self.close_sent = True
        self.transport.close()
        self._abort_within(2.0)

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
        if self.writable.is_set():
            pieces: list[bytes] = []
            while (data := connection.pop()) is not None:
                pieces += (_header(len(data)), data)
            if pieces:
                metrics.frames_out.inc(len(pieces) // 2)
                self.transport.write(b"".join(pieces))
        if connection.closing is not None and not connection.outgoing:
            self._say_farewell(connection)

    def _say_farewell(self, connection: Connection) -> None:
        assert connection.closing is not None
        code, reason = connection.closing
        self.conn.send_close(code.code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        # Whoever does not answer in time is cut off, and so is whoever does not even read.
        self._abort_within(connection.rules.farewell_s)

    def pause_writing(self) -> None:
        """The network takes no more: what waits, waits in the connection's own bounded queue."""
        super().pause_writing()
        if self._connection is not None and self._deadline is None:
            self._deadline = self.loop.call_later(self._connection.rules.send_s, self._give_up)

    def resume_writing(self) -> None:
        """The network takes again."""
        super().resume_writing()
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
        super().connection_lost(exc)
        if self._connection is not None:
            self._connection.wake = _nothing
            self._connection.close(codes.GOODBYE, flush=False)
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    async def run_asgi(self) -> None:
        """Run the handshake's application; a socket that was taken over outlives it."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application")
            self.send_500_response()
        if self._connection is not None:
            self._free_the_handshake()
            return
        if not self.handshake_complete:
            self.send_500_response()
        if self.close_timer is None:
            self.transport.close()

    def _free_the_handshake(self) -> None:
        """Headers, scope and response are most of what an idle socket would keep."""
        del self.scope, self.request, self.response


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


def _nothing() -> None:
    """Nobody is left to be woken."""
