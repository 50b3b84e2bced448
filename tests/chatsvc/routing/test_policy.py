"""The order of the line as pure functions: rank, matching, wait ranges (callback.md, sections 4 to 6)."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsvc.kernel.ids import PersonId, PlaceId, TicketId
from chatsvc.routing.model import Pair, Place, RoutingRules, Seat
from chatsvc.routing.policy import (
    Correction,
    Start,
    Told,
    gaps_between,
    learned,
    match,
    pace_of,
    raised_rank,
    rank,
    told,
    wait_range,
)
from chatsvc.routing.replay import Wait

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = RoutingRules()


def a_place(name: str, *, minutes_ago: float = 0, severity: str = "P3", **more: object) -> Place:
    admitted_at = NOW - timedelta(minutes=minutes_ago)
    values: dict[str, object] = {
        "id": PlaceId(name),
        "seq": 1,
        "line": "expense",
        "ticket": TicketId(f"ticket of {name}"),
        "waiting_for": "chat",
        "rank": rank(admitted_at, severity, RULES),
        "epoch": 0,
        "round": 1,
        "seen_at": NOW,
        "since_at": NOW,
    }
    return Place(**(values | more))  # type: ignore[arg-type]


def a_seat(name: str, *lines: str, load: int = 0, capacity: int = 3, idle_min: float = 0) -> Seat:
    return Seat(PersonId(name), frozenset(lines or ("expense",)), capacity, load, NOW - timedelta(minutes=idle_min))


def paired(places: list[Place], seats: list[Seat], asked: dict[str, set[str]] | None = None) -> list[tuple[str, str]]:
    return [(pair.place.id, pair.person) for pair in matched(places, seats, asked)]


def matched(places: list[Place], seats: list[Seat], asked: dict[str, set[str]] | None = None) -> list[Pair]:
    ledger = {PlaceId(place): frozenset(map(PersonId, persons)) for place, persons in (asked or {}).items()}
    return match(places, seats, ledger, NOW, RULES)


# Rank -----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "minutes"), [("P1", 30), ("P2", 10), ("P3", 0), ("P4", 0)], ids=["P1", "P2", "P3", "P4"]
)
def test_rank_is_the_moment_of_admission_minus_the_credit(severity: str, minutes: int) -> None:
    assert rank(NOW, severity, RULES) == rank(NOW - timedelta(minutes=minutes), "P3", RULES)


def test_rank_only_ever_falls() -> None:
    critical = rank(NOW, "P1", RULES)

    assert raised_rank(critical, NOW, "P4", RULES) == critical
    assert raised_rank(rank(NOW, "P3", RULES), NOW, "P1", RULES) == critical


def test_critical_case_passes_only_those_admitted_less_than_the_credit_before() -> None:
    places = [a_place("older", minutes_ago=31), a_place("newer", minutes_ago=29), a_place("critical", severity="P1")]

    assert [place for place, _ in paired(places, [a_seat("ravi")])] == ["older", "critical", "newer"]


# Matching -------------------------------------------------------------------------------------------------------------------------------


def test_lowest_rank_is_served_first() -> None:
    places = [a_place("later"), a_place("earlier", minutes_ago=1)]

    assert paired(places, [a_seat("ravi", capacity=1)]) == [("earlier", "ravi")]


def test_equal_ranks_are_served_by_admission_number() -> None:
    places = [a_place("second", seq=2), a_place("first", seq=1)]

    assert paired(places, [a_seat("ravi", capacity=1)]) == [("first", "ravi")]


def test_longest_idle_is_offered_first() -> None:
    seats = [a_seat("just done", idle_min=1), a_seat("long idle", idle_min=9)]

    assert paired([a_place("one")], seats) == [("one", "long idle")]


def test_somebody_with_work_is_not_idle_however_long_ago_their_last_wrap_up_was() -> None:
    seats = [a_seat("busy", load=2, idle_min=60), a_seat("free", idle_min=1)]

    assert paired([a_place("one")], seats) == [("one", "free")]


def test_several_places_are_spread_over_several_representatives() -> None:
    places = [a_place(name, seq=seq) for seq, name in enumerate(("one", "two", "three"), 1)]

    assert paired(places, [a_seat("ravi", idle_min=2), a_seat("mia", idle_min=1)]) == [
        ("one", "ravi"),
        ("two", "mia"),
        ("three", "ravi"),
    ]


def test_nobody_gets_more_than_their_capacity() -> None:
    places = [a_place(name, seq=seq) for seq, name in enumerate("abcde", 1)]

    assert len(paired(places, [a_seat("ravi", load=1, capacity=3)])) == 2


def test_full_desk_is_offered_nothing() -> None:
    assert paired([a_place("one")], [a_seat("ravi", load=3, capacity=3)]) == []


def test_line_without_anybody_does_not_block_another() -> None:
    places = [a_place("no one serves", line="travel", minutes_ago=60), a_place("served")]

    assert paired(places, [a_seat("ravi")]) == [("served", "ravi")]


def test_representative_of_several_lines_takes_the_lowest_rank_of_all() -> None:
    places = [a_place("travel", line="travel", minutes_ago=5), a_place("expense", minutes_ago=4)]

    assert paired(places, [a_seat("ravi", "expense", "travel", capacity=1)]) == [("travel", "ravi")]


def test_whoever_was_asked_in_this_round_is_not_asked_again() -> None:
    seats = [a_seat("ravi", idle_min=9), a_seat("mia")]

    assert paired([a_place("one")], seats, {"one": {"ravi"}}) == [("one", "mia")]


def test_place_that_one_has_declined_does_not_keep_them_from_the_next() -> None:
    places = [a_place("declined", minutes_ago=5), a_place("next")]
    seats = [a_seat("ravi", capacity=1), a_seat("mia", load=3)]

    [pair] = matched(places, seats, {"declined": {"ravi"}})

    assert (pair.place.id, pair.person, pair.passed) == ("next", "ravi", {"declined": "asked"})


def test_when_all_have_declined_the_next_round_begins() -> None:
    [pair] = matched([a_place("one", round=2)], [a_seat("ravi"), a_seat("mia")], {"one": {"ravi", "mia"}})

    assert pair.round == 3


def test_somebody_busy_who_was_not_asked_yet_keeps_the_round_open() -> None:
    assert paired([a_place("one")], [a_seat("ravi"), a_seat("mia", load=3)], {"one": {"ravi"}}) == []


@pytest.mark.parametrize(("seconds", "served"), [(20, True), (20.001, False)], ids=["at the limit", "beyond"])
def test_place_is_skipped_while_its_page_is_not_seen(seconds: float, served: bool) -> None:
    place = a_place("one", seen_at=NOW - timedelta(seconds=seconds))

    assert bool(paired([place], [a_seat("ravi")])) is served


def test_passing_somebody_names_the_reason() -> None:
    places = [a_place("unseen", minutes_ago=9, seen_at=NOW - timedelta(seconds=30)), a_place("seen")]

    [pair] = matched(places, [a_seat("ravi")])

    assert pair.passed == {"unseen": "unseen"}


def test_reserved_place_goes_to_nobody_else() -> None:
    reserved = a_place("one", reserved_for=PersonId("mia"))

    assert paired([reserved], [a_seat("ravi")]) == []
    assert paired([reserved], [a_seat("ravi"), a_seat("mia", "travel")]) == [("one", "mia")]


def test_call_takes_a_whole_representative() -> None:
    call = a_place("call", waiting_for="call", minutes_ago=1)

    assert paired([call, a_place("chat")], [a_seat("ravi", load=1)]) == [("chat", "ravi")]
    [pair] = matched([call], [a_seat("ravi", load=0, capacity=3)])
    assert pair.units == 3


def test_who_waits_for_a_call_may_leave_the_page() -> None:
    call = a_place("call", waiting_for="call", seen_at=NOW - timedelta(hours=1))

    assert paired([call], [a_seat("ravi")]) == [("call", "ravi")]


LONG_AGO = {"waiting_for": "call", "minutes_ago": 5, "since_at": NOW - RULES.drain_after}


def test_a_call_that_waits_for_room_drains_whoever_has_least_to_do() -> None:
    call, chats = a_place("call", **LONG_AGO), [a_place("one"), a_place("two")]
    seats = [a_seat("ravi", load=2, capacity=3), a_seat("mia", load=1, capacity=3)]

    assert paired([call, *chats], seats) == [("one", "ravi")]


def test_a_call_that_everybody_with_room_has_declined_drains_who_was_not_asked() -> None:
    call, chats = a_place("call", **LONG_AGO), [a_place(f"chat {n}") for n in range(3)]
    seats = [a_seat("mia", capacity=3), a_seat("ravi", load=1, capacity=3)]

    pairs = matched([call, *chats], seats, {"call": {"mia"}})

    assert [(pair.person, pair.passed) for pair in pairs] == [("mia", {"call": "asked"})] * 3


def test_nobody_is_drained_before_the_call_has_waited_for_a_minute() -> None:
    call = a_place("call", waiting_for="call", minutes_ago=5, since_at=NOW - RULES.drain_after + timedelta(seconds=1))

    assert paired([call, a_place("one")], [a_seat("ravi", load=1, capacity=3)]) == [("one", "ravi")]


def test_better_ranked_chats_are_not_held_up_by_a_call_behind_them() -> None:
    call, chat = a_place("call", **LONG_AGO), a_place("one", minutes_ago=6)

    assert paired([call, chat], [a_seat("ravi", load=1, capacity=3)]) == [("one", "ravi")]


def test_at_most_half_of_a_line_is_drained_and_one_per_call() -> None:
    calls = [a_place(f"call {n}", **LONG_AGO) for n in range(4)]
    chats = [a_place(f"chat {n}") for n in range(4)]
    seats = [a_seat(name, load=2, capacity=3) for name in ("ravi", "mia", "noor", "leo")]

    assert len(paired([*calls, *chats], seats)) == 2
    assert len(paired([calls[0], *chats], seats)) == 3


# Wait ranges ----------------------------------------------------------------------------------------------------------------------------


def a_start(waited_s: float, at_s: float) -> Start:
    taken_at = NOW + timedelta(seconds=at_s)
    return Start(taken_at - timedelta(seconds=waited_s), taken_at)


def test_gap_counts_only_while_somebody_waited() -> None:
    starts = [a_start(0, 0), a_start(60, 60), a_start(5, 600), a_start(30, 620)]

    assert gaps_between(starts) == [60.0, 20.0]


def test_range_is_hidden_while_data_are_thin() -> None:
    assert wait_range(1, pace_of([60.0] * 9, RULES)) is None
    assert wait_range(1, pace_of([60.0] * 10, RULES)) is not None


def test_wait_of_a_steady_line_is_narrow_and_grows_with_the_position() -> None:
    pace = pace_of([58.0, 62.0] * 10, RULES)

    waits = [wait_range(position, pace) for position in (1, 2, 10)]

    assert waits[0] == pytest.approx((60, 63), abs=2)
    medians, bounds = zip(*(each for each in waits if each), strict=True)
    assert sorted(medians) == list(medians)
    assert sorted(bounds) == list(bounds)


@pytest.mark.parametrize("position", [1, 3, 10])
@pytest.mark.parametrize("shape", ["steady", "random", "bursty"])
def test_bound_by_pace_holds_about_nine_waits_out_of_ten(position: int, shape: str) -> None:
    chance = random.Random(f"{position}{shape}")

    def gap() -> float:
        if shape == "steady":
            return chance.uniform(40, 80)
        return chance.expovariate(1 / 60) if shape == "random" else chance.lognormvariate(3.7, 0.9)

    inside, trials = 0, 2_000
    for _ in range(trials):
        found = wait_range(position, pace_of([gap() for _ in range(40)], RULES))
        assert found is not None
        inside += sum(gap() for _ in range(position)) <= found.bound

    assert 0.85 <= inside / trials <= 0.95


# What people are told -------------------------------------------------------------------------------------------------------------------


@given(st.floats(0, 40_000), st.floats(0, 40_000), st.floats(0.2, 5), st.floats(0.2, 5))
def test_what_is_told_is_ordered_and_in_whole_minutes(median: float, bound: float, by: float, bound_by: float) -> None:
    low, high, of_half = told(Wait(median, max(median, bound)), Correction(by, bound_by))

    assert 0 <= of_half <= low <= high
    assert high % 60 == 0
    assert high >= 60


@pytest.mark.parametrize(
    ("minutes", "bound", "said"),
    [
        pytest.param(0, 1, 0, id="at once is said as it is"),
        pytest.param(2, 2, 2, id="what is known for sure is said as it is"),
        pytest.param(2, 6, 3.3, id="a short wait that may become three times as long"),
        pytest.param(10, 30, 12.9, id="a longer one: by a smaller part of it"),
        pytest.param(30, 40, 30.7, id="a long one that is known well"),
    ],
)
def test_short_wait_that_may_become_long_is_said_to_be_longer_than_half_of_such_waits_are(
    minutes: float, bound: float, said: float
) -> None:
    found = told(Wait(minutes * 60, bound * 60), Correction())

    assert found.low_s / 60 == pytest.approx(said, abs=0.05)


def test_what_is_said_costs_less_than_the_median_and_than_twice_as_much() -> None:
    wait, chance = Wait(120, 360), random.Random(5)
    spread = math.log(3) / 1.2816
    waits = [120 * math.exp(chance.gauss(0, spread)) for _ in range(20_000)]

    def cost(said_s: float) -> float:
        return sum(abs(each - said_s) + 480 * (each > 1.5 * said_s + 60) for each in waits)

    said = cost(told(wait, Correction()).low_s)

    assert said < 0.95 * cost(120)
    assert said < cost(240)


def test_correction_stands_still_when_one_in_ten_lasts_longer() -> None:
    correction = Correction()
    for n in range(1_000):
        waited_s = (250, 150, 50, 150, 50, 150, 50, 150, 50, 50)[n % 10]
        correction = learned(correction, Told(130, 200, 100), waited_s)

    assert correction == pytest.approx((1.0, 1.0), abs=0.05)


@pytest.mark.parametrize(("waited_s", "limit"), [(10_000, 5.0), (0, 0.2)])
def test_correction_stays_within_bounds(waited_s: float, limit: float) -> None:
    correction = Correction()
    for _ in range(3_000):
        correction = learned(correction, Told(130, 200, 100), waited_s)

    assert correction.bound == limit
