"""The port through which processes tell each other news: bells and weather.

News carries no truth. It may be lost, doubled or late, and then costs time and never a fact: heartbeats carry the heads of logs, pictures
are compared with the database now and then. ``broker_local`` and ``broker_redis`` are the twins; one contract suite runs over both.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from chatsvc.db.uow import Bell
from chatsvc.hub.ring import size_of
from chatsvc.kernel.ids import LogId, PersonId
from chatsvc.tickets.logbook import Written
from chatsvc.tickets.model import Entry


class Rung(msgspec.Struct, frozen=True, tag_field="n", tag="b", array_like=True):
    """A bell: something named by ``topic`` has changed; a log is now at ``head``.

    The entries that were committed may travel with it, consecutive and in order, so that whoever stands right before them need not read
    them. They are a copy: what does not fit is read from the database, as if none had come.
    """

    topic: str
    head: int
    entries: tuple[Entry, ...] = ()

    def alone(self) -> "Rung":
        """Return the bell without entries."""
        return Rung(self.topic, self.head) if self.entries else self


class Typed(msgspec.Struct, frozen=True, tag_field="n", tag="t", array_like=True):
    """Somebody is typing."""

    log: LogId
    person: PersonId
    name: str


class Looked(msgspec.Struct, frozen=True, tag_field="n", tag="l", array_like=True):
    """Somebody who works here has a log's ticket in front of them."""

    log: LogId
    person: PersonId
    name: str


class Saw(msgspec.Struct, frozen=True, tag_field="n", tag="s", array_like=True):
    """Somebody has seen a log up to a number."""

    log: LogId
    person: PersonId
    number: int


News = Rung | Typed | Looked | Saw


class Parcel(msgspec.Struct, frozen=True, array_like=True):
    """The news of one process, of one turn of its loop or a little more."""

    # Names the process, which leaves its own parcels unread: inside it they went the short way. Empty: it only tells.
    origin: str
    news: tuple[News, ...]


def joined(news: Sequence[News]) -> tuple[News, ...]:
    """Return the same news with each bell once, at its highest and with its entries, and of each mark the last; order is otherwise kept."""
    latest: dict[tuple[object, ...], News] = {}
    for each in news:
        if isinstance(each, Rung):
            before = latest.get((Rung, each.topic))
            latest[Rung, each.topic] = _both(before, each) if isinstance(before, Rung) else each
        else:
            latest[type(each), each.log, each.person] = each
    return tuple(latest.values())


def _both(before: Rung, after: Rung) -> Rung:
    """Return two bells of one topic as one, with the entries of both where they follow one another."""
    low, high = (before, after) if before.head <= after.head else (after, before)
    if low.entries and high.entries and low.entries[-1].number + 1 == high.entries[0].number:
        return Rung(high.topic, high.head, low.entries + high.entries)
    return high if high.entries or not low.entries else Rung(high.topic, high.head, low.entries)


def as_news(bells: Sequence[Bell]) -> tuple[News, ...]:
    """Return the bells of a unit of work as news."""
    return tuple(Rung(bell.topic, bell.head) for bell in bells)


def as_told(written: Sequence[Written], most_bytes: int) -> tuple[News, ...]:
    """Return entries that were committed as news; those of more bytes do not travel, only their numbers do."""
    return tuple(
        Rung(f"log:{log}", entry.number, (entry,) if size_of(entry) <= most_bytes else ()) for log, entry in written
    )


class Broker(Protocol):
    """Tells all other processes of the same store.

    Contract: ``publish`` returns at once and never raises, whatever state the line is in; news of one loop turn travels together; a
    process never hears its own; ``on_news`` is called on the loop; after a time in which news may have been lost ``on_back`` is called
    once, so that the hub compares what it follows with the database.
    """

    on_news: Callable[[Sequence[News]], None]
    on_back: Callable[[], None]

    def publish(self, news: Sequence[News]) -> None:
        """Tell everybody else, soon."""
        ...

    async def start(self) -> None:
        """Begin to listen; returns at once, also when nobody can be reached yet."""
        ...

    async def close(self) -> None:
        """Stop listening and give everything back."""
        ...
