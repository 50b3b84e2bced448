"""Which promises a company has been given, and what another plan or another calendar would do to what is due (V1).

A change is seen before it is made: the clocks of the company's open tickets are read as the sweep reads them, and measured twice.
Nothing here is stored but the plan; the sweep finds every ticket that is to be measured by it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts import policy as accounts
from chatsvc.accounts.model import Identity
from chatsvc.catalog.model import Plan
from chatsvc.coverage.model import Calendar
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import CompanyId, PersonId, TicketId
from chatsvc.tickets import clocks, severity_store
from chatsvc.tickets.clock_keeping import Clocks, Looked, measure_of
from chatsvc.tickets.clocks import Measure, Promise

logger = logging.getLogger(__name__)

# Open tickets of one company that are looked at; more would keep an administrator waiting, and teach them nothing.
MOST_LOOKED_AT: Final = 1_000
# Changes that are named: a screenful.
MOST_NAMED: Final = 12


class CompanyPlan(msgspec.Struct, frozen=True):
    """Which plan a company has."""

    company: CompanyId
    name: str
    # Key of the catalogue; the first of its plans where none was chosen, or the chosen one is no longer there.
    plan: str
    # When it was chosen; None: never.
    changed_at: datetime | None
    # The name of whoever gave it; None where none was chosen, or it was not kept.
    changed_by: str | None = None


class DueChange(msgspec.Struct, frozen=True):
    """A promise about an open ticket that would be due at another moment."""

    number: int
    promise: Promise
    before: datetime
    after: datetime


class DueDifference(msgspec.Struct, frozen=True):
    """What would become of the due times of a company's open tickets."""

    # What is due first, as it would be then, comes first; at most ``MOST_NAMED``.
    named: tuple[DueChange, ...]
    # How many more there are.
    more: int
    # Whether the company has more open tickets than were looked at: the oldest ``MOST_LOOKED_AT`` were.
    is_partial: bool = False


class Plans:
    """Plans of companies, for administrators."""

    def __init__(self, clocks_kept: Clocks) -> None:
        self.keeper = clocks_kept
        self.database = clocks_kept.database
        self.catalog = clocks_kept.catalog

    async def of_companies(self, who: Identity) -> list[CompanyPlan]:
        """Return every company and its plan, by name.

        Raises:
            NotAllowed: ``who`` is no administrator.
        """
        accounts.require_administrator(who)
        async with self.database.read() as connection:
            found = await severity_store.plans(connection)
        return [
            CompanyPlan(each.company, each.name, self.catalog.plan(each.plan).key, each.changed_at, each.changed_by)
            for each in found
        ]

    async def set_plan(self, who: Identity, company: CompanyId, plan: str) -> None:
        """Give a company another plan; the clocks of its tickets are measured by it from the next sweep on. The same again changes nothing.

        Raises:
            NotAllowed: ``who`` is no administrator.
            NotFound: there is no such company.
            Invalid: the catalogue has no such plan.
        """
        accounts.require_administrator(who)
        chosen = self.catalog.known_plan(plan).key
        async with self.database.begin() as uow:
            before = await self._plan_of(uow.connection, company)
            if before.key == chosen:
                return
            await severity_store.set_plan(uow, company, chosen, by=who.person)
        logger.info("plan_changed", extra={"company": company, "before": before.key, "after": chosen, "by": who.person})

    async def preview_plan(self, who: Identity, company: CompanyId, plan: str) -> DueDifference:
        """Return what another plan would do to what is due, without giving it.

        Raises:
            NotAllowed, NotFound, Invalid: as for the change itself.
        """
        accounts.require_administrator(who)
        return await self._compare(company, plan=self.catalog.known_plan(plan))

    async def preview_calendar(self, who: Identity, company: CompanyId, calendar: Calendar) -> DueDifference:
        """Return what another calendar, in the company's zone, would do to what is due, without setting it.

        Raises:
            NotAllowed: ``who`` is no administrator.
            NotFound: there is no such company.
        """
        accounts.require_administrator(who)
        return await self._compare(company, calendar=calendar)

    async def _compare(
        self, company: CompanyId, *, plan: Plan | None = None, calendar: Calendar | None = None
    ) -> DueDifference:
        """Measure the clocks of open tickets twice; None: the plan, or the calendar, that counts now."""
        now = self.database.clock.now()
        changes: list[DueChange] = []
        async with self.database.read() as connection:
            current = await self._plan_of(connection, company)
            open_tickets = await severity_store.open_tickets(connection, company, MOST_LOOKED_AT + 1)
            zones = dict(open_tickets[:MOST_LOOKED_AT])
            looked = await self._look(connection, list(zones), now)
            measures: dict[tuple[PersonId, str], tuple[Measure, Measure]] = {}
            for one in looked:
                found, track = one.found, one.kept.track
                alike = (found.requester, track.severity)
                if alike not in measures:
                    own = await self.keeper.calendars.calendar_of(connection, found.requester)
                    then = own if calendar is None else _in_zone(calendar, zones[found.ticket])
                    measures[alike] = (
                        measure_of(current, own, track.severity, now),
                        measure_of(plan or current, then, track.severity, now),
                    )
                changes += [
                    DueChange(found.number, shift.promise, shift.before, shift.after)
                    for shift in clocks.shifts(track, *measures[alike])
                ]
        changes.sort(key=lambda change: (change.after, change.number, change.promise))
        more = max(len(changes) - MOST_NAMED, 0)
        return DueDifference(tuple(changes[:MOST_NAMED]), more, is_partial=len(open_tickets) > MOST_LOOKED_AT)

    async def _look(self, connection: AsyncConnection, tickets: Sequence[TicketId], now: datetime) -> list[Looked]:
        looked: list[Looked] = []
        for first in range(0, len(tickets), 100):
            looked += await self.keeper.look(connection, tickets[first : first + 100], now)
        return looked

    async def _plan_of(self, connection: AsyncConnection, company: CompanyId) -> Plan:
        found = await severity_store.plans(connection, company)
        if not found:
            raise NotFound("not_found")
        return self.catalog.plan(found[0].plan)


def _in_zone(calendar: Calendar, own_zone: str | None) -> Calendar:
    return msgspec.structs.replace(calendar, zone=own_zone) if own_zone else calendar
