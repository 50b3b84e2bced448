"""What those who wait are told of their wait: the floor is read, played forward (``routing.replay``), corrected by what came of earlier words.

Nothing is told where nobody serves (callback.md, invariant 31), or while a line has neither a history to play with nor a recent pace.
One reading serves everybody of a process for a second: a line is looked at whenever something in it changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.conversations.model import State
from chatsvc.conversations.tables import conversations
from chatsvc.kernel.ids import PersonId
from chatsvc.routing import policy
from chatsvc.routing import queries as lines
from chatsvc.routing.model import OfferState, PlaceState, RoutingRules
from chatsvc.routing.policy import Correction, Pace, Told
from chatsvc.routing.queries import Planned, Scope
from chatsvc.routing.replay import Floor, Hand, History, Turn, Wait, Work, replay
from chatsvc.routing.tables import offers, places
from chatsvc.routing.telling import are_long

# For how long one reading is told to everybody, and one look at what a line has been like.
_FRESH: Final = timedelta(seconds=1)
_SAME_HISTORY: Final = timedelta(minutes=1)
_LOOKS_AHEAD: Final = timedelta(hours=12)
# A weekend with a holiday on each side.
_NEXT_WITHIN: Final = timedelta(days=5)
_LOOKS_BACK: Final = timedelta(days=28)
# Starts of a line that are looked at, and of what was handled of them the latest: more would not notice a slow day.
_AT_MOST: Final = 300
_HANDLED_LATELY: Final = 100
# Places of a line that are played; whoever stands further back waits so much longer in proportion.
PLAYED: Final = 60
_BUSY = (State.ACTIVE, State.ENDING, State.WRAP_UP)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_HANDLED = (
    select(
        places.c.admitted_at, places.c.taken_at, places.c.rank, conversations.c.accepted_at, conversations.c.closed_at
    )
    .select_from(places.join(conversations, conversations.c.place_id == places.c.id))
    .where(places.c.line == bindparam("line"), places.c.taken_at > bindparam("since"))
    .order_by(places.c.taken_at.desc())
    .limit(_AT_MOST)
)
_GIVEN_UP = (
    select(places.c.admitted_at, places.c.gone_at)
    .where(
        places.c.line == bindparam("line"),
        places.c.state == PlaceState.GONE,
        places.c.rank > bindparam("rank"),
        places.c.taken_at.is_(None),
        places.c.waiting_for == "chat",
    )
    .limit(_AT_MOST)
)  # fmt: skip
_IN_HAND = select(
    conversations.c.rep_id, conversations.c.line, conversations.c.units, conversations.c.accepted_at
).where(conversations.c.state.in_(_BUSY), conversations.c.rep_id.is_not(None))
_OFFERED = (
    select(offers.c.person_id, places.c.line, offers.c.units)
    .select_from(offers.join(places, places.c.id == offers.c.place_id))
    .where(offers.c.state == OfferState.OPEN)
)


class Staffed(NamedTuple):
    """Who is there for a line."""

    # Representatives present and ready, busy or not.
    serving: int
    # While nobody is, nor should be by the plan: from when on somebody is planned; None: that is not known, or somebody is there.
    served_from: datetime | None

    def before(self, closes_at: datetime | None) -> bool:
        """Whether somebody serves the line before hours close, as far as is known; None: they do not."""
        if self.serving or self.served_from is None:
            return self.serving > 0
        return closes_at is None or self.served_from < closes_at


class Prospect(NamedTuple):
    """What a line looks like to those who wait in it."""

    staffed: Staffed
    # By position, the first one's first; beyond its end in proportion. Empty: there is no history to play with.
    waits: Sequence[Wait | None]
    pace: Pace | None
    correction: Correction

    def told(self, position: int, closes_at: datetime | None = None) -> Told | None:
        """Return what somebody at a position is told of their wait.

        None: there are too few data, or nobody serves the line before the person's hours close.
        """
        if not self.staffed.before(closes_at):
            return None
        wait = self._wait(position)
        return None if wait is None else policy.told(wait, self.correction)

    def _wait(self, position: int) -> Wait | None:
        if not self.waits:
            return policy.wait_range(position, self.pace) if self.staffed.serving else None
        if position <= len(self.waits):
            return self.waits[position - 1]
        last = self.waits[-1]
        further = position / len(self.waits)
        return None if last is None else Wait(last.median * further, last.bound * further)


class Outlook:
    """Reads the floor and plays it forward; one per process."""

    def __init__(self, rules: RoutingRules) -> None:
        self._rules = rules
        self._chance = Random()
        # What was read, and until when it is told: the waits of all lines, and what lines have been like.
        self._waits: tuple[datetime, dict[str, list[Wait | None]]] | None = None
        self._histories: dict[str, tuple[datetime, History | None]] = {}

    async def of(self, connection: AsyncConnection, line: str, position: int, at: datetime) -> Prospect:
        """Return a line's prospect at a moment, for everybody up to a position."""
        staffed = await self.staffed(connection, line, at)
        correction = await lines.correction(connection, line)
        has_history = await self._history(connection, line, at) is not None
        waits = await self._played(connection, line, position, at) if has_history else []
        pace = None if waits or not staffed.serving else await lines.pace(connection, line, at, self._rules)
        return Prospect(staffed, waits, pace, correction)

    async def staffed(self, connection: AsyncConnection, line: str, at: datetime) -> Staffed:
        """Return who is there for a line at a moment."""
        serving = await lines.serving_line(connection, line, at)
        if serving:
            return Staffed(serving, None)
        planned = await lines.planned(connection, at, at + _NEXT_WITHIN)
        begins = min((shift.begins_at for shift in planned if line in shift.lines), default=at)
        # Whoever should be here by now may come at any moment, or not at all.
        return Staffed(0, begins if begins > at else None)

    async def talks_are_long(self, connection: AsyncConnection, line: str, at: datetime) -> bool:
        """Whether the talks of a line that are under way take longer than such talks took lately; False while that is not known."""
        history = await self._history(connection, line, at)
        if history is None:
            return False
        held = await connection.execute(_IN_HAND)
        spent = [(at - row.accepted_at).total_seconds() for row in held if row.line == line]
        return are_long(spent, history.handled_s)

    # Playing ----------------------------------------------------------------------------------------------------------------------------

    async def _played(
        self, connection: AsyncConnection, line: str, position: int, at: datetime
    ) -> Sequence[Wait | None]:
        if self._waits is not None and self._waits[0] > at >= self._waits[0] - _FRESH:
            known = self._waits[1].get(line, ())
            if len(known) >= min(position, PLAYED):
                return known
        waits = await self._play(connection, line, at)
        self._waits = at + _FRESH, waits
        return waits[line]

    async def _play(self, connection: AsyncConnection, line: str, at: datetime) -> dict[str, list[Wait | None]]:
        hands, index = await self._hands(connection, at)
        work = await _in_hand(connection, index, at)
        every = {line, *(each.line for each in work)}.union(*(hand.lines for hand in hands))
        found: dict[str, Sequence[Any]] = {
            each: await lines.first_in(connection, each, PLAYED) for each in sorted(every)
        }
        turns, whose = _turns(found, at)
        known = {each: await self._history(connection, each, at) for each in every}
        usual = next((history for history in (known[line], *known.values()) if history is not None), None)
        assert usual is not None, "the line has a history"
        history = {each: past or usual for each, past in known.items()}
        drain_s = self._rules.drain_after.total_seconds()
        played = dict(zip(whose, replay(Floor(turns, hands, work, history, drain_s), self._chance), strict=True))
        # What is offered to somebody is as good as served.
        return {each: [played.get((each, n), Wait(0, 0)) for n in range(_length(rows))] for each, rows in found.items()}

    async def _hands(self, connection: AsyncConnection, at: datetime) -> tuple[list[Hand], dict[PersonId, int]]:
        """Return who takes work from now on, and which of them is which."""
        shifts = await lines.planned(connection, at, at + _LOOKS_AHEAD)
        leaves = _leaves(shifts, at)
        seats = await lines.seats(connection, Scope(), at)
        hands = [
            Hand(
                seat.lines,
                seat.capacity,
                until_s=(leaves[seat.person] - at).total_seconds() if seat.person in leaves else float("inf"),
                idle_s=(at - seat.idle_since).total_seconds(),
            )
            for seat in seats
        ]
        index = {seat.person: n for n, seat in enumerate(seats)}
        hands += [
            Hand(
                shift.lines,
                shift.capacity,
                from_s=(shift.begins_at - at).total_seconds(),
                until_s=(shift.ends_at - at).total_seconds(),
            )
            for shift in shifts
            # Whoever is here is counted already, until they leave.
            if shift.begins_at > (leaves.get(shift.person, shift.begins_at) if shift.person in index else at)
        ]
        return hands, index

    # What it has been like --------------------------------------------------------------------------------------------------------------

    async def _history(self, connection: AsyncConnection, line: str, at: datetime) -> History | None:
        known = self._histories.get(line)
        if known is None or not known[0] - _SAME_HISTORY <= at < known[0]:
            known = self._histories[line] = (at + _SAME_HISTORY, await self._read_history(connection, line, at))
        return known[1]

    async def _read_history(self, connection: AsyncConnection, line: str, at: datetime) -> History | None:
        started = (await connection.execute(_HANDLED, {"line": line, "since": at - _LOOKS_BACK})).all()
        # By when they ended: of those that began lately, only the short ones are over.
        over = sorted((row for row in started if row.closed_at), key=lambda row: row.closed_at)[-_HANDLED_LATELY:]
        handled = sorted((row.closed_at - row.accepted_at).total_seconds() for row in over)
        if len(handled) < self._rules.history_needs:
            return None
        first = min(row.admitted_at for row in started)
        names = {"line": line, "rank": (first - _EPOCH) // timedelta(microseconds=1)}
        given_up = (await connection.execute(_GIVEN_UP, names)).all()
        waited = sum((row.taken_at - row.admitted_at).total_seconds() for row in started)
        waited += sum((row.gone_at - row.admitted_at).total_seconds() for row in given_up)
        credits_s = [
            credit
            for row in started
            if row.taken_at > at - timedelta(hours=1) and (credit := _credit_s(row.admitted_at, row.rank)) > 1
        ]
        return History(
            handled,
            leaving=len(given_up) / waited if waited > 0 else 0.0,
            urgent=len(credits_s) / 3600,
            urgent_credit_s=sum(credits_s) / len(credits_s) if credits_s else 0.0,
        )


def _credit_s(admitted_at: datetime, rank: int) -> float:
    return ((admitted_at - _EPOCH) - timedelta(microseconds=rank)).total_seconds()


def _leaves(shifts: Iterable[Planned], at: datetime) -> dict[PersonId, datetime]:
    """Return until when those are planned who are planned now; shifts that follow each other count as one."""
    until: dict[PersonId, datetime] = {}
    for shift in sorted(shifts, key=lambda each: each.begins_at):
        if shift.begins_at <= until.get(shift.person, at):
            until[shift.person] = max(until.get(shift.person, at), shift.ends_at)
    return until


def _length(rows: Sequence[Any]) -> int:
    return len(rows) + (len(rows) < PLAYED)


def _turns(found: Mapping[str, Sequence[Any]], at: datetime) -> tuple[list[Turn], list[tuple[str, int]]]:
    """Return the turns of all lines in the order of their ranks, and which place of which line each is; last whoever came now."""
    placed: list[tuple[int, int, Turn, tuple[str, int]]] = []
    now = (at - _EPOCH) // timedelta(microseconds=1)
    for line, rows in found.items():
        for n, row in enumerate(rows):
            if row.state == PlaceState.WAITING:
                turn = Turn(
                    line, (row.rank - now) / 1e6, row.waiting_for == "call", (row.since_at - at).total_seconds()
                )
                placed.append((row.rank, row.seq, turn, (line, n)))
        if len(rows) < PLAYED:
            imagined = Turn(line, 0.0, is_imagined=True)
            placed.append((max(now, max((row.rank for row in rows), default=now)), 0, imagined, (line, len(rows))))
    placed.sort(key=lambda each: (each[2].is_imagined, each[0], each[1]))
    return [each[2] for each in placed], [each[3] for each in placed]


async def _in_hand(connection: AsyncConnection, index: Mapping[PersonId, int], at: datetime) -> list[Work]:
    held = [
        Work(index[row.rep_id], row.line, row.units, (at - row.accepted_at).total_seconds())
        for row in await connection.execute(_IN_HAND)
        if row.rep_id in index
    ]
    offered = [
        Work(index[row.person_id], row.line, row.units, 0.0)
        for row in await connection.execute(_OFFERED)
        if row.person_id in index
    ]
    return held + offered
