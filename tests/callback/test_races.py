"""Races for a seat, and of a cancellation against a dial, with real processes on one store: one wins, everybody else is told (16, 17, 24).

``HOLDLINE_TEST_DEPTH`` scales how often; 1 is short.
"""

import os
from pathlib import Path

import pytest

from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from tests.callback.contenders import Contenders, contenders
from tests.callback.house import CallbackRules, CallHouse, a_number

TIMES = int(4 * float(os.environ.get("HOLDLINE_TEST_DEPTH", "1")))
pytestmark = [pytest.mark.faults, pytest.mark.timeout(0 if TIMES > 4 else 300)]
# Nobody's day is too short for a campaign.
GENEROUS = CallbackRules(
    bookings_per_contact_day=1_000_000,
    live_per_company=1_000_000,
    attempts_per_number_day=1_000_000,
    snoozes_at_most=1_000_000,
)


@pytest.fixture
def house(database: Database, clock: ManualClock, tmp_path: Path) -> CallHouse:
    """A desk whose caps are out of the way."""
    return CallHouse(database, clock, tmp_path, GENEROUS)


async def _five_race_for_the_last_seat_and_one_has_it(house: CallHouse, five: Contenders) -> None:
    await house.planned(await house.ready())
    people = [await house.contact(f"Contact {n}") for n in range(5)]
    slot = house.slot()

    for turn in range(TIMES):
        answers = five.all_at_once(
            *[("reserve", who, f"key-{turn:06d}", a_number(n), slot) for n, who in enumerate(people)]
        )

        won = [value for said, value in answers if said == "done"]
        assert len(won) == 1, answers
        assert sorted(said for said, _ in answers if said != "done") == ["slot.full"] * 4
        assert [row.reservation_id for row in await house.seat_rows()] == won
        await house.calls.cancel(None, won[0])
        assert await house.seat_rows() == []


async def _a_form_sent_five_times_at_once_is_one_call(house: CallHouse, five: Contenders) -> None:
    await house.planned(await house.ready())
    claire = await house.contact()

    for turn in range(TIMES):
        answers = five.all_at_once(*[("reserve", claire, f"form-{turn:06d}", a_number(), house.slot())] * 5)

        assert {said for said, _ in answers} == {"done"}
        [reservation] = {value for _, value in answers}
        assert len(await house.seat_rows()) == 1
        await house.calls.cancel(None, reservation)


async def _a_cancellation_and_a_dial_never_both_win(house: CallHouse, five: Contenders) -> None:
    ravi = await house.ready()
    claire = await house.contact()

    for _ in range(TIMES):
        reservation = await house.books(claire)
        conversation = await house.previews(ravi)
        before = len(await house.attempt_rows())
        dial, cancel = ("dial", ravi, conversation), ("cancel", reservation)

        answers = five.all_at_once(dial, cancel, dial, cancel, dial)

        dialled = len(await house.attempt_rows()) - before
        state = await house.state(reservation)
        assert (dialled, state) in ((1, "dialing"), (0, "cancelled")), answers
        if dialled:
            assert [said for said, _ in answers] == ["done", "reservation.being_called"] * 2 + ["done"]
            [attempt] = [row.id for row in await house.attempt_rows() if row.outcome is None]
            await house.calls.lose_sight(attempt)
            await house.calls.release(ravi, conversation)
            await house.calls.cancel(None, reservation)


async def test_one_wins_each_race_and_everybody_else_is_told(house: CallHouse, database_address: str) -> None:
    """One set of processes for all races: starting them costs more than racing."""
    with contenders(database_address, 5) as five:
        await _a_cancellation_and_a_dial_never_both_win(house, five)
        await _five_race_for_the_last_seat_and_one_has_it(house, five)
        await _a_form_sent_five_times_at_once_is_one_call(house, five)
