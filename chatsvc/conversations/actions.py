"""Everything that people and time do to a live phase: join, accept, hand over, end, wrap up, rate; desks and their leases.

Each action is one unit of work: load, decide by compare-and-swap, record, and ring after the commit. It opens no socket and draws no page.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chatsvc.accounts.model import Identity
from chatsvc.catalog.model import Catalog
from chatsvc.conversations.model import ConversationRules, WrapUp
from chatsvc.conversations.views import Visit
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.ids import ConversationId, FileId, OfferId, PersonId, TicketId
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Attached


class Files(Protocol):
    """What the live phase needs of the files room."""

    async def attach(
        self, uow: UnitOfWork, identity: Identity, ids: Sequence[FileId], ticket: TicketId
    ) -> tuple[Attached, ...]:
        """Tie a person's own uploads to a ticket; raises Invalid for anything else."""
        ...


class Conversations:
    """The live phase of tickets."""

    def __init__(
        self, database: Database, logbook: LogBook, catalog: Catalog, rules: ConversationRules, files: Files
    ) -> None:
        raise NotImplementedError

    async def join(
        self,
        identity: Identity,
        *,
        line: str,
        subject: str,
        description: str,
        impact: Mapping[str, str],
        files: Sequence[FileId] = (),
        key: str,
    ) -> Visit:
        """Open a ticket and stand in line with it; the same ``key`` of the same person gives back the same visit (R13).

        Raises:
            NotAllowed: ``contact.not_authorised``.
            Conflict: ``visit.already_open``: there is a live one in this line (R11); ``facts["ticket"]`` leads to it.
            Invalid: a field cannot be accepted.
        """
        raise NotImplementedError

    async def leave(self, identity: Identity, ticket: TicketId) -> None:
        """Give up the place; the ticket stays open. Repeating it changes nothing.

        Raises:
            NotFound: it is not this contact's visit.
            Conflict: ``visit.not_waiting``: a representative has accepted already.
        """
        raise NotImplementedError

    async def accept(self, identity: Identity, offer: OfferId, epoch: int) -> ConversationId:
        """Take an offer; the same accept again gives the same answer.

        Raises:
            Conflict: ``offer.taken``: it is not theirs, or of another epoch; ``offer.over``: it was theirs, and its time is over.
        """
        raise NotImplementedError

    async def decline(self, identity: Identity, offer: OfferId, epoch: int, reason: str) -> None:
        """Leave an offer to somebody else; the customer keeps the place. Raises as ``accept`` does, and Invalid for an unknown reason."""
        raise NotImplementedError

    async def hand_over(
        self,
        identity: Identity,
        conversation: ConversationId,
        *,
        to_person: PersonId | None = None,
        to_line: str | None = None,
        note: str = "",
    ) -> None:
        """Give the conversation to a colleague, or back to a line, at the rank it always had.

        Raises:
            NotFound, Conflict: ``conversation.not_active``, ``hand_over.not_free``, ``hand_over.line_taken``.
            Invalid: not exactly one target, or an unknown line.
        """
        raise NotImplementedError

    async def end(self, identity: Identity, conversation: ConversationId) -> datetime:
        """End the conversation, as either side; returns until when that can be undone. Ending what is ended changes nothing."""
        raise NotImplementedError

    async def undo_end(self, identity: Identity, conversation: ConversationId) -> None:
        """Take the end back, as either side. Raises Conflict ``conversation.undo_over`` when the time is over."""
        raise NotImplementedError

    async def draft_wrap_up(
        self, identity: Identity, conversation: ConversationId, fields: Mapping[str, object]
    ) -> None:
        """Keep fields of the wrap-up that the representative has touched; they count when it completes by itself."""
        raise NotImplementedError

    async def extend_wrap_up(self, identity: Identity, conversation: ConversationId) -> datetime:
        """Have more time for the wrap-up; returns when it now completes by itself."""
        raise NotImplementedError

    async def wrap_up(self, identity: Identity, conversation: ConversationId, fields: WrapUp) -> None:
        """Complete the ticket and close the conversation (K4); while the end can still be undone, as soon as it no longer can."""
        raise NotImplementedError

    async def rate(self, identity: Identity, ticket: TicketId, rating: int, comment: str = "") -> None:
        """Rate a conversation that has ended, 1 to 5; may be changed within a day."""
        raise NotImplementedError

    async def set_desk(self, identity: Identity, state: str, reason: str | None = None) -> None:
        """Choose ``ready`` or ``away`` (with a reason of the catalogue); ready also ends a pause after missed offers."""
        raise NotImplementedError

    async def set_capacity(self, person: PersonId, capacity: int) -> None:
        """Set how many units a representative may have at once, 1 to 20; what they have stays with them."""
        raise NotImplementedError

    async def renew_desks(self, persons: Collection[PersonId]) -> None:
        """Say that these representatives are connected; hubs do so at a third of the lease, for all of theirs at once."""
        raise NotImplementedError

    async def renew_places(self, tickets: Collection[TicketId]) -> None:
        """Say that the pages of these visits are there; hubs do so every five seconds, for all of theirs at once."""
        raise NotImplementedError

    async def match(self, lines: Collection[str] | None = None) -> int:
        """Offer whoever is next to whoever is free, in these lines (None: in all); returns how many offers were made."""
        raise NotImplementedError

    async def sweep(self, *, up_since: datetime | None = None) -> None:
        """Do what time has made due; late, twice and in several processes at once.

        Args:
            up_since: since when people could connect at all: nobody counts as vanished before their grace has passed since then.
                None: always.
        """
        raise NotImplementedError
