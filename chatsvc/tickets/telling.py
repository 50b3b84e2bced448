"""Who is written to about a ticket: rows of the outbox, in the transaction of their cause (R14, T5).

A row names the ticket and the entry that it is about; what stands in the mail is read when it is written. Whoever did something is not told
about it, and whoever asked for quiet gets only what they must know.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, select

from chatsvc.accounts.model import PersonRole
from chatsvc.accounts.tables import people
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.ids import LogId, PersonId
from chatsvc.tickets.model import Kind
from chatsvc.tickets.tables import entries, followers, muted, reads


class News(StrEnum):
    """What people are written to about; the kinds of outbox rows."""

    COMMENT = "mail.ticket_comment"
    NEEDS_YOU = "mail.ticket_needs_you"
    REMINDER = "mail.ticket_reminder"
    CLOSING_SOON = "mail.ticket_closing_soon"
    SOLVED = "mail.ticket_solved"
    CLOSED = "mail.ticket_closed"
    REOPENED = "mail.ticket_reopened"
    FOLLOWED = "mail.ticket_followed"


# A promise of a ticket comes due, or is broken; read by staff alone.
PROMISE_DUE: Final = "mail.promise_due"

# What the requester gets also when they asked for quiet: without it they would miss what ends by itself.
ESSENTIAL: Final = frozenset({News.NEEDS_YOU, News.CLOSING_SOON, News.SOLVED, News.CLOSED})


async def readers(uow: UnitOfWork, row: Row[Any]) -> list[PersonId]:
    """Return the requester and the followers of a ticket, the requester first."""
    found = await uow.execute(
        select(followers.c.person_id).where(followers.c.ticket_id == row.id).order_by(followers.c.person_id)
    )
    return [row.requester_id, *(person for person in found.scalars() if person != row.requester_id)]


async def tell(
    uow: UnitOfWork,
    row: Row[Any],
    news: News,
    *,
    cause: str,
    but: PersonId | None = None,
    due_at: datetime | None = None,
    **payload: Any,
) -> None:
    """Write to everybody who reads a ticket, except one.

    Args:
        uow: the transaction of the cause.
        row: the ticket.
        news: what about.
        cause: what it follows from, within the ticket; the same cause is told once.
        but: whoever did it.
        due_at: when the mails go out; None: at once.
        payload: facts for the mail, beside the ticket's.
    """
    quiet = set((await uow.execute(select(muted.c.person_id).where(muted.c.ticket_id == row.id))).scalars())
    for person in await readers(uow, row):
        if person == but or (person in quiet and not is_essential(news, person, row)):
            continue
        await write_to(uow, row, news, person, cause=cause, due_at=due_at, **payload)


def is_essential(news: News, person: PersonId, row: Row[Any]) -> bool:
    """Whether somebody must know, whatever they asked for: the requester, of what would otherwise end without them."""
    return news in ESSENTIAL and person == row.requester_id


async def write_to(
    uow: UnitOfWork,
    row: Row[Any],
    news: News,
    person: PersonId,
    *,
    cause: str,
    due_at: datetime | None = None,
    **payload: Any,
) -> None:
    """Write to one person about a ticket."""
    facts = {
        "ticket": row.id,
        "number": row.number,
        "requester": person == row.requester_id,
        "essential": is_essential(news, person, row),
        **payload,
    }
    await uow.record(news, cause=f"ticket:{row.id}:{cause}", recipient=person, payload=facts, due_at=due_at)


async def tell_of_promise(uow: UnitOfWork, row: Row[Any], promise: str, what: str, due_at: datetime) -> None:
    """Write to whoever works on a ticket that a promise about it comes due or is broken (V1).

    Where nobody works on it yet, a broken one is written to every supervisor: somebody has to take it.
    """
    watchers = select(people.c.id).where(people.c.disabled_at.is_(None)).order_by(people.c.id)
    if row.owner_id is not None:
        watchers = watchers.where(people.c.id == row.owner_id)
    elif what == "breached":
        watchers = watchers.where(people.c.role == PersonRole.SUPERVISOR)
    else:
        return
    cause = f"ticket:{row.id}:due-{promise}-{what}-{int(due_at.timestamp())}"
    facts = {"ticket": row.id, "number": row.number, "promise": promise, "what": what, "due_at": due_at.isoformat()}
    for person in (await uow.execute(watchers)).scalars().all():
        await uow.record(PROMISE_DUE, cause=cause, recipient=person, payload=facts)


async def tell_comments(uow: UnitOfWork, row: Row[Any], log: LogId, first: int) -> None:
    """Write to everybody who reads a ticket and has not seen what others wrote, from entry ``first`` on."""
    said = (
        await uow.execute(
            select(entries.c.number, entries.c.sender)
            .where(entries.c.log_id == log, entries.c.number >= first, entries.c.kind == Kind.MESSAGE)
            .order_by(entries.c.number)
        )
    ).all()
    marks = await uow.execute(select(reads.c.person_id, reads.c.number).where(reads.c.log_id == log))
    seen = {mark.person_id: mark.number for mark in marks}
    quiet = set((await uow.execute(select(muted.c.person_id).where(muted.c.ticket_id == row.id))).scalars())
    for person in await readers(uow, row):
        unread = [number for number, sender in said if sender != person and number > seen.get(person, 0)]
        if unread and person not in quiet:
            cause = f"comments:{unread[-1]}"
            await write_to(uow, row, News.COMMENT, person, cause=cause, first=unread[0], last=unread[-1])


async def may_be_told(uow: UnitOfWork, person: PersonId) -> bool:
    """Whether somebody is an authorised contact who may enter (P1)."""
    found = await uow.execute(
        select(people.c.id).where(people.c.id == person, people.c.authorised, people.c.disabled_at.is_(None))
    )
    return found.scalar_one_or_none() is not None
