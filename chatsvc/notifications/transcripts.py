"""Reads transcripts: the whole shared log of a conversation's ticket, as it stands when the mail goes out.

The staff's log is another log and is never opened here. Nothing is shortened; what a line looks like is for ``compose``.
"""

from typing import NamedTuple

from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId
from chatsvc.notifications import store
from chatsvc.tickets import log_store
from chatsvc.tickets.model import Entry

_PAGE = 500


class WholeTranscript(NamedTuple):
    """A ticket and its shared log."""

    number: int
    subject: str
    entries: tuple[Entry, ...]


class Transcripts:
    """Reads them; what ``Clerk`` takes as ``read_transcript``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, conversation: ConversationId, /) -> WholeTranscript:
        """Return the transcript of a conversation.

        Raises:
            NotFound: there is no such conversation.
        """
        async with self._database.read() as connection:
            ticket = await store.ticket_of(connection, conversation)
            if ticket is None:
                raise NotFound("conversation.not_found")
            entries: list[Entry] = []
            while page := await log_store.entries_after(connection, ticket.log, len(entries), _PAGE):
                entries += page
        return WholeTranscript(ticket.number, ticket.subject, tuple(entries))
