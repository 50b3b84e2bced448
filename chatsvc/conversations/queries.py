"""What people see of live phases, read from SQL: whole pictures, no history. It changes nothing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import msgspec
from sqlalchemy import BindParameter, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import companies, people
from chatsvc.conversations import policy, store
from chatsvc.conversations.model import ConversationRules, State, WrapUp
from chatsvc.conversations.outlook import Outlook
from chatsvc.conversations.tables import conversations
from chatsvc.conversations.views import (
    Colleague,
    CustomerContext,
    Desk,
    DeskConversation,
    LineCount,
    OfferCard,
    PastTicket,
    Visit,
    Waiting,
    WholeLine,
    waiting_at,
)
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId, PersonId, TicketId
from chatsvc.routing import accuracy
from chatsvc.routing import queries as lines
from chatsvc.routing.accuracy import Accuracy
from chatsvc.routing.model import DeskState, OfferState, PlaceState
from chatsvc.routing.policy import Told
from chatsvc.routing.tables import desk_lines, desks, offers, places
from chatsvc.tickets import store as ticket_store
from chatsvc.tickets.model import Audience, Words
from chatsvc.tickets.severity_tables import tracks
from chatsvc.tickets.tables import entries, logs, reads, tickets

_PAST = 20
# Up to so many places of a line are counted out one by one; of more, the whole line is numbered at once.
_FEW = 20
# What customers are told of how waits have held: of so many days, and read again after so long.
_PUBLISHED_DAYS = 28
_PUBLISHED_FOR = timedelta(minutes=10)
# Line -> what is known of it: ticket -> place.
KnownLines = Mapping[str, Mapping[TicketId, Waiting]]
_NONE_KNOWN: KnownLines = {}
_customers = people.alias("customers")
_shared = logs.alias("shared")
_staff = logs.alias("staff")
_seen = reads.alias("seen")
_words = msgspec.json.Decoder(Words)
# Key, in the staff's log, of the note that goes with a hand-over; the epoch that ended follows.
NOTE_KEY = "handed_over-"


# Statements are made once: pictures are read whenever something changes, and making a statement costs more than running it.
_VISITS = (
    select(
        conversations, tickets.c.number, tickets.c.subject, tickets.c.state.label("ticket_state"),
        logs.c.id.label("log"), people.c.name.label("rep_name"), desks.c.leased_until,
        places.c.rank, places.c.seq, places.c.admitted_at, places.c.closes_at, places.c.state.label("place_state"),
        places.c.told_at, places.c.told_serving, places.c.told_about, places.c.told_by, places.c.longer, places.c.longer_at,
    )
    .select_from(
        conversations.join(tickets, tickets.c.id == conversations.c.ticket_id)
        .join(logs, and_(logs.c.ticket_id == tickets.c.id, logs.c.audience == Audience.SHARED))
        .join(places, places.c.id == conversations.c.place_id)
        .outerjoin(people, people.c.id == conversations.c.rep_id)
        .outerjoin(desks, desks.c.person_id == conversations.c.rep_id)
    )
    .order_by(conversations.c.created_at, tickets.c.number)
)  # fmt: skip
_VISITS_OF_TICKETS = _VISITS.where(conversations.c.ticket_id.in_(bindparam("tickets", expanding=True)))
_VISIT_OF_CONVERSATION = _VISITS.where(
    conversations.c.id == bindparam("conversation"), conversations.c.contact_id == bindparam("contact")
)
_LIVE_VISITS = _VISITS.where(
    conversations.c.state.in_((State.WAITING, State.ACTIVE, State.ENDING)),
    conversations.c.contact_id == bindparam("contact"),
)

_PERSONS: BindParameter[Any] = bindparam("persons", expanding=True)
_DESKS = select(desks).where(desks.c.person_id.in_(_PERSONS))
_SERVED_BY = (
    select(desk_lines.c.person_id, desk_lines.c.line)
    .where(desk_lines.c.person_id.in_(_PERSONS))
    .order_by(desk_lines.c.line)
)
_OFFERED = (
    select(
        offers.c.id, offers.c.epoch, offers.c.deadline_at, places.c.line, tickets.c.id.label("ticket"),
        tickets.c.number, tickets.c.subject, tickets.c.description, tickets.c.severity,
        people.c.name.label("customer"), companies.c.name.label("company"), places.c.admitted_at,
        places.c.taken_at, places.c.waiting_for, offers.c.person_id,
    )
    .select_from(
        offers.join(places, places.c.id == offers.c.place_id)
        .join(tickets, tickets.c.id == places.c.ticket_id)
        .join(people, people.c.id == places.c.contact_id)
        .join(companies, companies.c.id == places.c.company_id)
    )
    .where(offers.c.person_id.in_(_PERSONS), offers.c.state == OfferState.OPEN)
    .order_by(offers.c.deadline_at, offers.c.id)
)  # fmt: skip
_ON_DESKS = (
    select(
        conversations, tickets.c.number, tickets.c.subject, tickets.c.severity,
        _shared.c.id.label("log"), _shared.c.head, _shared.c.customer_at, _staff.c.id.label("notes_log"),
        func.coalesce(_seen.c.number, 0).label("seen"), _customers.c.name.label("customer"),
        _customers.c.language, func.coalesce(_customers.c.zone, companies.c.zone).label("zone"),
        companies.c.name.label("company"), places.c.seen_at, tracks.c.word_due_at,
    )
    .select_from(
        conversations.join(tickets, tickets.c.id == conversations.c.ticket_id)
        .join(_shared, and_(_shared.c.ticket_id == tickets.c.id, _shared.c.audience == Audience.SHARED))
        .join(_staff, and_(_staff.c.ticket_id == tickets.c.id, _staff.c.audience == Audience.STAFF))
        .join(places, places.c.id == conversations.c.place_id)
        .join(_customers, _customers.c.id == conversations.c.contact_id)
        .join(companies, companies.c.id == conversations.c.company_id)
        .outerjoin(_seen, and_(_seen.c.log_id == _shared.c.id, _seen.c.person_id == conversations.c.rep_id))
        .outerjoin(tracks, tracks.c.ticket_id == tickets.c.id)
    )
    .where(
        conversations.c.rep_id.in_(_PERSONS),
        conversations.c.state.in_((State.ACTIVE, State.ENDING, State.WRAP_UP)),
    )
    # Whoever is owed a word first stands first.
    .order_by(tracks.c.word_due_at.is_(None), tracks.c.word_due_at, conversations.c.accepted_at, conversations.c.id)
)  # fmt: skip


class Queries:
    """Pictures of visits, desks and lines."""

    def __init__(self, database: Database, rules: ConversationRules) -> None:
        self.database = database
        self.rules = rules
        self.outlook = Outlook(rules.routing)
        # What customers are told of how waits have held, line -> of 100; and until when.
        self._published: tuple[datetime, dict[str, int]] | None = None

    @property
    def now(self) -> datetime:
        """The moment that a picture is of."""
        return self.database.clock.now()

    # For customers ----------------------------------------------------------------------------------------------------------------------

    async def visit(self, identity: Identity, ticket: TicketId) -> Visit:
        """Return a contact's own visit, in whatever state it is.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        found = await self.visits([(identity.person, ticket)])
        if not found:
            raise NotFound("conversation.not_found")
        return found[identity.person, ticket]

    async def visits(
        self, wanted: Collection[tuple[PersonId, TicketId]], known: KnownLines = _NONE_KNOWN
    ) -> dict[tuple[PersonId, TicketId], Visit]:
        """Return visits of contacts, of one moment: (contact, ticket) -> visit; what is not that contact's own is missing.

        Args:
            wanted: contacts and their tickets.
            known: line -> what is known to be its picture; who stands in it need not be counted out.
        """
        names = {"tickets": [ticket for _, ticket in wanted]}

        async def question(connection: AsyncConnection) -> list[tuple[PersonId, Visit]]:
            rows = (await connection.execute(_VISITS_OF_TICKETS, names)).all()
            own = [row for row in rows if (row.contact_id, row.ticket_id) in asked]
            return list(zip((row.contact_id for row in own), await self._pictured(connection, own, known), strict=True))

        asked = frozenset(wanted)
        # Oldest first, so that of several the first one stays.
        return {(contact, visit.ticket): visit for contact, visit in reversed(await self.database.look(question))}

    async def visit_in(self, identity: Identity, conversation: ConversationId) -> Visit:
        """Return a contact's own visit by its conversation, as the address of its page names it; raises as ``visit`` does."""
        names = {"conversation": conversation, "contact": identity.person}
        visits = await self.database.look(lambda connection: self._visits(connection, _VISIT_OF_CONVERSATION, names))
        if not visits:
            raise NotFound("conversation.not_found")
        return visits[0]

    async def visits_of(self, identity: Identity) -> tuple[Visit, ...]:
        """Return a contact's visits that are waiting, active or ending, oldest first."""
        names = {"contact": identity.person}
        return tuple(await self.database.look(lambda connection: self._visits(connection, _LIVE_VISITS, names)))

    async def _visits(self, connection: AsyncConnection, statement: Any, names: Mapping[str, str]) -> list[Visit]:
        return await self._pictured(connection, (await connection.execute(statement, names)).all())

    async def _pictured(
        self, connection: AsyncConnection, rows: Sequence[Any], known: KnownLines = _NONE_KNOWN
    ) -> list[Visit]:
        """Return rows as visits; what a whole line has in common is read once."""
        by_line: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            if row.state == State.WAITING:
                by_line[row.line].append(row)
        waiting: dict[ConversationId, Waiting] = {}
        for line, waits in by_line.items():
            waiting |= await self._waiting(connection, line, waits, known.get(line))
        return [self._visit(row, waiting.get(row.id)) for row in rows]

    def _visit(self, row: Any, waiting: Waiting | None) -> Visit:
        ending = row.state == State.ENDING
        return Visit(
            ticket=row.ticket_id,
            number=row.number,
            subject=row.subject,
            line=row.line,
            ticket_state=row.ticket_state,
            log=row.log,
            conversation=row.id,
            state=row.state,
            waiting=waiting,
            representative=row.rep_name,
            representative_id=row.rep_id,
            representative_there=None if row.rep_id is None else _is_there(row.leased_until, self.now),
            undo_until=row.due_at if ending else None,
            ended_by_customer=row.ended_by == row.contact_id if ending else None,
            rating=row.rating,
        )

    async def _waiting(
        self, connection: AsyncConnection, line: str, rows: list[Any], known: Mapping[TicketId, Waiting] | None
    ) -> dict[ConversationId, Waiting]:
        """Return the places of some who wait in a line, from a picture of all of it where somebody has one."""
        unknown = [row for row in rows if known is None or row.ticket_id not in known]
        if len(unknown) > _FEW:
            known = await self._whole_line(connection, line)
            unknown = []
        waiting = {row.id: known[row.ticket_id] for row in rows if known is not None and row.ticket_id in known}
        if not unknown:
            return waiting
        positions = [await lines.position(connection, line, row.rank, row.seq) for row in unknown]
        staffed = await self.outlook.staffed(connection, line, self.now)
        for row, position in zip(unknown, positions, strict=True):
            waiting[row.id] = waiting_at(
                position,
                staffed,
                lines.word_in(row),
                self.now,
                offered=row.place_state == PlaceState.OFFERED,
                admitted_at=row.admitted_at,
                closes_at=row.closes_at,
            )
        return waiting

    async def whole_line(self, line: str) -> WholeLine:
        """Return what everybody who waits in a line sees of it: one pass over it, however many they are (performance, 3.4)."""
        return await self.database.look(lambda connection: self._whole_line(connection, line))

    async def _whole_line(self, connection: AsyncConnection, line: str) -> WholeLine:
        standing = await lines.in_line(connection, line)
        return WholeLine(standing, await self.outlook.staffed(connection, line, self.now), self.now)

    async def likely_wait(self, line: str, closes_at: datetime | None = None) -> Told | None:
        """Return what somebody who would stand in line now would be told, whose hours close then; None: nothing can be told."""
        async with self.database.read() as connection:
            waiting = await lines.waiting(connection, [line])
            count, _ = waiting.get(line, (0, None))
            prospect = await self.outlook.of(connection, line, count + 1, self.now)
        return prospect.told(count + 1, closes_at)

    async def waits_held(self, line: str) -> int | None:
        """Return of how many in 100 served customers of a line the bound has held in the last 28 days; None: too few to say so.

        Read once for everybody of a process, and again after ten minutes.
        """
        if self._published is None or not self._published[0] - _PUBLISHED_FOR <= self.now < self._published[0]:
            held = await self.accuracy(_PUBLISHED_DAYS, UTC)
            shares = {each: accuracy.published(found.counts) for each, found in held.lines.items()}
            known = {each: share for each, share in shares.items() if share is not None}
            self._published = self.now + _PUBLISHED_FOR, known
        return self._published[1].get(line)

    async def accuracy(self, days: int, zone: tzinfo) -> Accuracy:
        """Return how told waits have held, of those who came today and in the days before on the calendar of a zone; so many days in all."""
        dates = accuracy.days_until(self.now, days, zone)
        found = await self.database.look(
            lambda connection: lines.told_waits(connection, accuracy.beginnings(dates, zone))
        )
        return accuracy.accuracy(found, dates)

    async def line_counts(self) -> dict[str, LineCount]:
        """Return every line in which somebody waits or serves, counted; lines that are missing here have nobody on either side."""

        async def question(connection: AsyncConnection) -> dict[str, LineCount]:
            serving = await lines.serving(connection, self.now)
            waiting = await lines.waiting(connection)
            return {line: _count(line, waiting, serving) for line in sorted({*serving, *waiting})}

        return await self.database.look(question)

    # For representatives ----------------------------------------------------------------------------------------------------------------

    async def desk(self, identity: Identity) -> Desk:
        """Return a representative's whole desk.

        Raises:
            NotFound: they have none.
        """
        found = await self.desks([identity.person])
        if not found:
            raise NotFound("desk.not_found")
        return found[identity.person]

    async def desks(self, persons: Collection[PersonId]) -> dict[PersonId, Desk]:
        """Return the whole desks of representatives, of one moment; who has none is missing."""
        return await self.database.look(lambda connection: self._desks(connection, {"persons": list(persons)}))

    async def _desks(self, connection: AsyncConnection, names: dict[str, list[PersonId]]) -> dict[PersonId, Desk]:
        served: dict[PersonId, list[str]] = defaultdict(list)
        for person, line in await connection.execute(_SERVED_BY, names):
            served[person].append(line)
        known = {line for lines_served in served.values() for line in lines_served}
        serving = await lines.serving(connection, self.now)
        waiting = await lines.waiting(connection, known) if known else {}
        counts = {line: _count(line, waiting, serving) for line in known}
        offered = await self._offers(connection, names)
        held: dict[PersonId, list[DeskConversation]] = defaultdict(list)
        for row in await connection.execute(_ON_DESKS, names):
            held[row.rep_id].append(self._conversation(row))
        return {
            row.person_id: Desk(
                state=row.state,
                reason=row.reason,
                capacity=row.capacity,
                load=row.load,
                lines=tuple(counts[line] for line in served[row.person_id]),
                offers=tuple(offered[row.person_id]),
                conversations=tuple(held[row.person_id]),
            )
            for row in (await connection.execute(_DESKS, names)).all()
        }

    async def _offers(
        self, connection: AsyncConnection, names: dict[str, list[PersonId]]
    ) -> dict[PersonId, list[OfferCard]]:
        cards: dict[PersonId, list[OfferCard]] = defaultdict(list)
        for row in (await connection.execute(_OFFERED, names)).all():
            card = {field: value for field, value in row._mapping.items() if field not in ("taken_at", "person_id")}
            note = None if row.taken_at is None else await _handed_over_note(connection, row.ticket)
            cards[row.person_id].append(OfferCard(**card, handed_over_note=note))
        return cards

    def _conversation(self, row: Any) -> DeskConversation:
        return DeskConversation(
            id=row.id,
            state=row.state,
            epoch=row.epoch,
            ticket=row.ticket_id,
            number=row.number,
            subject=row.subject,
            line=row.line,
            severity=row.severity,
            log=row.log,
            notes_log=row.notes_log,
            head=row.head,
            seen=row.seen,
            customer_id=row.contact_id,
            customer=row.customer,
            company=row.company,
            customer_zone=row.zone,
            customer_language=row.language,
            customer_there=self.now - row.seen_at <= self.rules.routing.unseen_after,
            customer_at=row.customer_at,
            accepted_at=row.accepted_at,
            due_at=row.due_at,
            ended_by_customer=None if row.ended_by is None else row.ended_by == row.contact_id,
            word_due_at=row.word_due_at,
            call=row.call,
        )

    async def colleagues(self, identity: Identity, line: str) -> tuple[Colleague, ...]:
        """Return to whom a conversation of this line can be handed over now: those who serve it first, the least busy first."""
        serves = desk_lines.c.person_id.is_not(None)
        statement = (
            select(desks.c.person_id, people.c.name, desks.c.load, desks.c.capacity, serves)
            .select_from(
                desks.join(people, people.c.id == desks.c.person_id).outerjoin(
                    desk_lines, and_(desk_lines.c.person_id == desks.c.person_id, desk_lines.c.line == line)
                )
            )
            .where(
                desks.c.person_id != identity.person,
                desks.c.state == DeskState.READY,
                desks.c.leased_until > self.now,
                desks.c.load < desks.c.capacity,
            )
            .order_by(serves.desc(), desks.c.load, people.c.name)
        )
        async with self.database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return tuple(
            Colleague(person, name, load, capacity, bool(knows)) for person, name, load, capacity, knows in rows
        )

    async def lines_of_staff(self) -> dict[PersonId, tuple[str, ...]]:
        """Return which lines each representative serves; those who serve none are missing. Who may ask is asked at the door."""
        statement = select(desk_lines.c.person_id, desk_lines.c.line).order_by(desk_lines.c.line)
        served: dict[PersonId, tuple[str, ...]] = {}
        async with self.database.read() as connection:
            for person, line in (await connection.execute(statement)).all():
                served[person] = (*served.get(person, ()), line)
        return served

    async def customer_context(self, identity: Identity, ticket: TicketId) -> CustomerContext:
        """Return who stands behind a ticket; for staff only.

        Raises:
            NotFound: there is no such ticket, or a contact asks.
        """
        if not identity.is_staff:
            raise NotFound("ticket.not_found")
        async with self.database.read() as connection:
            row = await ticket_store.load(connection, ticket)
            person = (await connection.execute(select(people).where(people.c.id == row.requester_id))).one()
            company = (await connection.execute(select(companies).where(companies.c.id == row.company_id))).one()
            past = await self._past(connection, row)
        return CustomerContext(
            company=company.id,
            company_name=company.name,
            country=company.country,
            person=person.id,
            name=person.name,
            email=person.email,
            zone=person.zone or company.zone,
            language=person.language,
            impact=row.impact,
            description=row.description,
            past=past,
        )

    async def _past(self, connection: AsyncConnection, ticket: Any) -> tuple[PastTicket, ...]:
        columns = (
            tickets.c.id, tickets.c.number, tickets.c.subject, tickets.c.product, tickets.c.severity, tickets.c.state,
            tickets.c.created_at,
        )  # fmt: skip
        statement = (
            select(*columns)
            .where(tickets.c.company_id == ticket.company_id, tickets.c.id != ticket.id)
            .order_by(tickets.c.created_at.desc())
            .limit(_PAST)
        )
        return tuple(PastTicket(*row) for row in (await connection.execute(statement)).all())

    async def wrap_up_form(self, identity: Identity, conversation: ConversationId) -> WrapUp:
        """Return the wrap-up as it stands, prefilled, for the representative whose it is.

        Raises:
            NotFound: it is not theirs.
        """
        mine = and_(conversations.c.id == conversation, conversations.c.rep_id == identity.person)
        async with self.database.read() as connection:
            found = await store.load(connection, mine)
            ticket = await ticket_store.load(connection, found.ticket_id)
        return policy.wrap_up_of(ticket, found)


def _is_there(leased_until: datetime | None, at: datetime) -> bool:
    return leased_until is not None and leased_until > at


def _count(line: str, waiting: dict[str, tuple[int, datetime]], serving: dict[str, int]) -> LineCount:
    count, since = waiting.get(line, (0, None))
    return LineCount(line, count, serving.get(line, 0), since)


async def _handed_over_note(connection: AsyncConnection, ticket: TicketId) -> str | None:
    """Return the note that came with the last hand-over; None when there was none."""
    statement = (
        select(entries.c.body)
        .select_from(entries.join(logs, logs.c.id == entries.c.log_id))
        .where(
            logs.c.ticket_id == ticket,
            logs.c.audience == Audience.STAFF,
            entries.c.client_key.startswith(NOTE_KEY, autoescape=True),
        )
        .order_by(entries.c.number.desc())
        .limit(1)
    )
    body = (await connection.execute(statement)).scalar_one_or_none()
    return None if body is None else _words.decode(body).text
