"""Who is here, in this process: takes sockets in, knows every connection, keeps them alive, and sees everybody out.

What it deliberately does not do: decide what a person may see or do (that is asked of ``doors``), move entries or pictures (``following``,
``pictures``), or speak to other processes (``broker``).
"""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from starlette.websockets import WebSocket

from chatsvc.accounts.model import Identity
from chatsvc.db.uow import Bell
from chatsvc.hub import codes, metrics
from chatsvc.hub.acts import Acts
from chatsvc.hub.broker import Broker, News, Rung, as_news, as_told
from chatsvc.hub.codes import CloseCode
from chatsvc.hub.connection import Connection, encode, serve
from chatsvc.hub.doors import Doors
from chatsvc.hub.following import Following
from chatsvc.hub.frames import ServerBeat, Welcome
from chatsvc.hub.gathered import Gathered
from chatsvc.hub.handshake import Gate
from chatsvc.hub.longpoll import LongPoll
from chatsvc.hub.pictures import Key, Pictures
from chatsvc.hub.presence import Presence
from chatsvc.hub.rules import Rules
from chatsvc.hub.turns import Turns
from chatsvc.hub.weather import Weather
from chatsvc.hub.wire_asgi import AsgiWire
from chatsvc.kernel.clock import Clock
from chatsvc.kernel.errors import NotFound, Refused, Unavailable
from chatsvc.kernel.ids import LogId, PersonId, SessionId
from chatsvc.tickets.logbook import Written

logger = logging.getLogger(__name__)

# Offered in the scope's extensions by a server that can hand its sockets over (``direct``); takes the connection, and whom to tell of its end.
DIRECT = "holdline.attach"
_QUIET_BEAT = encode(ServerBeat({}))
# Sessions that are asked for in one read, at most.
_ASKED_AT_ONCE = 250
# How finely the end of a drain is watched.
_LOOK_S = 0.01


class Hub:
    """The sockets of one process."""

    def __init__(
        self,
        doors: Doors,
        broker: Broker,
        *,
        store: str,
        clock: Clock,
        gate: Gate,
        rules: Rules | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a hub that is not yet started.

        Args:
            doors: the rooms below.
            broker: the way to other processes; started and closed by the hub.
            store: the store's epoch (``db.store_facts.epoch``).
            clock: for the moment in ``welcome``.
            gate: which handshakes are taken.
            rules: limits and rhythms; None for the defaults.
            now: the monotonic clock, in seconds.
        """
        self.rules = rules or Rules()
        self.gate = gate
        self._doors = doors
        self._broker = broker
        # The store's epoch, for whoever resumes by other means than a socket.
        self.store = store
        self._clock = clock
        self._now = now
        self._following = Following(doors.logs, self.rules, now=now)
        # In which everything that many wish at once has its share of the loop.
        self.turns = Turns()
        self._pictures = Pictures(doors.reading, self.rules, self.turns, now=now)
        self._presence = Presence(doors.deeds, self._pictures)
        self._weather = Weather(doors.logs, self._following, broker.publish)
        self._acts = Acts(
            doors, self._following, self._pictures, self._presence, self._weather, store=store, rules=self.rules
        )
        self._following.on_event = self._pictures.touch_log
        # Waits for entries without a socket; the REST twin stands on it.
        self.long_poll = LongPoll(self._following, self.rules)
        self._sign_ins = Gathered(doors.sessions.identify_all, most=_ASKED_AT_ONCE)
        self._people: dict[PersonId, set[Connection]] = {}
        self._connections: set[Connection] = set()
        # Handshakes that have not come to an end.
        self._knocking = 0
        # When each connection is next due for a heartbeat, and for the question after its session; soonest first.
        self._beats: deque[tuple[float, Connection]] = deque()
        self._rechecks: deque[tuple[float, Connection]] = deque()
        self._duties: set[asyncio.Task[None]] = set()
        self._questions: set[asyncio.Task[None]] = set()
        self._started = False
        self._draining = False

    # Beginning and end.

    @property
    def ready(self) -> bool:
        """Whether new connections are welcome: False before ``start`` and from ``drain`` on."""
        return self._started and not self._draining

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to beat, to renew presence and to listen for news."""
        self._broker.on_news = self._hear
        self._broker.on_back = self._compare_everything
        await self._broker.start()
        rules = self.rules
        for name, every_s, duty in (
            ("beats", min(1.0, rules.beat_s / 4), self.beat),
            ("rechecks", min(1.0, rules.recheck_s / 4), self.recheck),
            ("marks", rules.marks_s, self._weather.store_marks),
            ("desks", rules.desks_s, self._presence.renew_desks),
            ("places", rules.places_s, self._presence.renew_places),
            ("sweep", rules.sweep_s, self._sweep),
        ):
            self._duties.add(asyncio.create_task(self._every(name, every_s, duty), name=f"hub.{name}"))
        self._started = True

    async def drain(self) -> None:
        """See everybody out: not ready, finish commits, close with 1012 and a spread hint; done within 10 seconds (R19)."""
        if self._draining:
            return
        self._draining = True
        ends_at = asyncio.get_running_loop().time() + self.rules.drain_s
        logger.info("hub_draining", extra={"connections": self.connections})
        for connection in self._connections:
            connection.deaf = True
        await self._until(lambda: not self._is_busy(), ends_at - 2 * self.rules.farewell_s)
        await self._last_marks()
        self._following.wake_all()
        for connection in tuple(self._connections):
            # Not a secret, only a spread.
            hint_s = random.uniform(0, self.rules.spread_s)
            connection.close(codes.RESTART, reason=f"retry_after={hint_s:.1f}")
        await self._until(lambda: not self._connections, ends_at)
        logger.info("hub_drained", extra={"left": self.connections})

    async def close(self) -> None:
        """Drain if that has not happened, then stop everything that ``start`` began."""
        await self.drain()
        for duty in self._duties:
            duty.cancel()
        await asyncio.gather(*self._duties, *self._questions, return_exceptions=True)
        await self._sign_ins.close()
        await self._presence.close()
        await self._pictures.close()
        await self._following.close()
        await self._broker.close()

    def _is_busy(self) -> bool:
        return self._acts.uncommitted > 0 or any(connection.waiting for connection in self._connections)

    async def _until(self, quiet: Callable[[], bool], ends_at: float) -> None:
        # Commits, wishes and sockets end in three rooms; looking at them is simpler than three events, and happens once in a life.
        while not quiet() and asyncio.get_running_loop().time() < ends_at:  # noqa: ASYNC110 - see above
            await asyncio.sleep(_LOOK_S)

    async def _last_marks(self) -> None:
        try:
            await self._weather.store_marks()
        except Refused as error:
            logger.warning("marks_lost", extra={"reason": error.key})

    async def _every(self, name: str, every_s: float, duty: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await duty()
            except Refused as error:
                metrics.duties_failed.labels(name).inc()
                logger.warning("duty_postponed", extra={"duty": name, "reason": error.key})
            except Exception:
                metrics.duties_failed.labels(name).inc()
                logger.exception("duty_failed", extra={"duty": name})

    # News.

    def ring(self, bells: Sequence[Bell]) -> None:
        """Hear the bells of a unit of work that this process has committed: assign it to ``Database.publish``."""
        news = as_news(bells)
        self._hear(news)
        self._broker.publish(news)

    def stored(self, written: Sequence[Written]) -> None:
        """Deliver what this process has just committed: assign it to ``LogBook.on_stored``."""
        try:
            self._following.stored(written)
        except Exception:
            # The entries are committed; heartbeats bring them. The committer must go on.
            logger.exception("delivery_failed", extra={"entries": len(written)})
        self._broker.publish(as_told(written, self.rules.most_told_bytes))

    def _hear(self, news: Sequence[News]) -> None:
        for each in news:
            try:
                if isinstance(each, Rung):
                    self._hear_bell(each)
                else:
                    self._weather.heard(each)
            except Exception:
                logger.exception("news_failed")

    def _hear_bell(self, bell: Rung) -> None:
        kind, _, name = bell.topic.partition(":")
        if kind == "log":
            self._following.told(LogId(name), bell.entries)
            self._following.heard(LogId(name), bell.head)
        elif kind in ("visit", "desk"):
            self._pictures.touch(Key(kind, name))
        elif kind == "line":
            self._pictures.touch_line(name)
        elif kind == "person" and name in self._people:
            self._ask(self._recheck_person(PersonId(name)))

    def _compare_everything(self) -> None:
        """News may have been lost: ask once how far all open logs are, and read all pictures again (R16)."""
        self._pictures.touch_all()
        self._ask(self._following.compare(self._following.all_logs()))

    async def _sweep(self) -> None:
        self._pictures.touch_lines_and_desks()

    def _ask(self, question: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._answer(question))
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _answer(self, question: Coroutine[Any, Any, None]) -> None:
        try:
            await question
        except Refused as error:
            logger.warning("question_unanswered", extra={"reason": error.key})
        except Exception:
            logger.exception("question_failed")

    # Taking in and seeing out.

    async def endpoint(self, websocket: WebSocket) -> None:
        """Serve one socket: ``WebSocketRoute("/ws", hub.endpoint)``.

        A foreign Origin is refused with HTTP 403 before the handshake is complete. Everything else that keeps somebody out is said with a
        close code right after it, because a browser does not let its page read the status of a failed handshake.
        """
        if not self.gate.admits(websocket.headers):
            metrics.refused_connections.labels("origin").inc()
            await websocket.close()
            return
        self._knocking += 1
        try:
            identity = await self._let_in(websocket)
        finally:
            self._knocking -= 1
        if identity is None:
            return
        connection = self.admit(identity)
        attach = websocket.scope.get("extensions", {}).get(DIRECT)
        if attach is not None:
            # From here on the server's own protocol drives the connection, and nothing of the handshake is kept.
            attach(connection, self._gone)
            return
        try:
            await serve(connection, AsgiWire(websocket))
        finally:
            self.leave(connection)

    async def _let_in(self, websocket: WebSocket) -> Identity | None:
        """Return who is at the door, with the handshake complete; None when they were turned away."""
        identity, refusal = await self._ask_who(websocket)
        if identity is not None and refusal is None:
            await websocket.accept()
            return identity
        code, hint_s = refusal or (codes.SIGNED_OUT, None)
        metrics.refused_connections.labels(code.name).inc()
        # Not a secret, only a spread.
        reason = code.name if hint_s is None else f"retry_after={random.uniform(0.5, 1) * hint_s:.1f}"
        await websocket.accept()
        await websocket.close(code.code, reason)
        return None

    async def _ask_who(self, websocket: WebSocket) -> tuple[Identity | None, tuple[CloseCode, float | None] | None]:
        """Return who is at the door, and with which code and hint in seconds they are turned away; None when they are let in."""
        if not self.ready:
            return None, (codes.RESTART, self.rules.spread_s)
        if self.connections + self._knocking > self.rules.most_connections:
            return None, (codes.TRY_LATER, self.rules.spread_s)
        try:
            identity = await self._identify(websocket.cookies.get(self.gate.cookie, ""))
        except (Unavailable, TimeoutError):
            return None, (codes.TRY_LATER, self.rules.retry_s)
        if identity is None:
            return None, (codes.SIGNED_OUT, None)
        if len(self._people.get(identity.person, ())) >= self.rules.most_per_person:
            return identity, (codes.TRY_LATER, self.rules.spread_s)
        return identity, None

    async def _identify(self, token: str) -> Identity | None:
        if not token:
            return None
        # Not cut off when it takes too long: the query ends by itself, only nobody waits for it (promises, rule 27).
        question = asyncio.ensure_future(self._sign_ins.ask(token))
        done, _ = await asyncio.wait((question,), timeout=self.rules.sign_in_s)
        if not done:
            raise TimeoutError
        return question.result()

    def admit(self, identity: Identity) -> Connection:
        """Take a signed-in person's connection in and greet it; whoever drives it calls ``leave`` in the end."""
        connection = Connection(identity, self.rules, perform=self._acts.perform, now=self._now)
        self._connections.add(connection)
        self._people.setdefault(identity.person, set()).add(connection)
        self._beats.append((self._now() + self.rules.beat_s, connection))
        self._rechecks.append((self._now() + self.rules.recheck_s, connection))
        metrics.opened.inc()
        metrics.connections.labels(_side(identity)).inc()
        logger.debug("connection_opened", extra={"person": identity.person, "session": identity.session})
        connection.send(
            Welcome(identity.person, identity.name, identity.role, self.store, self.rules.beat_s, self._clock.now())
        )
        return connection

    def _gone(self, connection: Connection) -> None:
        """A socket that was handed over has ended; when thousands have, others have their turns in between."""
        self.turns.soon(partial(self.leave, connection))

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        connection.close(codes.GOODBYE, flush=False)
        self._connections.discard(connection)
        theirs = self._people.get(connection.identity.person, set())
        theirs.discard(connection)
        if not theirs:
            self._people.pop(connection.identity.person, None)
        for log in tuple(connection.logs):
            self._following.leave(connection, log)
        self._pictures.leave(connection)
        metrics.connections.labels(_side(connection.identity)).dec()
        code = connection.closing[0].code if connection.closing else 0
        # One who just goes is worth no more than one who comes; whom we closed may be asked about.
        level = logging.DEBUG if code == codes.GOODBYE.code else logging.INFO
        logger.log(level, "connection_closed", extra={"person": connection.identity.person, "code": code})

    # Heartbeats and sessions.

    async def beat(self) -> None:
        """Send the heartbeats that are due, with what the store says about the logs that they name (R5); close who is silent (R6)."""
        due = self._take_due(self._beats, self.rules.beat_s)
        if not due:
            return
        now = self._now()
        longest_s = self.rules.beat_s * (self.rules.missed_beats + 0.2)
        for connection in due:
            if connection.peer.silent_for(now) > longest_s:
                connection.close(codes.BEAT_MISSED, flush=False)
        try:
            await self._following.compare({log for connection in due for log in connection.logs})
        finally:
            for connection in due:
                self._send_beat(connection)

    def _send_beat(self, connection: Connection) -> None:
        heads: dict[str, int] = {}
        for log in connection.logs:
            subscription = self._following.subscription(connection, log)
            if subscription is not None and subscription.reach is not None:
                heads[log] = subscription.follow.head
        connection.push_latest("beat", encode(ServerBeat(heads)) if heads else _QUIET_BEAT, weather=True)

    async def recheck(self) -> None:
        """Ask again for the sessions that were not asked for in the last minute (T7)."""
        due = self._take_due(self._rechecks, self.rules.recheck_s)
        for begin in range(0, len(due), _ASKED_AT_ONCE):
            await self._recheck(due[begin : begin + _ASKED_AT_ONCE])

    def _take_due(self, schedule: deque[tuple[float, Connection]], every_s: float) -> list[Connection]:
        now = self._now()
        due: list[Connection] = []
        while schedule and schedule[0][0] <= now:
            _, connection = schedule.popleft()
            if connection.is_open:
                due.append(connection)
                schedule.append((now + every_s, connection))
        return due

    async def _recheck(self, connections: Sequence[Connection]) -> None:
        in_use: dict[SessionId, bool] = {}
        for connection in connections:
            session = connection.identity.session
            in_use[session] = connection.peer.acted() or in_use.get(session, False)
        now = await self._doors.sessions.still_in_all(in_use)
        for connection in connections:
            before, identity = connection.identity, now.get(connection.identity.session)
            if identity is None:
                metrics.sessions_ended.inc()
                connection.close(codes.SIGNED_OUT, flush=False)
            elif (identity.role, identity.company) != (before.role, before.company):
                connection.close(codes.CHANGED, flush=False)

    async def _recheck_person(self, person: PersonId) -> None:
        """A bell said that somebody's session or rights have changed: find out, and close what is no longer theirs (R21)."""
        for connection in tuple(self._people.get(person, ())):
            try:
                await self._recheck((connection,))
                for log in tuple(connection.logs):
                    await self._doors.reading.reach(connection.identity, log)
            except NotFound:
                connection.close(codes.CHANGED, flush=False)
            except Unavailable:
                asyncio.get_running_loop().call_later(self.rules.retry_s, self._hear_bell, Rung(f"person:{person}", 0))
                return


def _side(identity: Identity) -> str:
    return "staff" if identity.is_staff else "customer"
