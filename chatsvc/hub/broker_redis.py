"""News through one Redis channel: everything of a loop turn in one message, and on while Redis is away (R16).

Losing Redis is a log line and a counter. While it is away, bells wait (each once, at its highest head) and weather is forgotten. Whether the
line is alive is found out by listening to oneself: every process says something now and then, and must hear it.

Whoever is alone saves the telling: Redis says with each parcel how many listen, and whoever begins to listen says something at once. Until
then bells wait as they do while Redis is away, so that none falls between somebody's coming and our hearing of it. Whoever has no sockets
only tells, always, and names no origin: nobody need tell them anything.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from redis.exceptions import RedisError

from chatsvc.hub import metrics
from chatsvc.hub.broker import News, Parcel, Rung, joined
from chatsvc.keyspace.redis import connect

logger = logging.getLogger(__name__)

_parcels: Final = msgspec.json.Decoder(Parcel)
_encoder: Final = msgspec.json.Encoder()
_LOST: Final = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True, kw_only=True)
class LineRules:
    """Rhythms of the line to Redis, in seconds."""

    # How often a process says something when there is nothing to say, or nobody to say it to.
    alive_s: float = 10.0
    # So long without hearing even oneself means that the line is dead.
    silent_s: float = 25.0
    # Before the next try: at random up to the first, then twice as much, up to the last.
    first_wait_s: float = 0.1
    longest_wait_s: float = 5.0
    # Bells that wait while Redis is away; beyond this the oldest are forgotten, and heartbeats heal that.
    most_waiting: int = 10_000


class RedisBroker:
    """A broker over Redis: one connection that tells, one that listens."""

    def __init__(self, address: str, channel: str, rules: LineRules | None = None, *, listens: bool = True) -> None:
        """Make a broker that is not yet started.

        Args:
            address: where Redis is.
            channel: ``keyspace.keys.news`` of the store.
            rules: rhythms; None for the defaults.
            listens: whether this process wants to hear of others.
        """
        self.on_news: Callable[[Sequence[News]], None] = lambda news: None
        self.on_back: Callable[[], None] = lambda: None
        self._address = address
        self._channel = channel
        self._rules = rules or LineRules()
        self._listens = listens
        self._origin = secrets.token_hex(8) if listens else ""
        # How parcels of one's own begin, so that they need not be read.
        self._own = _encoder.encode([self._origin])[:-1] + b","
        self._waiting: list[News] = []
        # Bells that wait while nobody else listens: topic -> bell.
        self._kept: dict[str, Rung] = {}
        self._something = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # Whether anybody else listens, as far as is known.
        self.is_heard = not listens
        # How many parcels were heard of others who listen.
        self._parcels_heard = 0
        # Whether Redis counts this process among those who listen.
        self._is_counted = False
        # The client library may swallow a cancellation that meets one of its own time-outs; then this ends the loops.
        self._closing = False
        # Whether the last attempt to tell, and to listen, went well.
        self._telling = True
        self._listening = True

    def publish(self, news: Sequence[News]) -> None:
        """Tell everybody else, soon."""
        if not self.is_heard:
            self._keep(news)
        elif news:
            self._waiting.extend(news)
            self._something.set()

    def _keep(self, news: Sequence[News]) -> None:
        """Nobody else listens: bells wait for somebody who comes, weather does not."""
        for each in news:
            if isinstance(each, Rung):
                before = self._kept.get(each.topic)
                self._kept[each.topic] = each.alone() if before is None or before.head <= each.head else before
        if len(self._kept) > self._rules.most_waiting:
            self._something.set()

    async def start(self) -> None:
        """Begin to tell and to listen; returns at once, also when Redis is away."""
        self._tasks = [asyncio.create_task(self._tell_until_closed(), name="broker.tell")]
        if self._listens:
            self._tasks.append(asyncio.create_task(self._listen_until_closed(), name="broker.listen"))

    async def close(self) -> None:
        """Tell what still waits if that is quick, then stop."""
        for _ in range(20):
            if not self._waiting or not self._telling:
                break
            await asyncio.sleep(0.01)
        self._closing = True
        running = {task for task in self._tasks if not task.done()}
        while running:
            # Again, should a library on the way have taken a cancellation for its own time-out.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=0.5)

    # Telling.

    async def _tell_until_closed(self) -> None:
        wait_s = self._rules.first_wait_s
        while not self._closing:
            # A client of its own for every attempt: no reply of a broken one can reach the next (rule 27).
            client = connect(self._address)
            try:
                while not self._closing:
                    await self._tell(client)
                    self._note_telling(True)
                    wait_s = self._rules.first_wait_s
            except _LOST as error:
                self._note_telling(False, error)
            finally:
                await _dispose(client)
            await asyncio.sleep(random.uniform(0, wait_s))
            wait_s = min(2 * wait_s, self._rules.longest_wait_s)

    async def _tell(self, client: Any) -> None:
        """Tell what waits, or after a while that there is nothing."""
        if not self._waiting:
            try:
                async with asyncio.timeout(self._rules.alive_s):
                    await self._something.wait()
            except TimeoutError:
                pass
        # Not before: whoever came while something was being told would be forgotten.
        self._something.clear()
        news, self._waiting, self._kept = joined((*self._kept.values(), *self._waiting)), [], {}
        heard_before = self._parcels_heard
        try:
            hearers = await client.publish(self._channel, _encoder.encode(Parcel(self._origin, news)))
            # Who was heard meanwhile may have come after Redis counted.
            is_heard = hearers > int(self._is_counted) or self._parcels_heard > heard_before
            self.is_heard = is_heard or not self._listens
        except _LOST:
            self._keep_bells(news)
            raise
        metrics.news_out.inc(len(news))

    def _keep_bells(self, news: Sequence[News]) -> None:
        """Redis is away: bells are told later, weather never."""
        waiting = joined([each.alone() for each in (*news, *self._waiting) if isinstance(each, Rung)])
        self._waiting = list(waiting[-self._rules.most_waiting :])
        metrics.news_dropped.inc(len(news) + len(self._waiting) - len(waiting))

    def _note_telling(self, well: bool, error: BaseException | None = None) -> None:
        if well is not self._telling:
            self._telling = well
            _log_line("tell", well, error)

    # Listening.

    async def _listen_until_closed(self) -> None:
        wait_s = self._rules.first_wait_s
        while not self._closing:
            client = connect(self._address, subscribing=True)
            try:
                async for parcel in self._parcels_of(client):
                    wait_s = self._rules.first_wait_s
                    self._take_in(parcel)
            except _LOST as error:
                self._note_listening(False, error)
            finally:
                await _dispose(client)
            await asyncio.sleep(random.uniform(0, wait_s))
            wait_s = min(2 * wait_s, self._rules.longest_wait_s)

    async def _parcels_of(self, client: Any) -> Any:
        """Yield what comes; raises when nothing came for too long, not even one's own word."""
        pubsub = client.pubsub()
        try:
            async with asyncio.timeout(self._rules.silent_s):
                await pubsub.subscribe(self._channel)
            while not self._closing:
                async with asyncio.timeout(self._rules.silent_s):
                    message = await pubsub.get_message(timeout=None)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self._note_listening(True)
                    self._is_counted = True
                    self._something.set()  # the others hear that somebody has come
                    # Whatever was told before this moment was missed.
                    self.on_back()
                elif message["type"] == "message":
                    yield message["data"]
        finally:
            self._is_counted = False
            await pubsub.aclose()

    def _take_in(self, data: bytes) -> None:
        if data.startswith(self._own):
            return
        try:
            parcel = _parcels.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            logger.warning("news_unreadable", extra={"size_bytes": len(data)})
            return
        if parcel.origin:  # else they do not listen
            self._parcels_heard += 1
            if not self.is_heard:
                self.is_heard = True
                self._something.set()
        if not parcel.news:
            return
        metrics.news_in.inc(len(parcel.news))
        try:
            self.on_news(parcel.news)
        except Exception:
            logger.exception("news_failed")

    def _note_listening(self, well: bool, error: BaseException | None = None) -> None:
        if well is self._listening:
            return
        self._listening = well
        (metrics.broker_back if well else metrics.broker_lost).inc()
        _log_line("listen", well, error)


def _log_line(direction: str, well: bool, error: BaseException | None) -> None:
    if well:
        logger.info("broker_back", extra={"direction": direction})
    else:
        logger.warning("broker_lost", extra={"direction": direction, "error": type(error).__name__})


async def _dispose(client: Any) -> None:
    """Give a client back; a line that is broken already may refuse even that."""
    try:
        async with asyncio.timeout(1):
            await client.aclose()
    except _LOST:
        logger.debug("broker_not_disposed")
