"""Every clock change of 2024 to 2037 in every zone of the guide: generated, and compared with looking at the wall."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatsvc.coverage.model import WHOLE_DAY, Calendar
from chatsvc.coverage.opening import hours_of
from chatsvc.coverage.policy import working_between
from tests.chatsvc.coverage.places import STEP, ZONES, Look, clock_changes_of, daily

DAYS = timedelta(days=1)
# Two days more on both sides than is compared: nights reach into the next day, and some clocks change at midnight.
MARGIN = timedelta(days=2)

# Hours that touch every time of day at which clocks change somewhere, and some that change at it.
WEEKS = {
    "08:00-18:00": daily("08:00-18:00"),
    "22:00-06:00": daily("22:00-06:00"),
    "00:30-02:30, 03:00-23:45": daily("00:30-02:30, 03:00-23:45"),
    "00:00-01:00, 02:00-03:00, 23:00-24:00": daily("00:00-01:00, 02:00-03:00, 23:00-24:00"),
    "all day": ((WHOLE_DAY,),) * 7,
}
CHANGES = {zone: list(clock_changes_of(zone)) for zone in ZONES}


def test_there_are_clock_changes_to_try() -> None:
    assert sum(len(changes) for changes in CHANGES.values()) > 300
    assert len(CHANGES["Europe/Berlin"]) == 28
    assert CHANGES["Europe/Berlin"][4] == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert CHANGES["Asia/Tokyo"] == []


@pytest.mark.parametrize("zone", [zone for zone in ZONES if CHANGES[zone]])
def test_hours_around_every_clock_change_are_what_the_wall_shows(zone: str) -> None:
    wrong: list[tuple[str, datetime]] = []
    for change in CHANGES[zone]:
        first = change - DAYS / 2
        steps = [first + STEP * number for number in range(DAYS // STEP)]
        look = Look(zone, first - MARGIN, first + DAYS + MARGIN)
        for name, week in WEEKS.items():
            hours, looked = hours_of(Calendar(zone, week=week)), look.open(week)
            wrong += [(name, step) for step in steps if (hours.span(step) is not None) != (step in looked)]

    assert wrong == []


@pytest.mark.parametrize("zone", [zone for zone in ZONES if CHANGES[zone]])
def test_a_day_knows_that_its_clock_changes_and_stays_closed_or_open_to_the_minute(zone: str) -> None:
    place, office, always = (
        ZoneInfo(zone),
        Calendar(zone, week=daily("08:00-18:00")),
        Calendar(zone, week=WEEKS["all day"]),
    )
    for change in CHANGES[zone]:
        before = change - timedelta(seconds=1)
        moved = (change.astimezone(place).utcoffset() or timedelta()) - (
            before.astimezone(place).utcoffset() or timedelta()
        )
        wall = (before + timedelta(seconds=1)).astimezone(place) if moved < timedelta() else change.astimezone(place)
        day = before.astimezone(place).date() if moved < timedelta() else wall.date()

        assert hours_of(office).plan(day).clock == moved / timedelta(minutes=1), (change, day)
        for near in range(-1, 2):
            [span] = hours_of(office).spans_of(day + timedelta(days=near))
            assert [f"{edge.astimezone(place):%H:%M}" for edge in span] == ["08:00", "18:00"], change
            assert span.end - span.start == timedelta(hours=10), change
        # A place that is open all day does not close for the change, and its time goes on evenly.
        assert working_between(always, change - DAYS, change + DAYS) == 2 * DAYS
