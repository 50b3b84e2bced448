"""How urgent it really is: a representative judges what the customer stated, and the customer may ask once for a second look (V2, V3).

A downgrade outside hours ends the live phase courteously: the ticket stays, its log says why and when somebody is there again. Whatever
was under way before the hours ended, and was never critical, is not ended by a judgement. Neither is a call that a representative has:
the door of dialling asks again, and keeps it for the opening.
"""

from typing import Any

from chatsvc.accounts.model import Identity
from chatsvc.conversations import store
from chatsvc.conversations.joining import Joining
from chatsvc.conversations.model import Event, State
from chatsvc.conversations.tables import conversations
from chatsvc.coverage.model import Coverage
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict, NotAllowed
from chatsvc.kernel.ids import PersonId, TicketId
from chatsvc.routing import policy
from chatsvc.routing import store as places
from chatsvc.routing.model import PlaceState
from chatsvc.routing.store import deciding
from chatsvc.tickets import queries as ticket_queries
from chatsvc.tickets import severity, severity_store
from chatsvc.tickets import store as tickets
from chatsvc.tickets.actions import role_of
from chatsvc.tickets.masking import mask_secrets
from chatsvc.tickets.model import Append, Kind, facts
from chatsvc.tickets.severity import CLAIMS, Step
from chatsvc.tickets.severity_store import Standing


class Judging(Joining):
    """Severity set, turned down, and asked about."""

    async def judge(
        self, identity: Identity, ticket: TicketId, *, to: str, reason: str = "", version: int | None = None
    ) -> None:
        """Set how urgent a ticket is; the same judgement again changes nothing.

        Args:
            identity: somebody who works here.
            ticket: in whatever phase it is.
            to: ``P1`` … ``P4``.
            reason: what the customer reads; needed for a downgrade, and when a claim is turned down.
            version: the ticket's, as the judge saw it; None: not checked.

        Raises:
            NotAllowed: ``staff.only``.
            NotFound: there is no such ticket.
            Invalid: ``severity.reason_needed``, or the severity is unknown.
            Conflict: ``ticket.changed``.
        """
        if not identity.is_staff:
            raise NotAllowed("staff.only")
        async with deciding(self.database) as uow:
            row = await tickets.load(uow.connection, ticket)
            before = await severity_store.standing(uow.connection, ticket)
            reason = severity.check_judgement(row.severity, to, before.proposed, mask_secrets(reason))
            is_settled = before.judged_at is not None and before.claim not in severity.TO_JUDGE
            if is_settled and (row.severity, before.reason) == (to, reason):
                return
            if version is not None and version != row.version:
                raise Conflict("ticket.changed", ticket=ticket)
            claim = CLAIMS.next(before.claim, Step.JUDGED)
            contact = PersonId(row.requester_id)
            was = await self.gate.as_severity(uow.connection, contact, uow.now, row.severity, before.claim)
            now = await self.gate.as_severity(uow.connection, contact, uow.now, to, claim)
            await severity_store.judge(uow, ticket, before, claim, identity.person, reason)
            await severity_store.set_severity(uow, row, to)
            body = {"before": row.severity, "after": to, "reason": reason}
            await self._say_on_ticket(uow, identity, row, before, Kind.JUDGED, body)
            await self._settle_live_phase(uow, identity, ticket, to, was, now)
            await self.clocks.follow(uow, ticket)

    async def appeal(self, identity: Identity, ticket: TicketId, reason: str) -> None:
        """Ask for a second look at a judgement, once; it counts as proposed critical until somebody has looked.

        Raises:
            NotFound: it is not a ticket of this contact's.
            NotAllowed: ``severity.appealed_already``; staff do not appeal.
            Conflict: ``severity.not_judged``.
            Invalid: nothing was said, or too much.
        """
        if identity.is_staff:
            raise NotAllowed("not_allowed", person=identity.person)
        async with deciding(self.database) as uow:
            await ticket_queries.require(uow.connection, identity, ticket)
            row = await tickets.load(uow.connection, ticket)
            before = await severity_store.standing(uow.connection, ticket)
            reason = severity.check_appeal(before.claim, mask_secrets(reason))
            await severity_store.appeal(uow, ticket, before)
            await self._say_on_ticket(uow, identity, row, before, Kind.APPEALED, {"reason": reason})
            if row.owner_id is not None:
                uow.ring(f"desk:{row.owner_id}")

    async def _say_on_ticket(
        self, uow: UnitOfWork, by: Identity, row: Any, before: Standing, kind: Kind, body: dict[str, str]
    ) -> None:
        """Write an entry whose key is made of what it follows, so that it is there once."""
        log = await tickets.log_of(uow.connection, TicketId(row.id))
        key = f"{kind}-{row.version}-{before.claim}"
        append = Append(log, by.person, by.name, role_of(by), key, kind, facts(**body), by.company)
        await self.logbook.append_in(uow, append)
        uow.ring(f"visit:{row.id}")

    async def _settle_live_phase(
        self, uow: UnitOfWork, by: Identity, ticket: TicketId, to: str, was: Coverage, now: Coverage
    ) -> None:
        """Let the place pass or be passed by its new severity; end what is no longer covered, and was only as critical."""
        place = await places.place_of(uow.connection, ticket)
        if place is None or place.state == PlaceState.GONE:
            return
        conversation = await store.load(uow.connection, conversations.c.ticket_id == ticket)
        self.ring(uow, conversation)
        if was.is_open and not now.is_open:
            if conversation.state == State.ACTIVE and conversation.call is not None:
                # One that is not dialled yet finds the door closed when it is; a talk ends when it is hung up.
                return
            await self._end_courteously(uow, by, conversation, now)
            return
        rank = policy.raised_rank(place.rank, place.admitted_at, to, self.rules.routing)
        await places.change_place(uow, place, rank=rank, closes_at=now.until)
        uow.ring(f"line:{place.line}")

    async def _end_courteously(self, uow: UnitOfWork, by: Identity, conversation: Any, now: Coverage) -> None:
        if conversation.state == State.WAITING:
            await self.give_up(uow, conversation, why="closed", opens_at=now.opens_at)
        elif conversation.state == State.ACTIVE:
            # No time to undo it: the conversation is not covered any more.
            ended = {"ended_at": uow.now, "ended_by": by.person, "due_at": uow.now}
            await store.move(uow, conversation, Event.ENDED, **ended)
            await self.say(uow, conversation, by, Kind.ENDED, why="closed", opens_at=now.opens_at)
