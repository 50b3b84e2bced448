"""SQL of conversations: every change says which state and epoch it expects."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import people
from chatsvc.conversations.model import LIFE, Event, State
from chatsvc.conversations.tables import conversations
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids
from chatsvc.kernel.errors import Conflict, NotFound
from chatsvc.kernel.ids import CompanyId, ConversationId, PersonId, PlaceId, TicketId
from chatsvc.routing.tables import places
from chatsvc.tickets.tables import tickets


async def create(
    uow: UnitOfWork, *, place: PlaceId, ticket: TicketId, company: CompanyId, contact: PersonId, line: str
) -> ConversationId:
    """Add a conversation that waits for a representative."""
    conversation = ids.conversation_id()
    await uow.execute(
        insert(conversations).values(
            id=conversation,
            place_id=place,
            ticket_id=ticket,
            company_id=company,
            contact_id=contact,
            line=line,
            state=State.WAITING,
            epoch=0,
            created_at=uow.now,
            wrap_up={},
        )
    )
    return conversation


async def load(connection: AsyncConnection, *conditions: Any) -> Row[Any]:
    """Return the one conversation that meets conditions on ``conversations``.

    Raises:
        NotFound: there is none.
    """
    row = (await connection.execute(select(conversations).where(*conditions))).one_or_none()
    if row is None:
        raise NotFound("conversation.not_found")
    return row


async def find(connection: AsyncConnection, *conditions: Any, limit: int = 200) -> Sequence[Row[Any]]:
    """Return conversations that meet conditions, those that are due first, then the oldest."""
    order = (conversations.c.due_at, conversations.c.created_at, conversations.c.id)
    statement = select(conversations).where(*conditions).order_by(*order)
    return (await connection.execute(statement.limit(limit))).all()


async def move(uow: UnitOfWork, conversation: Row[Any], event: Event, **values: Any) -> State:
    """Put a conversation that was just read into the state that follows an event.

    Raises:
        IllegalTransition: the event means nothing in its state.
        Conflict: it is not in that state any more, or in another epoch.
    """
    to = LIFE.next(State(conversation.state), event)
    await change(uow, conversation, state=to, **values)
    return to


async def change(uow: UnitOfWork, conversation: Row[Any], **values: Any) -> None:
    """Change a conversation that was just read; raises Conflict when its state or epoch is another by now."""
    changed = await uow.changes_one(
        update(conversations)
        .where(
            conversations.c.id == conversation.id,
            conversations.c.state == conversation.state,
            conversations.c.epoch == conversation.epoch,
        )
        .values(**values)
    )
    if not changed:
        raise Conflict("conversation.changed", conversation=conversation.id)


async def live_ticket(connection: AsyncConnection, contact: PersonId, line: str) -> TicketId | None:
    """Return the ticket of the contact's live place in a line; None when there is none (R11)."""
    statement = select(places.c.ticket_id).where(
        places.c.contact_id == contact, places.c.line == line, places.c.state != "gone"
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def ticket_from(connection: AsyncConnection, source: str, source_id: str) -> TicketId | None:
    """Return the ticket that a source has made; None when it has made none (R13)."""
    statement = select(tickets.c.id).where(tickets.c.source == source, tickets.c.source_id == source_id)
    return (await connection.execute(statement)).scalar_one_or_none()


async def may_ask(connection: AsyncConnection, person: PersonId) -> bool:
    """Whether a contact is authorised and enabled just now (P1)."""
    statement = select(people.c.authorised, people.c.disabled_at).where(people.c.id == person)
    row = (await connection.execute(statement)).one_or_none()
    return row is not None and bool(row.authorised) and row.disabled_at is None


async def name_of(connection: AsyncConnection, person: PersonId) -> str:
    """Return a person's name; empty when there is nobody of that id."""
    statement = select(people.c.name).where(people.c.id == person)
    return (await connection.execute(statement)).scalar_one_or_none() or ""
