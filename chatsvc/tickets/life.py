"""The life of a ticket: asked, solved, closed, opened again, followed up (T7 to T10), and what time does to it (R15).

The table of ``model.LIFE`` decides what leads where; every move is an entry of the shared log and, where somebody should know, a mail, in
one transaction. Moments that must come are due rows: the reminders of an unanswered question and the end of its thirty days. A due row
that has become pointless, because the customer has answered, finds that out itself.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError

from chatsvc.accounts.model import Identity
from chatsvc.db import due
from chatsvc.db.due import Due, Handler
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed
from chatsvc.kernel.ids import LogId, TicketId
from chatsvc.kernel.machine import IllegalTransition
from chatsvc.tickets import policy, severity_store, store, telling
from chatsvc.tickets.ground import Ground, checked, require_staff
from chatsvc.tickets.log_store import TELL
from chatsvc.tickets.model import ENDED, LIFE, Event, Fields, Kind, State, Stored
from chatsvc.tickets.tables import followers, logs, tickets
from chatsvc.tickets.telling import News

# Kinds of due rows; the subject is the ticket.
CLOSE: Final = "ticket.close"
REMIND: Final = "ticket.remind"

# What a move says in the log, and to whom it is news.
_KINDS: Final = {
    Event.ASKED_CUSTOMER: Kind.ASKED,
    Event.SOLVED: Kind.SOLVED,
    Event.CLOSED: Kind.CLOSED,
    Event.SILENCE_ELAPSED: Kind.CLOSED,
    Event.MERGED: Kind.CLOSED,
    Event.REOPENED: Kind.REOPENED,
}
_NEWS: Final = {
    Event.ASKED_CUSTOMER: News.NEEDS_YOU,
    Event.SOLVED: News.SOLVED,
    Event.CLOSED: News.CLOSED,
    Event.SILENCE_ELAPSED: News.CLOSED,
    Event.MERGED: News.CLOSED,
    Event.REOPENED: News.REOPENED,
}


class Life(Ground):
    """How tickets move."""

    async def ask(self, identity: Identity, ticket: TicketId, *, needed: str) -> datetime:
        """Ask the customer for something, and wait for it; asking again begins the thirty days anew (T8).

        Args:
            identity: who works here.
            ticket: an open ticket, or one that waits already.
            needed: what is needed, in words for the customer.

        Returns: when it closes by itself if nobody answers.

        Raises:
            NotAllowed: ``staff.only``.
            NotFound: no such ticket.
            Invalid: nothing is said to be needed, or too much.
            IllegalTransition: it is solved or closed.
        """
        require_staff(identity)
        needed = checked(needed, field="needed", needed=True)
        async with self.database.begin() as uow:
            row = await self.load(uow, identity, ticket)
            await self.moved(uow, row, Event.ASKED_CUSTOMER, identity, needed=needed)
            return policy.closes_at(uow.now, self.rules)

    async def mark_solved(self, identity: Identity, ticket: TicketId, *, solution: str = "") -> None:
        """Say that it is solved, as either side (T10); those who work here may say how (T1).

        Raises:
            NotFound: no such ticket for this person.
            Invalid: the solution is too long.
            IllegalTransition: it is solved or closed already.
        """
        solution = checked(solution, field="solution")
        async with self.database.begin() as uow:
            row = await self.load(uow, identity, ticket)
            await self.moved(uow, row, Event.SOLVED, identity, solution=solution if identity.is_staff else "")

    async def close(self, identity: Identity, ticket: TicketId) -> None:
        """End it without saying that it is solved, as either side; for a solved one the seven days begin anew (T9).

        Raises:
            NotFound: no such ticket for this person.
            NotAllowed: it is solved, and the time in which anything can change is over.
            IllegalTransition: it is closed already.
        """
        async with self.database.begin() as uow:
            row = await self.load(uow, identity, ticket)
            if row.state == State.SOLVED and not self._is_open_to_change(row, uow.now):
                raise NotAllowed("ticket.reopen_window_over", ticket=ticket)
            await self.moved(uow, row, Event.CLOSED, identity, why="person")

    async def reopen(self, identity: Identity, ticket: TicketId) -> None:
        """Reopen a solved or closed ticket (T9).

        Raises:
            NotFound: no such ticket for this person.
            NotAllowed: the time for it is over; a follow-up is possible instead.
            IllegalTransition: it is not over.
        """
        async with self.database.begin() as uow:
            row = await self.load(uow, identity, ticket)
            self._insist_on_reopening(row, uow.now)
            await self.moved(uow, row, Event.REOPENED, identity)

    async def change(self, identity: Identity, ticket: TicketId, fields: Fields, *, version: int) -> None:
        """Set the fields of a ticket, as those who work here do; changes of state and team are entries of the log as well.

        The keys of the catalogue are checked by the caller, who has it.

        Raises:
            NotAllowed: ``staff.only``, or the time for reopening is over.
            NotFound: no such ticket.
            Conflict: ``ticket.changed``: somebody changed it since ``version`` was read.
            Invalid: ``required``: it would wait for the customer, and nobody says for what.
            IllegalTransition: the ticket cannot go from its state to that one.
        """
        require_staff(identity)
        async with self.database.begin() as uow:
            row = await store.load(uow.connection, ticket)
            if row.version != version:
                raise Conflict("ticket.changed", ticket=ticket)
            event = policy.event_between(State(row.state), fields.state)
            if event is Event.ASKED_CUSTOMER:
                # Whoever waits for the customer has said for what: ``ask`` does so (T8).
                raise Invalid("required", field="needed")
            if event is Event.REOPENED:
                self._insist_on_reopening(row, uow.now)
            kept = msgspec.structs.replace(fields, state=State(row.state))
            await store.change(uow, row, kept, ended_at=row.ended_at)
            if fields.team != row.team and row.ended_at is None:
                await self.enter(uow, row, identity, Kind.TEAM, team=fields.team, before=row.team)
            if event is not None:
                row = await store.load(uow.connection, ticket)
                await self.moved(uow, row, event, identity)
            uow.ring(f"visit:{ticket}")

    async def follow_up(self, identity: Identity, ticket: TicketId) -> int:
        """Open a ticket that goes on where an ended one stopped, linked both ways; return its number (T9).

        A ticket has one follow-up: whoever asks again, or at the same instant, gets the same.

        Raises:
            NotFound: no such ticket for this person.
            Conflict: ``ticket.not_over``: it can still be commented or reopened; ``ticket.merged``: it goes on in another one.
        """
        try:
            async with self.database.begin() as uow:
                return await self._follow_up(uow, identity, ticket)
        except IntegrityError:
            async with self.database.read() as connection:
                number = await store.by_source(connection, "follow_up", ticket)
            if number is None:
                raise
            return number

    async def _follow_up(self, uow: UnitOfWork, identity: Identity, ticket: TicketId) -> int:
        row = await self.load(uow, identity, ticket)
        known = await store.by_source(uow.connection, "follow_up", ticket)
        if known is not None:
            return known
        if row.merged_into_id is not None:
            raise Conflict("ticket.merged", ticket=ticket)
        if row.ended_at is None or self._is_open_to_change(row, uow.now):
            raise Conflict("ticket.not_over", ticket=ticket)
        opened = await store.open_ticket(
            uow,
            company=row.company_id,
            requester=row.requester_id if identity.is_staff else identity.person,
            product=row.product,
            subject=row.subject,
            description=row.description,
            impact={},
            source="follow_up",
            source_id=ticket,
            team=row.team,
            reason=row.reason,
            environment=row.environment,
            follows_id=row.id,
        )
        new = await store.load(uow.connection, opened.id)
        await self._copy_readers(uow, row, new)
        await self.enter(uow, new, identity, Kind.CONTINUES, number=row.number)
        payload = {"ticket": new.id, "number": new.number}
        cause = f"ticket:{new.id}:opened"
        await uow.record("mail.ticket_confirmation", cause=cause, recipient=new.requester_id, payload=payload)
        uow.ring(f"visit:{row.id}")
        return opened.number

    async def _copy_readers(self, uow: UnitOfWork, before: Row[Any], new: Row[Any]) -> None:
        for person in await telling.readers(uow, before):
            if person != new.requester_id and await telling.may_be_told(uow, person):
                values = {"ticket_id": new.id, "person_id": person, "since_at": uow.now}
                await uow.execute(followers.insert().values(values))

    # What every move does ---------------------------------------------------------------------------------------------

    async def moved(
        self,
        uow: UnitOfWork,
        row: Row[Any],
        event: Event,
        by: Identity | None,
        *,
        needed: str = "",
        solution: str = "",
        why: str = "person",
        into: int = 0,
        cause: str | None = None,
        tell_at: datetime | None = None,
    ) -> Stored | None:
        """Move a ticket that was just read: its state, what that sets, the log's entry, the due rows, the mails.

        Args:
            uow: the transaction.
            row: as read in it.
            event: what happens; the table says what becomes of it.
            by: who does it; None: the desk itself.
            needed: what the customer is asked for.
            solution: how it was solved; empty leaves what was said before.
            why: of a closing.
            into: the number of the ticket in which a merged one goes on; 0: it is not merged.
            cause: of the mails; None: the entry.
            tell_at: when the mails go out; None: at once.

        Raises:
            IllegalTransition: the table has no such event.
            Invalid: ``severity.judgement_needed``: who works here ends it, and a claim waits for judgement (V2).
            Conflict: somebody changed the ticket at the same instant.
        """
        to = LIFE.next(State(row.state), event)
        if by is not None and by.is_staff and event in (Event.SOLVED, Event.CLOSED):
            await severity_store.insist_on_judgement(uow.connection, row.id)
        columns: dict[str, Any] = {}
        body: dict[str, Any] = {}
        if to is State.AWAITING:
            closing = policy.closes_at(uow.now, self.rules)
            columns = {"needed": needed, "asked_at": uow.now, "closes_at": closing}
            body = {"needed": needed, "closes_at": closing}
            await self._await(uow, row.id, uow.now)
        elif event is Event.SOLVED and solution:
            columns = {"solution": solution, "solution_at": uow.now}
            body = {"solution": solution}
        elif to is State.CLOSED:
            body = {"why": why}
        await store.move(uow, row, to, ended_at=uow.now if to in ENDED else None, **columns)
        if solution:
            await store.reindex(uow, row.id)
        if to is not State.AWAITING:
            await due.cancel(uow, CLOSE, row.id)
            await due.cancel(uow, REMIND, row.id)
        uow.ring(f"visit:{row.id}")
        if event not in _KINDS:
            return None
        stored = await self.enter(uow, row, by, _KINDS[event], **body)
        if stored is not None and event in _NEWS:
            facts = {"entry": stored.number, "why": why if to is State.CLOSED else "", "into": into}
            cause = cause or f"entry:{stored.number}"
            but = None if by is None else by.person
            await telling.tell(uow, row, _NEWS[event], cause=cause, but=but, due_at=tell_at, **facts)
        return stored

    async def _await(self, uow: UnitOfWork, ticket: TicketId, asked_at: datetime) -> None:
        await due.set_due(uow, CLOSE, ticket, policy.closes_at(asked_at, self.rules))
        coming = next(each for each in policy.reminders(asked_at, self.rules) if each.at > uow.now)
        await due.set_due(uow, REMIND, ticket, coming.at)

    def _is_open_to_change(self, row: Row[Any], at: datetime) -> bool:
        until = policy.reopen_until(row.ended_at, self.rules)
        return row.merged_into_id is None and (until is None or at <= until)

    def _insist_on_reopening(self, row: Row[Any], at: datetime) -> None:
        state = State(row.state)
        if not LIFE.allows(state, Event.REOPENED):
            raise IllegalTransition("transition.illegal", state=state.value, event=Event.REOPENED.value)
        if not self._is_open_to_change(row, at):
            raise NotAllowed("ticket.reopen_window_over", ticket=row.id)

    # What time brings -------------------------------------------------------------------------------------------------

    def handlers(self) -> dict[str, Handler]:
        """Return what is to be done when a moment of a ticket has come, for the agenda."""
        return {CLOSE: self.close_unanswered, REMIND: self.remind, TELL: self.tell_comments}

    async def close_unanswered(self, uow: UnitOfWork, moment: Due) -> None:
        """Close a ticket whose customer has not answered for thirty days; nothing when they have, or were asked again (T8)."""
        row = await store.load(uow.connection, TicketId(moment.subject))
        if row.state == State.AWAITING and row.closes_at <= uow.now:
            await self.moved(uow, row, Event.SILENCE_ELAPSED, None, why="silence")

    async def remind(self, uow: UnitOfWork, moment: Due) -> None:
        """Remind the customer of what is needed; after a downtime of the last reminder that was missed only."""
        row = await store.load(uow.connection, TicketId(moment.subject))
        if row.state != State.AWAITING or row.closes_at <= uow.now:
            return
        plan = policy.reminders(row.asked_at, self.rules)
        past = [each for each in plan if each.at <= uow.now]
        if past:
            news = News.CLOSING_SOON if past[-1].is_last else News.REMINDER
            cause = f"{news.value.rpartition('_')[2]}:{int(past[-1].at.timestamp())}"
            await telling.tell(uow, row, news, cause=cause, closes_at=row.closes_at)
        coming = [each for each in plan if each.at > uow.now]
        if coming:
            await due.set_due(uow, REMIND, row.id, coming[0].at)

    async def tell_comments(self, uow: UnitOfWork, moment: Due) -> None:
        """Write to those who were not there about comments of the last minute, and let the ticket be found by their words.

        Not while somebody talks with them: then the transcript tells, and the words are found once the conversation is completed.
        """
        log = LogId(moment.subject)
        found = (
            await uow.execute(
                select(tickets, logs.c.owner_id.label("talking"))
                .select_from(logs.join(tickets, tickets.c.id == logs.c.ticket_id))
                .where(logs.c.id == log)
            )
        ).one_or_none()
        if found is not None and found.talking is None:
            await telling.tell_comments(uow, found, log, int(moment.payload["first"]))
            await store.reindex(uow, found.id)

    async def sweep(self) -> int:
        """Seal the logs of tickets whose time for reopening is over (T9); return how many. Safe to run late, twice, anywhere."""
        async with self.database.read() as connection:
            now = self.database.clock.now()
            over = logs.c.sealed.is_(False), logs.c.seals_at < now
            found = list((await connection.execute(select(logs.c.id).where(*over).limit(1_000))).scalars())
        if not found:
            return 0
        async with self.database.begin() as uow:
            # A log that was opened again meanwhile has no such moment any more.
            mine = logs.c.id.in_(found), logs.c.sealed.is_(False), logs.c.seals_at < uow.now
            result = await uow.execute(update(logs).where(*mine).values(sealed=True, asleep=False))
            return int(result.rowcount)
