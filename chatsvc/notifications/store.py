"""SQL that only this room asks: over the outbox, and over what mails tell. Taking, marking and putting off rows is ``db.outbox``."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.conversations.tables import conversations
from chatsvc.db.outbox import Letter, outbox
from chatsvc.kernel.ids import ConversationId, LogId
from chatsvc.tickets.model import Audience
from chatsvc.tickets.tables import logs, tickets


class TicketOfConversation(NamedTuple):
    """A conversation's ticket, and its shared log."""

    number: int
    subject: str
    log: LogId


async def is_anything_due(connection: AsyncConnection, *, at: datetime) -> bool:
    """Whether some row waits for a sender at that moment: asked before a lease is taken, because asking stops no writer."""
    free = outbox.c.leased_until.is_(None) | (outbox.c.leased_until <= at)
    query = select(outbox.c.id).where(outbox.c.state == "due", outbox.c.due_at <= at, free).limit(1)
    return (await connection.execute(query)).first() is not None


async def kept(connection: AsyncConnection, *, most: int) -> list[Letter]:
    """Return rows that were kept because there is no mail server, newest first."""
    query = (
        select(
            outbox.c.id,
            outbox.c.kind,
            outbox.c.cause,
            outbox.c.recipient,
            outbox.c.payload,
            outbox.c.created_at,
            outbox.c.attempts,
        )
        .where(outbox.c.state == "kept")
        .order_by(outbox.c.created_at.desc(), outbox.c.id)
        .limit(most)
    )
    return [Letter(*row) for row in (await connection.execute(query)).all()]


async def ticket_of(connection: AsyncConnection, conversation: ConversationId) -> TicketOfConversation | None:
    """Return a conversation's ticket; None when there is no such conversation. Never the staff's log."""
    shared = and_(logs.c.ticket_id == tickets.c.id, logs.c.audience == Audience.SHARED)
    source = conversations.join(tickets, tickets.c.id == conversations.c.ticket_id).join(logs, shared)
    query = select(tickets.c.number, tickets.c.subject, logs.c.id).select_from(source)
    row = (await connection.execute(query.where(conversations.c.id == conversation))).one_or_none()
    return None if row is None else TicketOfConversation(*row)
