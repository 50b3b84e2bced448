"""The words of stories about the live phase: who stands in line, who is offered what, what is in the log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.catalog import model as catalogue
from chatsvc.conversations.actions import Conversations
from chatsvc.conversations.model import ConversationRules, WrapUp
from chatsvc.conversations.queries import Queries
from chatsvc.conversations.tables import conversations
from chatsvc.conversations.views import OfferCard, Visit
from chatsvc.coverage.model import Calendar
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.db.uow import Bell
from chatsvc.files.actions import Files
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.ids import ConversationId, PersonId, TicketId
from chatsvc.routing.tables import desks, line_events, offers, places
from chatsvc.tickets.clock_keeping import Clocks
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Append, Kind, Role, Stored, words
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.tables import tickets
from tests import builders

CATALOG = catalogue.load()
DONE = WrapUp(
    subject="Report does not open",
    reason="malfunction",
    product="expense",
    environment="production",
    severity="P2",
    team="engineering",
    solved=True,
)


class OneCalendar:
    """Everybody's calendar: always open, unless a story is about hours."""

    def __init__(self) -> None:
        self.calendar = Calendar("Europe/Berlin", always=True)

    async def calendar_of(self, connection: AsyncConnection, contact: PersonId) -> Calendar:
        """Return it, whoever asks."""
        return self.calendar

    def keep_business_hours(self, zone: str = "Europe/Berlin") -> None:
        """Be open from Monday to Friday, 08:00 to 18:00, from now on (V4)."""
        self.calendar = Calendar(zone, "DE")


class House:
    """A desk with its store and its clock."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        self.calendars = OneCalendar()
        self.database = database
        self.clock = clock
        self.rules = ConversationRules()
        self.logbook = LogBook(database)
        self.files = Files(database, folder, most_bytes=1_000_000)
        self.clocks = Clocks(database, self.logbook, CATALOG, self.calendars, TicketRules())
        self.act = Conversations(database, self.logbook, CATALOG, self.rules, self.files, self.clocks)
        self.see = Queries(database, self.rules)
        self.bells: list[Bell] = []
        database.publish = self.bells.extend

    # People -----------------------------------------------------------------------------------------------------------------------------

    async def contact(self, name: str = "Claire Martin", **more: Any) -> Identity:
        """Add a contact with a company of their own."""
        return await builders.a_contact(self.database, name=name, **more)

    async def ready(self, name: str = "Ravi Patel", **more: Any) -> Identity:
        """Add a representative who is present and ready."""
        representative = await builders.a_representative(self.database, name=name, **more)
        await self.act.set_desk(representative, "ready")
        return representative

    async def joins(self, contact: Identity, *, line: str = "expense", **more: Any) -> Visit:
        """Let a contact stand in line."""
        form = {
            "subject": "Report does not open",
            "description": "It shows a blank page.",
            "impact": {},
            "key": ids.new_id("ky"),
        }
        return await self.act.join(contact, line=line, **(form | more))

    async def stay(self, *people: Identity, visits: tuple[Visit, ...] = ()) -> None:
        """Say that people are still there."""
        await self.act.renew_desks([person.person for person in people])
        await self.act.renew_places([visit.ticket for visit in visits])

    async def offer_to(self, representative: Identity) -> OfferCard:
        """Match, and return what is offered to this representative; fails when nothing is."""
        await self.act.match()
        [card] = (await self.see.desk(representative)).offers
        return card

    async def talking(self, contact: Identity, representative: Identity, **more: Any) -> tuple[Visit, ConversationId]:
        """Let two people come into conversation."""
        visit = await self.joins(contact, **more)
        card = await self.offer_to(representative)
        conversation = await self.act.accept(representative, card.id, card.epoch)
        return visit, conversation

    async def says(self, contact_or_rep: Identity, visit: Visit, text: str, epoch: int | None = None) -> Stored:
        """Write a message into a ticket's log."""
        role = Role.STAFF if contact_or_rep.is_staff else Role.CUSTOMER
        async with self.database.begin() as uow:
            append = Append(
                visit.log,
                contact_or_rep.person,
                contact_or_rep.name,
                role,
                ids.new_id("ky"),
                Kind.MESSAGE,
                words(text),
                contact_or_rep.company,
                epoch,
            )
            return await self.logbook.append_in(uow, append)

    # Looking ----------------------------------------------------------------------------------------------------------------------------

    async def kinds(self, visit: Visit) -> list[str]:
        """Return the kinds of a log's entries, in order."""
        return [entry.kind for entry in await self.logbook.since(visit.log, 0)]

    async def body(self, visit: Visit, kind: str) -> dict[str, Any]:
        """Return the body of the last entry of a kind."""
        found = [entry for entry in await self.logbook.since(visit.log, 0) if entry.kind == kind]
        decoded: dict[str, Any] = msgspec.json.decode(found[-1].body)
        return decoded

    async def mails(self) -> list[str]:
        """Return the kinds of the mails written so far, in order."""
        return [row.kind for row in await self.rows(outbox, outbox.c.created_at)]

    async def rows(self, table: Any, *order: Any) -> list[Any]:
        """Return every row of a table."""
        async with self.database.read() as connection:
            return list((await connection.execute(select(table).order_by(*order))).all())

    async def desk_row(self, representative: Identity) -> Any:
        """Return a representative's desk as stored."""
        [row] = [row for row in await self.rows(desks) if row.person_id == representative.person]
        return row

    async def place_row(self, ticket: TicketId) -> Any:
        """Return a ticket's place as stored."""
        [row] = [row for row in await self.rows(places) if row.ticket_id == ticket]
        return row

    async def conversation_row(self, ticket: TicketId) -> Any:
        """Return a ticket's conversation as stored."""
        [row] = [row for row in await self.rows(conversations) if row.ticket_id == ticket]
        return row

    async def ticket_row(self, ticket: TicketId) -> Any:
        """Return a ticket as stored."""
        [row] = [row for row in await self.rows(tickets) if row.id == ticket]
        return row

    async def offer_rows(self) -> list[Any]:
        """Return the ledger of offers, oldest first."""
        return await self.rows(offers, offers.c.made_at, offers.c.epoch)

    async def line_story(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what happened in the lines, in order."""
        return [(row.kind, row.facts) for row in await self.rows(line_events, line_events.c.seq)]

    def rang(self, topic: str) -> bool:
        """Whether a bell rang since the last ``hush``."""
        return any(bell.topic == topic for bell in self.bells)

    def hush(self) -> None:
        """Forget the bells so far."""
        self.bells.clear()


@asynccontextmanager
async def open_house(database: Database, clock: ManualClock, folder: Path) -> AsyncIterator[House]:
    """Open a desk."""
    yield House(database, clock, folder)
