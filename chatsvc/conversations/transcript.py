"""A conversation to keep: the ticket's number and subject, and its whole shared log (K4).

How it looks is said where it is shown (``notifications.compose``, ``web.pages.transcript``); nothing is rendered here.
"""

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
        """Return a conversation's transcript: up to its close, or up to now while it lasts; comments made later are the ticket's.

        Raises:
            NotFound: there is no such conversation.
        """
        async with self.database.read() as connection:
            statement = (
                select(tickets.c.id, tickets.c.number, tickets.c.subject, conversations.c.closed_at)
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
        during = (entry for entry in entries if row.closed_at is None or entry.at <= row.closed_at)
        return Transcript(row.number, row.subject, tuple(during))
