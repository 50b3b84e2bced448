"""Who follows which log, and how entries reach them: in order, without a gap, each encoded once (R3, R4, R5).

An entry that this process commits goes to its followers at once. A bell from elsewhere only says how far a log is; what follows is fetched,
from the ring of recent entries or by one shared read. Nothing here asks whether somebody may read a log: that was answered before.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from chatsvc.hub import codes, metrics
from chatsvc.hub.connection import Connection, Gone, encode
from chatsvc.hub.doors import Logs
from chatsvc.hub.follow import Follow
from chatsvc.hub.frames import Entries
from chatsvc.hub.ring import Ring, size_of
from chatsvc.hub.rules import Rules
from chatsvc.hub.shared_reads import SharedReads
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import LogId, PersonId
from chatsvc.tickets.logbook import Opening, Written
from chatsvc.tickets.model import Entry, Kind
from chatsvc.tickets.queries import LogReach

logger = logging.getLogger(__name__)

_WORDS: Final = (Kind.MESSAGE.value, Kind.NOTE.value)


class Subscription:
    """One connection's place in one log."""

    __slots__ = ("connection", "follow", "live", "reach")

    def __init__(self, connection: Connection, after: int) -> None:
        self.connection = connection
        self.follow = Follow(after, 0)
        # False while a catch-up runs: then that alone hands entries on.
        self.live = False
        # What the connection's person may do here; None until it was asked.
        self.reach: LogReach | None = None


class Topic:
    """A log that somebody in this process follows or waits for."""

    __slots__ = ("head", "log", "seen", "seen_is_read", "subscriptions", "waiters")

    def __init__(self, log: LogId) -> None:
        self.log = log
        # The highest number heard of.
        self.head = 0
        self.subscriptions: dict[Connection, Subscription] = {}
        # Long polls, which want to know that there is something new.
        self.waiters: list[asyncio.Future[None]] = []
        # How far each person has seen it: what was heard, and from ``seen_is_read`` on also what is stored.
        self.seen: dict[PersonId, int] = {}
        self.seen_is_read = False


class Following:
    """The logs that are followed in this process."""

    def __init__(self, logs: Logs, rules: Rules, *, now: Callable[[], float]) -> None:
        self._logs = logs
        self._rules = rules
        self._topics: dict[LogId, Topic] = {}
        self._ring = Ring()
        self._reads = SharedReads(logs.since, gap_s=rules.read_gap_s, most=rules.most_reads, now=now)
        self._chases: set[asyncio.Task[None]] = set()
        # Called with a log in which something other than words happened: pictures that show it may have changed.
        self.on_event: Callable[[LogId], None] = lambda log: None

    # Who follows.

    def topic(self, log: LogId) -> Topic | None:
        """Return a log that is followed; None when nobody here follows it."""
        return self._topics.get(log)

    def subscription(self, connection: Connection, log: LogId) -> Subscription | None:
        """Return a connection's place in a log; None when it does not follow it."""
        topic = self._topics.get(log)
        return topic.subscriptions.get(connection) if topic else None

    def all_logs(self) -> tuple[LogId, ...]:
        """Return every log that is followed."""
        return tuple(self._topics)

    def join(self, connection: Connection, log: LogId, after: int) -> Subscription:
        """Begin to follow a log after a number; not yet live. An older place of this connection in it ends."""
        topic = self._topics.setdefault(log, Topic(log))
        subscription = topic.subscriptions[connection] = Subscription(connection, after)
        subscription.follow.hear(topic.head)
        connection.logs.add(log)
        return subscription

    def leave(self, connection: Connection, log: LogId) -> None:
        """Stop following a log."""
        connection.logs.discard(log)
        topic = self._topics.get(log)
        if topic is not None:
            topic.subscriptions.pop(connection, None)
            self._forget_if_idle(topic)

    def end(self, subscription: Subscription, log: LogId) -> None:
        """Stop following a log, unless the connection has begun anew in the meantime."""
        if self.subscription(subscription.connection, log) is subscription:
            self.leave(subscription.connection, log)

    def _forget_if_idle(self, topic: Topic) -> None:
        if not topic.subscriptions and not topic.waiters:
            self._topics.pop(topic.log, None)

    # What is new.

    def stored(self, written: Sequence[Written]) -> None:
        """Hand on what this process has committed, in the order of the commit."""
        runs: dict[LogId, list[Entry]] = {}
        for log, entry in written:
            runs.setdefault(log, []).append(entry)
        for log, entries in runs.items():
            self._ring.add(log, entries)
            topic = self._topics.get(log)
            if topic is not None:
                self._hand_on(topic, entries)
                self._notice_events(log, entries)

    def told(self, log: LogId, entries: Sequence[Entry]) -> None:
        """Take in what another process has committed: handed on to whoever stands right before it; whoever does not reads the log."""
        topic = self._topics.get(log)
        if topic is None or not entries or entries[-1].number <= topic.head:
            return
        # What comes in one parcel would otherwise be kept as long as any of it.
        own = tuple(msgspec.structs.replace(entry, body=entry.body.copy()) for entry in entries)
        self._ring.add(log, own)
        self._hand_on(topic, own)
        self._notice_events(log, own)

    def heard(self, log: LogId, head: int) -> bool:
        """Take a bell in: log is at ``head``. Return whether that was news to a follower."""
        topic = self._topics.get(log)
        if topic is None or head <= topic.head:
            return False
        topic.head = head
        for subscription in tuple(topic.subscriptions.values()):
            if subscription.follow.hear(head) and subscription.live:
                self._chase(topic, subscription)
        self._wake(topic)
        return True

    async def compare(self, logs: Iterable[LogId]) -> None:
        """Ask the store how far logs are, and catch up where a bell was lost (R5)."""
        followed = [log for log in logs if log in self._topics]
        if not followed:
            return
        for log, head in (await self._logs.heads(followed)).items():
            if self.heard(log, head):
                metrics.heads_healed.inc()

    def _hand_on(self, topic: Topic, entries: Sequence[Entry]) -> None:
        topic.head = max(topic.head, entries[-1].number)
        whole: bytes | None = None
        for subscription in tuple(topic.subscriptions.values()):
            follow = subscription.follow
            if not subscription.live:
                follow.hear(topic.head)
                continue
            part = follow.take(entries)
            if part is entries:
                whole = whole or encode(Entries(topic.log, tuple(entries)))
                subscription.connection.push(whole)
            elif part:
                subscription.connection.push(encode(Entries(topic.log, tuple(part))))
            if follow.behind:
                metrics.gaps_repaired.inc()
                self._chase(topic, subscription)
        self._wake(topic)

    def _notice_events(self, log: LogId, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.kind not in _WORDS:
                self.on_event(log)
                return

    # Catching up.

    async def open(self, subscription: Subscription, opening: Opening) -> dict[PersonId, int]:
        """Begin with what was read when the log was opened; live when this returns. Return how far each person has seen it.

        Raises: as ``catch_up`` does.
        """
        log = opening.reach.log
        topic = self._current(subscription, log)
        subscription.reach = opening.reach
        self.heard(log, opening.reach.head)
        if not topic.seen_is_read:
            # What was heard meanwhile may be further than what was stored.
            topic.seen = {who: max(number, topic.seen.get(who, 0)) for who, number in opening.seen.items()} | {
                who: number for who, number in topic.seen.items() if who not in opening.seen
            }
            topic.seen_is_read = True
        if opening.entries:
            self._ring.add(log, opening.entries)
        await self.catch_up(subscription, log, opening.entries)
        return topic.seen

    async def catch_up(self, subscription: Subscription, log: LogId, first: Sequence[Entry] = ()) -> None:
        """Hand on everything that is missing, bit by bit as there is room; it is live when this returns.

        Args:
            subscription: the place in the log.
            log: the log.
            first: entries that were read already.

        Raises:
            Gone: the connection, or its place in this log, has ended.
            Unavailable: the store cannot be read now.
        """
        follow = subscription.follow
        while follow.behind:
            heard = follow.head
            entries, first = first or await self.read(log, follow.sent), ()
            topic = self._current(subscription, log)
            if not entries and follow.head == heard:
                metrics.bells_false.inc()
                follow.correct(follow.sent)
                topic.head = follow.sent if topic.head == heard else topic.head
            for chunk in _chunks(entries, self._rules.chunk_bytes):
                await subscription.connection.room()
                self._current(subscription, log)
                self._hand_on_chunk(subscription, log, chunk)
        subscription.live = True

    def _hand_on_chunk(self, subscription: Subscription, log: LogId, chunk: Sequence[Entry]) -> None:
        part = subscription.follow.take(chunk)
        if not part:
            # The store itself has a hole: that must never be, and asking again for ever would not mend it.
            logger.error("log_has_a_gap", extra={"log": log, "after": subscription.follow.sent})
            subscription.connection.close(codes.UNWELL)
            raise Gone
        subscription.connection.push(encode(Entries(log, tuple(part))))
        self._notice_events(log, part)

    def _current(self, subscription: Subscription, log: LogId) -> Topic:
        topic = self._topics.get(log)
        if topic is None or topic.subscriptions.get(subscription.connection) is not subscription:
            raise Gone
        return topic

    def _chase(self, topic: Topic, subscription: Subscription) -> None:
        """Catch up beside everything else."""
        subscription.live = False
        task = asyncio.create_task(self._chasing(topic.log, subscription))
        self._chases.add(task)
        task.add_done_callback(self._chases.discard)

    async def _chasing(self, log: LogId, subscription: Subscription) -> None:
        try:
            await self.catch_up(subscription, log)
        except Gone:
            pass
        except Refused as error:
            logger.warning("catch_up_postponed", extra={"log": log, "reason": error.key})
            subscription.live = True
            asyncio.get_running_loop().call_later(self._rules.retry_s, self._chase_again, log, subscription)
        except Exception:
            subscription.connection.fail(None)
            subscription.connection.close(codes.UNWELL)

    def _chase_again(self, log: LogId, subscription: Subscription) -> None:
        topic = self._topics.get(log)
        if topic is None or topic.subscriptions.get(subscription.connection) is not subscription:
            return
        if subscription.live and subscription.follow.behind:
            self._chase(topic, subscription)

    # Reading.

    async def read(self, log: LogId, after: int) -> tuple[Entry, ...]:
        """Return entries after a number, consecutive: those in memory when the next one is among them, else from the store."""
        recent = self._ring.after(log, after)
        if recent:
            metrics.ring_hits.inc()
            return recent
        entries = await self._reads.since(log, after)
        if log in self._topics and entries:
            self._ring.add(log, entries)
        return entries

    async def wait_for(self, log: LogId, after: int, timeout_s: float) -> tuple[Entry, ...]:
        """Return entries after a number as soon as there are any; none when the time is over."""
        topic = self._topics.setdefault(log, Topic(log))
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        topic.waiters.append(news)  # before the first look, so that nothing falls between looking and waiting
        try:
            entries = await self.read(log, after)
            if entries or timeout_s <= 0:
                return entries
            await asyncio.wait((news,), timeout=timeout_s)
            return await self.read(log, after)
        finally:
            if news in topic.waiters:
                topic.waiters.remove(news)
            self._forget_if_idle(topic)

    def _wake(self, topic: Topic) -> None:
        waiters, topic.waiters = topic.waiters, []
        for news in waiters:
            if not news.done():
                news.set_result(None)

    def wake_all(self) -> None:
        """Let every long poll go: this process is about to end."""
        for topic in tuple(self._topics.values()):
            self._wake(topic)

    async def close(self) -> None:
        """Let everybody who waits go, and let catch-ups end."""
        self.wake_all()
        await asyncio.gather(*self._chases, return_exceptions=True)


def _chunks(entries: Sequence[Entry], most_bytes: int) -> list[Sequence[Entry]]:
    """Cut entries into pieces of at most about so many bytes, each of one entry at least."""
    chunks: list[Sequence[Entry]] = []
    start = size = 0
    for index, entry in enumerate(entries):
        size += size_of(entry)
        if index > start and size > most_bytes:
            chunks.append(entries[start:index])
            start, size = index, size_of(entry)
    return [*chunks, entries[start:]] if entries else []
