"""What the hub asks of the rooms below it, as ports: it holds no SQL and no rule of a line or a ticket itself."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from chatsvc.accounts.model import Identity
from chatsvc.conversations.views import Desk, LineCount, Visit, Waiting
from chatsvc.files.model import Attached
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import FileId, LogId, OfferId, PersonId, SessionId, TicketId
from chatsvc.tickets.logbook import Opening
from chatsvc.tickets.model import Append, Entry, Stored
from chatsvc.tickets.queries import LogReach


class Sessions(Protocol):
    """Who a cookie belongs to."""

    async def identify_all(self, held: Collection[str]) -> Mapping[str, Identity]:
        """Return whose sessions these tokens are: token -> person; a session that is none, or over, is missing."""
        ...

    async def still_in_all(self, wanted: Mapping[SessionId, bool]) -> Mapping[str, Identity]:
        """Return people as they are now: session -> person; whoever's session is over is missing.

        The value of ``wanted`` says whether that counts as use of the session.
        """
        ...


class Logs(Protocol):
    """The one write path and the way to read (``tickets.logbook``)."""

    def submit(self, append: Append, done: Callable[[Stored | Refused], None]) -> None:
        """Add an entry; ``done`` is called on the loop after the commit, or with why not."""
        ...

    async def since(self, log: LogId, after: int, limit: int = 500) -> tuple[Entry, ...]:
        """Return the entries after a number, in order."""
        ...

    async def heads(self, logs: Sequence[LogId]) -> dict[LogId, int]:
        """Return each log's newest number."""
        ...

    async def mark_seen(self, marks: Mapping[tuple[LogId, PersonId], int]) -> None:
        """Store how far people have seen logs."""
        ...


class Reading(Protocol):
    """What a person may see. Whatever they may not is ``NotFound``, as if it did not exist (R20)."""

    async def reach(self, identity: Identity, log: LogId) -> LogReach:
        """Return a log that this person may read."""
        ...

    async def opening(self, identity: Identity, log: LogId, after: int) -> Opening:
        """Return a log that this person may read, with its entries after a number and its seen marks, as of one moment."""
        ...

    async def attached(self, identity: Identity, files: Sequence[FileId], reach: LogReach) -> tuple[Attached, ...]:
        """Bind files that this person uploaded to the log's ticket, for the log's readers only; return them in that order."""
        ...

    async def visits(
        self, wanted: Collection[tuple[PersonId, TicketId]], known: Mapping[str, Mapping[TicketId, Waiting]]
    ) -> Mapping[tuple[PersonId, TicketId], Visit]:
        """Return the pictures of customers' own visits: (contact, ticket) -> visit; what is not theirs is missing.

        ``known`` are lines of which the picture is at hand, so that nobody need be counted out who stands in it.
        """
        ...

    async def desks(self, persons: Collection[PersonId]) -> Mapping[PersonId, Desk]:
        """Return the pictures of these representatives' own desks; who has none is missing."""
        ...

    async def whole_line(self, line: str) -> Mapping[TicketId, Waiting]:
        """Return what everybody who waits in a line sees of it, in one query."""
        ...

    async def line_counts(self) -> Mapping[str, LineCount]:
        """Return every line in which somebody waits or serves, counted; a missing one has nobody on either side."""
        ...


class Deeds(Protocol):
    """What representatives do from their desks, and who is there (``conversations.actions``)."""

    async def set_desk(self, identity: Identity, state: str, reason: str | None = None) -> object:
        """Choose ready or away."""
        ...

    async def accept(self, identity: Identity, offer: OfferId, epoch: int) -> object:
        """Take an offer."""
        ...

    async def decline(self, identity: Identity, offer: OfferId, epoch: int, reason: str) -> object:
        """Leave an offer to somebody else."""
        ...

    async def renew_desks(self, persons: Collection[PersonId]) -> object:
        """Say that these representatives are there, in one statement."""
        ...

    async def renew_places(self, tickets: Collection[TicketId]) -> object:
        """Say that the customers of these tickets are there, in one statement."""
        ...


class Doors(NamedTuple):
    """Everything that the hub asks for."""

    sessions: Sessions
    logs: Logs
    reading: Reading
    deeds: Deeds
