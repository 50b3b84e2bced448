"""What holds for every calendar and every moment: open and closed share time without rest, and business time adds up."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chatsvc.coverage.hours_text import read_periods, write_periods
from chatsvc.coverage.model import MINUTES_A_DAY, Calendar, Channel, OwnDay, Period
from chatsvc.coverage.opening import hours_of
from chatsvc.coverage.policy import (
    add_business_days,
    add_working,
    business_days_between,
    coverage_at,
    is_business_day,
    working_between,
)
from tests.chatsvc.coverage.places import PLACES, ZONES

TICK = timedelta(microseconds=1)
thorough = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

moments = st.timedeltas(timedelta(), timedelta(days=14 * 365)).map(
    lambda since: datetime(2024, 1, 1, tzinfo=UTC) + since
)
# Moments at which something happens: around the ends of years and the nights of clock changes.
edges = st.sampled_from(
    [datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC),
     datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 3, 8, 7, tzinfo=UTC)]
)  # fmt: skip
any_moment = moments | edges


@st.composite
def days(draw: Any) -> tuple[Period, ...]:
    """Hours of a day: up to three periods in order, the last one perhaps into the next day."""
    cuts = sorted(draw(st.lists(st.integers(0, 4 * 24 - 1), max_size=6, unique=True)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    periods = [Period(15 * opens, 15 * closes) for opens, closes in pairs]
    if len(cuts) % 2:
        last = 15 * cuts[-1]
        length = draw(st.sampled_from([15, 60, MINUTES_A_DAY - last, 8 * 60, MINUTES_A_DAY]))
        periods.append(Period(last, last + length))
    return tuple(periods)


@st.composite
def calendars(draw: Any) -> Calendar:
    """A calendar with at least one opening in its week."""
    week = tuple(draw(st.lists(days(), min_size=7, max_size=7)))
    assume(any(week))
    own = draw(st.dictionaries(st.dates(date(2026, 1, 1), date(2027, 12, 31)), days(), max_size=5))
    country = draw(st.sampled_from([None, "DE", "BR", "JP", "US"]))
    own_days = tuple(OwnDay(day, periods) for day, periods in sorted(own.items()))
    return Calendar(draw(st.sampled_from(ZONES)), country, None, week, draw(st.integers(0, 19)) == 0, own_days)


any_calendar = calendars() | st.sampled_from(
    [each for name, each in PLACES.items() if name != "a place that is never open"]
)
amounts = st.timedeltas(timedelta(0), timedelta(days=60))


@thorough
@given(any_calendar, any_moment)
def test_open_and_closed_partition_time(calendar: Calendar, moment: datetime) -> None:
    now = coverage_at(moment, "P3", Channel.CHAT, calendar)

    ends = now.until if now.is_open else now.opens_at
    if ends is None:
        assert calendar.always or now.is_open
        return
    assert ends > moment
    assert coverage_at(ends, "P3", Channel.CHAT, calendar).is_open != now.is_open
    just_before = coverage_at(ends - TICK, "P3", Channel.CHAT, calendar)
    assert just_before.is_open == now.is_open
    assert (just_before.until, just_before.opens_at) == (now.until, now.opens_at)


@thorough
@given(any_calendar, any_moment, st.lists(st.integers(0, 99), max_size=20))
def test_nothing_between_now_and_the_next_opening_is_open(
    calendar: Calendar, moment: datetime, parts: list[int]
) -> None:
    now = coverage_at(moment, "P3", Channel.CHAT, calendar)
    ends = now.until if now.is_open else now.opens_at
    assume(ends is not None)
    assert ends is not None

    between = [coverage_at(moment + (ends - moment) // 100 * part, "P3", Channel.CHAT, calendar) for part in parts]

    assert all(each.is_open == now.is_open for each in between)
    assert working_between(calendar, moment, ends) == (ends - moment if now.is_open else timedelta())


@thorough
@given(any_calendar, any_moment, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_spans_and_the_gaps_between_them_are_all_there_is(
    calendar: Calendar, start: datetime, length: timedelta
) -> None:
    end = start + length

    spans = list(hours_of(calendar).spans(start, end))

    edges = [start, *(edge for span in spans for edge in span), end]
    assert edges == sorted(edges)
    assert all(before.end < after.start for before, after in pairwise(spans))
    assert sum((span.end - span.start for span in spans), timedelta()) == working_between(calendar, start, end)


@thorough
@given(any_calendar, any_moment, amounts)
def test_difference_gives_back_what_was_added(calendar: Calendar, start: datetime, amount: timedelta) -> None:
    assume(_opens_enough(calendar, start))

    due = add_working(calendar, start, amount)

    assert working_between(calendar, start, due) == amount
    # It is the first such moment: a tick earlier, less has passed.
    assert due == start or working_between(calendar, start, due - TICK) == amount - TICK


@thorough
@given(any_calendar, any_moment, amounts, amounts)
def test_adding_twice_is_adding_once(calendar: Calendar, start: datetime, first: timedelta, second: timedelta) -> None:
    assume(_opens_enough(calendar, start))

    assert add_working(calendar, add_working(calendar, start, first), second) == add_working(
        calendar, start, first + second
    )


@thorough
@given(any_calendar, any_moment, st.timedeltas(timedelta(0), timedelta(days=800)), st.floats(0, 1))
def test_time_between_adds_up_and_adding_it_leads_back(
    calendar: Calendar, start: datetime, length: timedelta, part: float
) -> None:
    middle, end = start + length * part, start + length

    passed = working_between(calendar, start, end)

    assert working_between(calendar, start, middle) + working_between(calendar, middle, end) == passed
    assert working_between(calendar, end, start) == timedelta()
    back = add_working(calendar, start, passed)
    assert back <= end
    assert working_between(calendar, back, end) == timedelta()


@thorough
@given(any_calendar, any_moment, st.integers(1, 12))
def test_business_days_are_counted_as_they_are_added(calendar: Calendar, start: datetime, number: int) -> None:
    hours = hours_of(calendar)
    opening = coverage_at(start, "P3", Channel.CHAT, calendar).opens_at or start
    began = hours.day_of(opening)

    due = add_business_days(calendar, start, number)

    reached = [began + timedelta(days=offset) for offset in range(1, 366 * 3)]
    day = [each for each in reached if is_business_day(calendar, each)][number - 1]
    assert business_days_between(calendar, began, day) == number
    assert due > start
    spans = hours.spans_of(day)
    assert not spans or spans[0].start <= due <= spans[-1].end


@thorough
@given(days())
def test_hours_that_are_written_can_be_read_again(periods: tuple[Period, ...]) -> None:
    assert read_periods(write_periods(periods), field="hours") == periods


def _opens_enough(calendar: Calendar, start: datetime) -> bool:
    """Whether so much time passes within the horizon: a quarter of an hour a week would not do."""
    return calendar.always or sum((period.length for day in calendar.week for period in day), timedelta()) > timedelta(
        hours=8
    )
