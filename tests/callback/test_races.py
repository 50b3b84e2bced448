"""Races for a seat, for an offered call, of a cancellation against a dial, and for the dial itself, with real processes on one store: one
wins, everybody else is told (invariants 3, 16 to 18, 24).

``HOLDLINE_TEST_DEPTH`` scales how often; 1 is short. 10,000 races on each kind of store, with the line of counts that each prints:

    HOLDLINE_TEST_DEPTH=834 python -m pytest -s tests/callback/test_races.py
"""

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from callback import store
from callback.tables import attempts, reservations, seats
from chatsvc.accounts.model import Identity
from chatsvc.conversations.tables import conversations
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from chatsvc.routing.tables import offers
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


class Campaign:
    """Races of five processes, and what came of them."""

    def __init__(self, house: CallHouse, five: Contenders) -> None:
        self.house = house
        self.five = five
        # What was raced for, and how it ended -> how often.
        self.count: Counter[str] = Counter()

    async def rows(self, table: Any, *conditions: Any) -> list[Any]:
        """Return the rows that meet conditions; never all of them, for a campaign leaves many."""
        async with self.house.database.read() as connection:
            return list((await connection.execute(select(table).where(*conditions))).all())

    async def the_last_seat(self, turn: int, people: list[Identity]) -> None:
        """Five want one seat: one has it, and four are told that the slot is full (16)."""
        slot = self.house.slot()

        answers = self.five.all_at_once(
            *[("reserve", who, f"key-{turn:06d}", a_number(n), slot) for n, who in enumerate(people)]
        )

        won = [value for said, value in answers if said == "done"]
        assert len(won) == 1, answers
        assert sorted(said for said, _ in answers if said != "done") == ["slot.full"] * 4
        assert [row.reservation_id for row in await self.rows(seats)] == won
        await self.house.calls.cancel(None, won[0])
        assert await self.rows(seats) == []
        self.count["last seat"] += 1

    async def the_same_form(self, turn: int, claire: Identity) -> None:
        """A form sent five times at once is one call (18)."""
        answers = self.five.all_at_once(*[("reserve", claire, f"form-{turn:06d}", a_number(), self.house.slot())] * 5)

        assert {said for said, _ in answers} == {"done"}
        [reservation] = {value for _, value in answers}
        assert len(await self.rows(seats)) == 1
        await self.house.calls.cancel(None, reservation)
        self.count["same form"] += 1

    async def a_call(self, claire: Identity, ravi: Identity, mia: Identity) -> None:
        """A call is offered to Ravi: he accepts it in three windows while Mia tries, then it is dialled and cancelled at the same instant."""
        reservation = await self.house.books(claire)
        card = await self.house.offer_to(ravi)
        conversation = await self._accept_twice(card, ravi, mia)
        await self.house.calls.sweep()
        await self._dial_and_cancel(reservation, conversation, ravi)

    async def _accept_twice(self, card: Any, ravi: Identity, mia: Identity) -> Any:
        his, hers = ("accept", ravi, card.id, card.epoch), ("accept", mia, card.id, card.epoch)

        answers = self.five.all_at_once(his, hers, his, hers, his)

        assert [said for said, _ in answers] == ["done", "offer.taken"] * 2 + ["done"], answers
        [conversation] = {value for said, value in answers if said == "done"}
        [owned] = await self.rows(conversations, conversations.c.id == conversation)
        [offer] = await self.rows(offers, offers.c.id == card.id)
        assert (owned.rep_id, owned.epoch, offer.state) == (ravi.person, card.epoch, "accepted")
        self.count["double accept"] += 1
        return conversation

    async def _dial_and_cancel(self, reservation: Any, conversation: Any, ravi: Identity) -> None:
        dial, cancel = ("dial", ravi, conversation), ("cancel", reservation)

        answers = self.five.all_at_once(dial, cancel, dial, cancel, dial)

        [row] = await self.rows(reservations, reservations.c.id == reservation)
        dialled = await self.rows(attempts, attempts.c.reservation_id == reservation)
        assert (len(dialled), row.state) in ((1, "dialing"), (0, "cancelled")), answers
        self.count["cancel against dial"] += 1
        self.count["dialled" if dialled else "cancelled"] += 1
        if dialled:
            assert [said for said, _ in answers] == ["done", "reservation.being_called"] * 2 + ["done"]
            taken = self.five.all_at_once(*[("take_over",)] * 5)
            assert sorted(value for _, value in taken) == [0, 0, 0, 0, 1], taken
            self.count["taken over once"] += 1
            await self.house.calls.lose_sight(dialled[0].id)
            await self.house.calls.release(ravi, conversation)
            await self.house.calls.cancel(None, reservation)


async def test_one_wins_each_race_and_everybody_else_is_told(
    house: CallHouse, database_address: str, dialect: str
) -> None:
    """One set of processes for all races: starting them costs more than racing."""
    began = time.monotonic()
    ravi, mia = await house.ready(), await house.ready("Mia Lang", lines=("travel",))
    await house.planned(ravi)
    async with house.database.begin() as uow:
        await store.set_telephone(uow, ravi.person, "sip:ravi@127.0.0.1")
    with contenders(database_address, 5) as five:
        campaign = Campaign(house, five)
        for turn in range(TIMES):
            if turn % 100 == 0:
                people = [await house.contact(f"Contact {n}") for n in range(5)]
            await campaign.the_last_seat(turn, people)
            await campaign.the_same_form(turn, people[0])
            await campaign.a_call(people[0], ravi, mia)

    counts = ", ".join(f"{what} {count}" for what, count in campaign.count.items())
    print(f"races on {dialect}: {counts}; 0 violations, {time.monotonic() - began:.0f} s")  # noqa: T201 - the counts are its result
