"""What a change of a calendar would alter, before it is made. Pure."""

from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from chatsvc.coverage.model import Calendar, DayPlan
from chatsvc.coverage.opening import Hours, hours_of

# A year and some weeks: every holiday once, and next year's first ones.
AHEAD_DAYS: Final = 400


class DayChange(msgspec.Struct, frozen=True):
    """A day whose hours, or their reason, become others."""

    before: DayPlan
    after: DayPlan

    @property
    def day(self) -> date:
        """Which day."""
        return self.before.day


class Difference(msgspec.Struct, frozen=True):
    """Two calendars, side by side."""

    # As it would be.
    calendar: Calendar
    first: date
    last: date
    # In order; of a mere change of zone none, because the wall clock shows the same hours.
    days: tuple[DayChange, ...]
    # Open time from the first day to the last.
    open_before: timedelta
    open_after: timedelta
    # The same hours at another time of the world.
    zone_changes: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing would become different."""
        return not self.days and not self.zone_changes


def difference(before: Calendar, after: Calendar, moment: datetime, *, days: int = AHEAD_DAYS) -> Difference:
    """Compare the days from a moment's own day on, and the open time in them."""
    old, new = hours_of(before), hours_of(after)
    first = moment.astimezone(old.zone).date()
    span = [first + timedelta(days=number) for number in range(days)]
    changes = tuple(
        DayChange(old.plan(day), new.plan(day)) for day in span if old.plan(day).reason != new.plan(day).reason
    )
    last = span[-1]
    zone_changes = before.zone != after.zone
    if zone_changes:
        # Another zone has other clock changes; the days that differ by nothing else are the same on the wall.
        changes = tuple(change for change in changes if _hours(change.before) != _hours(change.after))
    return Difference(
        after, first, last, changes, open_time(old, first, last), open_time(new, first, last), zone_changes
    )


def open_time(hours: Hours, first: date, last: date) -> timedelta:
    """Return how much a calendar is open from the beginning of a day to the end of another."""
    return hours.between(hours.begin(first), hours.begin(last + timedelta(days=1)))


def _hours(plan: DayPlan) -> tuple[object, ...]:
    return plan.kind, plan.periods, plan.name
