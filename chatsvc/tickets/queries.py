"""Reads tickets for the people who may read them. Whoever may not is told the same as for a ticket that does not exist (R20).

A contact reaches the tickets that they opened or follow, of their own company, and of those the shared log only; staff reach all.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, bindparam, false, func, or_, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import companies, people
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import CompanyId, LogId, PersonId, TicketId
from chatsvc.tickets import policy, search, search_store
from chatsvc.tickets.model import Audience, Filters, State
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.severity_tables import tracks
from chatsvc.tickets.tables import followers, logs, ticket_settings, tickets

PAGE = 25


# For questions within questions.
_opened = tickets.alias("opened")


class LogReach(msgspec.Struct, frozen=True):
    """A log that somebody may read, and how it stands."""

    log: LogId
    ticket: TicketId
    company: CompanyId
    audience: Audience
    head: int
    owner_epoch: int
    # The representative in the live conversation; None while there is none.
    owner: PersonId | None
    sealed: bool


class TicketView(msgspec.Struct, frozen=True):
    """A ticket as its page shows it: the box of facts (T10), and what the reader may do now."""

    id: TicketId
    number: int
    subject: str
    description: str
    product: str
    # Question code -> answer code.
    impact: dict[str, str]
    severity: str
    state: State
    team: str
    reason: str | None
    environment: str | None
    source: str
    company: str
    requester: str
    requester_id: PersonId
    # The person who works on it (T2); None while nobody does.
    owner: str | None
    created_at: datetime
    # The last change or the last word, the later (T1).
    updated_at: datetime
    ended_at: datetime | None
    # Raised by every change; whoever changes it says which one they saw.
    version: int
    reopen_until: datetime | None
    log: LogId
    # None for contacts: the staff's log does not exist for them.
    notes_log: LogId | None
    may_comment: bool
    may_solve: bool
    may_reopen: bool
    # Of meaning while awaiting: what the customer was asked for, and when it closes if they do not answer (T8).
    needed: str | None = None
    closes_at: datetime | None = None
    # The solution given, and when (T1).
    solution: str | None = None
    solution_at: datetime | None = None
    owner_id: PersonId | None = None
    # Numbers: the ticket that this one follows up, its own follow-up, and the one that it was merged into (T9).
    follows: int | None = None
    followed_up_by: int | None = None
    merged_into: int | None = None
    # The incident's number.
    incident: str | None = None
    may_close: bool = False
    may_follow_up: bool = False
    # Whether the reader follows it, and whether they opened it.
    following: bool = False
    own: bool = False


class TicketLine(msgspec.Struct, frozen=True):
    """A ticket in a list."""

    id: TicketId
    number: int
    subject: str
    product: str
    severity: str
    state: State
    team: str
    requester: str
    requester_id: PersonId
    company: str
    created_at: datetime
    updated_at: datetime
    # Who works on it; None while nobody does.
    owner: str | None = None
    # When the first of its promises is due, and whether one is broken; None and False without any.
    due_at: datetime | None = None
    breached: bool = False
    closes_at: datetime | None = None
    version: int = 0
    # The number of the ticket in which a duplicate goes on; None for most.
    merged_into: int | None = None


class TicketPage(msgspec.Struct, frozen=True):
    """Some tickets, newest first, and where to go on; ``older`` None means that was all."""

    tickets: tuple[TicketLine, ...]
    # The number to ask for tickets before.
    older: int | None


class TicketCounts(msgspec.Struct, frozen=True):
    """How many tickets somebody may read."""

    # Open and awaiting.
    open: int
    # Those, and what ended so lately that it can be opened again (T9): no duplicates, which go on elsewhere.
    current: int
    all: int


def reachable(identity: Identity) -> ColumnElement[bool]:
    """Return the condition that this person may read a ticket; the company comes from the session and from nowhere else (R20).

    It fits questions about one ticket; for lists ``readable`` gives the same in a form that an index can follow.
    """
    return true() if identity.is_staff else reachable_by(identity.person, identity.company)


def reachable_by(person: Any, company: Any) -> ColumnElement[bool]:
    """Return the condition that a contact of a company may read a ticket: values, or parameters of a statement that is made once.

    A contact reads what they opened and what they follow; everything of their company where the company wishes so.
    """
    wish = select(ticket_settings.c.colleagues).where(ticket_settings.c.company_id == company)
    shown = func.coalesce(wish.scalar_subquery(), False) == true()
    opened = _opened.c.requester_id == person
    own = union_all(select(_opened.c.id).where(opened), _followed(person))
    return and_(tickets.c.company_id == company, or_(tickets.c.id.in_(own), shown))


async def readable(connection: AsyncConnection, identity: Identity) -> ColumnElement[bool]:
    """Return the condition that this person may read a ticket, for lists, counts and reports: what their company wishes is asked first,
    so that an index leads to what they may read, however much their company has.
    """
    if identity.is_staff:
        return true()
    theirs = tickets.c.company_id == identity.company
    wish = select(ticket_settings.c.colleagues).where(ticket_settings.c.company_id == identity.company)
    if (await connection.execute(wish)).scalar_one_or_none():
        return theirs
    opened = select(_opened.c.number).where(_opened.c.requester_id == identity.person)
    followed = select(_opened.c.number).where(_opened.c.id.in_(_followed(identity.person)))
    return and_(theirs, tickets.c.number.in_(union_all(opened, followed)))


def _followed(person: Any) -> Select[Any]:
    return select(followers.c.ticket_id).where(followers.c.person_id == person)


# Made once, because they are asked whenever a log is opened.
_LOG = select(
    logs.c.id, logs.c.ticket_id, logs.c.company_id, logs.c.audience, logs.c.head, logs.c.owner_epoch, logs.c.owner_id, logs.c.sealed,
).where(logs.c.id == bindparam("log"))  # fmt: skip
_OWN_LOG = _LOG.select_from(logs.join(tickets, tickets.c.id == logs.c.ticket_id)).where(
    logs.c.audience == Audience.SHARED, reachable_by(bindparam("person"), bindparam("company"))
)


async def log_reach(connection: AsyncConnection, identity: Identity, log: LogId) -> LogReach:
    """Return a log that this person may read.

    Raises:
        NotFound: there is none, or not for this person.
    """
    if identity.is_staff:
        found = await connection.execute(_LOG, {"log": log})
    else:
        names = {"log": log, "person": identity.person, "company": identity.company}
        found = await connection.execute(_OWN_LOG, names)
    row = found.one_or_none()
    if row is None:
        raise NotFound("log.not_found")
    return LogReach(row[0], row[1], row[2], Audience(row[3]), row[4], row[5], row[6], row[7])


async def require(connection: AsyncConnection, identity: Identity, ticket: TicketId) -> None:
    """Make sure that this person may read the ticket.

    Raises:
        NotFound: they may not, or there is none.
    """
    statement = select(tickets.c.id).where(tickets.c.id == ticket, reachable(identity))
    if (await connection.execute(statement)).one_or_none() is None:
        raise NotFound("ticket.not_found")


_requester = people.alias("requester")
_owner = people.alias("owner")
_shared = logs.alias("shared")
_staff = logs.alias("staff")
_before = tickets.alias("before")
_behind = tickets.alias("behind")
_kept = tickets.alias("kept")


async def ticket(
    connection: AsyncConnection, identity: Identity, number: int, *, at: datetime, rules: TicketRules
) -> TicketView:
    """Return a ticket by its number, for its page.

    Raises:
        NotFound: there is none, or not for this person.
    """
    source = (
        tickets.join(companies, companies.c.id == tickets.c.company_id)
        .join(_requester, _requester.c.id == tickets.c.requester_id)
        .outerjoin(_owner, _owner.c.id == tickets.c.owner_id)
        .join(_shared, and_(_shared.c.ticket_id == tickets.c.id, _shared.c.audience == Audience.SHARED))
        .join(_staff, and_(_staff.c.ticket_id == tickets.c.id, _staff.c.audience == Audience.STAFF))
        .outerjoin(_before, _before.c.id == tickets.c.follows_id)
        .outerjoin(_behind, _behind.c.follows_id == tickets.c.id)
        .outerjoin(_kept, _kept.c.id == tickets.c.merged_into_id)
    )
    statement = (
        select(
            tickets,
            companies.c.name.label("company"),
            _requester.c.name.label("requester"),
            _owner.c.name.label("owner"),
            _shared.c.id.label("log"),
            _shared.c.last_at.label("last_at"),
            _shared.c.sealed.label("sealed"),
            _staff.c.id.label("notes_log"),
            _before.c.number.label("before_number"),
            _behind.c.number.label("behind_number"),
            _kept.c.number.label("kept_number"),
            tickets.c.id.in_(_followed(identity.person)).label("following"),
        )
        .select_from(source)
        .where(tickets.c.number == number, reachable(identity))
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("ticket.not_found")
    state = State(row.state)
    merged = row.merged_into_id is not None
    waits = state is State.AWAITING
    may_reopen = not merged and policy.may_reopen(state, row.ended_at, at, rules)
    return TicketView(
        id=row.id,
        number=row.number,
        subject=row.subject,
        description=row.description,
        product=row.product,
        impact=row.impact,
        severity=row.severity,
        state=state,
        team=row.team,
        reason=row.reason,
        environment=row.environment,
        source=row.source,
        company=row.company,
        requester=row.requester,
        requester_id=row.requester_id,
        owner=row.owner,
        created_at=row.created_at,
        updated_at=max(row.updated_at, row.last_at or row.updated_at),
        ended_at=row.ended_at,
        version=row.version,
        reopen_until=policy.reopen_until(row.ended_at, rules),
        log=row.log,
        notes_log=row.notes_log if identity.is_staff else None,
        may_comment=not (row.sealed or merged) and policy.may_comment(state, row.ended_at, at, rules),
        may_solve=policy.may_solve(state),
        may_reopen=may_reopen,
        needed=row.needed if waits else None,
        closes_at=row.closes_at if waits else None,
        solution=row.solution,
        solution_at=row.solution_at,
        owner_id=row.owner_id,
        follows=row.before_number,
        followed_up_by=row.behind_number,
        merged_into=row.kept_number,
        incident=row.incident,
        may_close=policy.may_close(state) and (row.ended_at is None or may_reopen),
        may_follow_up=not merged and row.ended_at is not None and not may_reopen,
        following=bool(row.following),
        own=row.requester_id == identity.person,
    )


async def requests(
    connection: AsyncConnection,
    identity: Identity,
    *,
    filters: Filters | None = None,
    before: int | None = None,
    company: CompanyId | None = None,
    limit: int = PAGE,
) -> TicketPage:
    """Return the tickets that this person may read, newest first: for a contact, *My requests* (T6).

    ``before`` is the ``older`` of the page shown last; ``company`` narrows it for staff, as in ``filters``.
    """
    filters = filters or Filters()
    if company is not None:
        filters = msgspec.structs.replace(filters, company=company)
    may_read = await readable(connection, identity)
    rows = await newest(connection, identity, filters, may_read, before=before, limit=limit + 1)
    found = tuple(line(row) for row in rows[:limit])
    return TicketPage(found, found[-1].number if len(rows) > limit else None)


async def newest(
    connection: AsyncConnection,
    identity: Identity,
    filters: Filters,
    *conditions: ColumnElement[bool],
    before: int | None,
    limit: int,
    walked: int = search_store.WALKED,
) -> Sequence[Any]:
    """Return the newest tickets that the filters leave and of which the conditions are true, as rows of ``lines``.

    Their numbers are found first and what is shown of them afterwards, so that no planner joins more than a page. Where the store does not
    have matches of words in the order of their numbers, the ``walked`` newest are looked through before the index of all is asked.
    """
    dialect = connection.dialect.name
    if before is not None:
        conditions = *conditions, tickets.c.number < before
    sought = search.wanted(filters.text)
    order: ColumnElement[int] = tickets.c.number
    if sought and dialect == "postgresql":
        rows = await _walked(connection, identity, filters, sought, conditions, limit, walked)
        if rows is not None:
            return rows
        # It cannot walk along a sum, and so takes the index of words.
        order = tickets.c.number + 0
    found = select(tickets.c.number).where(*conditions, *narrowed(dialect, identity, filters))
    return await _shown(connection, found.order_by(order.desc()).limit(limit))


async def _walked(
    connection: AsyncConnection,
    identity: Identity,
    filters: Filters,
    sought: Sequence[search.Wanted],
    conditions: Sequence[ColumnElement[bool]],
    limit: int,
    walked: int,
) -> Sequence[Any] | None:
    """Look for words in the newest tickets that all else leaves; return None when they do not fill a page, and there are more of them."""
    rest = narrowed(connection.dialect.name, identity, msgspec.structs.replace(filters, text=""))
    newest = select(tickets.c.number).where(*conditions, *rest).order_by(tickets.c.number.desc())
    some = newest.limit(walked).subquery("some")
    found = select(some.c.number).where(search_store.says(some.c.number, sought))
    rows = await _shown(connection, found.order_by(some.c.number.desc()).limit(limit))
    if len(rows) == limit:
        return rows
    looked_at = (await connection.execute(select(func.count()).select_from(some))).scalar_one()
    return rows if looked_at < walked else None


async def _shown(connection: AsyncConnection, numbers: Select[Any]) -> Sequence[Any]:
    few = numbers.subquery()
    statement = lines().where(tickets.c.number.in_(select(few.c.number))).order_by(tickets.c.number.desc())
    rows: Sequence[Any] = (await connection.execute(statement)).all()
    return rows


def lines() -> Select[Any]:
    """Select what ``line`` needs; without an order or a condition yet."""
    source = (
        tickets.join(companies, companies.c.id == tickets.c.company_id)
        .join(_requester, _requester.c.id == tickets.c.requester_id)
        .join(_shared, and_(_shared.c.ticket_id == tickets.c.id, _shared.c.audience == Audience.SHARED))
        .outerjoin(_owner, _owner.c.id == tickets.c.owner_id)
        .outerjoin(tracks, tracks.c.ticket_id == tickets.c.id)
        .outerjoin(_kept, _kept.c.id == tickets.c.merged_into_id)
    )
    return select(
        tickets.c.id, tickets.c.number, tickets.c.subject, tickets.c.product, tickets.c.severity, tickets.c.state,
        tickets.c.team, _requester.c.name, companies.c.name, tickets.c.created_at, tickets.c.updated_at,
        _shared.c.last_at, _owner.c.name, tracks.c.due_at, tracks.c.breached, tickets.c.closes_at, tickets.c.version,
        tickets.c.requester_id, _kept.c.number,
    ).select_from(source)  # fmt: skip


def line(row: Any) -> TicketLine:
    """Return a row of ``lines`` as people see it."""
    number, subject, product, severity, state, team, requester, company, created_at, updated_at, last_at = row[1:12]
    owner, due_at, breached, closes_at, version, requester_id, merged_into = row[12:19]
    return TicketLine(
        id=row[0],
        number=number,
        subject=subject,
        product=product,
        severity=severity,
        state=State(state),
        team=team,
        requester=requester,
        requester_id=requester_id,
        company=company,
        created_at=created_at,
        updated_at=max(updated_at, last_at or updated_at),
        owner=owner,
        due_at=due_at,
        breached=bool(breached),
        closes_at=closes_at if state == State.AWAITING else None,
        version=version,
        merged_into=merged_into,
    )


def narrowed(dialect: str, identity: Identity, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions of what narrows a list; whether somebody may read is asked besides."""
    conditions: list[ColumnElement[bool]] = []
    for column, chosen in (
        (tickets.c.state, filters.states),
        (tickets.c.product, filters.products),
        (tickets.c.severity, filters.severities),
        (tickets.c.team, filters.teams),
    ):
        if chosen:
            conditions.append(column.in_(chosen))
    for column, value in (
        (tickets.c.reason, filters.reason),
        (tickets.c.company_id, filters.company),
        (tickets.c.owner_id, filters.owner),
        (tickets.c.incident, filters.incident),
    ):
        if value is not None:
            conditions.append(column == value)
    if filters.own:
        conditions.append(tickets.c.requester_id == identity.person)
    if filters.others:
        conditions.append(tickets.c.requester_id != identity.person)
    if filters.ended_since is not None:
        conditions.append(_not_over_before(filters.ended_since))
    if filters.followed:
        conditions.append(tickets.c.id.in_(_followed(identity.person)))
    if filters.text.strip():
        sought = search.wanted(filters.text)
        company = filters.company if identity.is_staff else identity.company
        conditions.append(search_store.matches(dialect, sought, company) if sought else false())
    return conditions


def _not_over_before(at: datetime) -> ColumnElement[bool]:
    # A duplicate that was merged is never opened again, so that it is over at once.
    lately = and_(tickets.c.ended_at >= at, tickets.c.merged_into_id.is_(None))
    return or_(tickets.c.ended_at.is_(None), lately)


async def counts(connection: AsyncConnection, identity: Identity, *, ended_since: datetime) -> TicketCounts:
    """Count the tickets that this person may read; what ended at ``ended_since`` or later is current still."""
    is_open = tickets.c.state.in_((State.OPEN, State.AWAITING))
    is_current = _not_over_before(ended_since)
    columns = func.count().filter(is_open), func.count().filter(is_current), func.count()
    statement = select(*columns).select_from(tickets)
    statement = statement.where(await readable(connection, identity))
    return TicketCounts(*(await connection.execute(statement)).one())
