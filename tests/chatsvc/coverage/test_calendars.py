"""Calendars in the store: whose is which, who may change them, what a change alters, and that nobody is judged by an old one."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chatsvc.accounts.model import Identity
from chatsvc.coverage.actions import Calendars, NewHours
from chatsvc.coverage.model import DEFAULT_WEEK, Calendar, Channel, OwnDay, Period
from chatsvc.coverage.policy import coverage_at
from chatsvc.coverage.queries import CoverageQueries
from chatsvc.db.engine import Database
from chatsvc.db.uow import Bell
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from chatsvc.kernel.ids import CompanyId, PersonId
from tests import builders

BERLIN = NewHours("Europe/Berlin", "DE", None, DEFAULT_WEEK, always=False)
SHORT_FRIDAY = (*DEFAULT_WEEK[:4], (Period(8 * 60, 14 * 60),), (), ())
ASSUMPTION = OwnDay(date(2026, 8, 14), (Period(480, 720),), "Eve of Assumption")


class Office:
    """An administrator with one customer."""

    def __init__(self, database: Database) -> None:
        self.calendars = Calendars(database)
        self.queries = CoverageQueries(database)
        self.database = database
        self.admin: Identity
        self.contact: Identity
        self.company: CompanyId

    async def open(self) -> "Office":
        """Let everybody come."""
        self.admin = await builders.an_administrator(self.database)
        self.company = await builders.a_company(self.database, always=False)
        self.contact = await builders.a_contact(self.database, self.company)
        return self

    async def sets(self, version: int, **changes: Any) -> None:
        """Let the administrator set hours."""
        hours = msgspec.structs.replace(BERLIN, **changes)
        await self.calendars.set_hours(self.admin, self.company, hours, version=version)


@pytest.fixture
async def office(database: Database) -> Office:
    """An office at work."""
    return await Office(database).open()


async def test_a_company_that_nobody_changed_has_the_default_week_in_its_own_place(office: Office) -> None:
    calendar = await office.queries.calendar(office.contact.person)

    assert calendar == Calendar("Europe/Berlin", "DE", None, DEFAULT_WEEK)


async def test_what_is_set_is_what_decides_from_now_on_and_who_set_it_is_kept(office: Office) -> None:
    before = await office.queries.calendar(office.contact.person)

    await office.sets(0, week=SHORT_FRIDAY, region="BY")
    await office.calendars.set_own_day(office.admin, office.company, ASSUMPTION, version=1)
    after = await office.queries.calendar(office.contact.person)
    sheet = await office.queries.sheet(office.admin, office.company)

    assert after == msgspec.structs.replace(before, week=SHORT_FRIDAY, region="BY", own_days=(ASSUMPTION,))
    friday = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)
    assert coverage_at(friday, "P3", Channel.CHAT, before).is_open
    assert not coverage_at(friday, "P3", Channel.CHAT, after).is_open
    assert [(change.version, change.by_name) for change in sheet.changes] == [(2, "Ada Admin"), (1, "Ada Admin")]
    assert (sheet.version, sheet.calendar) == (2, after)


async def test_another_process_sees_the_change_without_being_told(office: Office, database: Database) -> None:
    elsewhere = CoverageQueries(database)
    kept = await elsewhere.calendar(office.contact.person)
    assert await elsewhere.calendar(office.contact.person) is kept

    await office.sets(0, always=True)

    assert (await elsewhere.calendar(office.contact.person)).always


async def test_a_contact_with_a_zone_of_their_own_has_the_company_s_hours_there(office: Office) -> None:
    traveller = await builders.a_contact(office.database, office.company, name="Far Away", zone="Asia/Tokyo")

    assert (await office.queries.calendar(traveller.person)).zone == "Asia/Tokyo"
    assert (await office.queries.calendar(office.contact.person)).zone == "Europe/Berlin"


async def test_nobody_s_contact_has_no_calendar(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.queries.calendar(office.admin.person)
    with pytest.raises(NotFound):
        await office.queries.calendar(PersonId("pe_nobody"))


async def test_of_two_who_change_the_same_calendar_the_second_is_told(office: Office) -> None:
    heard: list[Bell] = []
    office.database.publish = heard.extend
    await office.sets(0, week=SHORT_FRIDAY)

    with pytest.raises(Conflict, match=r"calendar\.changed"):
        await office.sets(0, always=True)

    assert not (await office.queries.calendar(office.contact.person)).always
    assert heard == [Bell(f"calendar:{office.company}")]


async def test_a_change_that_changes_nothing_leaves_no_trace(office: Office) -> None:
    await office.sets(0)

    assert (await office.queries.sheet(office.admin, office.company)).changes == ()


async def test_an_own_day_can_be_replaced_and_removed(office: Office) -> None:
    closed = OwnDay(ASSUMPTION.day, (), "Closed after all")
    await office.calendars.set_own_day(office.admin, office.company, ASSUMPTION, version=0)
    await office.calendars.set_own_day(office.admin, office.company, closed, version=1)
    replaced = await office.queries.calendar(office.contact.person)

    await office.calendars.remove_own_day(office.admin, office.company, ASSUMPTION.day, version=2)

    assert replaced.own_days == (closed,)
    assert (await office.queries.calendar(office.contact.person)).own_days == ()


REFUSED = {
    "an unknown zone": ({"zone": "Europe/Atlantis"}, "choose"),
    "no country": ({"country": "Germany"}, "choose"),
    "a region of another country": ({"region": "CA"}, "choose"),
    "a week without any opening": ({"week": ((),) * 7}, "calendar.never_open"),
}


@pytest.mark.parametrize(("changes", "key"), REFUSED.values(), ids=REFUSED)
async def test_what_makes_no_calendar_is_refused(office: Office, changes: dict[str, Any], key: str) -> None:
    with pytest.raises(Invalid, match=key):
        await office.sets(0, **changes)

    assert (await office.queries.sheet(office.admin, office.company)).version == 0


async def test_a_day_that_is_over_stays_as_it_was(office: Office, clock: ManualClock) -> None:
    yesterday = OwnDay((clock.now() - timedelta(days=1)).date())

    with pytest.raises(Invalid, match=r"calendar\.day_over"):
        await office.calendars.set_own_day(office.admin, office.company, yesterday, version=0)


async def test_only_administrators_see_and_change_calendars(office: Office) -> None:
    rep = await builders.a_representative(office.database)
    refusals: list[type[Refused]] = []

    for who in (rep, office.contact):
        for ask in (
            office.queries.sheet(who, office.company),
            office.calendars.set_hours(who, office.company, BERLIN, version=0),
            office.calendars.preview(who, office.company, BERLIN),
            office.calendars.set_own_day(who, office.company, ASSUMPTION, version=0),
            office.calendars.preview_own_day(who, office.company, ASSUMPTION),
            office.calendars.remove_own_day(who, office.company, ASSUMPTION.day, version=0),
        ):
            with pytest.raises(Refused) as refused:
                await ask
            refusals.append(refused.type)

    assert refusals == [NotAllowed] * 12


async def test_preview_says_what_would_become_different_and_changes_nothing(office: Office) -> None:
    bavarian = msgspec.structs.replace(BERLIN, region="BY", week=SHORT_FRIDAY)

    alters = await office.calendars.preview(office.admin, office.company, bavarian)

    days = {change.day: change for change in alters.days}
    epiphany, friday = date(2027, 1, 6), date(2026, 3, 6)
    assert (days[epiphany].before.periods, days[epiphany].after.periods) == ((Period(480, 1080),), ())
    assert days[friday].after.periods == (Period(480, 840),)
    assert date(2026, 4, 3) not in days  # Good Friday was closed before
    assert (alters.last - alters.first).days == 399
    assert alters.open_before - alters.open_after == sum(
        (_length(change.before.periods) - _length(change.after.periods) for change in alters.days), timedelta()
    )
    assert (await office.queries.sheet(office.admin, office.company)).version == 0


async def test_preview_of_another_zone_says_so_without_naming_every_day(office: Office) -> None:
    alters = await office.calendars.preview(
        office.admin, office.company, msgspec.structs.replace(BERLIN, zone="Europe/Lisbon")
    )

    assert (alters.zone_changes, alters.days, alters.is_empty) == (True, (), False)


def _length(periods: tuple[Period, ...]) -> timedelta:
    return sum((period.length for period in periods), timedelta())
