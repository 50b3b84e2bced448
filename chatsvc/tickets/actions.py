"""What people do with a ticket: comment, mark as solved, reopen. The life cycle's table decides; each change is an entry of the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.files.actions import Files, StoredFile
from chatsvc.files.model import Attached
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import FileId, LogId, TicketId
from chatsvc.kernel.machine import IllegalTransition
from chatsvc.tickets import policy, queries, store
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import LIFE, Append, Audience, Event, Fields, Kind, Role, State, Stored, facts, words
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.queries import LogReach, TicketCounts, TicketPage, TicketView
from chatsvc.tickets.tables import logs, tickets

LONGEST_TEXT = 8_000  # Characters; the same as a frame's.


class Tickets:
    """Tickets outside their live phase, and the words in them at any time."""

    def __init__(self, database: Database, logbook: LogBook, files: Files, rules: TicketRules) -> None:
        self.database = database
        self.logbook = logbook
        self.files = files
        self.rules = rules

    async def view(self, identity: Identity, number: int) -> TicketView:
        """Return a ticket for its page; raises NotFound for whoever may not read it."""
        async with self.database.read() as connection:
            at = self.database.clock.now()
            return await queries.ticket(connection, identity, number, at=at, rules=self.rules)

    async def requests(
        self, identity: Identity, *, states: tuple[State, ...] = (), before: int | None = None
    ) -> TicketPage:
        """Return the tickets this person may read, newest first (T6)."""
        async with self.database.read() as connection:
            return await queries.requests(connection, identity, states=states, before=before)

    async def counts(self, identity: Identity) -> TicketCounts:
        """Return how many tickets this person may read."""
        async with self.database.read() as connection:
            return await queries.counts(connection, identity)

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

    async def change(self, identity: Identity, ticket: TicketId, fields: Fields, *, version: int) -> None:
        """Set the fields of a ticket, as those who work here do; a change of state is an entry of the log as well.

        The keys of the catalogue are checked by the caller, who has it.

        Raises:
            NotAllowed: ``staff.only``, or the time for reopening is over.
            NotFound: no such ticket.
            Conflict: ``ticket.changed``: somebody changed it since ``version`` was read.
            IllegalTransition: the ticket cannot go from its state to that one.
        """
        if not identity.is_staff:
            raise NotAllowed("staff.only")
        async with self.database.begin() as uow:
            row = await store.load(uow.connection, ticket)
            if row.version != version:
                raise Conflict("ticket.changed", ticket=ticket)
            event = policy.event_between(State(row.state), fields.state)
            if event is Event.REOPENED and not policy.may_reopen(State(row.state), row.ended_at, uow.now, self.rules):
                raise NotAllowed("ticket.reopen_window_over", ticket=ticket)
            ended_at = row.ended_at if event is None else None
            if fields.state in (State.SOLVED, State.CLOSED) and event is not None:
                ended_at = uow.now
            await store.change(uow, row, fields, ended_at=ended_at)
            if event is not None:
                await self._tell_moved(uow, identity, row, event)
            uow.ring(f"visit:{ticket}")

    async def _tell_moved(self, uow: UnitOfWork, identity: Identity, row: Any, event: Event) -> None:
        """Write into the log what the customer should read about a change of state; asking them is said in words of its own."""
        kind = {Event.SOLVED: Kind.SOLVED, Event.REOPENED: Kind.REOPENED}.get(event)
        if kind is None:
            return
        log = await store.log_of(uow.connection, row.id)
        key = f"{event}-{row.version}"
        append = Append(log, identity.person, identity.name, role_of(identity), f"{key:_<8}", kind, facts())
        await self.logbook.append_in(uow, append)

    async def mark_solved(self, identity: Identity, ticket: TicketId) -> None:
        """Say that it is solved (T10).

        Raises:
            NotFound: no such ticket for this person.
            IllegalTransition: it is solved or closed already.
        """
        await self._move(identity, ticket, Event.SOLVED, Kind.SOLVED)

    async def reopen(self, identity: Identity, ticket: TicketId) -> None:
        """Reopen a solved or closed ticket (T9).

        Raises:
            NotFound: no such ticket for this person.
            NotAllowed: the time for it is over; a follow-up is possible instead.
        """
        await self._move(identity, ticket, Event.REOPENED, Kind.REOPENED)

    async def _move(self, identity: Identity, ticket: TicketId, event: Event, kind: Kind) -> None:
        async with self.database.begin() as uow:
            await queries.require(uow.connection, identity, ticket)
            row = await store.load(uow.connection, ticket)
            state = State(row.state)
            if event is Event.REOPENED and not policy.may_reopen(state, row.ended_at, uow.now, self.rules):
                if not LIFE.allows(state, event):
                    raise IllegalTransition("transition.illegal", state=state.value, event=event.value)
                raise NotAllowed("ticket.reopen_window_over", ticket=ticket)
            to = LIFE.next(state, event)
            ended_at: datetime | None = uow.now if to in (State.SOLVED, State.CLOSED) else None
            await store.move(uow, row, to, ended_at=ended_at)
            log = await store.log_of(uow.connection, ticket)
            key = f"{event}-{row.version}"
            append = Append(
                log, identity.person, identity.name, role_of(identity), f"{key:_<8}", kind, facts(), identity.company
            )
            await self.logbook.append_in(uow, append)
            uow.ring(f"visit:{ticket}")

    async def sweep(self) -> int:
        """Seal the logs of tickets whose time for reopening is over (T9); return how many. Safe to run late, twice, anywhere."""
        async with self.database.begin() as uow:
            over = select(tickets.c.id).where(tickets.c.ended_at < uow.now - self.rules.reopen_within)
            result = await uow.execute(
                update(logs).where(logs.c.ticket_id.in_(over), logs.c.sealed.is_(False)).values(sealed=True)
            )
            return int(result.rowcount)


def role_of(identity: Identity) -> Role:
    """On whose side this person writes."""
    return Role.STAFF if identity.is_staff else Role.CUSTOMER
