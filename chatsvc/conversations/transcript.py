"""A conversation to keep: the ticket's number and subject, and its whole shared log (K4). How it looks is for mail and pages to say."""

import msgspec
from sqlalchemy import select

from chatsvc.conversations.tables import conversations
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId
from chatsvc.tickets import log_store, store
from chatsvc.tickets.model import Entry
from chatsvc.tickets.tables import tickets

_AT_ONCE = 500


class Transcript(msgspec.Struct, frozen=True):
    """Everything that both sides saw, in the order in which both saw it."""

    number: int
    subject: str
    # The shared log, by number; internal notes are another log and never here.
    entries: tuple[Entry, ...]


class Transcripts:
    """Reads transcripts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def read(self, conversation: ConversationId, /) -> Transcript:
        """Return a conversation's transcript as it is now.

        Raises:
            NotFound: there is no such conversation.
        """
        async with self.database.read() as connection:
            statement = (
                select(tickets.c.id, tickets.c.number, tickets.c.subject)
                .select_from(conversations.join(tickets, tickets.c.id == conversations.c.ticket_id))
                .where(conversations.c.id == conversation)
            )
            row = (await connection.execute(statement)).one_or_none()
            if row is None:
                raise NotFound("conversation.not_found")
            log = await store.log_of(connection, row.id)
            entries: list[Entry] = []
            while more := await log_store.entries_after(connection, log, len(entries), _AT_ONCE):
                entries += more
        return Transcript(row.number, row.subject, tuple(entries))
