"""The common ground of booking, dialling and sweeping: rooms, catching up with the line, and how a reservation ends.

Every end does the same, once, in one transaction: the seat is free, the place is left, the ticket says so, and the customer is told.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from callback import invitation, policy, store
from callback.capacity import callers, make_tables
from callback.following import happened, seen
from callback.handling import HandlingTimes
from callback.links import CallLinks
from callback.model import ENDS, CallbackRules, Event, Manner, ReservationId, State
from callback.numbers import masked
from callback.policy import Staffing
from chatsvc.accounts.model import Identity
from chatsvc.conversations.actions import Conversations
from chatsvc.coverage.model import Channel, Coverage
from chatsvc.coverage.policy import coverage_at
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids
from chatsvc.kernel.ids import SYSTEM, PersonId, TicketId
from chatsvc.routing import queries as lines
from chatsvc.routing import store as places
from chatsvc.tickets import severity_store
from chatsvc.tickets import store as tickets
from chatsvc.tickets.model import Append, Kind, Role, facts
from chatsvc.tickets.severity import covered_as

logger = logging.getLogger(__name__)

# How a reservation's end is called in the ticket and in the mail.
_WHY: Mapping[State, str] = {
    State.CANCELLED: "cancelled",
    State.MERGED: "merged",
    State.UNREACHABLE: "unreachable",
    State.EXPIRED: "expired",
    State.BLOCKED: "blocked",
}
MAIL = "mail.callback"


class Ground:
    """Rooms and rules."""

    def __init__(self, conversations: Conversations, links: CallLinks, rules: CallbackRules | None = None) -> None:
        """Prepare.

        Args:
            conversations: owns the line, the places and what comes of them.
            links: makes the links in mails.
            rules: numbers that an operator may change.
        """
        self.conversations = conversations
        self.database = conversations.database
        self.catalog = conversations.catalog
        self.links = links
        self.rules = rules or CallbackRules()
        self.handling = HandlingTimes()

    # Coverage ---------------------------------------------------------------------------------------------------------------------------

    async def coverage_of(self, connection: Any, ticket: Any, at: datetime) -> Coverage:
        """Return whether a ticket's customer may be rung at a moment, by its severity and a claim that waits for judgement."""
        severity, proposed = await self._severity_of(connection, ticket)
        calendar = await self.conversations.gate.calendars.calendar_of(connection, PersonId(ticket.requester_id))
        return coverage_at(at, severity, Channel.PHONE, calendar, proposed=proposed)

    async def courtesy_of(
        self, connection: Any, ticket: Any, zone: str, at: datetime, *, any_hour: bool
    ) -> datetime | None:
        """Return None when a ticket's customer may be rung as far as courtesy goes, else when they may next."""
        opens = policy.courtesy(at, zone, self.rules)
        if opens is None or not any_hour:
            return opens
        severity, proposed = await self._severity_of(connection, ticket)
        return None if policy.ignores_courtesy(severity, any_hour=any_hour, proposed=proposed) else opens

    async def _severity_of(self, connection: Any, ticket: Any) -> tuple[str, bool]:
        claim = (await severity_store.standing(connection, TicketId(ticket.id))).claim
        return covered_as(ticket.severity, claim)

    # Staffing ---------------------------------------------------------------------------------------------------------------------------

    async def staffing(
        self,
        connection: Any,
        begins: datetime,
        until: datetime,
        *,
        measured_at: datetime,
        besides: PersonId | None = None,
    ) -> Staffing:
        """Return what is planned in a stretch of time, with the handling times as they count at a moment.

        Nobody is planned whose account is disabled, ``besides`` one person: as if theirs were not.
        """
        shifts = await store.planned(connection, begins, until, besides=besides)
        found = await self.handling.of(connection, measured_at)
        handling = {line: measured.handling for line, measured in found.items()}
        most = callers(len({shift.person for shift in shifts}), self.rules.share)
        # Beside the loop: the first time that a handling time is met, working its table out takes some tenths of a second.
        await asyncio.to_thread(make_tables, frozenset(handling.values()), most, self.rules.slot_length)
        return Staffing([line.key for line in self.catalog.lines], shifts, self.rules, handling)

    async def work_out(self, slot_at: datetime) -> None:
        """Make the tables that a slot's capacity is read from, before a turn is taken that would be held up by it."""
        async with self.database.read() as connection:
            now = self.database.clock.now()
            await self.staffing(connection, slot_at, slot_at + self.rules.slot_length, measured_at=now)

    # Catching up ------------------------------------------------------------------------------------------------------------------------

    async def settle(self, uow: UnitOfWork, reservation: Any) -> Any:
        """Let a reservation catch up with its place; return it as it is now."""
        conversation = await self.conversations.live_phase(uow.connection, reservation.ticket_id)
        place = await places.place_of(uow.connection, reservation.ticket_id)
        for event in happened(State(reservation.state), seen(conversation, place)):
            if event is Event.ELAPSED:
                return await self.end(uow, reservation, event)
            values = {"ended_at": uow.now, "wake_at": None} if event is Event.WRAPPED_UP else {}
            reservation = await store.move(uow, reservation, event, **values)
        return reservation

    # Ends -------------------------------------------------------------------------------------------------------------------------------

    async def end(self, uow: UnitOfWork, reservation: Any, event: Event, *, why: str | None = None) -> Any:
        """End a reservation without a talk; return it as it is now. ``why`` None: what the state says."""
        ended = await store.move(uow, reservation, event, ended_at=uow.now, wake_at=None, not_before_at=None)
        await store.free_seat(uow, ReservationId(ended.id))
        why = why or _WHY[State(ended.state)]
        conversation = await self.conversations.live_phase(uow.connection, ended.ticket_id)
        if conversation is not None and conversation.call is not None:
            await self.conversations.give_up_call(uow, conversation, why=why)
        await self.say(uow, ended, Kind.CALL_OFF, why=why)
        await self.tell(uow, ended, why, cancels=reservation.slot_at is not None and reservation.state == State.BOOKED)
        logger.info("reservation_ended", extra={"reservation": ended.id, "why": why})
        return ended

    # Words ------------------------------------------------------------------------------------------------------------------------------

    async def say(
        self, uow: UnitOfWork, reservation: Any, kind: Kind, *, by: Identity | None = None, **body: Any
    ) -> None:
        """Write into the ticket's shared log what happened to a call; ``by`` None: by itself."""
        log = await tickets.log_of(uow.connection, reservation.ticket_id)
        sender, name, role = (
            (SYSTEM, "", Role.SYSTEM)
            if by is None
            else (by.person, by.name, Role.STAFF if by.is_staff else Role.CUSTOMER)
        )
        append = Append(log, sender, name, role, ids.new_id("ev"), kind, facts(**body))
        await self.conversations.logbook.append_in(uow, append)
        uow.ring(f"visit:{reservation.ticket_id}")

    async def tell(
        self, uow: UnitOfWork, reservation: Any, what: str, *, cancels: bool = False, n: int | None = None
    ) -> None:
        """Write the mail that tells the customer what has become of their call, in the same transaction.

        Args:
            uow: in which it happens.
            reservation: as it is now.
            what: ``booked``, ``moved``, ``renumbered``, ``put_off``, ``reminder``, ``next``, ``apology``, ``number``, ``declined``, or a reason of an end.
            cancels: whether an invitation has to be taken back.
            n: tells mails of the same kind about the same reservation apart; None: its sequence number.
        """
        ticket = await tickets.load(uow.connection, reservation.ticket_id)
        payload = {
            "what": what,
            "ticket": ticket.id,
            "number": ticket.number,
            "line": reservation.line,
            "telephone": masked(reservation.number),
            "code": reservation.code,
            "slot_at": None if reservation.slot_at is None else reservation.slot_at.isoformat(),
            "not_before_at": None if reservation.not_before_at is None else reservation.not_before_at.isoformat(),
            "zone": reservation.zone,
            "token": self.links.make(ReservationId(reservation.id)),
            "calendar": self._calendar(reservation, ticket.number, uow.now, cancels=cancels)
            if cancels or (reservation.slot_at is not None and what in ("booked", "moved"))
            else None,
        }
        cause = f"callback:{reservation.id}:{what}:{reservation.sequence if n is None else n}"
        await uow.record(MAIL, cause=cause, recipient=reservation.contact_id, payload=payload)

    def _calendar(self, reservation: Any, number: int, at: datetime, *, cancels: bool) -> str:
        return invitation.write(
            uid=f"{reservation.id}@holdline",
            sequence=reservation.sequence + (1 if cancels else 0),
            begins_at=reservation.slot_at,
            length=self.rules.slot_length,
            number=number,
            at=at,
            cancelled=cancels,
        )

    # Time -------------------------------------------------------------------------------------------------------------------------------

    async def is_next(self, connection: Any, ticket: TicketId, line: str) -> bool:
        """Whether a ticket's place is at the head of its line, or likely to be served within minutes (callback.md, section 3)."""
        place = await places.place_of(connection, ticket)
        if place is None:
            return False
        position = await lines.position(connection, line, place.rank, place.seq)
        prospect = await self.conversations.queries.outlook.of(connection, line, position, self.database.clock.now())
        told = prospect.told(position, place.closes_at)
        return position == 1 or (told is not None and told.low_s <= self.rules.next_within.total_seconds())

    def wake_of(self, reservation: Any, **changed: Any) -> datetime | None:
        """Return when time brings something next to a reservation with these columns changed; None: never."""

        def of(name: str) -> Any:
            return changed.get(name, getattr(reservation, name))

        state = State(of("state"))
        if state in ENDS:
            return None
        if state is State.BOOKED:
            slot_at: datetime = of("slot_at")
            return min([slot_at, *(slot_at - each for each in self.rules.reminders[of("reminded") :][:1])])
        moments: list[datetime] = [of("expires_at")]
        if of("promised_until") is not None and of("apologised_at") is None:
            moments.append(of("promised_until"))
        if state is State.RETRY_WAIT and of("not_before_at") is not None:
            moments.append(of("not_before_at"))
        return min(moments)

    def first_reminder(self, slot_at: datetime, at: datetime) -> int:
        """Return how many reminders are no longer due for a slot that is booked now: those whose moment has passed already."""
        return sum(1 for ahead in self.rules.reminders if slot_at - ahead <= at + timedelta(minutes=1))


def manner_of(slot_at: datetime | None) -> Manner:
    """Return how somebody wants to be rung."""
    return Manner.ASAP if slot_at is None else Manner.SLOT
