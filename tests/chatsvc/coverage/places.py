"""Customers all over the world, and moments as they read them on their walls: the vocabulary of the tests about coverage."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from chatsvc.coverage.hours_text import read_periods
from chatsvc.coverage.model import DEFAULT_WEEK, WHOLE_DAY, Calendar, OwnDay, Period, Week

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STEP: Final = timedelta(minutes=15)


def hours(text: str) -> tuple[Period, ...]:
    """Hours of a day: ``08:00-12:00, 13:00-18:00``."""
    return read_periods(text, field="hours")


def daily(text: str) -> tuple[tuple[Period, ...], ...]:
    """The same hours on seven days."""
    return (hours(text),) * 7


FACTORY_DAYS: Final = (
    OwnDay(date(2026, 12, 24), hours("08:00-12:00"), "Christmas Eve"),
    OwnDay(date(2026, 12, 28), (), "Stocktaking"),
    OwnDay(date(2026, 11, 28), hours("09:00-13:00"), "Working Saturday"),
    OwnDay(date(2026, 5, 1), hours("08:00-18:00"), "Open in spite of the holiday"),
    OwnDay(date(2028, 2, 29), hours("10:00-11:00"), "Leap day"),
)

# Place -> its calendar. The default week unless it says otherwise.
PLACES: Final = {
    "Paris": Calendar("Europe/Paris", "FR"),
    "Strasbourg": Calendar("Europe/Paris", "FR", "57"),
    "Berlin": Calendar("Europe/Berlin", "DE"),
    "Munich": Calendar("Europe/Berlin", "DE", "BY"),
    "London": Calendar("Europe/London", "GB", "ENG"),
    "Edinburgh": Calendar("Europe/London", "GB", "SCT"),
    "Lisbon": Calendar("Europe/Lisbon", "PT"),
    "São Paulo": Calendar("America/Sao_Paulo", "BR", "SP"),
    "New York": Calendar("America/New_York", "US", "NY"),
    "Los Angeles": Calendar("America/Los_Angeles", "US", "CA"),
    "St. John's": Calendar("America/St_Johns", "CA", "NL"),
    "Santiago": Calendar("America/Santiago", "CL"),
    "Tokyo": Calendar("Asia/Tokyo", "JP"),
    "Seoul": Calendar("Asia/Seoul", "KR"),
    "Shanghai": Calendar("Asia/Shanghai", "CN"),
    "Mumbai": Calendar("Asia/Kolkata", "IN"),
    "Kathmandu": Calendar("Asia/Kathmandu", "NP"),
    "Sydney": Calendar("Australia/Sydney", "AU", "NSW"),
    "Lord Howe Island": Calendar("Australia/Lord_Howe", "AU", "NSW"),
    "Auckland": Calendar("Pacific/Auckland", "NZ"),
    "Cairo": Calendar("Africa/Cairo", "EG"),
    "Casablanca": Calendar("Africa/Casablanca", "MA"),
    "Kiritimati": Calendar("Pacific/Kiritimati"),
    # Companies with hours of their own.
    "the Berlin factory": Calendar("Europe/Berlin", "DE", own_days=FACTORY_DAYS),
    "the Madrid office": Calendar("Europe/Madrid", "ES", week=(hours("09:00-14:00, 16:00-19:00"),) * 5 + ((), ())),
    "the Berlin night shift": Calendar("Europe/Berlin", week=daily("22:00-06:00")),
    "the New York night shift": Calendar("America/New_York", week=(hours("20:00-04:00"),) * 5 + ((), ())),
    "the Berlin bakery": Calendar("Europe/Berlin", week=daily("01:00-02:30")),
    "the Cairo hotel": Calendar("Africa/Cairo", "EG", week=((WHOLE_DAY,),) * 7),
    "the Tokyo data centre": Calendar("Asia/Tokyo", "JP", always=True),
    "the Dubai office": Calendar("Asia/Dubai", None, week=((*DEFAULT_WEEK[:4], hours("08:00-12:00"), (), ()))),
    "a place that is never open": Calendar("UTC", week=((),) * 7),
}

ZONES: Final = sorted({calendar.zone for calendar in PLACES.values()})


def moment_of(text: str, zone: str) -> datetime:
    """Return a moment written as ``2026-11-27 17:59`` on the zone's wall, ``… again`` the second time, or ``…Z`` in UTC."""
    if text.endswith("Z"):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    fold = int(text.endswith(" again"))
    wall = datetime.fromisoformat(text.removesuffix(" again"))
    return wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def next_moment(text: str, after: datetime, zone: str) -> datetime:
    """Return the next ``Monday 08:00`` of a zone after a moment, or the moment that is written out in full."""
    found = re.fullmatch(r"([A-Z]\w+day) (\d\d:\d\d)( again)?", text)
    if found is None:
        return moment_of(text, zone)
    today = after.astimezone(ZoneInfo(zone)).date()
    for number in range(8):
        day = today + timedelta(days=number)
        if WEEKDAYS[day.weekday()] == found[1]:
            moment = moment_of(f"{day} {found[2]}{found[3] or ''}", zone)
            if moment > after:
                return moment
    raise AssertionError(text)


def clock_changes_of(zone: str) -> Iterator[datetime]:
    """Yield the moments from 2024 to 2037 at which a zone's clock changes, found by looking at it every quarter of an hour."""
    place = ZoneInfo(zone)
    moment, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
    day, quarter = timedelta(days=1), timedelta(minutes=15)
    while moment < end:
        if moment.astimezone(place).utcoffset() != (moment + day).astimezone(place).utcoffset():
            looked = moment
            while looked.astimezone(place).utcoffset() == moment.astimezone(place).utcoffset():
                looked += quarter
            yield looked
        moment += day


class Look:
    """What the wall of a zone shows, at steps from one moment to another; for finding out slowly and surely when a week is open.

    A period is open from the first step at which the wall shows a time in it to the last. Holidays and own days are not looked at. The
    steps must reach beyond what is wanted by two days on both sides.
    """

    def __init__(self, zone: str, first: datetime, last: datetime) -> None:
        place = ZoneInfo(zone)
        self.steps = [first + STEP * number for number in range((last - first) // STEP)]
        self.walls = [step.astimezone(place).replace(tzinfo=None) for step in self.steps]

    def open(self, week: Week) -> set[datetime]:
        """Return the steps at which a week is open."""
        found: set[datetime] = set()
        day = self.walls[0].date() - timedelta(days=1)
        while day <= self.walls[-1].date():
            midnight = datetime.combine(day, time())
            # Two days of steps, and some hours for clocks that were changed on the way.
            begins = (midnight - self.walls[0]) // STEP
            near = range(max(begins - 12, 0), min(begins + 2 * 96 + 12, len(self.walls)))
            for period in week[day.weekday()]:
                opens, closes = (midnight + timedelta(minutes=minutes) for minutes in (period.opens, period.closes))
                within = [number for number in near if opens <= self.walls[number] < closes]
                if within:
                    found.update(self.steps[within[0] : within[-1] + 1])
            day += timedelta(days=1)
        return found
