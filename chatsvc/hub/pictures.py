"""Who watches which picture, and how changes of it reach them (visits and desks).

A bell says that a picture may have changed; it is read again, and goes out only when it differs from the one that was last sent. What changes
for a whole line is read once for everybody in it, at most twice a second (performance, rule 4), and pushed bit by bit (``turns``). Whoever
comes to a line that has not changed since finds their place in what was read. Pictures carry no history.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.conversations.views import Desk, LineCount, Visit, Waiting
from chatsvc.hub import metrics
from chatsvc.hub.connection import Connection, encode
from chatsvc.hub.doors import Reading
from chatsvc.hub.frames import DeskFrame, VisitFrame, Watch
from chatsvc.hub.gathered import Gathered
from chatsvc.hub.rules import Rules
from chatsvc.hub.turns import Turns
from chatsvc.kernel.errors import NotFound, Refused
from chatsvc.kernel.ids import LogId, PersonId, TicketId

logger = logging.getLogger(__name__)

Picture = Visit | Desk
Name = TypeVar("Name", bound=str)


class Key(NamedTuple):
    """What is read as one: a ``visit`` of a ticket, the ``desk`` of a person, a ``line``, or the ``counts`` of all lines."""

    view: str
    name: str


COUNTS = Key("counts", "")
# Pictures that are read together, at most.
_AT_ONCE = 250


class Watched:
    """One connection's view of one picture."""

    __slots__ = ("began", "connection", "key", "last", "lines", "log_ids", "ref")

    def __init__(self, connection: Connection, key: Key, ref: int) -> None:
        self.connection = connection
        self.key = key
        self.ref = ref
        # What was last sent; None before the first.
        self.last: Picture | None = None
        # The number of the read it came from: an older read that returns late is not shown.
        self.began = 0
        self.lines: tuple[str, ...] = ()
        self.log_ids: tuple[LogId, ...] = ()


class Pictures:
    """The pictures that are watched in this process."""

    def __init__(self, reading: Reading, rules: Rules, turns: Turns, *, now: Callable[[], float]) -> None:
        self._reading = reading
        self._rules = rules
        self._turns = turns
        self._now = now
        self._watched: dict[Key, dict[Connection, Watched]] = {}
        self._in_line: dict[str, set[Watched]] = {}
        self._showing: dict[LogId, set[Watched]] = {}
        # Keys that will be read soon, and those that are being read.
        self._due: set[Key] = set()
        self._reading_now: set[Key] = set()
        # When a line, or the counts, was last read.
        self._line_read_at: dict[Key, float] = {}
        # Line -> everybody's place in it, as long as no bell says that it has changed; and the number of the last read of each.
        self._lines: dict[str, Mapping[TicketId, Waiting]] = {}
        # Lines that have not changed since their last read began.
        self._unchanged: set[str] = set()
        self._line_began: dict[str, int] = {}
        self._reads = 0
        self._visits = Gathered(self._read_visits, most=_AT_ONCE)
        self._desks = Gathered(self._read_desks, most=_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    # Who watches.

    def desks(self) -> set[PersonId]:
        """Return whose desks are watched: these representatives are there."""
        return {PersonId(key.name) for key in self._watched if key.view == "desk"}

    def tickets(self) -> set[TicketId]:
        """Return whose live visits are watched: these customers are there."""
        live = ("waiting", "active", "ending")
        return {
            TicketId(key.name)
            for key, watches in self._watched.items()
            if key.view == "visit"
            and any(isinstance(each.last, Visit) and each.last.state in live for each in watches.values())
        }

    def count(self, connection: Connection) -> int:
        """Return how many pictures a connection watches."""
        return len(connection.views)

    async def watch(self, connection: Connection, frame: Watch) -> None:
        """Begin to watch: send the picture, then every change of it.

        Raises:
            NotFound: there is no such picture for this person.
            Unavailable: it cannot be read now.
        """
        key = key_of(connection.identity, frame.view, frame.ticket)
        if not connection.is_open:
            return
        self.unwatch(connection, key)  # who asks again is shown it once, under the new ref
        watched = Watched(connection, key, frame.ref)
        self._watched.setdefault(key, {})[connection] = watched
        connection.views.add(key)
        try:
            began, picture = await self._read(key, connection.identity)
        except BaseException:
            self._drop(watched)
            raise
        self._show(watched, picture, began)

    def unwatch(self, connection: Connection, key: Key) -> None:
        """Stop watching."""
        watched = self._watched.get(key, {}).get(connection)
        if watched is not None:
            self._drop(watched)

    def leave(self, connection: Connection) -> None:
        """Stop watching anything."""
        for key in tuple(connection.views):
            self.unwatch(connection, Key(*key))

    def _drop(self, watched: Watched) -> None:
        watches = self._watched.get(watched.key, {})
        if watches.get(watched.connection) is watched:
            del watches[watched.connection]
            watched.connection.views.discard(watched.key)
        if not watches:
            self._watched.pop(watched.key, None)
        self._index(watched, None)

    def _is_current(self, watched: Watched) -> bool:
        """Whether this is how the connection still watches the picture."""
        return self._watched.get(watched.key, {}).get(watched.connection) is watched

    def _index(self, watched: Watched, picture: Picture | None) -> None:
        """Remember which lines and logs a picture shows."""
        watched.lines = _move(self._in_line, watched, watched.lines, _lines_of(picture))
        watched.log_ids = _move(self._showing, watched, watched.log_ids, _logs_of(picture))

    # What may have changed.

    def touch(self, key: Key) -> None:
        """Read a picture again soon, if anybody watches it."""
        if key in self._due or not self._concerns_anybody(key):
            return
        self._due.add(key)
        if key in self._reading_now:
            return  # begun when that read has ended, so that an older answer never follows a newer one
        asyncio.get_running_loop().call_later(self._delay_s(key), self._begin, key)

    def touch_line(self, line: str) -> None:
        """Read a line again soon: places of those who wait in it, and the counts that desks show."""
        self._has_changed(line)
        self.touch(Key("line", line))
        self.touch(COUNTS)

    def _has_changed(self, line: str) -> None:
        self._unchanged.discard(line)
        self._lines.pop(line, None)

    def touch_log(self, log: LogId) -> None:
        """Read the pictures again that show a log."""
        for watched in tuple(self._showing.get(log, ())):
            self.touch(watched.key)

    def touch_person(self, person: PersonId) -> None:
        """Read a representative's desk again."""
        self.touch(Key("desk", person))

    def touch_lines_and_desks(self) -> None:
        """Compare what bells would have told with the database: every line with somebody in it, and every desk."""
        for line in tuple(self._in_line):
            self.touch_line(line)
        for key in tuple(self._watched):
            if key.view == "desk":
                self.touch(key)

    def touch_all(self) -> None:
        """Read everything again: news may have been lost."""
        for line in tuple(self._unchanged):
            self._has_changed(line)
        self.touch_lines_and_desks()
        for key in tuple(self._watched):
            self.touch(key)

    def _concerns_anybody(self, key: Key) -> bool:
        if key.view == "line":
            return key.name in self._in_line
        if key.view == "counts":
            return bool(self._in_line)
        return key in self._watched

    def _delay_s(self, key: Key) -> float:
        if key.view in ("visit", "desk"):
            return 0.0
        last = self._line_read_at.get(key, float("-inf"))
        return max(self._rules.picture_gap_s, last + self._rules.line_gap_s - self._now())

    def _begin(self, key: Key) -> None:
        self._due.discard(key)
        if not self._concerns_anybody(key):
            return
        self._reading_now.add(key)
        task = asyncio.create_task(self._refresh(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refresh(self, key: Key) -> None:
        try:
            if key.view == "line":
                await self._refresh_line(key)
            elif key.view == "counts":
                await self._refresh_counts()
            else:
                await self._refresh_picture(key)
        except Refused as error:
            logger.warning("picture_postponed", extra={"view": key.view, "of": key.name, "reason": error.key})
            asyncio.get_running_loop().call_later(self._rules.retry_s, self.touch, key)
        except Exception:
            logger.exception("picture_failed", extra={"view": key.view, "of": key.name})
        finally:
            self._reading_now.discard(key)
            if key in self._due:
                asyncio.get_running_loop().call_later(self._delay_s(key), self._begin, key)

    async def _refresh_picture(self, key: Key) -> None:
        for identity in _distinct(self._watched.get(key, {}).keys()):
            try:
                began, picture = await self._read(key, identity)
            except NotFound as error:
                self._take_away(key, identity, error)
                continue
            for watched in tuple(self._watched.get(key, {}).values()):
                if watched.connection.identity.person == identity.person:
                    self._show(watched, picture, began)

    def _take_away(self, key: Key, identity: Identity, error: NotFound) -> None:
        """The picture is no longer for this person: say so, and stop."""
        for watched in tuple(self._watched.get(key, {}).values()):
            if watched.connection.identity.person == identity.person:
                self._drop(watched)
                watched.connection.refuse(watched.ref, error)

    async def _refresh_line(self, key: Key) -> None:
        if not any(watched.key.view == "visit" for watched in self._in_line.get(key.name, ())):
            return
        began = self._line_began[key.name] = self._next_read("line")
        self._line_read_at[key] = self._now()
        self._unchanged.add(key.name)
        places = await self._reading.whole_line(key.name)
        if key.name in self._unchanged:  # else a bell came meanwhile
            self._lines[key.name] = places

        def show(watched: Watched) -> None:
            self._show_place(watched, places.get(TicketId(watched.key.name)), began)

        await self._turns.each(tuple(self._in_line.get(key.name, ())), show)

    def _show_place(self, watched: Watched, place: Waiting | None, began: int) -> None:
        last = watched.last
        if not isinstance(last, Visit) or last.state != "waiting" or not self._is_current(watched):
            return
        if place is None:
            self.touch(watched.key)  # no longer in the line: the whole picture has changed
        elif place != last.waiting:
            self._show(watched, msgspec.structs.replace(last, waiting=place), began)

    async def _refresh_counts(self) -> None:
        desks = {watched for watches in self._in_line.values() for watched in watches if watched.key.view == "desk"}
        if not desks:
            return
        began = self._next_read("counts")
        self._line_read_at[COUNTS] = self._now()
        counts = await self._reading.line_counts()

        def show(watched: Watched) -> None:
            if isinstance(watched.last, Desk):
                lines = tuple(counts.get(each.line) or LineCount(each.line, 0, 0, None) for each in watched.last.lines)
                self._show(watched, msgspec.structs.replace(watched.last, lines=lines), began)

        await self._turns.each(desks, show)

    # Reading and showing.

    async def _read(self, key: Key, identity: Identity) -> tuple[int, Picture]:
        found: tuple[int, Picture] | None
        if key.view == "visit":
            found = await self._visits.ask((identity.person, TicketId(key.name)))
        else:
            found = await self._desks.ask(identity.person)
        if found is None:
            raise NotFound("conversation.not_found" if key.view == "visit" else "desk.not_found")
        return found

    async def _read_visits(
        self, wanted: Sequence[tuple[PersonId, TicketId]]
    ) -> dict[tuple[PersonId, TicketId], tuple[int, Picture]]:
        began = self._next_read("visit")
        visits = await self._reading.visits(wanted, self._lines)
        return {each: (began, visit) for each, visit in visits.items()}

    async def _read_desks(self, persons: Sequence[PersonId]) -> dict[PersonId, tuple[int, Picture]]:
        began = self._next_read("desk")
        return {person: (began, desk) for person, desk in (await self._reading.desks(persons)).items()}

    def _next_read(self, view: str) -> int:
        metrics.picture_reads.labels(view).inc()
        self._reads += 1
        return self._reads

    def _show(self, watched: Watched, picture: Picture, began: int) -> None:
        if not self._is_current(watched):
            return
        if began < watched.began:
            # Counts or a place were read after this picture and shown before it: it is older in these and newer in the rest.
            self.touch(watched.key)
            return
        watched.began = began
        if watched.last is None and any(self._line_began.get(line, 0) > began for line in _lines_of(picture)):
            self.touch(watched.key)  # the line was read after it, and shown to those who were there
        if picture == watched.last:
            return
        watched.last = picture
        self._index(watched, picture)
        frame = VisitFrame(picture) if isinstance(picture, Visit) else DeskFrame(picture)
        watched.connection.push_latest(watched.key, encode(frame))

    async def close(self) -> None:
        """Let running reads end."""
        self._watched.clear()
        self._in_line.clear()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._visits.close()
        await self._desks.close()


def key_of(identity: Identity, view: str, ticket: str | None) -> Key:
    """Return what a frame asks to watch.

    Raises:
        NotFound: a visit without a ticket, or a desk with one.
    """
    if (view == "visit") != (ticket is not None):
        raise NotFound("ticket.not_found")
    return Key("visit", ticket) if ticket is not None else Key("desk", identity.person)


def _distinct(connections: Collection[Connection]) -> list[Identity]:
    return list({connection.identity.person: connection.identity for connection in connections}.values())


def _lines_of(picture: Picture | None) -> tuple[str, ...]:
    """Return the lines whose change may change a picture."""
    if isinstance(picture, Visit):
        return (picture.line,) if picture.state == "waiting" else ()
    return tuple(each.line for each in picture.lines) if picture else ()


def _logs_of(picture: Picture | None) -> tuple[LogId, ...]:
    if isinstance(picture, Visit):
        return (picture.log,)
    return tuple(each.log for each in picture.conversations) if picture else ()


def _move(
    index: dict[Name, set[Watched]], watched: Watched, old: tuple[Name, ...], new: tuple[Name, ...]
) -> tuple[Name, ...]:
    """Index it under other names; return what to keep of them: the same tuple as long as they are the same."""
    if old == new:
        return old
    for gone in old:
        if gone not in new:
            index[gone].discard(watched)
            if not index[gone]:
                del index[gone]
    for come in new:
        index.setdefault(come, set()).add(watched)
    return new
