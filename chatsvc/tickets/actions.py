"""Everything that people do to tickets, outside their live phase and to the words in them at any time, under one name.

Each action is one unit of work: load, decide by the life cycle's table or a policy, record, and ring after the commit.

- here: reading, and saying something.
- ``life``: ask, mark_solved, close, reopen, change, follow_up, and what time brings.
- ``following``: who reads along, what a company wishes, who wants quiet.
- ``assigning``: teams, owners, incidents, merging, many at once and back.
"""

from collections.abc import Sequence
from datetime import datetime

from chatsvc.accounts.model import Identity
from chatsvc.files.actions import StoredFile
from chatsvc.files.model import Attached
from chatsvc.kernel.errors import Invalid, NotFound
from chatsvc.kernel.ids import FileId, LogId
from chatsvc.tickets import queries, views
from chatsvc.tickets.assigning import Assigning
from chatsvc.tickets.following import Following
from chatsvc.tickets.ground import LONGEST_TEXT, role_of
from chatsvc.tickets.model import Append, Audience, Filters, Kind, State, Stored, View, words
from chatsvc.tickets.queries import LogReach, TicketCounts, TicketPage, TicketView
from chatsvc.tickets.views import ViewPage

__all__ = ["LONGEST_TEXT", "Tickets", "role_of"]


class Tickets(Assigning, Following):
    """Tickets outside their live phase, and the words in them at any time."""

    async def view(self, identity: Identity, number: int) -> TicketView:
        """Return a ticket for its page; raises NotFound for whoever may not read it."""
        async with self.database.read() as connection:
            at = self.database.clock.now()
            return await queries.ticket(connection, identity, number, at=at, rules=self.rules)

    async def requests(
        self,
        identity: Identity,
        *,
        states: tuple[State, ...] = (),
        before: int | None = None,
        filters: Filters | None = None,
    ) -> TicketPage:
        """Return the tickets this person may read, newest first (T6): for a contact, *My requests*.

        Args:
            identity: who asks.
            states: of these only; empty: all. The same as in ``filters``.
            before: ``older`` of the page shown last; None: the first page.
            filters: what narrows the list, words to search for among them.
        """
        filters = filters or Filters(states=states)
        async with self.database.read() as connection:
            return await queries.requests(connection, identity, filters=filters, before=before)

    async def listed(
        self, identity: Identity, view: View, *, after: str | None = None, filters: Filters | None = None
    ) -> ViewPage:
        """Return one page of a list of those who work here; ``after`` is ``next`` of the page shown last.

        Raises:
            NotAllowed: ``staff.only``.
            Invalid: ``after`` is nothing that this list has given.
        """
        async with self.database.read() as connection:
            return await views.page(connection, identity, view, after=after, filters=filters or Filters())

    async def view_counts(self, identity: Identity) -> dict[View, int]:
        """Return how many tickets each list holds, as ``views.counts`` does; raises NotAllowed (``staff.only``)."""
        async with self.database.read() as connection:
            return await views.counts(connection, identity)

    async def counts(self, identity: Identity) -> TicketCounts:
        """Return how many tickets this person may read."""
        async with self.database.read() as connection:
            return await queries.counts(connection, identity, ended_since=self.ended_lately)

    @property
    def ended_lately(self) -> datetime:
        """What ended at this moment or later can be opened again (T9): it is current, as what is open is."""
        return self.database.clock.now() - self.rules.reopen_within

    async def reach(self, identity: Identity, log: LogId) -> LogReach:
        """Return a log this person may read; raises NotFound otherwise."""
        return await self.database.look(lambda connection: queries.log_reach(connection, identity, log))

    async def say(
        self,
        identity: Identity,
        log: LogId,
        *,
        key: str,
        text: str,
        files: Sequence[FileId] = (),
        epoch: int | None = None,
    ) -> Stored:
        """Write a message, or a note in the staff's log: the same for socket, REST and form.

        Args:
            identity: who speaks.
            log: where.
            key: made once by the sender; the same again gives back the same number.
            text: may be empty when there are files; at most ``LONGEST_TEXT`` characters.
            files: uploaded before by the same person.
            epoch: the owner's epoch, from a representative in a live conversation.

        Raises:
            NotFound: no such log or file for this person.
            NotAllowed: the time for comments is over.
            Conflict: the key was used for other words, or somebody else owns the conversation now.
            Invalid: nothing was said, or too much.
        """
        async with self.database.read() as connection:
            reach = await queries.log_reach(connection, identity, log)
        return await self.logbook.append(
            await self.prepare(identity, reach, key=key, text=text, files=files, epoch=epoch)
        )

    async def prepare(
        self,
        identity: Identity,
        reach: LogReach,
        *,
        key: str,
        text: str,
        files: Sequence[FileId] = (),
        epoch: int | None = None,
    ) -> Append:
        """Turn words into an append: checked, files bound to the ticket; waits for the store only when there are files."""
        text = text.strip()
        if not text and not files:
            raise Invalid("message.empty", field="text")
        if len(text) > LONGEST_TEXT:
            raise Invalid("message.too_long", field="text", most=LONGEST_TEXT)
        staff_only = reach.audience is Audience.STAFF
        attached = await self.attached(identity, files, reach) if files else ()
        return Append(
            log=reach.log,
            sender=identity.person,
            name=identity.name,
            role=role_of(identity),
            key=key,
            kind=Kind.NOTE if staff_only else Kind.MESSAGE,
            body=words(text, attached),
            company=identity.company,
            epoch=None if staff_only else epoch,
        )

    async def attached(self, identity: Identity, files: Sequence[FileId], reach: LogReach) -> tuple[Attached, ...]:
        """Bind files that this person uploaded to the log's ticket, for the log's readers only; return them in that order.

        Raises:
            NotFound: one of them is not theirs, or belongs elsewhere.
        """
        staff_only = reach.audience is Audience.STAFF
        async with self.database.begin() as uow:
            return await self.files.attach(uow, identity, files, reach.ticket, staff_only=staff_only)

    async def file(self, identity: Identity, file: FileId) -> StoredFile:
        """Return a file that this person may read: of a ticket they reach, or their own that is not sent yet (threat T19).

        Raises:
            NotFound: there is none, or not for this person.
        """
        found = await self.files.find(file)
        if found.ticket is None:
            if found.uploader != identity.person:
                raise NotFound("file.not_found")
            return found
        if found.staff_only and not identity.is_staff:
            raise NotFound("file.not_found")
        async with self.database.read() as connection:
            await queries.require(connection, identity, found.ticket)
        return found
