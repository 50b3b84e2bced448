"""One socket: what waits to be sent, who is at the other end, and the two loops that move frames (one reader, one writer).

It decides nothing about frames (that is ``peer``) and carries nothing out (that is ``acts``). ``Connection`` awaits nothing, so that the
same one can be driven by ``serve`` below, over any wire, or straight from the callbacks of a network protocol (``direct``).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.hub import codes, metrics
from chatsvc.hub.codes import CloseCode
from chatsvc.hub.frames import AppendFrame, FromClient, FromServer, RefusedFrame, ServerFrame
from chatsvc.hub.outgoing import Outgoing, Put
from chatsvc.hub.peer import Peer, Reply, Shut
from chatsvc.hub.rules import Rules
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import LogId

logger = logging.getLogger(__name__)

_encoder: Final = msgspec.json.Encoder()

# Who carries out what a peer lets through.
Perform = Callable[["Connection", FromClient], None]


def encode(frame: ServerFrame | FromServer) -> bytes:
    """Return a frame as it goes over the wire."""
    return _encoder.encode(frame)


class Gone(Exception):
    """The connection was closed while somebody waited for room in it."""


class Connection:
    """One client's socket, without the socket. Thousands sit there idle, so that it holds no more than it needs."""

    __slots__ = (
        "_now", "_perform", "_room", "_tasks", "abandoned", "closing", "deaf", "identity", "logs", "outgoing", "peer", "rules",
        "unsent_entries", "views", "waiting", "wake",
    )  # fmt: skip

    def __init__(self, identity: Identity, rules: Rules, *, perform: Perform, now: Callable[[], float]) -> None:
        """Make a connection for a person.

        Args:
            identity: who signed in.
            rules: its limits.
            perform: carries out what the peer lets through.
            now: the monotonic clock, in seconds.
        """
        self.identity = identity
        self.rules = rules
        self.peer = Peer(identity, rules, now())
        self.outgoing = Outgoing(rules.staff_queue_bytes if identity.is_staff else rules.customer_queue_bytes)
        # Set once, by ``close``: why, and the reason as sent. None while open.
        self.closing: tuple[CloseCode, str] | None = None
        # Set by a close without a flush: even the frame on its way out is given up.
        self.abandoned = False
        # From a restart on: what comes is left unread, what waits still goes out.
        self.deaf = False
        # Logs and pictures that it follows, kept by those who deliver them.
        self.logs: set[LogId] = set()
        self.views: set[tuple[str, str]] = set()
        # Called when there is something to send, or when ``closing`` was set; whoever drives the connection sets it.
        self.wake: Callable[[], None] = _nothing
        # Entries that wait for a question to another room; while there are any, later ones wait behind them.
        self.unsent_entries: list[AppendFrame] = []
        # Wishes that wait for an answer of the database.
        self.waiting = 0
        self._perform = perform
        self._now = now
        self._tasks: list[asyncio.Task[None]] = []
        self._room: list[asyncio.Future[None]] = []

    @property
    def is_open(self) -> bool:
        """Whether frames still come and go."""
        return self.closing is None

    def receive(self, data: str | bytes) -> None:
        """Take a frame of the client in."""
        if self.deaf or self.closing is not None:
            return
        for effect in self.peer.receive(data, self._now()):
            if isinstance(effect, Reply):
                self.push(encode(effect.frame))
            elif isinstance(effect, Shut):
                self.close(effect.code)
            else:
                self._carry_out(effect)

    def _carry_out(self, frame: FromClient) -> None:
        ref = getattr(frame, "ref", None)
        try:
            self._perform(self, frame)
        except Refused as error:
            self.refuse(ref, error)
        except Exception:
            self.fail(ref)

    def send(self, frame: ServerFrame) -> None:
        """Queue a frame that must arrive."""
        self.push(encode(frame))

    def push(self, data: bytes) -> None:
        """Queue an encoded frame that must arrive; when there is no room for it, the reader is too slow."""
        if self.closing is not None:
            return
        if self.outgoing.put(data) is Put.OVERFLOWED:
            self.close(codes.SLOW_READER, flush=False)
            return
        self.wake()

    def push_latest(self, key: Hashable, data: bytes, *, weather: bool = False) -> None:
        """Queue an encoded frame that replaces an older one of the same key; weather is dropped when there is no room."""
        if self.closing is not None:
            return
        put = self.outgoing.put_latest(key, data, weather=weather)
        if put is Put.DROPPED:
            metrics.weather_dropped.inc()
        elif put is Put.OVERFLOWED:
            self.close(codes.SLOW_READER, flush=False)
        else:
            self.wake()

    def refuse(self, ref: int | None, error: Refused) -> None:
        """Answer a wish with the code of a refusal."""
        retry_after = codes.retry_after_of(error, self.rules.retry_s)
        opens_at = codes.opens_at_of(error)
        self.refuse_with(ref, codes.code_of(error), retry_after=retry_after, opens_at=opens_at, key=error.key)

    def refuse_with(
        self,
        ref: int | None,
        code: str,
        *,
        retry_after: float | None = None,
        opens_at: datetime | None = None,
        key: str = "",
    ) -> None:
        """Answer a wish with a code of the published table."""
        correlation = codes.correlation()
        metrics.refused_frames.labels(code).inc()
        facts = {"code": code, "key": key or code, "correlation": correlation, "person": self.identity.person}
        logger.info("wish_refused", extra=facts)
        self.send(RefusedFrame(ref, code, correlation, retry_after, opens_at))

    def fail(self, ref: int | None) -> None:
        """Answer for an exception that nobody expected: its text goes to the log, a code and a correlation id to the client (T1)."""
        correlation = codes.correlation()
        metrics.refused_frames.labels("internal").inc()
        logger.exception("wish_failed", extra={"correlation": correlation, "person": self.identity.person})
        self.send(RefusedFrame(ref, "internal", correlation))

    def ask(self, ref: int | None, question: Coroutine[Any, Any, None]) -> None:
        """Carry out a wish that must wait for the database; at most so many at a time. It is not cancelled when the client goes."""
        if self.waiting >= self.rules.most_waiting:
            question.close()
            self.refuse_with(ref, "frame.too_many_waiting", retry_after=self.rules.retry_s)
            return
        self.waiting += 1
        task = asyncio.create_task(self._answer(ref, question))
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)

    async def _answer(self, ref: int | None, question: Coroutine[Any, Any, None]) -> None:
        try:
            await question
        except Refused as error:
            self.refuse(ref, error)
        except Gone:
            pass
        except Exception:
            self.fail(ref)
        finally:
            self.waiting -= 1

    def pop(self) -> bytes | None:
        """Take the next frame to send; None when there is none at present."""
        data = self.outgoing.pop()
        if self._room and self.outgoing.waiting_bytes <= self.outgoing.most_bytes // 2:
            self._let_in()
        return data

    def pop_all(self) -> list[bytes]:
        """Take everything that waits to be sent, in order."""
        frames = self.outgoing.pop_all()
        if self._room:
            self._let_in()
        return frames

    async def room(self) -> None:
        """Wait until half of the queue is free: who sends much sends it bit by bit.

        Raises:
            Gone: the connection was closed, or the reader took nothing for so long that it is closed now.
        """
        if self.closing is None and self.outgoing.waiting_bytes <= self.outgoing.most_bytes // 2:
            return
        if self.closing is None:
            free: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room.append(free)
            try:
                async with asyncio.timeout(self.rules.send_s):
                    await free
            except TimeoutError:
                self.close(codes.SLOW_READER, flush=False)
        if self.closing is not None:
            raise Gone

    def close(self, code: CloseCode, *, reason: str = "", flush: bool = True) -> None:
        """Close with a code; what waits is sent before unless ``flush`` is False. The first close decides."""
        if self.closing is not None:
            return
        self.closing = (code, reason or code.name)
        if not flush:
            self.abandoned = True
            self.outgoing.clear()
        self._let_in()
        self.unsent_entries.clear()
        metrics.closed.labels(str(code.code)).inc()
        self.wake()

    def _let_in(self) -> None:
        waiting, self._room = self._room, []
        for free in waiting:
            if not free.done():
                free.set_result(None)


def _nothing() -> None:
    """Nobody drives the connection."""


class Wire(Protocol):
    """A WebSocket that can be awaited."""

    async def receive(self) -> str | bytes | None:
        """Return the next frame, ``bytes`` for a binary one; None when the client is gone."""
        ...

    async def send(self, data: bytes) -> None:
        """Send one text frame; returns when the network has taken it, raises ConnectionError when the client is gone."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close."""
        ...


async def serve(connection: Connection, wire: Wire) -> None:
    """Drive a connection over a wire until either side closes: one reader, one writer, and nobody else awaits the wire."""
    something = asyncio.Event()
    reader = asyncio.create_task(_read(connection, wire))
    writer = asyncio.create_task(_write(connection, wire, something))

    def wake() -> None:
        something.set()
        if connection.abandoned:
            writer.cancel()  # it may be stuck in a frame that nobody reads

    connection.wake = wake
    wake()
    try:
        await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
        # The reader ends when the client is gone; the writer when there is nothing more to say.
        client_is_there = not reader.done()
        connection.close(codes.GOODBYE, flush=False)
    finally:
        connection.wake = _nothing
        reader.cancel()
        writer.cancel()
        for end in await asyncio.gather(reader, writer, return_exceptions=True):
            if isinstance(end, Exception):
                logger.error("connection_failed", exc_info=end, extra={"person": connection.identity.person})
    if client_is_there and connection.closing is not None:
        await _say_farewell(wire, *connection.closing, within_s=connection.rules.farewell_s)


async def _say_farewell(wire: Wire, code: CloseCode, reason: str, *, within_s: float) -> None:
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(within_s):
            await wire.close(code.code, reason)


async def _read(connection: Connection, wire: Wire) -> None:
    while (data := await wire.receive()) is not None:
        connection.receive(data)


async def _write(connection: Connection, wire: Wire, something: asyncio.Event) -> None:
    """Send what waits until the connection is closing and nothing waits any more; every frame has its deadline."""
    loop = asyncio.get_running_loop()
    try:
        while connection.closing is None or connection.outgoing:
            await something.wait()
            something.clear()
            async with asyncio.timeout(connection.rules.send_s) as deadline:
                while (data := connection.pop()) is not None:
                    await wire.send(data)
                    metrics.frames_out.inc()
                    deadline.reschedule(loop.time() + connection.rules.send_s)
    except TimeoutError:
        connection.close(codes.SLOW_READER, flush=False)
    except ConnectionError:
        connection.close(codes.GOODBYE, flush=False)
