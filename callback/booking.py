"""What a customer does with a call: book it, move it, put it off, give another number, or do without (C3, C4, T1).

Each is one unit of work, and all of them take turns with the line: a seat, a place and a reservation are never seen apart. What is asked
twice with the same key is done once.
"""

import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy.exc import IntegrityError

from callback import numbers, policy, store
from callback.ground import Ground, manner_of
from callback.model import LIFE, LIVE, Booking, Day, Event, ReservationId, State
from callback.numbers import Number
from callback.tables import reservations
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.conversations import store as conversations
from chatsvc.conversations.joining import LONGEST_DESCRIPTION, LONGEST_SUBJECT, required
from chatsvc.conversations.model import State as Live
from chatsvc.coverage.model import Channel
from chatsvc.coverage.policy import coverage_at
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from chatsvc.kernel.ids import CompanyId, PersonId, TicketId
from chatsvc.routing import queries as lines
from chatsvc.routing import store as places
from chatsvc.routing.model import PlaceState
from chatsvc.routing.store import deciding
from chatsvc.routing.telling import columns, word_of
from chatsvc.tickets import queries as ticket_queries
from chatsvc.tickets import store as tickets
from chatsvc.tickets.model import Kind
from chatsvc.tickets.severity import FIRST

logger = logging.getLogger(__name__)

# Without 0, 1, I, O, and without vowels: nobody reads them out wrongly, and they spell nothing.
_CODE: Final = "23456789BCDFGHJKLMNPQRSTVWXZ"


class _Unjudged(NamedTuple):
    """A ticket that is not opened yet, as far as hours ask for one."""

    requester_id: PersonId
    id: str = ""
    severity: str = FIRST


class Bookings(Ground):
    """Reservations, as their customers make and change them."""

    # Offering ---------------------------------------------------------------------------------------------------------------------------

    async def not_soon(
        self, identity: Identity, line: str, ticket: TicketId | None = None, *, any_hour: bool = False
    ) -> NotAllowed | None:
        """Return why nobody can be called as soon as it is their turn, as ``reserve`` would say it; None: they can.

        Args:
            identity: who asks.
            line: key of the catalogue.
            ticket: what it would be about; None: something new, which nobody has judged.
            any_hour: as in ``reserve``.
        """
        async with self.database.read() as connection:
            about = await tickets.load(connection, ticket) if ticket is not None else _Unjudged(identity.person)
            return await self._not_soon(connection, about, line, identity.zone, any_hour=any_hour)

    async def days(self, identity: Identity, line: str) -> tuple[Day, ...]:
        """Return the days, in the visitor's own zone, on which a call about a line can be booked, with their slots.

        Raises:
            Invalid: the catalogue has no such line.
        """
        return await self._days(identity.person, identity.zone, self.catalog.line(line).key)

    async def days_for(self, reservation: ReservationId) -> tuple[Day, ...]:
        """Return the days to which a call can be moved, with their slots.

        Raises:
            NotFound: there is no such call.
        """
        async with self.database.read() as connection:
            found = await store.by_id(connection, reservation)
        return await self._days(PersonId(found.contact_id), found.zone, found.line)

    async def _days(self, contact: PersonId, zone: str, line: str) -> tuple[Day, ...]:
        now, rules = self.database.clock.now(), self.rules
        async with self.database.read() as connection:
            until = now + timedelta(days=rules.bookable_days) + rules.slot_length
            calendar = await self.conversations.gate.calendars.calendar_of(connection, contact)
            staffing = await self.staffing(connection, now, until, measured_at=now)
            taken = await store.taken(connection, now, until)

        def covered(begin: datetime, end: datetime) -> bool:
            open_then = coverage_at(begin, "P3", Channel.PHONE, calendar)
            return open_then.is_open and (open_then.until is None or open_then.until >= end)

        return policy.offered_days(line, staffing, taken, covered=covered, zone=zone, at=now, rules=rules)

    # Booking ----------------------------------------------------------------------------------------------------------------------------

    async def reserve(
        self,
        identity: Identity,
        *,
        line: str,
        number: str,
        region: str | None,
        slot_at: datetime | None,
        key: str,
        any_hour: bool = False,
        subject: str = "",
        description: str = "",
        ticket: TicketId | None = None,
    ) -> ReservationId:
        """Book a call, as soon as possible or in a slot; the same ``key`` of the same person gives back the same reservation.

        Args:
            identity: an authorised contact.
            line: key of the catalogue.
            number: as somebody typed it.
            region: the country that the form named, ISO 3166; None: the number has its own.
            slot_at: when the slot begins; None: as soon as possible.
            key: made once by the form.
            any_hour: "ring me at any hour"; counts when it is critical.
            subject: of the new ticket; not looked at when there is a ticket.
            description: of the new ticket.
            ticket: the one that this is about: a visit that waits (its place is kept), or an earlier one. None: a new one.

        Raises:
            NotAllowed: ``contact.not_authorised``; as soon as possible is not soon: ``coverage.closed``: nobody calls now; ``call.night``: not at
                this hour of theirs; ``call.closes_first``: the hours, or the day, are likely to end before it is their turn.
            NotFound: no such ticket of this contact.
            Invalid: the number (``number.…``), the line or a text; ``slot.unknown``.
            Conflict: ``reservation.already_live``; ``reservation.number_taken``; ``slot.full``; ``visit.already_open``; ``visit.not_waiting``:
                somebody talks with them about this ticket, or its wrap-up may outlast the beginning of the slot.
            TooMany: ``reservation.too_many``: the contact's day, or the company, has enough of them.
        """
        form = {"subject": subject, "description": description, "ticket": ticket}
        if slot_at is not None:
            await self.work_out(slot_at)
        try:
            async with deciding(self.database) as uow:
                if not await conversations.may_ask(uow.connection, identity.person):
                    raise NotAllowed("contact.not_authorised")
                if identity.role is not PersonRole.CONTACT or identity.company is None:
                    raise NotAllowed("contact.not_authorised")
                known = await store.find(
                    uow.connection, reservations.c.contact_id == identity.person, reservations.c.key == key
                )
                if known:
                    return ReservationId(known[0].id)
                wish = Booking(
                    line=self.catalog.line(line).key,
                    number=(await self._number(uow.connection, identity.company, number, region)).e164,
                    slot_at=slot_at,
                    any_hour=any_hour,
                )
                await self._check_caps(uow, identity, wish)
                return await self._book(uow, identity, wish, key, form)
        except IntegrityError as error:
            # Two at the same instant: whoever lost reads what the winner has committed.
            return await self._lost(identity, key, error)

    async def _number(self, connection: Any, company: CompanyId, number: str, region: str | None) -> Number:
        allowed = await store.regions_of(connection, company)
        admitted = numbers.admit(number, regions=allowed, region=region)
        if await store.is_silenced(connection, admitted.e164):
            raise Invalid("number.silenced", field="number")
        return admitted

    async def _check_caps(self, uow: UnitOfWork, identity: Identity, wish: Booking) -> None:
        assert identity.company is not None, "contacts have a company"
        live = await store.live_of(uow.connection, identity.person)
        if live is not None:
            raise Conflict("reservation.already_live", reservation=live.id, ticket=live.ticket_id)
        if await store.live_number(uow.connection, wish.number) is not None:
            raise Conflict("reservation.number_taken", field="number")
        begins, ends = policy.day_of(uow.now)
        too_many = await store.booked_since(uow.connection, identity.person, begins)
        in_company = await store.live_in_company(uow.connection, identity.company)
        if too_many >= self.rules.bookings_per_contact_day or in_company >= self.rules.live_per_company:
            raise TooMany("reservation.too_many", retry_after=(ends - uow.now).total_seconds())

    async def _book(
        self, uow: UnitOfWork, identity: Identity, wish: Booking, key: str, form: Mapping[str, Any]
    ) -> ReservationId:
        assert identity.company is not None, "contacts have a company"
        ticket = await self._ticket(uow, identity, wish, key, form)
        if wish.slot_at is not None:
            await self._check_slot(uow, ticket, wish.line, wish.slot_at, identity.zone)
        promised = await self._stand_in_line(uow, identity, ticket, wish)
        is_slot = wish.slot_at is not None
        # Whoever is next already reads it on the page that confirms the call.
        is_next = not is_slot and await self.is_next(uow.connection, ticket.id, wish.line)
        first = (wish.slot_at or uow.now) + self.rules.expires_after
        reminded = 0 if wish.slot_at is None else self.first_reminder(wish.slot_at, uow.now)
        reservation = await store.add(
            uow,
            key=key,
            ticket_id=ticket.id,
            company_id=identity.company,
            contact_id=identity.person,
            line=wish.line,
            manner=manner_of(wish.slot_at),
            state=State.BOOKED if is_slot else State.DUE,
            number=wish.number,
            zone=identity.zone,
            any_hour=wish.any_hour,
            code="".join(secrets.choice(_CODE) for _ in range(4)),
            slot_at=wish.slot_at,
            promised_until=promised,
            expires_at=first,
            reminded=reminded,
            next_told_at=uow.now if is_next else None,
        )
        if wish.slot_at is not None:
            await store.take_seat(uow, wish.line, wish.slot_at, reservation)
        booked = await store.by_id(uow.connection, reservation)
        booked = await store.change(uow, booked, wake_at=self.wake_of(booked))
        await self.say(uow, booked, Kind.CALL_WANTED, by=identity, slot_at=_iso(wish.slot_at))
        await self.tell(uow, booked, "booked")
        failpoints.hit("reserve.before_commit")
        return reservation

    async def _ticket(
        self, uow: UnitOfWork, identity: Identity, wish: Booking, key: str, form: Mapping[str, Any]
    ) -> Any:
        """Return the ticket that the call is about, a new one unless it names one."""
        assert identity.company is not None, "contacts have a company"
        if form["ticket"] is not None:
            await ticket_queries.require(uow.connection, identity, form["ticket"])
            found = await tickets.load(uow.connection, form["ticket"])
            if found.requester_id != identity.person:
                raise NotFound("ticket.not_found")
            return found
        opened = await tickets.open_ticket(
            uow,
            company=identity.company,
            requester=identity.person,
            product=wish.line,
            subject=required(form["subject"], "subject", LONGEST_SUBJECT),
            description=required(form["description"], "description", LONGEST_DESCRIPTION),
            impact={},
            source="callback",
            source_id=f"{identity.person}:{key}"[:80],
        )
        payload = {"ticket": opened.id, "number": opened.number}
        cause = f"ticket:{opened.id}:opened"
        await uow.record("mail.ticket_confirmation", cause=cause, recipient=identity.person, payload=payload)
        return await tickets.load(uow.connection, opened.id)

    async def _check_slot(self, uow: UnitOfWork, ticket: Any, line: str, slot_at: datetime, zone: str) -> None:
        """Ask everything that the offer asked, again and inside the transaction that takes the seat.

        Raises:
            Invalid: ``slot.unknown``: no slot begins then that may be booked now.
            Conflict: ``slot.full``.
        """
        rules, ends_at = self.rules, slot_at + self.rules.slot_length
        in_time = uow.now + rules.bookable_from <= slot_at <= uow.now + timedelta(days=rules.bookable_days)
        polite = all(policy.courtesy(at, zone, rules) is None for at in (slot_at, ends_at - timedelta(minutes=1)))
        covered = await self.coverage_of(uow.connection, ticket, slot_at)
        closes = covered.until is not None and covered.until < ends_at + rules.last_slot_before_closing
        if not policy.is_on_grid(slot_at, rules) or not in_time or not polite or not covered.is_open or closes:
            raise Invalid("slot.unknown", field="slot")
        staffing = await self.staffing(uow.connection, slot_at, ends_at, measured_at=uow.now)
        taken = await store.taken(uow.connection, slot_at, slot_at)
        if not staffing.slot(line, slot_at, taken.get(slot_at, {})).is_open:
            raise Conflict("slot.full", field="slot")

    async def _stand_in_line(self, uow: UnitOfWork, identity: Identity, ticket: Any, wish: Booking) -> datetime | None:
        """Let the place wait for a call, or leave it for a slot; return until when the call is promised, None when nothing is."""
        conversation = await self.conversations.live_phase(uow.connection, ticket.id)
        is_waiting = conversation is not None and conversation.state == Live.WAITING
        if conversation is not None and not is_waiting and not self._is_over_by(wish.slot_at, conversation):
            raise Conflict("visit.not_waiting", conversation=conversation.id)
        if wish.slot_at is not None:
            if is_waiting:
                await self.conversations.give_up_call(uow, conversation, why="moved")
            return wish.slot_at + self.rules.slot_length
        refused = await self._not_soon(uow.connection, ticket, wish.line, identity.zone, any_hour=wish.any_hour)
        if refused is not None:
            raise refused
        if is_waiting:
            await self.conversations.wait_for_call(uow, conversation)
        else:
            covered = await self.coverage_of(uow.connection, ticket, uow.now)
            await self._admit(uow, ticket, wish.line, covered.until)
        return await self._range_end(uow, ticket.id, wish.line)

    async def _not_soon(
        self, connection: Any, ticket: Any, line: str, zone: str, *, any_hour: bool
    ) -> NotAllowed | None:
        """Return why a call about a ticket would not come when it is its turn (callback.md, section 3); None: it would."""
        now = self.database.clock.now()
        covered = await self.coverage_of(connection, ticket, now)
        if not covered.is_open:
            return NotAllowed("coverage.closed", opens_at=covered.opens_at)
        polite_at = await self.courtesy_of(connection, ticket, zone, now, any_hour=any_hour)
        if polite_at is not None:
            return NotAllowed("call.night", opens_at=polite_at)
        position = await self._position(connection, ticket, line)
        prospect = await self.conversations.queries.outlook.of(connection, line, position, now)
        told = prospect.told(position, covered.until)
        latest = prospect.staffed.served_from if told is None else now + timedelta(seconds=told.high_s)
        if latest is None:
            return None
        is_late = covered.until is not None and latest > covered.until
        if is_late or await self.courtesy_of(connection, ticket, zone, latest, any_hour=any_hour) is not None:
            return NotAllowed("call.closes_first")
        return None

    async def _position(self, connection: Any, ticket: Any, line: str) -> int:
        """Return where a ticket's place stands, or where it would."""
        place = await places.place_of(connection, ticket.id)
        if place is not None and place.state != PlaceState.GONE:
            return await lines.position(connection, line, place.rank, place.seq)
        waiting = await lines.waiting(connection, [line])
        return waiting[line][0] + 1 if line in waiting else 1

    def _is_over_by(self, slot_at: datetime | None, conversation: Any) -> bool:
        """Whether a live phase is over, or will be when a slot begins: a wrap-up that is still under way is complete by then."""
        if conversation.state == Live.WRAP_UP and slot_at is not None:
            at_most: timedelta = self.conversations.rules.wrap_up_at_most
            return bool(conversation.ended_at + at_most < slot_at)
        return conversation.state in (Live.LEFT, Live.CLOSED)

    async def _admit(self, uow: UnitOfWork, ticket: Any, line: str, closes_at: datetime | None) -> None:
        await self.conversations.admit_call(
            uow,
            ticket=TicketId(ticket.id),
            company=CompanyId(ticket.company_id),
            contact=PersonId(ticket.requester_id),
            line=line,
            severity=ticket.severity,
            closes_at=closes_at,
        )

    async def _range_end(self, uow: UnitOfWork, ticket: TicketId, line: str) -> datetime | None:
        """Return the end of the range that the customer is shown now; None while data are too thin for one."""
        place = await places.place_of(uow.connection, ticket)
        assert place is not None, "it has just been admitted"
        position = await lines.position(uow.connection, line, place.rank, place.seq)
        prospect = await self.conversations.queries.outlook.of(uow.connection, line, position, uow.now)
        told = prospect.told(position, place.closes_at)
        if told is None:
            return None
        standing: datetime | None = place.told_by
        if standing is not None and standing > uow.now:
            return standing
        word = columns(word_of(told, prospect.staffed.serving, uow.now))
        first = places.quoted(told) if place.quoted_high_s is None else {}
        await places.change_place(uow, place, **word, **first)
        return uow.now + timedelta(seconds=told.high_s)

    async def _lost(self, identity: Identity, key: str, error: IntegrityError) -> ReservationId:
        async with self.database.read() as connection:
            same = await store.find(connection, reservations.c.contact_id == identity.person, reservations.c.key == key)
            live = await store.live_of(connection, identity.person)
        if same:
            return ReservationId(same[0].id)
        if live is not None:
            raise Conflict("reservation.already_live", reservation=live.id, ticket=live.ticket_id) from error
        raise Conflict("slot.full", field="slot") from error

    # Changing ---------------------------------------------------------------------------------------------------------------------------

    async def own(self, uow: UnitOfWork, identity: Identity | None, reservation: ReservationId) -> Any:
        """Return somebody's own reservation, caught up with its place; ``identity`` None: they came by the signed link.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        found = await store.by_id(uow.connection, reservation)
        if identity is not None and found.contact_id != identity.person:
            raise NotFound("reservation.not_found")
        return await self.settle(uow, found)

    async def move(self, identity: Identity | None, reservation: ReservationId, slot_at: datetime) -> ReservationId:
        """Move a call to another slot: the new seat is taken before the old one is free, or nothing happens.

        Moving to where it is changes nothing.

        Raises:
            NotFound, Invalid, Conflict: as ``reserve``; ``reservation.not_movable``: somebody is calling, or it is over.
        """
        await self.work_out(slot_at)
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, reservation)
            if found.state == State.BOOKED and found.slot_at == slot_at:
                return reservation
            self._insist(found, Event.MOVED)
            ticket = await tickets.load(uow.connection, found.ticket_id)
            await self._check_slot(uow, ticket, found.line, slot_at, found.zone)
            await store.take_seat(uow, found.line, slot_at, reservation)
            if found.slot_at is not None:
                await store.free_seat(uow, reservation, found.slot_at)
            await self._leave_place(uow, found, "moved")
            values = {
                "manner": manner_of(slot_at),
                "slot_at": slot_at,
                "promised_until": slot_at + self.rules.slot_length,
                "apologised_at": None,
                "not_before_at": None,
                "expires_at": slot_at + self.rules.expires_after,
                "reminded": self.first_reminder(slot_at, uow.now),
                "sequence": found.sequence + 1,
            }
            wake_at = self.wake_of(found, state=State.BOOKED, **values)
            moved = await store.move(uow, found, Event.MOVED, wake_at=wake_at, **values)
            await self.say(uow, moved, Kind.CALL_WANTED, by=identity, slot_at=_iso(slot_at))
            await self.tell(uow, moved, "moved")
            failpoints.hit("move.before_commit")
        return reservation

    async def _leave_place(self, uow: UnitOfWork, reservation: Any, why: str) -> None:
        conversation = await self.conversations.live_phase(uow.connection, reservation.ticket_id)
        if conversation is not None and conversation.call is not None:
            await self.conversations.give_up_call(uow, conversation, why=why)

    async def cancel(self, identity: Identity | None, reservation: ReservationId) -> None:
        """Do without the call; the ticket stays open. Cancelling twice changes nothing.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Conflict: ``reservation.being_called``: somebody is dialling; ``reservation.over``: it ended otherwise.
        """
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, reservation)
            if found.state == State.CANCELLED:
                return
            self._insist(found, Event.CANCELLED)
            await self.end(uow, found, Event.CANCELLED)
            failpoints.hit("cancel.before_commit")

    async def book_again(self, identity: Identity, reservation: ReservationId) -> ReservationId:
        """Book a call that its contact has cancelled again, for the same time; twice is one call.

        Raises:
            NotFound, NotAllowed, Invalid, Conflict, TooMany: as ``reserve``; ``reservation.over``: it was not cancelled, or had no time.
        """
        async with self.database.read() as connection:
            found = await store.by_id(connection, reservation)
        if found.contact_id != identity.person:
            raise NotFound("reservation.not_found")
        if found.state != State.CANCELLED or found.slot_at is None:
            raise Conflict("reservation.over", reservation=reservation)
        return await self.reserve(
            identity,
            line=found.line,
            number=found.number,
            region=None,
            slot_at=found.slot_at,
            key=f"again-{reservation}",
            any_hour=found.any_hour,
            ticket=TicketId(found.ticket_id),
        )

    async def merge(self, identity: Identity, reservation: ReservationId) -> None:
        """Say that the call is not needed, since this person has reached us otherwise. Repeating it changes nothing; raises as ``cancel``."""
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, reservation)
            if found.state == State.MERGED:
                return
            self._insist(found, Event.MERGED)
            await self.end(uow, found, Event.MERGED)

    async def chat_instead(self, identity: Identity, reservation: ReservationId) -> TicketId:
        """Wait for a chat again, at the same place; returns the ticket. Repeating it changes nothing.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Conflict: ``reservation.being_called``, ``reservation.over``, ``visit.not_waiting``: the place is with a representative already,
                or a slot has none yet.
        """
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, reservation)
            if found.state == State.MERGED:
                return TicketId(found.ticket_id)
            self._insist(found, Event.MERGED)
            conversation = await self.conversations.live_phase(uow.connection, found.ticket_id)
            if conversation is None or conversation.state != Live.WAITING:
                raise Conflict("visit.not_waiting", reservation=reservation)
            await self.conversations.wait_for_chat(uow, conversation)
            await self.end(uow, found, Event.MERGED)
            await self.say(uow, found, Kind.CHAT_WANTED, by=identity)
            return TicketId(found.ticket_id)

    async def other_number(
        self, identity: Identity | None, reservation: ReservationId, *, number: str, region: str | None
    ) -> None:
        """Give another number; who was asked for one is due again. The same number again changes nothing.

        The contact is told by mail: whoever has a link of theirs could send the call elsewhere.

        Raises:
            NotFound, Invalid: as ``reserve``.
            Conflict: ``reservation.number_taken``, ``reservation.being_called``, ``reservation.over``.
        """
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, reservation)
            if found.state not in LIVE or found.state in (State.DIALING, State.TALKING, State.UNCLEAR):
                raise Conflict(_why_not(found))
            admitted = await self._number(uow.connection, CompanyId(found.company_id), number, region)
            other = await store.live_number(uow.connection, admitted.e164)
            if other is not None and other.id != found.id:
                raise Conflict("reservation.number_taken", field="number")
            if found.state == State.NEEDS_NUMBER:
                changed = await self._due_again(uow, found, number=admitted.e164)
            elif found.number != admitted.e164:
                changed = await store.change(uow, found, number=admitted.e164)
            else:
                return
            await self.tell(uow, changed, "renumbered", n=changed.version)

    async def _due_again(self, uow: UnitOfWork, reservation: Any, **values: Any) -> Any:
        conversation = await self.conversations.live_phase(uow.connection, reservation.ticket_id)
        if conversation is not None and conversation.state == Live.WAITING:
            await self.conversations.put_off(uow, conversation, uow.now)
        expires_at = uow.now + self.rules.expires_after
        values |= {"expires_at": expires_at, "not_before_at": None}
        wake_at = self.wake_of(reservation, state=State.DUE, **values)
        return await store.move(uow, reservation, Event.CAME_DUE, wake_at=wake_at, **values)

    async def snooze(self, identity: Identity | None, reservation: ReservationId) -> datetime:
        """Put the call off by a quarter of an hour, at the same place; returns until when.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Conflict: ``reservation.snoozed_enough``; ``reservation.not_due``: it is not its turn; ``reservation.being_called``, ``reservation.over``.
        """
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, reservation)
            if found.state not in (State.DUE, State.OFFERED):
                raise Conflict("reservation.not_due" if found.state in LIVE else "reservation.over")
            if found.snoozes >= self.rules.snoozes_at_most:
                raise Conflict("reservation.snoozed_enough")
            until = uow.now + self.rules.snooze_for
            conversation = await self.conversations.live_phase(uow.connection, found.ticket_id)
            await self.conversations.put_off(uow, conversation, until)
            # What was promised is off: it was the customer who asked for later.
            values = {"not_before_at": until, "snoozes": found.snoozes + 1, "promised_until": None}
            wake_at = self.wake_of(found, state=State.RETRY_WAIT, **values)
            await store.move(uow, found, Event.PUT_OFF, wake_at=wake_at, **values)
        return until

    def _insist(self, reservation: Any, event: Event) -> None:
        if not LIFE.allows(State(reservation.state), event):
            raise Conflict(_why_not(reservation), reservation=reservation.id)


def _why_not(reservation: Any) -> str:
    return "reservation.being_called" if reservation.state in LIVE else "reservation.over"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
