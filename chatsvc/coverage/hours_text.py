"""Hours as people type and read them: ``08:00-12:00, 13:00-18:00``; and what a calendar must be like to be kept. Pure."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from chatsvc.coverage.model import MINUTES_A_DAY, Calendar, Period
from chatsvc.kernel.errors import Invalid

# Enough for a day of shifts; more is a mistake.
MOST_PERIODS: Final = 8

_PERIOD: Final = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})")
_BETWEEN: Final = re.compile(r"[\s,;]*")


def read_periods(text: str, *, field: str) -> tuple[Period, ...]:
    """Return the hours of a day, in order; nothing typed is a closed day.

    An hour that ends at or before it begins ends on the next day: ``22:00-06:00``. ``24:00`` is the end of the day.

    Raises:
        Invalid: it cannot be read, or two periods overlap.
    """
    periods: list[Period] = []
    rest = _BETWEEN.sub("", text, count=1)
    while rest:
        found = _PERIOD.match(rest)
        if found is None or len(periods) == MOST_PERIODS:
            raise Invalid("calendar.hours_unreadable", field=field)
        periods.append(_period(*(int(number) for number in found.groups()), field=field))
        rest = _BETWEEN.sub("", rest[found.end() :], count=1)
    return checked_periods(periods, field=field)


def _period(hour: int, minute: int, to_hour: int, to_minute: int, *, field: str) -> Period:
    opens, closes = hour * 60 + minute, to_hour * 60 + to_minute
    if minute > 59 or to_minute > 59 or opens >= MINUTES_A_DAY or closes > MINUTES_A_DAY:
        raise Invalid("calendar.hours_unreadable", field=field)
    return Period(opens, closes if closes > opens else closes + MINUTES_A_DAY)


def checked_periods(periods: Sequence[Period], *, field: str) -> tuple[Period, ...]:
    """Return periods in order.

    Raises:
        Invalid: two of them overlap.
    """
    ordered = tuple(sorted(periods))
    for before, after in pairwise(ordered):
        if after.opens < before.closes:
            raise Invalid("calendar.hours_overlap", field=field)
    return ordered


def write_clock(minute: int) -> str:
    """Return a minute of the day, or of the next one, as the wall clock shows it: ``08:00``; the end of the day is ``24:00``."""
    shown = minute if minute <= MINUTES_A_DAY else minute - MINUTES_A_DAY
    return f"{shown // 60:02}:{shown % 60:02}"


def write_periods(periods: Sequence[Period]) -> str:
    """Return hours as they can be read again; empty for a closed day."""
    return ", ".join(f"{write_clock(period.opens)}–{write_clock(period.closes)}" for period in periods)


def checked_calendar(calendar: Calendar) -> Calendar:
    """Return a calendar that may be kept.

    Raises:
        Invalid: ``calendar.never_open``: its week has no opening at all, so that nothing would ever be due.
    """
    if not calendar.always and not any(calendar.week):
        raise Invalid("calendar.never_open", field="week")
    return calendar
