"""The words of stories about calls: who books, who is planned, what is dialled, what is told."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from callback import store
from callback.actions import Callbacks
from callback.links import CallLinks
from callback.model import CallbackRules, ReservationId
from callback.tables import attempts, reservations, seats
from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.ids import ConversationId, TicketId
from chatsvc.tickets import store as tickets
from tests.chatsvc.conversations.house import House

RULES = CallbackRules()


def a_number(n: int = 0) -> str:
    """Return a number in Berlin; another for each ``n`` up to 999,999."""
    return f"+49302{n:06d}"


class CallHouse(House):
    """A desk with a telephone."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path, rules: CallbackRules = RULES) -> None:
        super().__init__(database, clock, folder)
        self.calls = Callbacks(self.act, CallLinks("a key of nobody"), rules)

    # Planned staffing -------------------------------------------------------------------------------------------------------------------

    async def planned(
        self, *reps: Identity, lines: tuple[str, ...] = ("expense",), days: float = 16, since: datetime | None = None
    ) -> None:
        """Plan representatives for lines, day and night."""
        begins = since or self.clock.now() - timedelta(hours=1)
        async with self.database.begin() as uow:
            for rep in reps:
                await store.add_shift(uow, rep.person, lines, begins, begins + timedelta(days=days))

    # Customers --------------------------------------------------------------------------------------------------------------------------

    async def books(self, contact: Identity, *, slot_at: datetime | None = None, **more: Any) -> ReservationId:
        """Let a contact book a call, for a new ticket unless one is named."""
        form = {
            "line": "expense",
            "number": a_number(),
            "region": None,
            "key": ids.new_id("ky"),
            "subject": "Report does not open",
            "description": "It shows a blank page.",
        }
        return await self.calls.reserve(contact, slot_at=slot_at, **(form | more))

    def slot(self, hours: float = 2) -> datetime:
        """Return the beginning of a slot so many hours from now."""
        at = self.clock.now() + timedelta(hours=hours)
        return at - (at - datetime(2026, 1, 1, tzinfo=at.tzinfo)) % RULES.slot_length

    # Representatives --------------------------------------------------------------------------------------------------------------------

    async def previews(self, representative: Identity) -> ConversationId:
        """Let a representative accept the next place; fails when nothing is offered."""
        card = await self.offer_to(representative)
        conversation = await self.act.accept(representative, card.id, card.epoch)
        await self.calls.sweep()
        return conversation

    async def lives_until(self, moment: datetime, *people: Identity) -> None:
        """Move the clock, with people at their desks, and do what is due."""
        while self.clock.now() < moment:
            step = min(timedelta(seconds=10), moment - self.clock.now())
            self.clock.advance(step if moment - self.clock.now() < timedelta(minutes=2) else moment - self.clock.now())
        await self.stay(*people)
        await self.calls.sweep()

    # Looking ----------------------------------------------------------------------------------------------------------------------------

    async def reservation(self, reservation: ReservationId) -> Any:
        """Return a reservation as stored."""
        [row] = [row for row in await self.rows(reservations) if row.id == reservation]
        return row

    async def state(self, reservation: ReservationId) -> str:
        """Return where a reservation is."""
        return str((await self.reservation(reservation)).state)

    async def attempt_rows(self) -> list[Any]:
        """Return every attempt, oldest first."""
        return await self.rows(attempts, attempts.c.created_at, attempts.c.n)

    async def seat_rows(self) -> list[Any]:
        """Return every seat that is taken."""
        return await self.rows(seats, seats.c.begins_at, seats.c.seat)

    async def told(self, reservation: ReservationId) -> list[str]:
        """Return what a reservation's customer was told, in order; of what was told at the same moment the booking first."""
        mails = [row for row in await self.rows(outbox) if row.kind == "mail.callback"]
        told = [row for row in mails if row.cause.startswith(f"callback:{reservation}:")]
        told.sort(key=lambda row: (row.created_at, row.payload["what"] != "booked"))
        return [row.payload["what"] for row in told]

    async def kinds_of(self, ticket: TicketId) -> list[str]:
        """Return the kinds of a ticket's shared entries, in order."""
        async with self.database.read() as connection:
            log = await tickets.log_of(connection, ticket)
        return [entry.kind for entry in await self.logbook.since(log, 0)]
