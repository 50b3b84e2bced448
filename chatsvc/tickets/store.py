"""SQL of tickets: opening, owning, changing. Every update carries the version or state it expects."""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import to_builtins
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids
from chatsvc.kernel.errors import Conflict, NotFound
from chatsvc.kernel.ids import CompanyId, LogId, PersonId, TicketId
from chatsvc.tickets import search_store
from chatsvc.tickets.model import Audience, Fields, Kind, State, Words
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.search import searchable
from chatsvc.tickets.tables import entries, logs, ticket_numbers, tickets

# A log takes words for as long as its ticket can be reopened (T9).
REOPEN_WITHIN = TicketRules().reopen_within
# The first ticket of a new store: a number that people take for one.
FIRST_NUMBER = 1001
# Messages of a ticket by whose words it is found, the newest ones; those of a long quarrel are not all needed to find it.
_MOST_SAID = 200


class Opened(NamedTuple):
    """A ticket that has just been opened."""

    id: TicketId
    number: int
    # The shared log, and the staff's own.
    log: LogId
    notes_log: LogId


async def _next_number(uow: UnitOfWork) -> int:
    insertion = uow.insertion(ticket_numbers)
    statement = (
        insertion.values(name="ticket", last=FIRST_NUMBER)
        .on_conflict_do_update(index_elements=[ticket_numbers.c.name], set_={"last": ticket_numbers.c.last + 1})
        .returning(ticket_numbers.c.last)
    )
    return int((await uow.execute(statement)).scalar_one())


async def open_ticket(
    uow: UnitOfWork,
    *,
    company: CompanyId,
    requester: PersonId,
    product: str,
    subject: str,
    description: str,
    impact: dict[str, str],
    source: str,
    source_id: str,
    team: str = "support",
    **more: Any,
) -> Opened:
    """Open a ticket as P3 (V2), with its number and its two empty logs; ``more`` are further columns of it.

    Raises:
        sqlalchemy.exc.IntegrityError: this source has its ticket already (R13).
    """
    opened = Opened(ids.ticket_id(), await _next_number(uow), ids.log_id(), ids.log_id())
    await uow.execute(
        insert(tickets).values(
            id=opened.id,
            number=opened.number,
            company_id=company,
            requester_id=requester,
            product=product,
            subject=subject,
            description=description,
            impact=impact,
            severity="P3",
            state=State.OPEN,
            team=team,
            source=source,
            source_id=source_id,
            created_at=uow.now,
            updated_at=uow.now,
            version=1,
            **more,
        )
    )
    await search_store.put(uow, opened.number, company, searchable(opened.number, subject, description))
    rows = [
        {
            "id": log,
            "ticket_id": opened.id,
            "company_id": company,
            "audience": audience,
            "head": 0,
            "owner_epoch": 0,
            "sealed": False,
            "asleep": False,
        }
        for log, audience in ((opened.log, Audience.SHARED), (opened.notes_log, Audience.STAFF))
    ]
    await uow.execute(insert(logs), rows)
    return opened


async def grant_owner(uow: UnitOfWork, ticket: TicketId, *, person: PersonId | None, epoch: int) -> None:
    """Make one representative the only member of staff who may write into the shared log, by this epoch; None: nobody in particular.

    Writes that carry an older epoch are refused from this commit on (R9). A ticket keeps its last owner (T2).
    """
    await uow.execute(
        update(logs)
        .where(logs.c.ticket_id == ticket, logs.c.audience == Audience.SHARED)
        .values(owner_id=person, owner_epoch=epoch)
    )
    if person is not None:
        await uow.execute(update(tickets).where(tickets.c.id == ticket).values(owner_id=person, updated_at=uow.now))


async def complete(
    uow: UnitOfWork,
    ticket: TicketId,
    *,
    subject: str,
    reason: str | None,
    product: str,
    environment: str | None,
    severity: str,
    team: str,
    solved: bool,
) -> None:
    """Complete a ticket with what the wrap-up says (K4); solved, or left open for the team."""
    await uow.execute(
        update(tickets)
        .where(tickets.c.id == ticket)
        .values(
            subject=subject,
            reason=reason,
            product=product,
            environment=environment,
            severity=severity,
            team=team,
            state=State.SOLVED if solved else State.OPEN,
            ended_at=uow.now if solved else None,
            updated_at=uow.now,
            version=tickets.c.version + 1,
        )
    )
    await _settle_log(uow, ticket, State.SOLVED if solved else State.OPEN, uow.now if solved else None)
    await reindex(uow, ticket)


async def _settle_log(uow: UnitOfWork, ticket: TicketId, state: State, ended_at: datetime | None) -> None:
    """Let the logs know in which state their ticket is: whether the customer's next word wakes it, and until when they take words."""
    seals_at = None if ended_at is None else ended_at + REOPEN_WITHIN
    sealed = {} if seals_at is not None and seals_at < uow.now else {"sealed": False}
    values = {"asleep": state is not State.OPEN, "seals_at": seals_at, **sealed}
    await uow.execute(update(logs).where(logs.c.ticket_id == ticket).values(values))


async def change(uow: UnitOfWork, ticket: Row[Any], fields: Fields, *, ended_at: datetime | None) -> None:
    """Set the fields of a ticket that was just read.

    Raises:
        Conflict: somebody changed it since.
    """
    changed = await uow.changes_one(
        update(tickets)
        .where(tickets.c.id == ticket.id, tickets.c.version == ticket.version)
        .values(**to_builtins(fields), ended_at=ended_at, updated_at=uow.now, version=ticket.version + 1)
    )
    if not changed:
        raise Conflict("ticket.changed")
    await _settle_log(uow, ticket.id, fields.state, ended_at)
    await reindex(uow, ticket.id)


async def load(connection: AsyncConnection, ticket: TicketId) -> Row[Any]:
    """Return a ticket's row.

    Raises:
        NotFound: there is no such ticket.
    """
    row = (await connection.execute(select(tickets).where(tickets.c.id == ticket))).one_or_none()
    if row is None:
        raise NotFound("ticket.not_found")
    return row


async def move(uow: UnitOfWork, ticket: Row[Any], to: State, *, ended_at: datetime | None, **columns: Any) -> None:
    """Put a ticket that was just read into another state, and set further columns of it.

    Raises:
        Conflict: somebody changed it since.
    """
    moved = await uow.changes_one(
        update(tickets)
        .where(tickets.c.id == ticket.id, tickets.c.version == ticket.version)
        .values(state=to, ended_at=ended_at, updated_at=uow.now, version=ticket.version + 1, **columns)
    )
    if not moved:
        raise Conflict("ticket.changed")
    await _settle_log(uow, ticket.id, to, ended_at)


async def put(uow: UnitOfWork, ticket: Row[Any], **columns: Any) -> None:
    """Set columns of a ticket that was just read; its state stays.

    Raises:
        Conflict: somebody changed it since.
    """
    values = {**columns, "updated_at": uow.now, "version": ticket.version + 1}
    mine = tickets.c.id == ticket.id, tickets.c.version == ticket.version
    if not await uow.changes_one(update(tickets).where(*mine).values(values)):
        raise Conflict("ticket.changed")


async def seal(uow: UnitOfWork, ticket: TicketId) -> None:
    """Let nothing more be added to a ticket's logs (T9)."""
    await uow.execute(
        update(logs).where(logs.c.ticket_id == ticket).values(sealed=True, asleep=False, seals_at=uow.now)
    )


async def is_live(connection: AsyncConnection, ticket: TicketId) -> bool:
    """Whether somebody is talking with the customer in the ticket's shared log right now."""
    statement = select(logs.c.owner_id).where(logs.c.ticket_id == ticket, logs.c.audience == Audience.SHARED)
    return (await connection.execute(statement)).scalar_one() is not None


async def by_source(connection: AsyncConnection, source: str, source_id: str) -> int | None:
    """Return the number of the ticket that this source has made; None when it has made none (R13)."""
    statement = select(tickets.c.number).where(tickets.c.source == source, tickets.c.source_id == source_id)
    number: int | None = (await connection.execute(statement)).scalar_one_or_none()
    return number


async def by_number(connection: AsyncConnection, number: int) -> Row[Any]:
    """Return a ticket's row by its number.

    Raises:
        NotFound: there is none.
    """
    row = (await connection.execute(select(tickets).where(tickets.c.number == number))).one_or_none()
    if row is None:
        raise NotFound("ticket.not_found")
    return row


async def reindex(uow: UnitOfWork, ticket: TicketId) -> None:
    """Let a ticket be found by the words it has now."""
    await search_store.put(uow, *await found_by(uow.connection, ticket))


async def found_by(connection: AsyncConnection, ticket: TicketId) -> tuple[int, CompanyId, list[str]]:
    """Return a ticket's number, its company, and the words it has now: its own, and what both sides have said, the newest first.

    Notes are not among them (R20).
    """
    row = await load(connection, ticket)
    said = await _said(connection, ticket)
    return (
        row.number,
        row.company_id,
        searchable(row.number, row.subject, row.description, row.solution or "", *said),
    )


async def _said(connection: AsyncConnection, ticket: TicketId) -> list[str]:
    statement = (
        select(entries.c.body)
        .join(logs, logs.c.id == entries.c.log_id)
        .where(logs.c.ticket_id == ticket, logs.c.audience == Audience.SHARED, entries.c.kind == Kind.MESSAGE)
        .order_by(entries.c.number.desc())
        .limit(_MOST_SAID)
    )
    bodies = (await connection.execute(statement)).scalars()
    return [msgspec.json.decode(body, type=Words).text for body in bodies]


async def log_of(connection: AsyncConnection, ticket: TicketId, audience: Audience = Audience.SHARED) -> LogId:
    """Return the id of one of a ticket's two logs."""
    statement = select(logs.c.id).where(logs.c.ticket_id == ticket, logs.c.audience == audience)
    return LogId((await connection.execute(statement)).scalar_one())
