"""When somebody in line is told something else of their wait: pure rules (callback.md, section 6, point 4)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from chatsvc.routing.model import RoutingRules
from chatsvc.routing.policy import Told
from chatsvc.routing.telling import (
    Change,
    Longer,
    Word,
    are_long,
    change,
    changed,
    columns,
    has_happened,
    is_said,
    reason,
    steadied,
    word_of,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = RoutingRules()
MINUTE = timedelta(minutes=1)


def likely(low_min: float, high_min: float) -> Told:
    """What somebody would be told now."""
    return Told(int(low_min * 60), int(high_min * 60), int(low_min * 60))


def a_word(low_min: float = 4, high_min: float = 8, *, serving: int = 2) -> Word:
    """What somebody was told a minute before nine, as it stands at nine."""
    return word_of(likely(low_min, high_min), serving, NOW)._replace(at=NOW - MINUTE)


def becomes(told: Word | None, low_min: float, high_min: float, *, after_min: float = 0, serving: int = 2) -> Change:
    """What becomes of a word when this is likely after so many minutes."""
    return change(told, likely(low_min, high_min), serving, NOW + after_min * MINUTE, RULES)


# What is shown --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after_s", "shown"),
    [
        (0, (240, 480)),
        (1, (240, 480)),
        (60, (180, 420)),
        (239, (60, 300)),
        (240, (0, 240)),
        (480, (0, 60)),
        (900, (0, 60)),
    ],
)
def test_what_was_told_runs_out_by_whole_minutes_and_never_below_one(after_s: int, shown: tuple[int, int]) -> None:
    assert a_word().shown(NOW + timedelta(seconds=after_s)) == shown


def test_what_is_shown_never_rises_by_itself() -> None:
    seen = [a_word().shown(NOW + timedelta(seconds=second)) for second in range(600)]

    assert seen == sorted(seen, reverse=True)


# What becomes of it ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("high_min", "after_min", "expected"),
    [
        (8, 0, Change.NOTHING),
        (10, 0, Change.NOTHING),
        (11, 0, Change.LONGER),
        (7, 0, Change.NOTHING),
        (6, 0, Change.AFRESH),
        # What was told runs out, and nothing moves: the same bound is a longer wait.
        (8, 1, Change.NOTHING),
        (8, 2, Change.LONGER),
        (4, 4, Change.NOTHING),
        # Less than two minutes more are told to nobody, however many hundredths they are.
        (2, 7, Change.NOTHING),
        (3, 7, Change.LONGER),
        # The moment that was told has passed.
        (1, 8, Change.NOTHING),
        (1, 9, Change.LONGER),
    ],
)
def test_a_longer_wait_is_told_from_a_quarter_and_two_minutes_on(
    high_min: int, after_min: int, expected: Change
) -> None:
    low = max(4 - after_min, 0)

    assert becomes(a_word(), low, high_min, after_min=after_min) is expected


def test_what_chance_makes_of_the_same_floor_changes_nothing() -> None:
    told = a_word(10, 20)

    assert {becomes(told, low, high) for low in (8, 9, 11, 12) for high in range(16, 25)} == {Change.NOTHING}


def test_the_usual_time_follows_by_itself_while_the_bound_stands() -> None:
    told = a_word(4, 8)

    assert becomes(told, 2, 8) is Change.ABOUT
    moved = changed(told, Change.ABOUT, likely(2, 8), 2, NOW, None)
    assert moved is not None
    assert (moved.shown(NOW), moved.by, moved.at) == ((120, 480), told.by, told.at)


def test_whoever_was_told_nothing_is_told_without_a_word_about_it() -> None:
    assert becomes(None, 4, 8) is Change.AFRESH
    assert changed(None, Change.AFRESH, likely(4, 8), 2, NOW, None) == a_word()._replace(at=NOW)


@pytest.mark.parametrize(
    ("why", "age", "expected"),
    [
        (Longer.UNKNOWN, RULES.settles_within, False),
        (Longer.TALKS, RULES.settles_within, False),
        (Longer.UNKNOWN, RULES.settles_within + timedelta(seconds=1), True),
        (Longer.FEWER, timedelta(), True),
        (Longer.URGENT, timedelta(), True),
    ],
)
def test_a_word_of_a_moment_ago_is_corrected_without_saying_so_unless_something_has_happened(
    why: Longer, age: timedelta, expected: bool
) -> None:
    assert is_said(a_word()._replace(at=NOW - age), why, NOW, RULES) is expected


def test_what_was_said_a_moment_ago_is_not_said_again() -> None:
    said = a_word()._replace(longer="fewer", longer_at=NOW)

    assert not is_said(said, Longer.FEWER, NOW + RULES.settles_within, RULES)
    assert is_said(said, Longer.FEWER, NOW + RULES.settles_within + timedelta(seconds=1), RULES)
    corrected = changed(said, Change.LONGER, likely(10, 15), 2, NOW, None)
    assert corrected is not None
    assert (corrected.longer, corrected.longer_at, corrected.at, corrected.shown(NOW)) == (
        "fewer",
        NOW,
        said.at,
        (600, 900),
    )


def test_a_word_is_kept_while_nobody_is_there_and_forgotten_when_those_who_are_say_nothing() -> None:
    assert change(a_word(), None, 0, NOW, RULES) is Change.NOTHING
    assert change(a_word(), None, 1, NOW, RULES) is Change.FORGOTTEN
    assert change(None, None, 1, NOW, RULES) is Change.NOTHING
    assert changed(a_word(), Change.FORGOTTEN, None, 1, NOW, None) is None


def test_that_it_takes_longer_stands_until_it_takes_less_again() -> None:
    later = NOW + MINUTE
    longer = changed(a_word(), Change.LONGER, likely(10, 15), 1, later, Longer.FEWER)
    assert longer is not None
    assert (longer.longer, longer.longer_at, longer.shown(later)) == ("fewer", later, (600, 900))

    assert change(longer, likely(10, 15), 1, later, RULES) is Change.NOTHING
    shorter = changed(longer, Change.AFRESH, likely(1, 2), 2, later, None)
    assert shorter is not None
    assert (shorter.longer, shorter.longer_at) == (None, None)


def test_a_word_is_stored_as_it_is_and_none_empties_its_columns() -> None:
    assert columns(a_word()) == {
        "told_at": NOW - MINUTE, "told_serving": 2, "told_about": NOW + 4 * MINUTE, "told_by": NOW + 8 * MINUTE, "longer": None, "longer_at": None,
    }  # fmt: skip
    assert set(columns(None).values()) == {None}


# What is likely ------------------------------------------------------------------------------------------------------------------------


def after(readings: Sequence[tuple[float, float]], told: Word | None) -> Told:
    """What is likely after so many readings, one in a second."""
    found, at = None, NOW
    for n, (low_min, high_min) in enumerate(readings):
        at = NOW + timedelta(seconds=n)
        found = steadied(found, told, likely(low_min, high_min), at)
    assert found is not None
    return found.told(at)


def test_first_reading_counts_beside_what_was_told_and_alone_when_that_has_passed() -> None:
    assert after([(8, 18)], a_word(4, 8)).high_s == 9 * 60
    assert after([(8, 18)], None).high_s == 18 * 60
    assert after([(8, 18)], a_word(4, 8)._replace(by=NOW)).high_s == 18 * 60


def test_readings_that_differ_by_chance_come_to_their_middle() -> None:
    chance = Random(1)
    rough = [(4, chance.choice((6, 7, 8, 9, 12))) for _ in range(600)]

    found = {after(rough[:n], a_word(4, 8)).high_s // 60 for n in range(1, 600)}

    assert found <= {8, 9, 10}


def test_wait_that_has_doubled_is_noticed_in_seconds() -> None:
    told = a_word(4, 8)

    kinds = [change(told, after([(8, 16)] * n, told), 2, NOW, RULES) for n in range(1, 6)]

    assert kinds[0] is Change.NOTHING
    assert kinds[-1] is Change.LONGER


def test_one_reading_counts_for_half_once_something_has_happened() -> None:
    found = steadied(None, a_word(4, 8), likely(8, 16), NOW, has_happened=True)

    assert found.told(NOW).high_s == 12 * 60


# Why ------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serving", "last_ahead", "talks_are_long", "why"),
    [
        (1, NOW + MINUTE, True, Longer.FEWER),
        (2, NOW + MINUTE, True, Longer.URGENT),
        (3, NOW - 2 * MINUTE, True, Longer.TALKS),
        (2, NOW - MINUTE, False, Longer.UNKNOWN),
        (2, None, False, Longer.UNKNOWN),
    ],
)
def test_only_a_reason_that_is_true_is_given(
    serving: int, last_ahead: datetime | None, talks_are_long: bool, why: Longer
) -> None:
    assert reason(a_word(serving=2), serving, last_ahead, talks_are_long=talks_are_long) is why


def test_what_makes_a_wait_longer_has_happened_since_the_word() -> None:
    assert has_happened(a_word(), 1, None)
    assert has_happened(a_word(), 2, NOW)
    assert not has_happened(a_word(), 2, NOW - MINUTE)


def test_talks_are_long_when_those_under_way_have_taken_more_already_than_such_talks_do() -> None:
    assert are_long([700, 801], [500, 700])
    assert not are_long([700, 700], [500, 700])
    assert not are_long([], [500])
    assert not are_long([700], [])
