"""SQL of severity and of clocks: what is proposed and judged, how clocks stand, and which plan a company has."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import companies, people
from chatsvc.coverage.tables import calendars
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict, Invalid
from chatsvc.kernel.ids import CompanyId, LogId, PersonId, TicketId
from chatsvc.tickets.clocks import Track
from chatsvc.tickets.log_store import role_of
from chatsvc.tickets.model import Audience, Kind, Role, State
from chatsvc.tickets.severity import FIRST, TO_JUDGE, Claim, CriticalContact, Proposed
from chatsvc.tickets.severity_tables import company_plans, tracks, triage
from chatsvc.tickets.tables import entries, logs, tickets

# Triage ---------------------------------------------------------------------------------------------------------------------------------


class Standing(NamedTuple):
    """How the question of urgency stands for a ticket."""

    proposed: str
    # Keys of the catalogue.
    reasons: tuple[str, ...]
    claim: Claim
    contact: CriticalContact | None
    judged_by: PersonId | None
    judged_at: datetime | None
    # The last judgement's words for the customer; empty when there were none.
    reason: str
    appealed_at: datetime | None


UNTOUCHED = Standing(FIRST, (), Claim.NONE, None, None, None, "", None)


async def standing(connection: AsyncConnection, ticket: TicketId) -> Standing:
    """Return how the question of urgency stands for a ticket; ``UNTOUCHED`` when nobody has said anything."""
    row = (await connection.execute(select(triage).where(triage.c.ticket_id == ticket))).one_or_none()
    if row is None:
        return UNTOUCHED
    contact = None if row.contact_name is None else CriticalContact(row.contact_name, row.contact_phone or "")
    claim, reasons = Claim(row.claim), tuple(row.reasons)
    return Standing(
        row.proposed, reasons, claim, contact, row.judged_by, row.judged_at, row.reason or "", row.appealed_at
    )


async def insist_on_judgement(connection: AsyncConnection, ticket: TicketId) -> None:
    """Insist that no claim waits for judgement.

    Raises:
        Invalid: ``severity.judgement_needed``.
    """
    if (await standing(connection, ticket)).claim in TO_JUDGE:
        raise Invalid("severity.judgement_needed", field="severity")


async def propose(uow: UnitOfWork, ticket: TicketId, proposed: Proposed, contact: CriticalContact) -> None:
    """Write down that a ticket is proposed critical."""
    await uow.execute(
        insert(triage).values(
            ticket_id=ticket,
            proposed=proposed.severity,
            reasons=list(proposed.reasons),
            claim=Claim.PROPOSED,
            contact_name=contact.name,
            contact_phone=contact.phone,
        )
    )


async def judge(uow: UnitOfWork, ticket: TicketId, before: Standing, claim: Claim, by: PersonId, reason: str) -> None:
    """Write down a judgement about a ticket whose standing was just read.

    Raises:
        Conflict: ``ticket.changed``: somebody else was quicker.
    """
    values = {"claim": claim, "judged_by": by, "judged_at": uow.now, "reason": reason or None}
    if before is UNTOUCHED:
        insertion = uow.insertion(triage)
        row = {"ticket_id": ticket, "proposed": FIRST, "reasons": []} | values
        if not await uow.changes_one(insertion.values(row).on_conflict_do_nothing()):
            raise Conflict("ticket.changed", ticket=ticket)
        return
    await _change(uow, ticket, before, values)


async def appeal(uow: UnitOfWork, ticket: TicketId, before: Standing) -> None:
    """Write down that the customer asks for a second look; raises as ``judge`` does."""
    await _change(uow, ticket, before, {"claim": Claim.APPEALED, "appealed_at": uow.now})


async def _change(uow: UnitOfWork, ticket: TicketId, before: Standing, values: dict[str, Any]) -> None:
    same = and_(triage.c.claim == before.claim, triage.c.judged_at.is_not_distinct_from(before.judged_at))
    if not await uow.changes_one(update(triage).where(triage.c.ticket_id == ticket, same).values(values)):
        raise Conflict("ticket.changed", ticket=ticket)


async def set_severity(uow: UnitOfWork, ticket: Row[Any], severity: str) -> None:
    """Set the severity of a ticket that was just read.

    Raises:
        Conflict: ``ticket.changed``: somebody changed it since.
    """
    changed = await uow.changes_one(
        update(tickets)
        .where(tickets.c.id == ticket.id, tickets.c.version == ticket.version)
        .values(severity=severity, updated_at=uow.now, version=ticket.version + 1)
    )
    if not changed:
        raise Conflict("ticket.changed", ticket=ticket.id)


# Clocks ---------------------------------------------------------------------------------------------------------------------------------


class Followed(NamedTuple):
    """A ticket whose clocks are to follow it."""

    ticket: TicketId
    number: int
    company: CompanyId
    requester: PersonId
    # As the ticket stands.
    state: str
    severity: str
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    log: LogId
    # The newest entry, and the last one that the clocks know of.
    head: int
    known: int
    # None while the ticket is not tracked.
    track: Track | None
    version: int


_SHARED = and_(logs.c.ticket_id == tickets.c.id, logs.c.audience == Audience.SHARED)
_FOLLOWED = (
    tickets.c.id, tickets.c.number, tickets.c.company_id, tickets.c.requester_id, tickets.c.state, tickets.c.severity,
    tickets.c.created_at, tickets.c.updated_at, tickets.c.ended_at, logs.c.id, logs.c.head,
    func.coalesce(tracks.c.head, 0), tracks.c.track, func.coalesce(tracks.c.version, 0),
)  # fmt: skip


async def followed(connection: AsyncConnection, ids: Sequence[TicketId]) -> list[Followed]:
    """Return tickets with their clocks, in no order."""
    statement = (
        select(*_FOLLOWED)
        .select_from(tickets.join(logs, _SHARED).outerjoin(tracks, tracks.c.ticket_id == tickets.c.id))
        .where(tickets.c.id.in_(ids))
    )
    found = [Followed._make(row) for row in await connection.execute(statement)]
    return [ticket._replace(track=_track(ticket.track)) for ticket in found]


def _track(stored: Any) -> Track | None:
    return None if stored is None else msgspec.convert(stored, Track)


class Happening(NamedTuple):
    """An entry of a shared log, as far as clocks care."""

    number: int
    kind: str
    role: Role
    at: datetime


async def happenings(
    connection: AsyncConnection, ids: Sequence[TicketId], kinds: Sequence[Kind]
) -> dict[TicketId, list[Happening]]:
    """Return what has happened to tickets since their clocks last looked, in order; those to which nothing has are left out.

    Of a row of words by the same person only the first and the last are there: those between move no clock.
    """
    of = {"partition_by": entries.c.log_id, "order_by": entries.c.number}

    def is_like(other: Callable[..., Any]) -> ColumnElement[bool]:
        same = (func.coalesce(other(column).over(**of), "") == column for column in (entries.c.kind, entries.c.sender))
        return and_(*same)

    said = (
        select(
            logs.c.ticket_id, entries.c.number, entries.c.kind, entries.c.sender, entries.c.at,
            and_(is_like(func.lag), is_like(func.lead)).label("is_between"),
        )
        .select_from(
            logs.join(entries, entries.c.log_id == logs.c.id)
            .outerjoin(tracks, tracks.c.ticket_id == logs.c.ticket_id)
        )
        .where(logs.c.ticket_id.in_(ids), logs.c.audience == Audience.SHARED, entries.c.kind.in_(kinds))
        .where(entries.c.number > func.coalesce(tracks.c.head, 0))
        .subquery()
    )  # fmt: skip
    statement = (
        select(said.c.ticket_id, said.c.number, said.c.kind, said.c.sender, people.c.role, said.c.at)
        .select_from(said.outerjoin(people, people.c.id == said.c.sender))
        .where(said.c.is_between.is_(False))
        .order_by(said.c.ticket_id, said.c.number)
    )
    found: dict[TicketId, list[Happening]] = defaultdict(list)
    for ticket, number, kind, sender, role, at in await connection.execute(statement):
        found[ticket].append(Happening(number, kind, role_of(sender, role), at))
    return found


async def untracked(connection: AsyncConnection, limit: int) -> Sequence[TicketId]:
    """Return tickets that nobody tracks yet: numbers rise in the order of commits, so that those above the highest are all there are."""
    newest = select(func.coalesce(func.max(tracks.c.number), 0)).scalar_subquery()
    statement = select(tickets.c.id).where(tickets.c.number > newest).order_by(tickets.c.number).limit(limit)
    return (await connection.execute(statement)).scalars().all()


async def behind(connection: AsyncConnection, at: datetime, limit: int) -> Sequence[TicketId]:
    """Return watched tickets of which something has happened since their clocks last looked, and those whose clocks are due by a moment.

    Something: an entry of the log, a change of the ticket, or another calendar or plan of its company.
    """
    news = or_(
        logs.c.head > tracks.c.head,
        tickets.c.updated_at > tracks.c.seen_at,
        calendars.c.changed_at > tracks.c.kept_at,
        company_plans.c.changed_at > tracks.c.kept_at,
    )
    having_news = (
        select(tracks.c.ticket_id)
        .select_from(
            tracks.join(tickets, tickets.c.id == tracks.c.ticket_id)
            .join(logs, _SHARED)
            .outerjoin(calendars, calendars.c.company_id == tickets.c.company_id)
            .outerjoin(company_plans, company_plans.c.company_id == tickets.c.company_id)
        )
        .where(tracks.c.watched.is_(True), news)
        .order_by(tracks.c.ticket_id)
        .limit(limit)
    )
    due = select(tracks.c.ticket_id).where(tracks.c.look_at <= at).order_by(tracks.c.look_at).limit(limit)
    found = [*(await connection.execute(due)).scalars(), *(await connection.execute(having_news)).scalars()]
    return list(dict.fromkeys(found))


async def open_tickets(
    connection: AsyncConnection, company: CompanyId, limit: int
) -> list[tuple[TicketId, str | None]]:
    """Return a company's tickets whose clocks may run, oldest first, each with its requester's own zone; None: the company's."""
    statement = (
        select(tickets.c.id, people.c.zone)
        .select_from(tickets.join(people, people.c.id == tickets.c.requester_id))
        .where(tickets.c.company_id == company, tickets.c.state == State.OPEN)
        .order_by(tickets.c.number)
        .limit(limit)
    )
    return [(TicketId(row.id), row.zone) for row in await connection.execute(statement)]


class Kept(NamedTuple):
    """How the clocks of a ticket stand now."""

    track: Track
    look_at: datetime | None
    word_due_at: datetime | None
    due_at: datetime | None
    # False once the ticket can no longer change.
    watched: bool


async def keep(uow: UnitOfWork, ticket: Followed, kept: Kept) -> bool:
    """Store how the clocks of a ticket stand; False, and nothing stored, when somebody else has done so meanwhile."""
    values = _values(uow, ticket, kept)
    if ticket.track is None:
        return await uow.changes_one(_insert_tracks(uow).values(values))
    return await uow.changes_one(_KEEP, _bound(values, ticket))


async def keep_all(uow: UnitOfWork, kept: Sequence[tuple[Followed, Kept]]) -> None:
    """Store how the clocks of several tickets stand; those that somebody else has stored meanwhile stay as they are."""
    new = [_values(uow, ticket, one) for ticket, one in kept if ticket.track is None]
    known = [_bound(_values(uow, ticket, one), ticket) for ticket, one in kept if ticket.track is not None]
    if new:
        await uow.execute(_insert_tracks(uow), new)
    if known:
        await uow.execute(_KEEP, known)


_KEEP: Final = update(tracks).where(
    tracks.c.ticket_id == bindparam("of_ticket"), tracks.c.version == bindparam("read_version")
)


def _insert_tracks(uow: UnitOfWork) -> Any:
    return uow.insertion(tracks).on_conflict_do_nothing()


def _bound(values: dict[str, Any], ticket: Followed) -> dict[str, Any]:
    moving = {name: value for name, value in values.items() if name not in ("ticket_id", "number")}
    return moving | {"of_ticket": ticket.ticket, "read_version": ticket.version}


def _values(uow: UnitOfWork, ticket: Followed, kept: Kept) -> dict[str, Any]:
    return {
        "ticket_id": ticket.ticket,
        "number": ticket.number,
        "head": ticket.head,
        "version": ticket.version + 1,
        "track": msgspec.to_builtins(kept.track),
        "look_at": kept.look_at,
        "word_due_at": kept.word_due_at,
        "due_at": kept.due_at,
        "breached": any(clock.running_since and clock.breached_at for clock in kept.track.clocks),
        "watched": kept.watched,
        "seen_at": ticket.updated_at,
        "kept_at": uow.now,
    }


# Plans ----------------------------------------------------------------------------------------------------------------------------------


async def plan_of(connection: AsyncConnection, company: CompanyId) -> str | None:
    """Return the key of a company's plan; None when it has no other than the usual one."""
    statement = select(company_plans.c.plan).where(company_plans.c.company_id == company)
    return (await connection.execute(statement)).scalar_one_or_none()


class PlanGiven(NamedTuple):
    """Which plan a company has been given."""

    company: CompanyId
    name: str
    # Key of the catalogue, since when, and who gave it; None where none was ever chosen.
    plan: str | None
    changed_at: datetime | None
    changed_by: str | None


async def plans(connection: AsyncConnection, company: CompanyId | None = None) -> Sequence[PlanGiven]:
    """Return the plans of companies, by the companies' names; or that of one of them."""
    giver = people.c.name.label("changed_by")
    statement = (
        select(companies.c.id, companies.c.name, company_plans.c.plan, company_plans.c.changed_at, giver)
        .select_from(
            companies.outerjoin(company_plans, company_plans.c.company_id == companies.c.id).outerjoin(
                people, people.c.id == company_plans.c.changed_by
            )
        )
        .order_by(companies.c.name, companies.c.id)
    )
    if company is not None:
        statement = statement.where(companies.c.id == company)
    return [PlanGiven(*row) for row in await connection.execute(statement)]


async def set_plan(uow: UnitOfWork, company: CompanyId, plan: str, *, by: PersonId) -> None:
    """Give a company a plan."""
    values = {"plan": plan, "changed_at": uow.now, "changed_by": by}
    statement = uow.insertion(company_plans).values(company_id=company, **values)
    await uow.execute(statement.on_conflict_do_update(index_elements=["company_id"], set_=values))
