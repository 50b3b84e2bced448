"""The lists of those who work here, page by page: mine, my team's, nobody's, what is due next, what is broken.

A page goes on behind the last ticket of the one before, by what the list is ordered by, so that a list that changes meanwhile neither
repeats nor skips what stays. Each list has an index that keeps what is over out of it.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.db.columns import from_microseconds, to_microseconds
from chatsvc.kernel.errors import Invalid, NotAllowed
from chatsvc.tickets import queries
from chatsvc.tickets.model import Filters, View
from chatsvc.tickets.queries import PAGE, TicketLine
from chatsvc.tickets.severity_tables import tracks
from chatsvc.tickets.tables import team_members, tickets

# Beyond this a count says that there are more.
MOST_COUNTED: Final = 999
# Ordered by their promises; the others by number, newest first.
_BY_PROMISE: Final = (View.DUE, View.BREACHED)
# By number, under which an index has the tickets that are not over.
_PROMISED: Final = tracks.join(tickets, tickets.c.number == tracks.c.number)


class ViewPage(msgspec.Struct, frozen=True):
    """Some tickets of a list, in its order."""

    tickets: tuple[TicketLine, ...]
    # Where to go on; None means that was all.
    next: str | None


async def page(
    connection: AsyncConnection,
    identity: Identity,
    view: View,
    *,
    after: str | None = None,
    filters: Filters | None = None,
    limit: int = PAGE,
) -> ViewPage:
    """Return one page of a list; ``after`` is ``next`` of the page before.

    Raises:
        NotAllowed: ``staff.only``.
        Invalid: ``after`` is nothing that such a list has given.
    """
    if not identity.is_staff:
        raise NotAllowed("staff.only")
    filters = filters or Filters()
    by_promise = view in _BY_PROMISE
    if by_promise:
        # The promises alone first, which an index has in order; what is shown of them afterwards.
        conditions = _of(view, identity), *queries.narrowed(connection.dialect.name, identity, filters)
        found = select(tickets.c.id).select_from(_PROMISED).where(*conditions)
        few = _by_promise(found, after).limit(limit + 1).subquery()
        statement = queries.lines().where(tickets.c.id.in_(select(few.c.id)))
        rows = (await connection.execute(statement.order_by(tracks.c.due_at, tracks.c.number))).all()
    else:
        before, belongs = _number(after), _of(view, identity)
        rows = await queries.newest(connection, identity, filters, belongs, before=before, limit=limit + 1)
    lines = tuple(queries.line(row) for row in rows[:limit])
    if len(rows) <= limit:
        return ViewPage(lines, None)
    last = lines[-1]
    return ViewPage(lines, _place(last) if by_promise else str(last.number))


async def counts(connection: AsyncConnection, identity: Identity, *, most: int = MOST_COUNTED) -> dict[View, int]:
    """Return how many tickets each list holds; for one that has more than ``most``, one more than that.

    Raises:
        NotAllowed: ``staff.only``.
    """
    if not identity.is_staff:
        raise NotAllowed("staff.only")
    asked = [_count(view, identity, most).label(view.value) for view in View]
    found = (await connection.execute(select(*asked))).one()
    return dict(zip(View, found, strict=True))


def _count(view: View, identity: Identity, most: int) -> ScalarSelect[int]:
    # The promises' lists start from the promises, which are few; the others need none of them.
    source = _PROMISED if view in _BY_PROMISE else tickets
    some = select(tickets.c.number).select_from(source).where(_of(view, identity)).limit(most + 1)
    return select(func.count()).select_from(some.subquery(f"few_{view}")).scalar_subquery()


def _of(view: View, identity: Identity) -> ColumnElement[bool]:
    """What belongs to a list. ``ended_at is null`` is how the indexes know what is not over."""
    is_open = tickets.c.ended_at.is_(None)
    match view:
        case View.MINE:
            return and_(is_open, tickets.c.owner_id == identity.person)
        case View.MY_TEAM:
            mine = select(team_members.c.team).where(team_members.c.person_id == identity.person)
            return and_(is_open, tickets.c.team.in_(mine))
        case View.UNASSIGNED:
            return and_(is_open, tickets.c.owner_id.is_(None))
        case View.DUE:
            return and_(is_open, tracks.c.due_at.is_not(None))
        case View.BREACHED:
            return and_(is_open, tracks.c.due_at.is_not(None), tracks.c.breached)
        case View.OPEN:
            return is_open


def _number(after: str | None) -> int | None:
    if after is None:
        return None
    if not after.isdecimal() or len(after) > 15:
        raise Invalid("cursor.unknown", field="after")
    return int(after)


def _by_promise(statement: Select[Any], after: str | None) -> Select[Any]:
    if after is not None:
        due_us, _, number = after.partition("-")
        if not (due_us.isdecimal() and number.isdecimal() and len(after) < 40):
            raise Invalid("cursor.unknown", field="after")
        due_at = from_microseconds(int(due_us))
        behind = or_(tracks.c.due_at > due_at, and_(tracks.c.due_at == due_at, tracks.c.number > int(number)))
        # Said twice, once as plainly as an index needs it.
        statement = statement.where(tracks.c.due_at >= due_at, behind)
    return statement.order_by(tracks.c.due_at, tracks.c.number)


def _place(line: TicketLine) -> str:
    assert line.due_at is not None
    return f"{to_microseconds(line.due_at)}-{line.number}"
