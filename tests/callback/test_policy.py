"""Retries by cause, courtesy hours, caps and slots: callback.md, sections 3, 7 and 8.5, as examples and as properties."""

# Times on a wall clock have no zone until somebody says which.
# ruff: noqa: DTZ001

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback import policy
from callback.capacity import Handling, callers, capacity
from callback.model import CallbackRules, Event, Shift, ShiftId, Spent
from callback.policy import RULES, Next, Staffing, after
from callback.telephony.port import Outcome
from chatsvc.kernel.ids import PersonId

R = CallbackRules()
M = timedelta(minutes=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
O = Outcome  # noqa: E741 - a table of outcomes reads better with a short name

# What happened before, what happens now -> what follows.
RETRIES = {
    "busy: in three minutes, the place is kept": ((), O.BUSY, Next(Event.FAILED, True, 3 * M, False)),
    "busy again: in ten, behind the others": ((O.BUSY,), O.BUSY, Next(Event.FAILED, True, 10 * M, True)),
    "busy a third time: over": ((O.BUSY, O.BUSY), O.BUSY, Next(Event.USED_UP, True, None, False)),
    "no answer: in ten minutes": ((), O.NO_ANSWER, Next(Event.FAILED, True, 10 * M, False)),
    "no answer after busy: in thirty": ((O.BUSY,), O.NO_ANSWER, Next(Event.FAILED, True, 30 * M, True)),
    "declined: asked, never rung again by itself": ((), O.DECLINED, Next(Event.DECLINED, True, None, False)),
    "a machine: once more": ((), O.VOICEMAIL, Next(Event.FAILED, True, 30 * M, False)),
    "a machine twice: over": ((O.VOICEMAIL,), O.VOICEMAIL, Next(Event.USED_UP, True, None, False)),
    "no such number: another is asked for": ((), O.INVALID_NUMBER, Next(Event.NUMBER_INVALID, False, None, False)),
    "trunk: in a minute, uncounted": ((), O.TRUNK, Next(Event.FAILED, False, 1 * M, False)),
    "trunk again: in two": ((O.TRUNK,), O.TRUNK, Next(Event.FAILED, False, 2 * M, False)),
    "trunk a fourth time: in five, still": ((O.TRUNK,) * 3, O.TRUNK, Next(Event.FAILED, False, 5 * M, False)),
    "trunk does not use counted attempts up": ((O.TRUNK,) * 5, O.BUSY, Next(Event.FAILED, True, 3 * M, False)),
    "blocked: over": ((), O.BLOCKED, Next(Event.NUMBER_BLOCKED, False, None, False)),
    "the representative's own telephone: another one": ((), O.REP_BUSY, Next(Event.RELEASED, False, None, False)),
    "media: another one": ((), O.MEDIA, Next(Event.RELEASED, False, None, False)),
    "nobody knows: somebody is asked": ((), O.UNKNOWN, Next(Event.LOST_SIGHT, False, None, False)),
    "ten attempts of any kind: over": ((O.REP_BUSY,) * 9, O.REP_BUSY, Next(Event.USED_UP, False, None, False)),
    "answered": ((O.BUSY, O.BUSY), O.ANSWERED, Next(Event.HUNG_UP, False, None, False)),
}


@pytest.mark.parametrize(("before", "outcome", "expected"), RETRIES.values(), ids=RETRIES.keys())
def test_what_follows_an_attempt(before: tuple[Outcome, ...], outcome: Outcome, expected: Next) -> None:
    assert after(outcome, before, R) == expected


def test_every_outcome_of_the_port_has_its_rule() -> None:
    assert set(RULES) == set(Outcome)


@given(st.lists(st.sampled_from(Outcome), max_size=30))
def test_attempts_end_and_uncounted_ones_use_nothing_up(outcomes: list[Outcome]) -> None:
    before: list[Outcome] = []
    counted = 0
    for outcome in outcomes:
        step = after(outcome, before, R)
        counted += step.counted
        before.append(outcome)
        assert step.counted == RULES[outcome].counted
        if step.event not in (Event.FAILED, Event.RELEASED, Event.LOST_SIGHT):
            break
        assert counted < R.counted_at_most
    assert counted <= R.counted_at_most


# Hours ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wall", "zone", "opens"),
    [
        ("2026-03-02 08:00", "Europe/Paris", None),
        ("2026-03-02 20:59", "Europe/Paris", None),
        ("2026-03-02 21:00", "Europe/Paris", "2026-03-03 08:00"),
        ("2026-03-02 03:00", "Asia/Tokyo", "2026-03-02 08:00"),
        ("2026-03-28 23:00", "Europe/Paris", "2026-03-29 08:00"),
        ("2026-10-24 23:00", "Europe/Paris", "2026-10-25 08:00"),
        ("2026-03-08 01:30", "America/New_York", "2026-03-08 08:00"),
    ],
)
def test_courtesy_hours_are_the_customers(wall: str, zone: str, opens: str | None) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    assert policy.courtesy(at(wall), zone, R) == (None if opens is None else at(opens))


def test_any_hour_counts_only_on_what_is_critical() -> None:
    assert policy.ignores_courtesy("P1", any_hour=True)
    assert not policy.ignores_courtesy("P3", any_hour=True)
    assert not policy.ignores_courtesy("P1", any_hour=False)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2037, 12, 31)),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_when_courtesy_opens_it_is_open_and_not_before(wall: datetime, zone: str) -> None:
    at = wall.replace(tzinfo=UTC)
    opens = policy.courtesy(at, zone, R)
    if opens is None:
        return

    assert opens > at
    assert policy.courtesy(opens, zone, R) is None
    assert policy.courtesy(opens - timedelta(seconds=1), zone, R) == opens


# Clock changes -------------------------------------------------------------------------------------------------------------------------


def test_a_time_in_the_gap_does_not_exist() -> None:
    with pytest.raises(ValueError, match="gap"):
        policy.instant_of(datetime(2026, 3, 29, 2, 30), "Europe/Paris")


def test_a_time_that_comes_twice_must_say_which() -> None:
    twice = datetime(2026, 10, 25, 2, 30)
    with pytest.raises(ValueError, match="fold"):
        policy.instant_of(twice, "Europe/Paris")

    first, second = (policy.instant_of(twice, "Europe/Paris", fold=fold) for fold in (0, 1))
    assert second - first == timedelta(hours=1)
    assert policy.comes_twice(first, "Europe/Paris")
    assert not policy.comes_twice(first - timedelta(hours=1), "Europe/Paris")


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2037, 12, 31)),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo"]),
)
def test_every_slot_has_a_time_on_the_wall_that_leads_back_to_it(at: datetime, zone: str) -> None:
    begin = next(iter(policy.grid(at.replace(tzinfo=UTC), R)))
    wall = begin.astimezone(ZoneInfo(zone))

    assert policy.instant_of(wall.replace(tzinfo=None, fold=0), zone, fold=wall.fold) == begin


def test_the_grid_begins_in_an_hour_and_ends_in_fourteen_days() -> None:
    slots = list(policy.grid(NOON + M, R))

    assert slots[0] == NOON + timedelta(hours=1, minutes=30)
    assert slots[-1] == NOON + timedelta(days=14)
    assert {later - earlier for earlier, later in pairwise(slots)} == {R.slot_length}


# Slots ---------------------------------------------------------------------------------------------------------------------------------


def a_shift(person: str, *lines: str, begins: datetime = NOON, hours: float = 8) -> Shift:
    return Shift(ShiftId(person), PersonId(person), frozenset(lines), begins, begins + timedelta(hours=hours))


def test_whoever_serves_two_lines_is_promised_once() -> None:
    staffing = Staffing(("expense", "travel"), [a_shift("ravi", "expense", "travel")], R)

    assert staffing.slot("expense", NOON, {}).capacity == 1
    assert not staffing.slot("expense", NOON, {"travel": 1}).is_open


def test_a_slot_needs_somebody_for_its_whole_length() -> None:
    half = [a_shift("ravi", "expense", hours=0.25)]
    both = [*half, a_shift("ravi", "expense", begins=NOON + 15 * M, hours=0.25)]

    assert Staffing(("expense",), half, R).slot("expense", NOON, {}).capacity == 0
    assert Staffing(("expense",), both, R).slot("expense", NOON, {}).capacity == 1


def test_lowered_staffing_closes_a_slot_and_says_so() -> None:
    slot = Staffing(("expense",), [a_shift("ravi", "expense")], R).slot("expense", NOON, {"expense": 3})

    assert (slot.taken, slot.capacity, slot.is_open, slot.is_over) == (3, 1, False, True)


SLOW = Handling(mean=25)


def test_calls_that_take_longer_are_promised_less_often() -> None:
    shifts = [a_shift(str(n), "expense", "travel") for n in range(7)]
    staffing = Staffing(("expense", "travel"), shifts, R, {"travel": SLOW})

    assert staffing.slot("expense", NOON, {}).capacity == 4
    assert staffing.slot("travel", NOON, {}).capacity == 1
    # Of those who serve both, a long call takes the place of as many short ones as it outlasts.
    assert staffing.slot("expense", NOON, {"travel": 1}).capacity == 0
    assert staffing.slot("travel", NOON, {"expense": 1}).capacity == 0


def test_a_line_that_nobody_serves_takes_no_seat_from_another() -> None:
    staffing = Staffing(("expense", "travel"), [a_shift("ravi", "expense")], R, {"travel": SLOW})

    assert staffing.slot("expense", NOON, {}).capacity == 1
    assert staffing.slot("travel", NOON, {}).capacity == 0


LINES = ("expense", "travel", "invoice")


@given(
    st.lists(st.sets(st.sampled_from(LINES), min_size=1), max_size=12),
    st.lists(st.sampled_from(LINES), max_size=30),
)
def test_no_set_of_lines_is_ever_promised_more_than_its_people_carry(staff: list[set[str]], wishes: list[str]) -> None:
    staffing = Staffing(LINES, [a_shift(str(n), *lines) for n, lines in enumerate(staff)], R)
    taken = dict.fromkeys(LINES, 0)
    for line in wishes:
        if staffing.slot(line, NOON, taken).is_open:
            taken[line] += 1

    for lines in ({a, b, c} for a in LINES for b in LINES for c in LINES):
        serving = sum(bool(each & lines) for each in staff)
        assert sum(taken[line] for line in lines) <= capacity(callers(serving, R.share), R.slot_length)


def test_offered_days_are_the_visitors_days_within_courtesy_and_coverage() -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    staffing = Staffing(("expense",), [a_shift("ravi", "expense", begins=midnight, hours=24 * 20)], R)
    until_18 = [
        (midnight + timedelta(days=n, hours=7), midnight + timedelta(days=n, hours=17)) for n in range(0, 20, 2)
    ]

    days = policy.offered_days(
        "expense",
        staffing,
        {midnight + timedelta(days=2, hours=8): {"expense": 1}},
        covered=lambda begin, end: any(opens <= begin and end <= closes for opens, closes in until_18),
        zone="Europe/Paris",
        at=midnight,
        rules=R,
    )

    assert [day.on.day for day in days] == [2, 4, 6, 8, 10, 12, 14]
    local = [slot.begins_at.astimezone(ZoneInfo("Europe/Paris")).strftime("%H:%M") for slot in days[1].slots]
    assert (local[0], local[-1]) == ("08:00", "17:00")
    assert "09:00" not in local


# Caps and breaker ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spent", "key"),
    [
        (Spent(), None),
        (Spent(number_attempts=2, company_minutes=239, minutes=2_879), None),
        (Spent(number_attempts=3), "call.cap_number"),
        (Spent(company_minutes=240), "call.cap_company"),
        (Spent(minutes=2_880), "call.cap_all"),
    ],
)
def test_caps_forbid_further_dials(spent: Spent, key: str | None) -> None:
    assert policy.too_much_to_dial(spent, R) == key


def test_staff_are_warned_at_four_fifths_of_the_minutes() -> None:
    assert policy.is_alarming(Spent(minutes=0.8 * R.minutes_per_day), R)
    assert not policy.is_alarming(Spent(minutes=0.79 * R.minutes_per_day), R)


def test_three_trunk_failures_in_a_row_open_the_breaker_for_a_while() -> None:
    failures = [(NOON, Outcome.TRUNK)] * 3

    assert policy.is_breaker_open(failures, NOON + M, R)
    assert not policy.is_breaker_open(failures, NOON + 6 * M, R)
    assert not policy.is_breaker_open(failures[:2], NOON + M, R)
    assert not policy.is_breaker_open([(NOON, Outcome.BUSY), *failures], NOON + M, R)
