"""Whether somebody may be served now: what every door of the live phase asks, and the words in which it refuses (K3, V3, V4).

Coverage gates joining, not staying. It knows no weekday: ``coverage`` does.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.coverage.model import Channel, Coverage
from chatsvc.coverage.policy import coverage_at
from chatsvc.kernel.errors import NotAllowed
from chatsvc.kernel.ids import PersonId, TicketId
from chatsvc.tickets import severity_store
from chatsvc.tickets.clock_keeping import Calendars
from chatsvc.tickets.severity import FIRST, covered_as


class Gate:
    """Asks the one function that decides."""

    def __init__(self, calendars: Calendars) -> None:
        self.calendars = calendars

    async def at_the_door(
        self, connection: AsyncConnection, contact: PersonId, at: datetime, *, critical: bool = False
    ) -> Coverage:
        """Return whether a contact may stand in line at a moment, with a request that is or is not proposed critical."""
        calendar = await self.calendars.calendar_of(connection, contact)
        return coverage_at(at, FIRST, Channel.CHAT, calendar, proposed=critical)

    async def of_ticket(self, connection: AsyncConnection, ticket: Any, at: datetime) -> Coverage:
        """Return whether a ticket's customer may be served live at a moment, by its severity and by a claim that waits for judgement."""
        claim = (await severity_store.standing(connection, TicketId(ticket.id))).claim
        return await self.as_severity(connection, PersonId(ticket.requester_id), at, ticket.severity, claim)

    async def as_severity(
        self, connection: AsyncConnection, contact: PersonId, at: datetime, severity: str, claim: str
    ) -> Coverage:
        """Return what ``of_ticket`` would for another severity or claim."""
        calendar = await self.calendars.calendar_of(connection, contact)
        counted, proposed = covered_as(severity, claim)
        return coverage_at(at, counted, Channel.CHAT, calendar, proposed=proposed)


def insist(covered: Coverage) -> Coverage:
    """Return the coverage when it is open.

    Raises:
        NotAllowed: ``coverage.closed``; ``facts["opens_at"]`` is the next opening, None when none is in sight.
    """
    if not covered.is_open:
        raise NotAllowed("coverage.closed", opens_at=covered.opens_at)
    return covered
