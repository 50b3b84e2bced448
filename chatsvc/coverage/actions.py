"""What administrators do to calendars. Every change names the version it was made on, and is kept with who made it.

A change counts for what is asked from now on. What is already under way is not cut, and what is due is computed anew by whoever computes it.
"""

import logging
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from chatsvc.accounts import policy as accounts
from chatsvc.accounts.model import Identity
from chatsvc.coverage import store
from chatsvc.coverage.difference import Difference, difference
from chatsvc.coverage.hours_text import checked_calendar
from chatsvc.coverage.model import Calendar, OwnDay, Week
from chatsvc.coverage.opening import regions
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.kernel.ids import CompanyId

logger = logging.getLogger(__name__)

LONGEST_NAME = 80
# Own days from the day of asking on; those that are over stay, and are not counted.
MOST_OWN_DAYS = 400


class NewHours(msgspec.Struct, frozen=True):
    """What an administrator sets at once: everything but own days."""

    zone: str
    country: str
    region: str | None
    week: Week
    always: bool

    def on(self, calendar: Calendar) -> Calendar:
        """Return a calendar with these hours and its own days.

        Raises:
            Invalid: the zone, country or region is unknown, or nothing would ever be open.
        """
        country = accounts.checked_country(self.country)
        if self.region and self.region not in regions().get(country, ()):
            raise Invalid("choose", field="region")
        place = {"zone": accounts.checked_zone(self.zone), "country": country, "region": self.region or None}
        return checked_calendar(msgspec.structs.replace(calendar, week=self.week, always=self.always, **place))


class Calendars:
    """Actions on calendars."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preview(self, who: Identity, company: CompanyId, hours: NewHours) -> Difference:
        """Return what new hours would alter, without making the change.

        Raises:
            NotAllowed, NotFound, Invalid: as for the change itself.
        """
        return await self._compare(who, company, hours.on)

    async def set_hours(self, who: Identity, company: CompanyId, hours: NewHours, *, version: int) -> None:
        """Give a company other hours, another zone, or the holidays of another place.

        Args:
            version: of the calendar that ``who`` has seen.

        Raises:
            NotAllowed, NotFound: ``who`` is no administrator; there is no such company.
            Invalid: a field.
            Conflict: ``calendar.changed``: somebody else was quicker.
        """
        await self._change(who, company, hours.on, version=version)

    async def preview_own_day(self, who: Identity, company: CompanyId, own: OwnDay) -> Difference:
        """Return what an own day would alter, without making the change.

        Raises:
            NotAllowed, NotFound, Invalid: as for the change itself.
        """
        return await self._compare(who, company, lambda calendar: _with_day(calendar, own, self._database.clock.now()))

    async def set_own_day(self, who: Identity, company: CompanyId, own: OwnDay, *, version: int) -> None:
        """Make a day different, closed or with hours of its own; what was set for it before is replaced.

        Raises:
            NotAllowed, NotFound, Conflict: as for ``set_hours``.
            Invalid: the day is over, the name too long, or there are too many.
        """
        moment = self._database.clock.now()
        await self._change(who, company, lambda calendar: _with_day(calendar, own, moment), version=version)

    async def remove_own_day(self, who: Identity, company: CompanyId, day: date, *, version: int) -> None:
        """Let the week and the holidays decide about a day again; a day that is not its own stays as it is.

        Raises:
            NotAllowed, NotFound, Conflict: as for ``set_hours``.
        """
        await self._change(who, company, lambda calendar: _without_day(calendar, day), version=version)

    async def _compare(self, who: Identity, company: CompanyId, make: Callable[[Calendar], Calendar]) -> Difference:
        accounts.require_administrator(who)
        async with self._database.read() as connection:
            head = await store.head(connection, company)
            if head is None:
                raise NotFound("not_found")
            before = await store.calendar(connection, head)
        return difference(before, make(before), self._database.clock.now())

    async def _change(
        self, who: Identity, company: CompanyId, make: Callable[[Calendar], Calendar], *, version: int
    ) -> None:
        accounts.require_administrator(who)
        async with self._database.begin() as uow:
            head = await store.head(uow.connection, company)
            if head is None:
                raise NotFound("not_found")
            if head.version != version:
                raise Conflict("calendar.changed")
            before = await store.calendar(uow.connection, head)
            after = make(before)
            if after == before:
                return
            if not await store.save(uow, head, before, after, by=who.person):
                raise Conflict("calendar.changed")
            # Whoever has computed something by the old hours may want to do it again.
            uow.ring(f"calendar:{company}")
        logger.info("calendar_changed", extra={"company": company, "version": version + 1, "by": who.person})


def _with_day(calendar: Calendar, own: OwnDay, moment: datetime) -> Calendar:
    name = " ".join(own.name.split())
    if len(name) > LONGEST_NAME:
        raise Invalid("too_long", field="name", limit=LONGEST_NAME)
    today = moment.astimezone(ZoneInfo(calendar.zone)).date()
    if own.day < today:
        raise Invalid("calendar.day_over", field="day")
    others = tuple(day for day in calendar.own_days if day.day != own.day)
    if sum(day.day >= today for day in others) >= MOST_OWN_DAYS:
        raise Invalid("calendar.too_many_days", field="day", limit=MOST_OWN_DAYS)
    days = (*others, msgspec.structs.replace(own, name=name))
    return msgspec.structs.replace(calendar, own_days=tuple(sorted(days)))


def _without_day(calendar: Calendar, day: date) -> Calendar:
    return msgspec.structs.replace(calendar, own_days=tuple(own for own in calendar.own_days if own.day != day))
