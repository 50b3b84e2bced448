"""Slots are promised by how long calls of a line took lately, measured over those that were answered and completed (callback.md, section 7)."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from callback.capacity import ENOUGH, USUAL, Handling, Measured
from callback.handling import HandlingTimes
from callback.model import Slot
from callback.telephony.port import Outcome
from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.callback.house import RULES, CallHouse
from tests.chatsvc.conversations.house import DONE

BUSY = replace(RULES, attempts_per_number_day=1_000, bookings_per_contact_day=1_000, minutes_per_day=10**6)
UNCAPPED = replace(BUSY, minutes_per_company_day=10**6)


@pytest.fixture
def house(database: Database, clock: ManualClock, tmp_path: Path) -> CallHouse:
    """A desk that may call as often as it likes."""
    return CallHouse(database, clock, tmp_path, UNCAPPED)


async def talks(house: CallHouse, claire: Identity, ravi: Identity, minutes: float, *, wrap_up: float = 2) -> None:
    """Let two people telephone for so long, and the representative complete the ticket after so many minutes more."""
    await house.calls.conversations.set_desk(ravi, "ready")
    await house.books(claire)
    conversation = await house.previews(ravi)
    await house.calls.dial(ravi, conversation)
    await house.calls.connected(ravi, conversation)
    house.clock.advance(timedelta(minutes=minutes))
    await house.calls.report(ravi, conversation, Outcome.ANSWERED)
    house.clock.advance(timedelta(minutes=wrap_up))
    await house.act.wrap_up(ravi, conversation, DONE)
    await house.calls.sweep()


async def a_slot(house: CallHouse, claire: Identity) -> Slot:
    return (await house.calls.days(claire, "expense"))[0].slots[0]


async def test_slots_are_promised_by_measured_calls_from_the_next_day_on(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    others = [await builders.a_representative(house.database, name=f"Rep {n}") for n in range(6)]
    await house.planned(ravi, *others)
    for n in range(ENOUGH):
        await talks(house, claire, ravi, 24 if n % 2 else 4)
    assert (await house.calls.handling_times())["expense"] == Measured(USUAL, 0)
    assert (await a_slot(house, claire)).capacity == 4

    house.clock.advance(timedelta(days=1))

    times = await house.calls.handling_times()
    assert times["expense"] == Measured(Handling(mean=14.0, variation=0.8, wrap_up=2.0), ENOUGH)
    assert times["travel"] == Measured(USUAL, 0)
    assert (await a_slot(house, claire)).capacity == 3


async def test_calls_of_more_than_four_weeks_ago_and_chats_count_no_more(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    for _ in range(ENOUGH):
        await talks(house, claire, ravi, 14)
    house.clock.advance(timedelta(days=30))

    assert (await house.calls.handling_times())["expense"] == Measured(USUAL, 0)


async def test_a_day_is_measured_once(house: CallHouse) -> None:
    times, now = HandlingTimes(), house.clock.now()
    async with house.database.read() as connection:
        first, yesterday = await times.of(connection, now), await times.of(connection, now - timedelta(days=1))

        assert await times.of(connection, now + timedelta(minutes=5)) is first
        assert await times.of(connection, now - timedelta(days=1)) is yesterday


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_tables_are_worked_out_before_the_store_is_locked(
    house: CallHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    claire, ravi, ines = await house.contact(), await house.ready(), await builders.a_supervisor(house.database)
    others = [await builders.a_representative(house.database, name=f"Rep {n}") for n in range(6)]
    await house.planned(ravi, *others)
    slot = (await a_slot(house, claire)).begins_at
    locked = []

    def make_tables(*_: object) -> None:
        locked.append(house.database.write_lock.locked())

    monkeypatch.setattr("callback.ground.make_tables", make_tables)

    reservation = await house.books(claire, slot_at=slot)
    booking, locked = locked[0], []
    await house.calls.move(claire, reservation, slot + timedelta(minutes=30))
    moving, locked = locked[0], []
    until = house.clock.now() + timedelta(hours=4)
    shift = await house.calls.plan(ines, ravi.person, ["expense"], house.clock.now(), until)
    planning, locked = locked[0], []
    await house.calls.unplan(ines, shift)

    assert [booking, moving, planning, locked[0]] == [False] * 4
