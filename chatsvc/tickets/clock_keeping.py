"""Keeps the clocks of tickets: reads what has happened from their logs, and says what has come due (V1, R15).

Clocks follow a ticket by the number of its log's last entry, so that nothing has to tell them anything: whatever was said or done, by
whichever door, is read sooner or later, with the moment at which it happened. A sweep may come late, twice, and in several processes at
once; what is due is said once, in the transaction that notes that it was said.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.catalog.model import Catalog, Plan
from chatsvc.coverage.model import Calendar
from chatsvc.coverage.opening import hours_of
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict
from chatsvc.kernel.ids import SYSTEM, CompanyId, PersonId, TicketId
from chatsvc.tickets import clocks, severity_store, store, telling
from chatsvc.tickets.clocks import ALWAYS, Alarm, Hours, Measure, Track
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Append, Audience, Kind, Role, State, facts
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.severity_store import Followed, Happening, Kept

logger = logging.getLogger(__name__)

# How many tickets of one kind a sweep does; the rest is found by the next one.
_AT_ONCE: Final = 200
# How many of those are looked at, and kept, together: enough to be cheap, few enough to keep nobody's message waiting.
_TOGETHER: Final = 50
# What counts as a representative's word: saying something, asking for something, and coming into the conversation.
_WORDS: Final = (Kind.MESSAGE, Kind.ASKED, Kind.ACCEPTED)
_MOVES: Final = {
    Kind.ASKED: State.AWAITING,
    Kind.SOLVED: State.SOLVED,
    Kind.CLOSED: State.CLOSED,
    Kind.REOPENED: State.OPEN,
}
# The entries that clocks go by.
_TELLING: Final = tuple(dict.fromkeys((*_WORDS, *_MOVES)))


class Looked(NamedTuple):
    """A ticket that was looked at: what was read, and what follows from it."""

    found: Followed
    kept: Kept
    alarms: tuple[Alarm, ...]


class Calendars(Protocol):
    """Whose hours count."""

    async def calendar_of(self, connection: AsyncConnection, contact: PersonId) -> Calendar:
        """Return a contact's calendar."""
        ...


class Clocks:
    """The response clocks of all tickets."""

    def __init__(
        self, database: Database, logbook: LogBook, catalog: Catalog, calendars: Calendars, rules: TicketRules
    ) -> None:
        self.database = database
        self.logbook = logbook
        self.catalog = catalog
        self.calendars = calendars
        self.rules = rules

    async def sweep(self) -> int:
        """Follow every ticket of which there is news, and say what has come due; return how many were looked at."""
        now = self.database.clock.now()
        found = await self.database.look(lambda connection: self._behind(connection, now))
        for first in range(0, len(found), _TOGETHER):
            await self._bring_up(found[first : first + _TOGETHER], now)
        return len(found)

    async def follow(self, uow: UnitOfWork, ticket: TicketId) -> None:
        """Bring the clocks of a ticket up to this moment, inside a unit of work: also in the one that changes its severity or state.

        Raises:
            Conflict: ``ticket.changed``: somebody else has done so at the same instant; it is looked at again.
        """
        [(found, kept, alarms)] = await self.look(uow.connection, (ticket,), uow.now)
        if not await severity_store.keep(uow, found, kept):
            raise Conflict("ticket.changed", ticket=ticket)
        for alarm in alarms:
            await self._say(uow, ticket, alarm)

    async def _behind(self, connection: AsyncConnection, now: datetime) -> list[TicketId]:
        behind = await severity_store.behind(connection, now, _AT_ONCE)
        return [*behind, *await severity_store.untracked(connection, _AT_ONCE)]

    async def _bring_up(self, tickets: Sequence[TicketId], now: datetime) -> None:
        """Bring clocks up: those that say nothing together, looked at before anything is locked; each of the others on its own."""
        looked = await self.database.look(lambda connection: self.look(connection, tickets, now))
        quiet = [(one.found, one.kept) for one in looked if not one.alarms]
        if quiet:
            async with self.database.begin() as uow:
                await severity_store.keep_all(uow, quiet)
        for ticket in (one.found.ticket for one in looked if one.alarms):
            try:
                async with self.database.begin() as uow:
                    await self.follow(uow, ticket)
            except Conflict as conflict:
                logger.warning("clock_conflict", extra={"ticket": ticket, "key": conflict.key})

    async def look(self, connection: AsyncConnection, tickets: Sequence[TicketId], now: datetime) -> list[Looked]:
        """Return tickets with their clocks as they stand at a moment, in no order; nothing is stored."""
        followed = await severity_store.followed(connection, tickets)
        news = await severity_store.happenings(connection, tickets, _TELLING)
        # Tickets of the same contact are measured alike.
        measures: dict[tuple[PersonId, str], Measure] = {}
        looked = []
        for found in followed:
            alike = (found.requester, found.severity)
            if alike not in measures:
                measures[alike] = await self.measure(connection, found.company, *alike, now)
            looked.append(self._looked(found, news.get(found.ticket, ()), measures[alike], now))
        return looked

    def _looked(self, found: Followed, news: Iterable[Happening], measure: Measure, now: datetime) -> Looked:
        track = found.track or clocks.opened(found.created_at, found.severity)
        for happening in news:
            # What came after the head was read is news for the next look.
            track = after(track, happening) if happening.number <= found.head else track
        track = clocks.moved(track, State(found.state), found.updated_at)
        if track.severity != found.severity:
            track = clocks.judged(track, found.severity, found.updated_at, measure)
        track, alarms = clocks.ring(track, now, measure)
        over = found.ended_at is not None and now - found.ended_at > self.rules.reopen_within
        look_at, word_due_at = clocks.next_look(track, measure), clocks.next_word_due(track, measure)
        return Looked(found, Kept(track, look_at, word_due_at, clocks.due_of(track, measure), not over), alarms)

    async def measure(
        self, connection: AsyncConnection, company: CompanyId, contact: PersonId, severity: str, at: datetime
    ) -> Measure:
        """Return what the clocks of a company's ticket are measured by."""
        plan = self.catalog.plan(await severity_store.plan_of(connection, company))
        return measure_of(plan, await self.calendars.calendar_of(connection, contact), severity, at)

    async def _say(self, uow: UnitOfWork, ticket: TicketId, alarm: Alarm) -> None:
        """Write what comes due or is broken into the staff's log, and to whoever it concerns; its key makes it one entry, whoever sweeps."""
        log = await store.log_of(uow.connection, ticket, Audience.STAFF)
        row = await store.load(uow.connection, ticket)
        body = facts(promise=alarm.promise, what=alarm.what, due_at=alarm.due_at)
        key = f"due-{alarm.promise}-{alarm.what}-{int(alarm.due_at.timestamp())}"
        await self.logbook.append_in(uow, Append(log, SYSTEM, "", Role.SYSTEM, key, Kind.DUE, body))
        await telling.tell_of_promise(uow, row, alarm.promise, alarm.what, alarm.due_at)
        uow.ring(f"visit:{ticket}")
        if row.owner_id is not None:
            uow.ring(f"desk:{row.owner_id}")
        logger.info(f"promise_{alarm.what}", extra={"ticket": ticket, "promise": str(alarm.promise)})


def measure_of(plan: Plan, calendar: Calendar, severity: str, at: datetime) -> Measure:
    """Return what the clocks of a severity are measured by, by a plan and a calendar; one that never opens counts as always open."""
    hours: Hours = hours_of(calendar)
    if hours.between(at, at + timedelta(days=366)) == timedelta():
        # It would promise nothing at all.
        hours = ALWAYS
    return Measure(plan.responses[severity], hours)  # type: ignore[index]


def after(track: Track, happening: Happening) -> Track:
    """Return the clocks after an entry of the shared log."""
    kind, at = happening.kind, happening.at
    if kind in _WORDS and happening.role is Role.STAFF:
        track = clocks.answered(track, at)
    if kind == Kind.MESSAGE and happening.role is Role.CUSTOMER and track.state is State.AWAITING:
        # The customer's word is what was waited for (T8).
        return clocks.moved(track, State.OPEN, at)
    if kind in _MOVES:
        return clocks.moved(track, _MOVES[Kind(kind)], at)
    return track
