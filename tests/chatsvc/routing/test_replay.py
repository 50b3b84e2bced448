"""The floor played forward: it decides as the router does, and prices what it cannot know by what was."""

import math
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsvc.kernel.ids import PersonId, PlaceId, TicketId
from chatsvc.routing.model import Place, RoutingRules, Seat
from chatsvc.routing.policy import match
from chatsvc.routing.replay import HORIZON_S, Floor, Hand, History, Turn, Work, replay

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LINES = ("expense", "travel", "invoice")
# Work that is never over, so that only those are served who are served now.
ENDLESS = {line: History([2 * HORIZON_S]) for line in LINES}


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


turns = st.builds(
    Turn,
    st.sampled_from(LINES),
    st.integers(-600, -1).map(float),
    st.booleans(),
    st.integers(-300, -1).map(float),
    st.just(False),
)
people = st.tuples(
    st.frozensets(st.sampled_from(LINES), min_size=1), st.integers(1, 3), st.integers(0, 3), st.integers(0, 100)
)


@given(st.lists(turns, max_size=8), st.lists(people, max_size=5))
def test_whom_it_serves_at_once_is_whom_the_router_serves(waiting: list[Turn], staff: list[tuple]) -> None:  # type: ignore[type-arg]
    rules = RoutingRules()
    order = sorted(range(len(waiting)), key=lambda n: (waiting[n].rank_s, n))
    waiting = [waiting[n] for n in order]
    places = [
        Place(
            PlaceId(f"pl_{n}"), n, turn.line, TicketId(f"tk_{n}"), "call" if turn.is_call else "chat",
            int(turn.rank_s * 1e6), 0, 1, NOW, at(turn.since_s),
        )
        for n, turn in enumerate(waiting)
    ]  # fmt: skip
    seats = [
        Seat(PersonId(f"pe_{n}"), lines, capacity, min(load, capacity), at(-idle))
        for n, (lines, capacity, load, idle) in enumerate(staff)
    ]
    hands = [Hand(seat.lines, seat.capacity, idle_s=(NOW - seat.idle_since).total_seconds()) for seat in seats]
    work = [Work(n, min(seat.lines), seat.load, 0.0) for n, seat in enumerate(seats) if seat.load]

    found = replay(Floor(waiting, hands, work, ENDLESS), Random(1), runs=1)

    served = {place.id for place, wait in zip(places, found, strict=True) if wait is not None and wait.bound == 0}
    assert served == {pair.place.id for pair in match(places, seats, {}, NOW, rules)}


def one(*, hands: list[Hand], work: list[Work], turns: list[Turn], **history: float) -> list[float | None]:
    """Median waits in minutes where everything takes ten minutes."""
    floor = Floor(turns, hands, work, {"expense": History([600.0], **history)})
    return [None if wait is None else wait.median / 60 for wait in replay(floor, Random(1))]


EXPENSE = frozenset({"expense"})
WAITS = Turn("expense", -60, since_s=-60)
CALL = Turn("expense", -120, is_call=True, since_s=-120)


def test_line_moves_as_work_in_hand_ends() -> None:
    hands, work = [Hand(EXPENSE, 1)], [Work(0, "expense", 1, 240)]

    assert one(hands=hands, work=work, turns=[WAITS] * 3) == [6, 16, 26]


def test_call_waits_until_somebody_is_wholly_free_who_is_kept_so() -> None:
    hands = [Hand(EXPENSE, 2)]
    work = [Work(0, "expense", 1, 480), Work(0, "expense", 1, 0)]

    assert one(hands=hands, work=work, turns=[CALL, WAITS]) == [10, 20]


def test_somebody_planned_takes_work_from_the_beginning_to_the_end_of_the_shift() -> None:
    planned = [Hand(EXPENSE, 1, from_s=1_800, until_s=2_700)]

    assert one(hands=planned, work=[], turns=[WAITS] * 3) == [30, 40, None]
    assert one(hands=[], work=[], turns=[WAITS]) == [None]


def test_those_who_give_up_make_room_and_are_priced_nevertheless() -> None:
    hands, work = [Hand(EXPENSE, 1)], [Work(0, "expense", 1, 0)]

    patient = one(hands=hands, work=work, turns=[WAITS] * 10)
    impatient = one(hands=hands, work=work, turns=[WAITS] * 10, leaving=1 / 300)

    assert patient[-1] == 100
    assert impatient[-1] is not None
    assert impatient[-1] < 40


def test_urgent_arrivals_pass_those_who_came_less_than_their_credit_before() -> None:
    hands, work = [Hand(EXPENSE, 1)], [Work(0, "expense", 1, 0)]

    passed = one(hands=hands, work=work, turns=[WAITS] * 2, urgent=1 / 300)

    assert [wait is not None and wait > usual for wait, usual in zip(passed, (10, 20), strict=True)] == [True, True]
    assert one(hands=hands, work=work, turns=[WAITS] * 2, urgent=1 / 300, urgent_credit_s=1) == [10, 20]


@pytest.mark.parametrize("spent_s", [0, 500, 3_000])
def test_what_has_taken_long_is_expected_to_take_as_long_as_such_work_did(spent_s: float) -> None:
    chance = Random(2)
    handled = sorted(chance.lognormvariate(6.2, 0.8) for _ in range(4_000))
    rest = sorted(each - spent_s for each in handled if each > spent_s)
    floor = Floor([WAITS], [Hand(EXPENSE, 1)], [Work(0, "expense", 1, spent_s)], {"expense": History(handled)})

    [wait] = replay(floor, Random(3), runs=4_000)

    assert wait is not None
    assert wait.median == pytest.approx(rest[len(rest) // 2], rel=0.1)
    assert wait.bound == pytest.approx(rest[math.ceil(0.9 * len(rest)) - 1], rel=0.1)
