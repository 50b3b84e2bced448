"""What people see of calls: a customer of their own, a representative of the one on their desk, a supervisor of the plan. It changes nothing."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from callback import numbers, store
from callback.following import happened, seen
from callback.model import LIFE, MAY_BE_LATE, CallbackRules, Event, ReservationId, ShiftId, State
from callback.numbers import Number
from callback.store import Dialled
from callback.tables import attempts, regions, reservations
from callback.telephony.port import Outcome
from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import companies, people
from chatsvc.conversations.actions import Conversations
from chatsvc.conversations.tables import conversations
from chatsvc.conversations.views import wait_left
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import CompanyId, ConversationId, PersonId, TicketId
from chatsvc.routing import queries as lines
from chatsvc.routing import store as places
from chatsvc.routing.tables import shifts
from chatsvc.tickets.tables import tickets

NUMBERS = Path(__file__).with_name("our_numbers.toml")


class OurNumber(NamedTuple):
    """A number under which people reach Support (C4)."""

    # ISO 3166.
    country: str
    # In international form.
    number: str


class CallView(NamedTuple):
    """A customer's call, as they see it."""

    id: ReservationId
    ticket: TicketId
    # The ticket's number.
    number: int
    ticket_state: str
    subject: str
    line: str
    state: State
    code: str
    # As people of its region write it; masked for whoever came by the link in a mail.
    telephone: str
    # ISO 3166: the country of that number.
    region: str
    slot_at: datetime | None
    slot_ends_at: datetime | None
    not_before_at: datetime | None
    # While it waits in the line; None otherwise.
    position: int | None
    wait_low_s: int | None
    wait_high_s: int | None
    # Representatives present and ready; and while nobody is, nor should be: from when on somebody is planned, None: not known.
    representatives: int
    served_from: datetime | None
    # True when what was promised has passed and it has not been called yet.
    is_late: bool
    zone: str
    conversation: ConversationId | None
    may_move: bool
    may_cancel: bool
    may_snooze: bool
    may_chat: bool
    may_change_number: bool


class Earlier(NamedTuple):
    """An earlier attempt of the same call."""

    at: datetime
    outcome: str | None
    talk_s: float | None


class CallCard(NamedTuple):
    """A call on a representative's desk: what they see before they press *Call*, and while it runs."""

    conversation: ConversationId
    reservation: ReservationId
    state: State
    ticket: TicketId
    ticket_number: int
    subject: str
    description: str
    line: str
    customer: str
    company: str
    zone: str
    # In full: this is the one place where it is.
    telephone: Number
    # Calls to this number for this company so far.
    before: Dialled
    earlier: tuple[Earlier, ...]
    # Of the attempt that runs; None while none does.
    adapter: str | None
    # Since when it is talked, or else dialled; None while nothing runs.
    since_at: datetime | None
    # When a dial may be repeated whose end nobody saw; None: at once.
    rest_until: datetime | None
    # Since when the representative has it, and when it goes back into the line unless they dial; None once it was dialled.
    looked_at_since: datetime | None
    given_back_at: datetime | None


class Waiting(NamedTuple):
    """A call that is booked, in a list of staff; the number is masked."""

    line: str
    state: State
    slot_at: datetime | None
    # Before which nobody is called, while it waits for the next attempt; None otherwise.
    not_before_at: datetime | None
    # How the latest attempt ended; None before the first.
    last: Outcome | None
    customer: str
    company: str
    telephone: str
    ticket_number: int
    conversation: ConversationId | None
    rep: PersonId | None


class AllowedRegion(NamedTuple):
    """A country in which a company's people may be rung besides its own."""

    company: CompanyId
    company_name: str
    # ISO 3166.
    region: str
    # None of entries that are older than the columns.
    reason: str | None
    by: str | None
    since_at: datetime | None


class SilencedNumber(NamedTuple):
    """A number that is not to be rung, in a list: masked."""

    # What names it in a form.
    reference: str
    telephone: str
    reason: str | None
    by: str | None
    since_at: datetime


class PlannedShift(NamedTuple):
    """A row of the staffing plan."""

    id: ShiftId
    person: PersonId
    name: str
    lines: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime


class CallQueries:
    """Pictures of calls."""

    def __init__(self, desk: Conversations, rules: CallbackRules | None = None) -> None:
        self._desk = desk
        self._database = desk.database
        self._rules = rules or CallbackRules()

    # For customers ----------------------------------------------------------------------------------------------------------------------

    async def view(self, reservation: ReservationId, *, contact: PersonId | None = None) -> CallView:
        """Return a call for its customer; ``contact`` None: they came by the signed link, and see the number masked.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        async with self._database.read() as connection:
            row = await store.by_id(connection, reservation)
            if contact is not None and row.contact_id != contact:
                raise NotFound("reservation.not_found")
            return await self._view(connection, row, masked=contact is None)

    async def live_of(self, contact: PersonId) -> CallView | None:
        """Return a contact's live call; None when there is none."""
        async with self._database.read() as connection:
            row = await store.live_of(connection, contact)
            return None if row is None else await self._view(connection, row, masked=False)

    async def regions_for(self, identity: Identity) -> tuple[str, ...]:
        """Return the regions (ISO 3166) in which this contact may be rung, their company's own first."""
        if identity.company is None:
            return ()
        async with self._database.read() as connection:
            return await _regions(connection, identity.company)

    async def countries_of(self, reservation: ReservationId) -> tuple[str, ...]:
        """Return the regions in which the contact of a call may be rung, their company's own first; raises NotFound."""
        async with self._database.read() as connection:
            row = await store.by_id(connection, reservation)
            return await _regions(connection, CompanyId(row.company_id))

    async def _view(self, connection: AsyncConnection, row: Any, *, masked: bool) -> CallView:
        conversation = await self._desk.live_phase(connection, row.ticket_id)
        place = await places.place_of(connection, row.ticket_id)
        state = State(row.state)
        for event in happened(state, seen(conversation, place)):
            state = LIFE.next(state, event)
        ticket = (await connection.execute(select(tickets).where(tickets.c.id == row.ticket_id))).one()
        position, staffed, shown = None, None, None
        if state in (State.DUE, State.OFFERED) and place is not None:
            position = await lines.position(connection, row.line, place.rank, place.seq)
            now = self._database.clock.now()
            staffed = await self._desk.queries.outlook.staffed(connection, row.line, now)
            shown = wait_left(
                staffed, lines.word_in(place), now, offered=state is State.OFFERED, closes_at=place.closes_at
            )
        number = numbers.read(row.number)
        waits = conversation is not None and conversation.state == "waiting" and conversation.call is not None
        return CallView(
            id=ReservationId(row.id),
            ticket=TicketId(row.ticket_id),
            number=ticket.number,
            ticket_state=ticket.state,
            subject=ticket.subject,
            line=row.line,
            state=state,
            code=row.code,
            telephone=number.masked if masked else number.national,
            region=number.region,
            slot_at=row.slot_at,
            slot_ends_at=None if row.slot_at is None else row.slot_at + self._rules.slot_length,
            not_before_at=row.not_before_at,
            position=position,
            wait_low_s=shown[0] if shown else None,
            wait_high_s=shown[1] if shown else None,
            representatives=staffed.serving if staffed else 0,
            served_from=staffed.served_from if staffed else None,
            # A dial and a snooze take the promise away: what comes after them is not late.
            is_late=row.apologised_at is not None and row.promised_until is not None and state in MAY_BE_LATE,
            zone=row.zone,
            conversation=ConversationId(conversation.id) if conversation is not None else None,
            may_move=LIFE.allows(state, Event.MOVED),
            may_cancel=LIFE.allows(state, Event.CANCELLED),
            may_snooze=state in (State.DUE, State.OFFERED) and row.snoozes < self._rules.snoozes_at_most,
            may_chat=bool(waits) and LIFE.allows(state, Event.MERGED),
            may_change_number=LIFE.allows(state, Event.CANCELLED),
        )

    # For representatives ----------------------------------------------------------------------------------------------------------------

    async def card(self, identity: Identity, conversation: ConversationId) -> CallCard:
        """Return the call of a conversation, for the representative whose it is.

        Raises:
            NotFound: it is not theirs, or no call.
        """
        async with self._database.read() as connection:
            statement = (
                select(reservations, conversations.c.id.label("conversation_id"), conversations.c.state.label("live"))
                .select_from(conversations.join(reservations, reservations.c.ticket_id == conversations.c.ticket_id))
                .where(conversations.c.id == conversation, conversations.c.rep_id == identity.person)
                .order_by(reservations.c.ended_at.is_not(None), reservations.c.created_at.desc())
                .limit(1)
            )
            row = (await connection.execute(statement)).one_or_none()
            if row is None:
                raise NotFound("conversation.not_found")
            return await self._card(connection, row)

    async def _card(self, connection: AsyncConnection, row: Any) -> CallCard:
        who = (
            select(tickets, people.c.name.label("customer"), companies.c.name.label("company"))
            .select_from(
                tickets.join(people, people.c.id == tickets.c.requester_id).join(
                    companies, companies.c.id == tickets.c.company_id
                )
            )
            .where(tickets.c.id == row.ticket_id)
        )
        ticket = (await connection.execute(who)).one()
        rows = await store.attempts_of(connection, ReservationId(row.id))
        running = next((each for each in rows if each.outcome is None), None)
        state = State(row.state)
        if state in (State.DUE, State.OFFERED) and row.live == "active":
            state = State.PREVIEW
        since = None
        if state is State.PREVIEW:
            since = await store.looked_at_since(connection, row.ticket_id)
        rest = None
        if rows and rows[-1].outcome == Outcome.UNKNOWN:
            rest = rows[-1].ended_at + self._rules.unclear_rest
        return CallCard(
            conversation=ConversationId(row.conversation_id),
            reservation=ReservationId(row.id),
            state=state,
            ticket=TicketId(row.ticket_id),
            ticket_number=ticket.number,
            subject=ticket.subject,
            description=ticket.description,
            line=row.line,
            customer=ticket.customer,
            company=ticket.company,
            zone=row.zone,
            telephone=numbers.read(row.number),
            before=await store.dialled_before(connection, row.number, row.company_id),
            earlier=tuple(Earlier(each.created_at, each.outcome, each.talk_s) for each in rows),
            adapter=running.adapter if running is not None else None,
            since_at=None if running is None else running.talk_began_at or running.created_at,
            rest_until=rest,
            looked_at_since=since,
            given_back_at=None if since is None else since + self._rules.preview_at_most,
        )

    async def booked(self, identity: Identity) -> tuple[Waiting, ...]:
        """Return the live calls, those on this representative's own desk first, then by slot and age; at most 200."""
        last = (
            select(attempts.c.outcome)
            .where(attempts.c.reservation_id == reservations.c.id, attempts.c.outcome.is_not(None))
            .order_by(attempts.c.n.desc())
            .limit(1)
            .scalar_subquery()
        )
        statement = (
            select(
                reservations,
                last.label("last"),
                people.c.name.label("customer"),
                companies.c.name.label("company"),
                tickets.c.number.label("ticket_number"),
                conversations.c.id.label("conversation_id"),
                conversations.c.rep_id,
            )
            .select_from(
                reservations.join(people, people.c.id == reservations.c.contact_id)
                .join(companies, companies.c.id == reservations.c.company_id)
                .join(tickets, tickets.c.id == reservations.c.ticket_id)
                .outerjoin(conversations, conversations.c.ticket_id == reservations.c.ticket_id)
            )
            .where(reservations.c.ended_at.is_(None))
            .order_by(reservations.c.slot_at, reservations.c.created_at)
            .limit(200)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        found = [
            Waiting(
                row.line,
                State(row.state),
                row.slot_at,
                row.not_before_at if row.state == State.RETRY_WAIT else None,
                None if row.last is None else Outcome(row.last),
                row.customer,
                row.company,
                numbers.masked(row.number),
                row.ticket_number,
                row.conversation_id,
                row.rep_id,
            )
            for row in rows
        ]
        return tuple(sorted(found, key=lambda each: each.rep != identity.person))

    # For supervisors --------------------------------------------------------------------------------------------------------------------

    async def plan(self, begins: datetime, until: datetime) -> tuple[PlannedShift, ...]:
        """Return the shifts that touch a stretch of time, by their beginning."""
        async with self._database.read() as connection:
            found = await store.planned(connection, begins, until)
            names = {row.id: row.name for row in await connection.execute(select(people.c.id, people.c.name))}
        return tuple(
            PlannedShift(
                shift.id,
                shift.person,
                names[shift.person],
                tuple(sorted(shift.lines)),
                shift.begins_at,
                shift.ends_at,
            )
            for shift in found
        )

    async def shift(self, shift: ShiftId) -> PlannedShift:
        """Return a shift of the plan.

        Raises:
            NotFound: ``shift.not_found``.
        """
        statement = (
            select(shifts, people.c.name)
            .select_from(shifts.join(people, people.c.id == shifts.c.person_id))
            .where(shifts.c.id == shift)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise NotFound("shift.not_found")
        return PlannedShift(row.id, row.person_id, row.name, tuple(sorted(row.lines)), row.begins_at, row.ends_at)

    async def allowed_regions(self) -> tuple[AllowedRegion, ...]:
        """Return the further countries of all companies, by company and country."""
        statement = (
            select(regions, companies.c.name.label("company_name"), people.c.name.label("by"))
            .select_from(
                regions.join(companies, companies.c.id == regions.c.company_id).outerjoin(
                    people, people.c.id == regions.c.by_id
                )
            )
            .order_by(companies.c.name, regions.c.region)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return tuple(
            AllowedRegion(CompanyId(row.company_id), row.company_name, row.region, row.reason, row.by, row.since_at)
            for row in rows
        )

    async def silenced(self) -> tuple[SilencedNumber, ...]:
        """Return the numbers that are not to be rung, masked, the newest first."""
        async with self._database.read() as connection:
            rows = await store.silenced_numbers(connection)
        return tuple(
            SilencedNumber(numbers.reference(row.number), numbers.masked(row.number), row.reason, row.by, row.since_at)
            for row in rows
        )

    async def companies(self) -> tuple[tuple[CompanyId, str, str], ...]:
        """Return every company: id, name and own country (ISO 3166), by name."""
        statement = select(companies.c.id, companies.c.name, companies.c.country).order_by(companies.c.name)
        async with self._database.read() as connection:
            return tuple((row.id, row.name, row.country) for row in await connection.execute(statement))

    async def plannable(self) -> tuple[tuple[PersonId, str], ...]:
        """Return who can be planned: everybody who works here and is not disabled, by name."""
        statement = (
            select(people.c.id, people.c.name)
            .where(people.c.company_id.is_(None), people.c.disabled_at.is_(None), people.c.role != "administrator")
            .order_by(people.c.name)
        )
        async with self._database.read() as connection:
            return tuple((row.id, row.name) for row in await connection.execute(statement))


async def _regions(connection: AsyncConnection, company: CompanyId) -> tuple[str, ...]:
    own = select(companies.c.country).where(companies.c.id == company)
    country = str((await connection.execute(own)).scalar_one())
    return (country, *sorted(await store.regions_of(connection, company) - {country}))


def our_numbers(path: Path | None) -> tuple[OurNumber, ...]:
    """Return the numbers under which people reach Support, by country (C4); None: the shipped examples.

    Raises:
        OSError, ValueError, KeyError: the file cannot be read.
    """
    with (path or NUMBERS).open("rb") as file:
        rows = tomllib.load(file)["number"]
    return tuple(sorted(OurNumber(row["country"], numbers.read(row["number"]).international) for row in rows))
