"""Races with real processes on one store: one winner each time, everybody else is told (R2, R9, R11, R13; issue 2)."""

import os
from pathlib import Path
from typing import Any

import pytest

from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from chatsvc.tickets.tables import tickets
from tests.chatsvc.conversations.house import House
from tests.races.contenders import Contenders, contenders

TIMES = int(50 * float(os.environ.get("HOLDLINE_TEST_DEPTH", "1")))
pytestmark = [pytest.mark.faults, pytest.mark.timeout(0 if TIMES > 50 else 300)]


@pytest.fixture
async def house(database: Database, clock: ManualClock, tmp_path: Path) -> House:
    """A desk on the store that is raced for."""
    return House(database, clock, tmp_path)


@pytest.fixture
def five(database_address: str):  # type: ignore[no-untyped-def]
    """Five processes on the same store."""
    with contenders(database_address, 5) as ready:
        yield ready


@pytest.fixture
def three(database_address: str):  # type: ignore[no-untyped-def]
    """Three processes on the same store."""
    with contenders(database_address, 3) as ready:
        yield ready


async def _open_offers(house: House) -> list[Any]:
    return [offer for offer in await house.offer_rows() if offer.state == "open"]


async def test_five_matchers_make_one_offer_and_one_of_five_accepts_wins(house: House, five: Contenders) -> None:
    staff = [await house.ready(f"Representative {n}", capacity=TIMES) for n in range(5)]

    for _ in range(TIMES):
        visit = await house.joins(await house.contact())
        made = five.all_at_once(*[("match",)] * 5)
        [offer] = await _open_offers(house)
        assert sum(count for _, count in made) == 1

        answers = five.all_at_once(*[("accept", rep, offer.id, offer.epoch) for rep in staff])

        wins = {rep.person: answer for rep, answer in zip(staff, answers, strict=True)}
        assert wins.pop(offer.person_id) == ("done", visit.conversation)
        assert [key for key, _ in wins.values()] == ["offer.taken"] * 4
        assert await house.kinds(visit) == ["joined", "accepted"]
        assert (await house.conversation_row(visit.ticket)).rep_id == offer.person_id


async def test_one_representative_accepting_from_five_windows_has_one_conversation(
    house: House, five: Contenders
) -> None:
    ravi = await house.ready(capacity=TIMES)

    for turn in range(TIMES):
        visit = await house.joins(await house.contact())
        await house.act.match()
        [offer] = await _open_offers(house)

        answers = five.all_at_once(*[("accept", ravi, offer.id, offer.epoch)] * 5)

        assert answers == [("done", visit.conversation)] * 5
        assert await house.kinds(visit) == ["joined", "accepted"]
        assert (await house.desk_row(ravi)).load == turn + 1


async def test_three_tabs_open_one_chat_and_the_others_are_led_to_it(house: House, three: Contenders) -> None:
    for turn in range(TIMES):
        contact = await house.contact(f"Contact {turn}")

        answers = three.all_at_once(*[("join", contact, f"tab {n} of {turn}") for n in range(3)])

        [winner] = [ticket for outcome, ticket in answers if outcome == "done"]
        led = [facts["ticket"] for outcome, facts in answers if outcome == "visit.already_open"]
        assert led == [winner] * 2
    assert len(await house.rows(tickets)) == TIMES


async def test_same_form_from_three_processes_is_one_visit(house: House, three: Contenders) -> None:
    for turn in range(TIMES):
        contact = await house.contact(f"Contact {turn}")

        answers = three.all_at_once(*[("join", contact, f"form {turn}")] * 3)

        assert {outcome for outcome, _ in answers} == {"done"}
        assert len({ticket for _, ticket in answers}) == 1
    assert len(await house.rows(tickets)) == TIMES
    assert (await house.mails()).count("mail.ticket_confirmation") == TIMES


async def test_same_key_from_several_writers_is_one_entry(house: House, three: Contenders) -> None:
    contact = await house.contact()
    visit = await house.joins(contact)

    for turn in range(TIMES):
        answers = three.all_at_once(*[("append", contact, visit.log, f"message-{turn}")] * 3)

        assert answers == [("done", turn + 2)] * 3
    assert await house.kinds(visit) == ["joined"] + ["message"] * TIMES


async def test_accept_against_leave_has_one_outcome(house: House, three: Contenders) -> None:
    ravi = await house.ready(capacity=TIMES)
    talking = 0

    for _ in range(TIMES):
        contact = await house.contact()
        visit = await house.joins(contact)
        await house.act.match()
        [offer] = await _open_offers(house)

        accepted, left, _ = three.all_at_once(
            ("accept", ravi, offer.id, offer.epoch), ("leave", contact, visit.ticket), ("match",)
        )

        state = (await house.conversation_row(visit.ticket)).state
        assert (accepted[0], left[0], state) in [
            ("done", "visit.not_waiting", "active"),
            ("offer.over", "done", "left"),
        ]
        talking += state == "active"
        assert (await house.desk_row(ravi)).load == talking
