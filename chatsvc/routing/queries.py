"""Reads what routing decides by: heads of lines, seats, who was asked, how fast a line moves. Never more of a line than could be served."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import people
from chatsvc.db.columns import Moment
from chatsvc.kernel.ids import PersonId, PlaceId, TicketId
from chatsvc.routing import policy
from chatsvc.routing.accuracy import SHOCK_AND, SHOCK_TIMES, Counts
from chatsvc.routing.model import ASKED, DeskState, Place, PlaceState, RoutingRules, Seat
from chatsvc.routing.policy import Correction, Pace, Start
from chatsvc.routing.tables import desk_lines, desks, line_corrections, offers, places, shifts
from chatsvc.routing.telling import Word

# How many recent starts a pace is taken from, at most.
_STARTS = 101
# Parts of one compound select; SQLite takes 500.
_LINES_AT_ONCE = 100
_IN_LINE = (PlaceState.WAITING, PlaceState.OFFERED)

_PLACE = (
    places.c.id,
    places.c.seq,
    places.c.line,
    places.c.ticket_id,
    places.c.waiting_for,
    places.c.rank,
    places.c.epoch,
    places.c.round,
    places.c.seen_at,
    func.coalesce(places.c.not_before_at, places.c.admitted_at, type_=Moment()).label("since_at"),
    places.c.reserved_for,
)


# Who stands in a line: ticket, whether the place is offered now, in microseconds when it was admitted and when its hours are over, and what was
# told of the wait last, as ``Word`` has it, moments in microseconds; all None: nothing was.
Stands = tuple[TicketId, bool, int, int | None, int | None, int | None, int | None, int | None, str | None, int | None]
_TOLD = (
    places.c.told_at,
    places.c.told_serving,
    places.c.told_about,
    places.c.told_by,
    places.c.longer,
    places.c.longer_at,
)


class Scope(NamedTuple):
    """Where something may have changed: these lines, and the lines that these people serve. None: anywhere."""

    lines: Collection[str] | None = None
    persons: Collection[PersonId] = ()

    def covers(self, line: Any) -> Any:
        """Return the condition that a column names a line of this scope."""
        if self.lines is None:
            return true()
        theirs = select(desk_lines.c.line).where(desk_lines.c.person_id.in_(self.persons))
        return or_(line.in_(self.lines), line.in_(theirs)) if self.persons else line.in_(self.lines)


def _is_ready(at: Any) -> Any:
    return and_(desks.c.state == DeskState.READY, desks.c.leased_until > at)


def _may_be_offered(at: datetime) -> Any:
    return or_(places.c.not_before_at.is_(None), places.c.not_before_at <= at)


# What pictures are made of; made once, because everybody who looks asks for it.
_RECENT_STARTS = (
    select(places.c.admitted_at, places.c.taken_at)
    .where(places.c.line == bindparam("line"), places.c.taken_at > bindparam("since"))
    .order_by(places.c.taken_at.desc())
    .limit(_STARTS)
)
_STANDS_IN = and_(places.c.line == bindparam("line"), places.c.state.in_(_IN_LINE))
_BEFORE = select(func.count()).where(
    _STANDS_IN,
    or_(places.c.rank < bindparam("rank"), and_(places.c.rank == bindparam("rank"), places.c.seq < bindparam("seq"))),
)
_FIRST_IN_LINE = (
    select(
        places.c.rank,
        places.c.seq,
        places.c.state,
        places.c.waiting_for,
        func.coalesce(places.c.not_before_at, places.c.admitted_at, type_=Moment()).label("since_at"),
    )
    .where(_STANDS_IN)
    .order_by(places.c.rank, places.c.seq)
    .limit(bindparam("limit"))
)
_CORRECTION = select(line_corrections.c.median, line_corrections.c.bound).where(
    line_corrections.c.line == bindparam("line")
)
_WHOLE_LINE = (
    select(
        places.c.ticket_id,
        places.c.state == PlaceState.OFFERED,
        # As they are stored: of a long line only few are looked at.
        type_coerce(places.c.admitted_at, BigInteger),
        type_coerce(places.c.closes_at, BigInteger),
        *(column if column.type.python_type is str else type_coerce(column, BigInteger) for column in _TOLD),
    )
    .where(_STANDS_IN)
    .order_by(places.c.rank, places.c.seq)
)
_STANDING = (
    select(
        places.c.id,
        places.c.rank,
        places.c.seq,
        places.c.state,
        places.c.admitted_at,
        places.c.closes_at,
        places.c.not_before_at,
        *_TOLD,
    )
    .where(
        _STANDS_IN,
        or_(
            places.c.rank > bindparam("rank"), and_(places.c.rank == bindparam("rank"), places.c.seq > bindparam("seq"))
        ),
    )
    .order_by(places.c.rank, places.c.seq)
    .limit(bindparam("limit"))
)
_LAST_AHEAD = _BEFORE.with_only_columns(func.max(places.c.admitted_at, type_=Moment()))
_SERVES = desks.join(desk_lines, desk_lines.c.person_id == desks.c.person_id)
_SERVING = (
    select(desk_lines.c.line, func.count())
    .select_from(_SERVES)
    .where(_is_ready(bindparam("at")))
    .group_by(desk_lines.c.line)
)
_SERVING_LINE = (
    select(func.count()).select_from(_SERVES).where(desk_lines.c.line == bindparam("line"), _is_ready(bindparam("at")))
)
_WAITING = (
    select(places.c.line, func.count(), func.min(places.c.admitted_at))
    .where(places.c.state.in_(_IN_LINE))
    .group_by(places.c.line)
)
_WAITING_IN = _WAITING.where(places.c.line.in_(bindparam("lines", expanding=True)))


async def something_to_do(connection: AsyncConnection, scope: Scope, at: datetime) -> bool:
    """Whether anybody waits in a line that somebody with room serves: one look, so that most bells cost no more than that."""
    somebody_waits = (
        select(places.c.id)
        .where(places.c.line == desk_lines.c.line, places.c.state == PlaceState.WAITING, _may_be_offered(at))
        .correlate(desk_lines)
        .exists()
    )
    statement = (
        select(desks.c.person_id)
        .select_from(desks.join(desk_lines, desk_lines.c.person_id == desks.c.person_id))
        .where(_is_ready(at), desks.c.load < desks.c.capacity, scope.covers(desk_lines.c.line), somebody_waits)
        .limit(1)
    )
    return (await connection.execute(statement)).first() is not None


async def seats(connection: AsyncConnection, scope: Scope, at: datetime) -> list[Seat]:
    """Return everybody present and ready who serves a line of the scope, each with those of its lines."""
    statement = (
        select(desks.c.person_id, desks.c.capacity, desks.c.load, desks.c.idle_since_at, desk_lines.c.line)
        .select_from(desks.join(desk_lines, desk_lines.c.person_id == desks.c.person_id))
        .where(_is_ready(at), scope.covers(desk_lines.c.line))
    )
    served: dict[PersonId, set[str]] = defaultdict(set)
    facts: dict[PersonId, tuple[int, int, datetime]] = {}
    for person, capacity, load, idle_since, line in await connection.execute(statement):
        served[person].add(line)
        facts[person] = (capacity, load, idle_since)
    return [Seat(person, frozenset(served[person]), *facts[person]) for person in facts]


async def lines_of(connection: AsyncConnection, persons: Collection[PersonId]) -> set[str]:
    """Return the lines that any of these people serves."""
    statement = select(desk_lines.c.line).distinct().where(desk_lines.c.person_id.in_(persons))
    return set((await connection.execute(statement)).scalars())


async def heads(connection: AsyncConnection, limits: Mapping[str, int], at: datetime) -> list[Place]:
    """Return the first waiting places of each line that may be offered now, at most as many as the line's limit."""
    found: list[Place] = []
    lines = sorted(limits)
    for begin in range(0, len(lines), _LINES_AT_ONCE):
        parts = [_head(line, limits[line], at) for line in lines[begin : begin + _LINES_AT_ONCE]]
        statement: Any = parts[0] if len(parts) == 1 else union_all(*(select(part.subquery()) for part in parts))
        found += [Place(*row) for row in await connection.execute(statement)]
    return found


def _head(line: str, limit: int, at: datetime) -> Select[Any]:
    return (
        select(*_PLACE)
        .where(places.c.line == line, places.c.state == PlaceState.WAITING, _may_be_offered(at))
        .order_by(places.c.rank, places.c.seq)
        .limit(limit)
    )


async def asked(connection: AsyncConnection, waiting: Sequence[Place]) -> dict[PlaceId, frozenset[PersonId]]:
    """Return who was asked already in each place's present round; places offered to nobody are left out."""
    wanted = [place.id for place in waiting if place.epoch > 0]
    found: dict[PlaceId, set[PersonId]] = defaultdict(set)
    for begin in range(0, len(wanted), 1000):
        statement = (
            select(offers.c.place_id, offers.c.person_id)
            .select_from(offers.join(places, and_(places.c.id == offers.c.place_id, places.c.round == offers.c.round)))
            .where(offers.c.place_id.in_(wanted[begin : begin + 1000]), offers.c.state.in_(ASKED))
        )
        for place, person in await connection.execute(statement):
            found[place].add(person)
    return {place: frozenset(persons) for place, persons in found.items()}


async def pace(connection: AsyncConnection, line: str, at: datetime, rules: RoutingRules) -> Pace | None:
    """Return how a line has been moving; None while there is too little to go by."""
    names = {"line": line, "since": at - rules.range_looks_back}
    starts = [Start(*row) for row in await connection.execute(_RECENT_STARTS, names)]
    return policy.pace_of(policy.gaps_between(starts), rules)


async def position(connection: AsyncConnection, line: str, rank: int, seq: int) -> int:
    """Return where in line this rank stands or would stand: 1 means next."""
    return int((await connection.execute(_BEFORE, {"line": line, "rank": rank, "seq": seq})).scalar_one()) + 1


async def in_line(connection: AsyncConnection, line: str) -> Sequence[Stands]:
    """Return everybody in a line in order."""
    rows: Sequence[Any] = (await connection.execute(_WHOLE_LINE, {"line": line})).all()
    return rows


class Standing(NamedTuple):
    """Somebody in line, and what they were told of their wait last."""

    place: PlaceId
    rank: int
    seq: int
    offered: bool
    admitted_at: datetime
    closes_at: datetime | None
    # They asked for later than now, or are called again later.
    is_put_off: bool
    # None: nothing.
    told: Word | None


async def standing(
    connection: AsyncConnection, line: str, at: datetime, *, after: tuple[int, int], limit: int
) -> list[Standing]:
    """Return who stands in a line after a rank and an admission number, in order, at most so many."""
    names = {"line": line, "rank": after[0], "seq": after[1], "limit": limit}
    return [
        Standing(
            row.id,
            row.rank,
            row.seq,
            row.state == PlaceState.OFFERED,
            row.admitted_at,
            row.closes_at,
            row.not_before_at is not None and row.not_before_at > at,
            word_in(row),
        )
        for row in await connection.execute(_STANDING, names)
    ]


def word_in(place: Any) -> Word | None:
    """Return what somebody was told of their wait last, from a row of ``places``; None: nothing."""
    if place.told_at is None:
        return None
    return Word(place.told_at, place.told_serving, place.told_about, place.told_by, place.longer, place.longer_at)


async def last_ahead(connection: AsyncConnection, line: str, rank: int, seq: int) -> datetime | None:
    """Return when the last of those came who stand in a line before a rank; None: nobody does."""
    found: datetime | None = (
        await connection.execute(_LAST_AHEAD, {"line": line, "rank": rank, "seq": seq})
    ).scalar_one()
    return found


async def serving(connection: AsyncConnection, at: datetime) -> dict[str, int]:
    """Return how many representatives are present and ready, busy or not, for each line that has any."""
    return {line: int(count) for line, count in await connection.execute(_SERVING, {"at": at})}


async def serving_line(connection: AsyncConnection, line: str, at: datetime) -> int:
    """Return how many representatives are present and ready, busy or not, for one line."""
    return int((await connection.execute(_SERVING_LINE, {"line": line, "at": at})).scalar_one())


async def waiting(connection: AsyncConnection, lines: Collection[str] | None = None) -> dict[str, tuple[int, datetime]]:
    """Return for each line (None: all) with anybody in it how many there are, and when the one who waits longest came."""
    if lines is None:
        rows = await connection.execute(_WAITING)
    else:
        rows = await connection.execute(_WAITING_IN, {"lines": list(lines)})
    return {line: (count, since) for line, count, since in rows}


class Planned(NamedTuple):
    """Somebody is planned for lines from one moment to another; moments are aware, UTC."""

    person: PersonId
    lines: frozenset[str]
    begins_at: datetime
    ends_at: datetime
    # Units of the representative's desk.
    capacity: int


async def planned(connection: AsyncConnection, begins: datetime, until: datetime) -> list[Planned]:
    """Return who is planned in a stretch of time, by the beginnings; disabled people and those without a desk are left out."""
    statement = (
        select(shifts.c.person_id, shifts.c.lines, shifts.c.begins_at, shifts.c.ends_at, desks.c.capacity)
        .select_from(
            shifts.join(people, people.c.id == shifts.c.person_id).join(desks, desks.c.person_id == shifts.c.person_id)
        )
        .where(shifts.c.ends_at > begins, shifts.c.begins_at < until, people.c.disabled_at.is_(None))
        .order_by(shifts.c.begins_at, shifts.c.id)
    )
    return [Planned(row[0], frozenset(row[1]), *row[2:]) for row in await connection.execute(statement)]


async def first_in(connection: AsyncConnection, line: str, limit: int) -> Sequence[Any]:
    """Return the first of a line, offered or not: rows of rank, seq, state, waiting_for, since_at (when it may be, or might have been, offered)."""
    return (await connection.execute(_FIRST_IN_LINE, {"line": line, "limit": limit})).all()


async def correction(connection: AsyncConnection, line: str) -> Correction:
    """Return by how much what a line is told has to be changed to hold."""
    row = (await connection.execute(_CORRECTION, {"line": line})).one_or_none()
    return Correction() if row is None else Correction(row.median, row.bound)


async def told_waits(connection: AsyncConnection, beginnings: Sequence[datetime]) -> list[tuple[str, int, Counts]]:
    """Count what came of what was told of waits: one pass over the places that were admitted in a stretch of time.

    Args:
        connection: to read with.
        beginnings: moments in order, at least three: each begins a part of the stretch, the last one ends it.

    Returns:
        Line, index of the part, and what was counted there; of parts without anybody nothing. A place that was handed over to another line
        counts there.
    """
    waits = _waits_of(beginnings).subquery()
    w = waits.c

    def number_of(*conditions: Any) -> Any:
        return func.coalesce(func.sum(case((and_(*conditions), 1), else_=0)), 0)

    def sum_of(value: Any) -> Any:
        return func.coalesce(func.sum(case((served, value), else_=0)), 0)

    told = and_(w.by_us.is_not(None), w.put_off.is_(False))
    served = and_(told, w.taken_us.is_not(None))
    left = and_(told, w.taken_us.is_(None), w.gone_us.is_not(None))
    is_shock = w.taken_us > w.about_us * SHOCK_TIMES + SHOCK_AND // timedelta(microseconds=1)
    statement = select(
        w.line,
        w.part,
        number_of(served),
        number_of(served, w.taken_us <= w.by_us),
        number_of(served, is_shock),
        sum_of(func.abs(w.taken_us - w.about_us)),
        sum_of(w.taken_us - w.about_us),
        number_of(left),
        number_of(left, w.gone_us > w.by_us),
        number_of(told, w.taken_us.is_(None), w.gone_us.is_(None)),
        number_of(w.by_us.is_(None), w.put_off.is_(False)),
        number_of(w.put_off.is_(True)),
    ).group_by(w.line, w.part)
    rows = (await connection.execute(statement)).all()
    # Sums of whole numbers are decimals on PostgreSQL.
    return [(row[0], int(row[1]), Counts(*(int(value) for value in row[2:]))) for row in rows]


def _waits_of(beginnings: Sequence[datetime]) -> Select[Any]:
    """Every place of a stretch of time: its line, the part of the stretch, and all lengths in microseconds since it was admitted."""
    admitted = type_coerce(places.c.admitted_at, BigInteger)
    part = case(*((places.c.admitted_at < end, n) for n, end in enumerate(beginnings[1:-1])), else_=len(beginnings) - 2)
    return select(
        places.c.line,
        part.label("part"),
        (type_coerce(places.c.taken_at, BigInteger) - admitted).label("taken_us"),
        (type_coerce(places.c.gone_at, BigInteger) - admitted).label("gone_us"),
        (cast(places.c.quoted_low_s, BigInteger) * 1_000_000).label("about_us"),
        (cast(places.c.quoted_high_s, BigInteger) * 1_000_000).label("by_us"),
        # Before they were served: who was rung and not reached had been served by then.
        and_(
            places.c.not_before_at.is_not(None),
            or_(places.c.taken_at.is_(None), places.c.not_before_at <= places.c.taken_at),
        ).label("put_off"),
    ).where(places.c.admitted_at >= beginnings[0], places.c.admitted_at < beginnings[-1])
