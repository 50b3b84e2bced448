"""Opening hours as moments: a calendar's wall-clock hours, laid over the years, searched in a blink.

A period is open from the first instant at which the wall clock shows a time in it to the last, both on its own day. So on the night on
which the clock goes back, 01:00 to 02:30 is open through the hour that comes twice and until the second 02:30; on the night on which it
goes forward, a period within the skipped hour does not happen at all; and 08:00 to 18:00 is never anything but 08:00 to 18:00. Midnight
ends a day at the day's end, however many midnights there are.

A year of a calendar is computed when first asked for and kept. Pure: no clock, no input or output.
"""

import warnings
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import holidays

from chatsvc.coverage.model import WHOLE_DAY, Calendar, DayKind, DayPlan, OwnDay, Period

# How far ahead an opening or a closing is looked for, in years; further away is "not in sight".
HORIZON_YEARS: Final = 10

# The end of hours that do not end within the horizon.
IN_NO_SIGHT: Final = datetime.max.replace(tzinfo=UTC)

_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = time()
_SECOND: Final = timedelta(seconds=1)


class Span(NamedTuple):
    """Open from ``start``, closed again at ``end``; aware, UTC."""

    start: datetime
    end: datetime


class NeverOpen(ValueError):
    """A calendar has no opening within the horizon, so that no working time can be counted off."""


# Wall clock and moments -----------------------------------------------------------------------------------------------------------------


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment at which the clock of a zone shows this time or a later one; of an hour that comes twice, the first.

    Args:
        wall: naive: what the clock on the wall shows.
    """
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return early if early <= late else _change_between(late, early, zone)


def last_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment from which the clock of a zone shows only this time or a later one."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early > late:
        return _change_between(late, early, zone)
    just_before = (late - _SECOND).astimezone(zone).replace(tzinfo=None)
    # An hour that comes twice begins with its own first time: before that, the clock has shown nothing but earlier ones.
    return late if just_before < wall else early


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment in ``(before, after]`` at which the zone's offset changes."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def instants(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the moments at which the clock of a zone shows exactly this time: one, two in an hour that comes twice, none in one that is skipped."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early > late:
        return []
    return [early] if early == late else [early, late]


def clock_change_on(day: date, zone: ZoneInfo) -> int:
    """Return by how many minutes the clock of a zone goes forward (or, negative, back) in the course of a day; 0 on nearly all days."""
    return round((_offset_before(day + _DAY, zone) - _offset_before(day, zone)) / timedelta(minutes=1))


def _offset_before(day: date, zone: ZoneInfo) -> timedelta:
    """Return the offset with which the day before this one ends: of a midnight that is skipped or comes twice, the earlier one."""
    return datetime.combine(day, _MIDNIGHT, zone).utcoffset() or timedelta()


# Holidays -------------------------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2048)
def public_holidays(country: str, region: str | None, year: int, language: str | None = None) -> dict[date, str]:
    """Return the public holidays of a country in a year, and their names.

    Args:
        country: ISO 3166; an unknown one has no holidays.
        region: a subdivision; None or an unknown one: nationwide days only.
        language: as the library spells it (``en_US``); None, or one that it has no names in: the country's own.
    """
    if country not in regions():
        return {}
    subdivision = region if region in regions()[country] else None
    with warnings.catch_warnings():
        # For some countries feasts that follow the moon are known for a few decades only; beyond them the library knows less, and says so.
        warnings.simplefilter("ignore")
        known = holidays.country_holidays(
            country, subdiv=subdivision, years=year, language=_holiday_language(country, language)
        )
    return {day: name for day, name in known.items() if day.year == year}


@lru_cache(maxsize=512)
def _holiday_language(country: str, wanted: str | None) -> str | None:
    """Return the language to name holidays in, never that of the machine; None where there is only one."""
    about = holidays.country_holidays(country)
    return wanted if wanted in about.supported_languages else about.default_language


@lru_cache(maxsize=1)
def regions() -> dict[str, tuple[str, ...]]:
    """Return the countries whose holidays are known, each with the codes of its subdivisions."""
    return {country: tuple(codes) for country, codes in holidays.list_supported_countries().items()}


# The hours of a calendar ----------------------------------------------------------------------------------------------------------------


class State(NamedTuple):
    """Whether a calendar is open, as long as nothing about that changes."""

    is_open: bool
    # The first moment at which it is closed; None when closed, or when no closing is in sight.
    until: datetime | None
    # The first moment at which it is open again; None when open, or when no opening is in sight.
    opens_at: datetime | None
    # The day on which it is asked, or the one before while only that day's night is open.
    plan: DayPlan


class Year(NamedTuple):
    """The opening hours around one year of UTC; complete within it."""

    starts: list[datetime]
    ends: list[datetime]
    # Of each span, how much of the year's open time lies before it.
    before: list[timedelta]
    # All open time of the year.
    total: timedelta
    # Every moment at which a state ends: hours begin or end, or a day does. In order.
    turns: list[datetime]
    # How many turns have passed -> the state since; filled when asked for.
    states: dict[int, State]


class Hours:
    """The opening hours of one calendar; ``hours_of`` keeps them."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.zone = ZoneInfo(calendar.zone)
        self._own: dict[date, OwnDay] = {own.day: own for own in calendar.own_days}
        self._years: dict[int, Year] = {}
        self._plans: dict[date, DayPlan] = {}

    # Days

    def plan(self, day: date) -> DayPlan:
        """Return the hours of a day, and why it has them: an own day decides first, then a public holiday, then the week."""
        plan = self._plans.get(day)
        if plan is None:
            plan = self._plans[day] = self._plan(day, clock_change_on(day, self.zone))
        return plan

    def _plan(self, day: date, clock: int) -> DayPlan:
        if self.calendar.always:
            return DayPlan(day, DayKind.WEEK, (WHOLE_DAY,), clock=clock)
        own = self._own.get(day)
        if own is not None:
            return DayPlan(day, DayKind.OWN, own.periods, own.name, clock)
        if self.calendar.country is not None:
            name = public_holidays(self.calendar.country, self.calendar.region, day.year).get(day)
            if name is not None:
                return DayPlan(day, DayKind.HOLIDAY, (), name, clock)
        return DayPlan(day, DayKind.WEEK, self.calendar.week[day.weekday()], clock=clock)

    def spans_of(self, day: date) -> list[Span]:
        """Return the hours of a day as moments, in order; what overlaps is not joined."""
        periods = self.plan(day).periods
        if not periods:
            return []
        midnight = datetime.combine(day, _MIDNIGHT)
        offset = _offset_before(day, self.zone)
        # Hours end at the latest on the following day.
        if offset == _offset_before(day + _DAY, self.zone) == _offset_before(day + 2 * _DAY, self.zone):
            base = midnight.replace(tzinfo=UTC) - offset
            return [Span(*(base + timedelta(minutes=minute) for minute in each)) for each in _edges(periods)]
        found = []
        for opens, closes in _edges(periods):
            start = first_instant(midnight + timedelta(minutes=opens), self.zone)
            end = last_instant(midnight + timedelta(minutes=closes), self.zone)
            if start < end:
                found.append(Span(start, end))
        return found

    def begin(self, day: date) -> datetime:
        """Return the first moment of a day."""
        midnight = datetime.combine(day, _MIDNIGHT)
        if self.plan(day).clock:
            return first_instant(midnight, self.zone)
        return midnight.replace(tzinfo=UTC) - _offset_before(day, self.zone)

    # Moments

    def span(self, moment: datetime) -> Span | None:
        """Return the hours in which a moment lies, from its year's last opening on; None when it is closed.

        The end is ``IN_NO_SIGHT`` when no closing is in sight.
        """
        starts, ends, *_ = self._year(moment.year)
        index = bisect_right(starts, moment) - 1
        if index < 0 or ends[index] <= moment:
            return None
        return Span(starts[index], self._end(moment.year, ends[index]))

    def opens_at(self, moment: datetime) -> datetime | None:
        """Return the first opening after a moment at which it is closed; None when none is in sight."""
        for year in range(moment.year, moment.year + HORIZON_YEARS):
            starts = self._year(year).starts
            index = bisect_right(starts, moment)
            if index < len(starts):
                return starts[index]
        return None

    def state(self, moment: datetime) -> State:
        """Return whether it is open at a moment, and the day that decides; the same object for as long as that holds."""
        year = self._year(moment.year)
        index = bisect_right(year.turns, moment)
        state = year.states.get(index)
        if state is None:
            state = year.states[index] = self._state(moment)
        return state

    def _state(self, moment: datetime) -> State:
        span, plan = self.span(moment), self.plan(self.day_of(moment))
        if span is None:
            return State(False, None, self.opens_at(moment), plan)
        return State(True, None if span.end == IN_NO_SIGHT else span.end, None, plan)

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """Yield the hours that touch the time between two moments, in order, cut to it."""
        moment = start
        while moment < end:
            span = self.span(moment)
            if span is None:
                opening = self.opens_at(moment)
                if opening is None or opening >= end:
                    return
                moment = opening
                continue
            yield Span(moment, min(span.end, end))
            moment = span.end

    # Working time

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much open time lies between two moments; nothing when ``end`` is not later."""
        if end <= start:
            return timedelta()
        whole = sum((self._year(year).total for year in range(start.year, end.year)), timedelta())
        return whole + self._since_new_year(end) - self._since_new_year(start)

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Return the first moment by which this much open time has passed since ``start``; nothing to pass: ``start`` itself.

        Raises:
            NeverOpen: there is not that much within the horizon.
            ValueError: the amount is negative.
        """
        if amount < timedelta():
            raise ValueError(f"working time is counted forward, not by {amount}")
        if not amount:
            return start
        wanted = self._since_new_year(start) + amount
        for number in range(start.year, start.year + HORIZON_YEARS):
            year = self._year(number)
            if wanted <= year.total:
                index = bisect_right(year.before, wanted - timedelta(microseconds=1)) - 1
                return max(year.starts[index], _new_year(number)) + (wanted - year.before[index])
            wanted -= year.total
        raise NeverOpen(f"no {amount} of open time within {HORIZON_YEARS} years of {start}")

    @property
    def day(self) -> timedelta:
        """How much open time a business day has: the most frequent length in the week, the longer one when two are equally frequent."""
        if self.calendar.always:
            return _DAY
        lengths = [sum((period.length for period in day), timedelta()) for day in self.calendar.week if day]
        return max(lengths, key=lambda length: (lengths.count(length), length), default=_DAY)

    # Business days

    def is_business_day(self, day: date) -> bool:
        """Whether anything opens on a day."""
        return bool(self.plan(day).periods)

    def add_days(self, start: datetime, days: int) -> datetime:
        """Return the same wall-clock time this many business days later, within that day's hours.

        A moment outside the hours counts as the next opening. Where the later day opens later or closes earlier, its opening or closing is
        meant. The part of a night after midnight belongs to the day on which the night began.

        Raises:
            NeverOpen: there are not that many within the horizon.
        """
        opening = start if self.span(start) else self.opens_at(start)
        if opening is None:
            raise NeverOpen(f"no opening within {HORIZON_YEARS} years of {start}")
        if not days:
            return opening
        began = self.day_of(opening)
        time_of_day = opening.astimezone(self.zone).replace(tzinfo=None) - datetime.combine(began, _MIDNIGHT)
        day = began
        for _ in range(days):
            day = self._next_business_day(day)
        return self._within(day, time_of_day)

    def days_between(self, first: date, last: date) -> int:
        """Return how many business days lie after the first day, up to and with the last; nothing when it is not later."""
        return sum(self.is_business_day(first + _DAY * number) for number in range(1, (last - first).days + 1))

    def day_of(self, moment: datetime) -> date:
        """Return the day to which a moment belongs: its own, or the one before when only that day's night is open."""
        today = moment.astimezone(self.zone).date()
        if any(span.start <= moment < span.end for span in self.spans_of(today)):
            return today
        yesterday = today - _DAY
        ran_on = any(span.start <= moment < span.end for span in self.spans_of(yesterday))
        return yesterday if ran_on else today

    def _next_business_day(self, day: date) -> date:
        for number in range(1, 366 * HORIZON_YEARS):
            if self.is_business_day(day + _DAY * number):
                return day + _DAY * number
        raise NeverOpen(f"no business day within {HORIZON_YEARS} years of {day}")

    def _within(self, day: date, time_of_day: timedelta) -> datetime:
        spans = self.spans_of(day)
        wanted = first_instant(datetime.combine(day, _MIDNIGHT) + time_of_day, self.zone)
        for span in spans:
            if wanted <= span.end:
                return max(wanted, span.start)
        return spans[-1].end if spans else wanted

    # Years

    def _year(self, number: int) -> Year:
        year = self._years.get(number)
        if year is None:
            year = self._years[number] = self._lay_out(number)
        return year

    def _lay_out(self, number: int) -> Year:
        # Days that touch the year in some zone, and a night that began before them.
        first = date(number - 1, 12, 30)
        days = [first + _DAY * offset for offset in range((date(number + 1, 1, 3) - first).days)]
        spans = sorted(span for day in days for span in self.spans_of(day))
        starts: list[datetime] = []
        ends: list[datetime] = []
        for span in spans:
            if ends and span.start <= ends[-1]:
                ends[-1] = max(ends[-1], span.end)
            else:
                starts.append(span.start)
                ends.append(span.end)
        begins, over = _new_year(number), _new_year(number + 1)
        lengths = [
            max(min(end, over) - max(start, begins), timedelta()) for start, end in zip(starts, ends, strict=True)
        ]
        sums = list(accumulate(lengths, initial=timedelta()))
        midnights = {self.begin(day) for day in days}
        turns = sorted(midnights.union(edge for span in spans for edge in span))
        return Year(starts, ends, sums[:-1], sums[-1], turns, {})

    def _end(self, year: int, end: datetime) -> datetime:
        """Follow hours that run on over the end of a year to where they end."""
        if self.calendar.always:
            return IN_NO_SIGHT
        for following in range(year + 1, year + 1 + HORIZON_YEARS):
            over = _new_year(following)
            if end <= over:
                return end
            starts, ends, *_ = self._year(following)
            end = ends[bisect_right(starts, over) - 1]
        return IN_NO_SIGHT

    def _since_new_year(self, moment: datetime) -> timedelta:
        year = self._year(moment.year)
        index = bisect_right(year.starts, moment) - 1
        if index < 0:
            return timedelta()
        ran = min(moment, year.ends[index]) - max(year.starts[index], _new_year(moment.year))
        return year.before[index] + max(ran, timedelta())


@lru_cache(maxsize=1024)
def hours_of(calendar: Calendar) -> Hours:
    """Return the hours of a calendar; the same calendar has them laid out once."""
    return Hours(calendar)


def _edges(periods: tuple[Period, ...]) -> list[tuple[int, int]]:
    return [(period.opens, period.closes) for period in periods]


@lru_cache(maxsize=512)
def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)
