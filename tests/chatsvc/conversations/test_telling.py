"""What those in line are told as their wait changes, on both kinds of store: once, with a reason that is true, and the same on every page."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from chatsvc.accounts.model import Identity
from chatsvc.conversations import outlook, telling
from chatsvc.conversations.outlook import Outlook
from chatsvc.conversations.views import Visit, Waiting
from chatsvc.routing.model import RoutingRules
from chatsvc.routing.tables import places
from tests.chatsvc.conversations.house import House
from tests.chatsvc.conversations.test_hours import DOWN, REACHABLE
from tests.chatsvc.conversations.test_outlook import MINUTE, handles

SECOND = timedelta(seconds=1)


@pytest.fixture
def house(house: House) -> House:
    """Four handled contacts are history enough."""
    house.act.queries.outlook = Outlook(RoutingRules(history_needs=4))
    return house


async def busy(house: House, *names: str) -> list[Identity]:
    """Representatives with room for one talk of five minutes and ten seconds each, which has just begun."""
    reps = [await house.ready(name) for name in names]
    for rep in reps:
        await house.act.set_capacity(rep.person, 1)
    for rep in reps[1:]:
        await house.act.set_desk(rep, "away", reason="break")
    await handles(house, reps[0])
    for rep in reps:
        await house.act.set_desk(rep, "ready")
        await house.stay(*reps)
        await house.talking(await house.contact(f"Talks with {rep.name}"), rep)
    # One reading of the floor is told to everybody for a second.
    await passes(house, 2 * SECOND, *reps)
    return reps


async def passes_by_seconds(house: House, seconds: int, *reps: Identity, visits: tuple[Visit, ...] = ()) -> None:
    """Let time pass as a process notices it."""
    for _ in range(seconds):
        await passes(house, SECOND, *reps, visits=visits)


async def passes(house: House, length: timedelta, *reps: Identity, visits: tuple[Visit, ...] = ()) -> None:
    """Let time pass while these people stay, and let it do what it brings."""
    house.clock.advance(length)
    await house.stay(*reps, visits=visits)
    await house.act.sweep()


async def sees(house: House, contact: Identity, visit: Visit) -> Waiting:
    """What a contact sees of their place, as a page and as a live line show it: the same."""
    alone = (await house.see.visit(contact, visit.ticket)).waiting
    assert alone is not None
    assert (await house.see.whole_line("expense"))[visit.ticket] == alone
    return alone


async def test_what_was_told_stands_and_runs_out_while_all_is_as_expected(house: House) -> None:
    [ravi] = await busy(house, "Ravi")
    contact = await house.contact("Waits")
    visit = await house.joins(contact)
    first = await sees(house, contact, visit)
    assert first.wait_high_s == 360

    seen = []
    for _ in range(24):
        await passes(house, 10 * SECOND, ravi, visits=(visit,))
        seen.append((await sees(house, contact, visit)).wait_high_s)

    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 120
    assert (await sees(house, contact, visit)).longer is None


async def test_fewer_representatives_are_told_once_as_the_reason(house: House) -> None:
    ravi, mei = await busy(house, "Ravi", "Mei")
    await house.joins(await house.contact("Is before"))
    contact = await house.contact("Waits")
    visit = await house.joins(contact)
    told = await sees(house, contact, visit)
    assert told.wait_high_s == 360

    await passes(house, 8 * SECOND, ravi, mei, visits=(visit,))
    await house.act.set_desk(mei, "away", reason="break")
    await passes_by_seconds(house, 10, ravi, mei, visits=(visit,))
    longer = await sees(house, contact, visit)
    house.hush()
    await passes(house, 2 * SECOND, ravi, mei, visits=(visit,))

    assert longer.longer == "fewer"
    assert longer.wait_high_s is not None
    assert longer.wait_high_s >= 600
    assert (await sees(house, contact, visit)).longer_at == longer.longer_at
    assert not house.rang("line:expense"), "nothing else is told"
    assert (await house.place_row(visit.ticket)).quoted_high_s == 360, "what was told first is what is measured"


async def test_more_urgent_requests_are_told_as_the_reason(house: House) -> None:
    [ravi] = await busy(house, "Ravi")
    contact = await house.contact("Waits")
    visit = await house.joins(contact)

    await passes(house, 10 * SECOND, ravi, visits=(visit,))
    urgent = await house.joins(await house.contact("Urgent"), impact=DOWN, reachable=REACHABLE)
    await passes_by_seconds(house, 10, ravi, visits=(visit, urgent))

    assert (await sees(house, contact, visit)).longer == "urgent"


async def test_long_talks_are_told_as_the_reason(house: House) -> None:
    [ravi] = await busy(house, "Ravi")
    contact = await house.contact("Waits")
    visit = await house.joins(contact)

    for _ in range(9):
        await passes(house, MINUTE, ravi, visits=(visit,))
    await passes_by_seconds(house, 10, ravi, visits=(visit,))

    assert (await sees(house, contact, visit)).longer == "talks"


async def test_whose_place_is_being_looked_at_reads_a_minute(house: House) -> None:
    [ravi] = await busy(house, "Ravi")
    contact = await house.contact("Waits")
    visit = await house.joins(contact)
    await house.act.set_capacity(ravi.person, 2)
    await house.act.match()

    await passes(house, 10 * SECOND, ravi, visits=(visit,))

    waiting = await sees(house, contact, visit)
    assert (waiting.offered, waiting.wait_low_s, waiting.wait_high_s, waiting.longer) == (True, 0, 60, None)


async def test_nothing_is_shown_while_nobody_is_there_and_a_longer_wait_is_told_afterwards(house: House) -> None:
    [ravi] = await busy(house, "Ravi")
    contact = await house.contact("Waits")
    visit = await house.joins(contact)
    await house.act.set_desk(ravi, "away", reason="break")
    await passes(house, SECOND, ravi, visits=(visit,))
    assert (await sees(house, contact, visit)).wait_high_s is None

    for _ in range(8):
        await passes(house, MINUTE, ravi, visits=(visit,))
    await house.act.set_desk(ravi, "ready")
    await passes(house, SECOND, ravi, visits=(visit,))

    waiting = await sees(house, contact, visit)
    assert waiting.wait_high_s is not None
    assert waiting.longer is not None


async def test_whoever_returns_to_the_line_is_told_anew(house: House) -> None:
    [ravi] = await busy(house, "Ravi")
    [conversation] = (await house.see.desk(ravi)).conversations
    await passes(house, 30 * SECOND, ravi)
    await house.act.hand_over(ravi, conversation.id, to_line="expense")

    assert (await house.place_row(conversation.ticket)).told_at is None

    await house.act.sweep()
    assert (await house.place_row(conversation.ticket)).longer is None


async def test_everybody_of_a_long_line_is_told_in_turn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "PLAYED", 2)
    monkeypatch.setattr(telling, "PLAYED", 2)
    monkeypatch.setattr(telling, "_FURTHER", 2)
    [ravi] = await busy(house, "Ravi")
    visits = [await house.joins(await house.contact(f"Waits {n}")) for n in range(7)]
    async with house.database.begin() as uow:
        await uow.execute(update(places).values(told_at=None))

    told = []
    for _ in range(4):
        await passes(house, SECOND, ravi, visits=tuple(visits))
        rows = {row.ticket_id: row for row in await house.rows(places)}
        told.append([rows[visit.ticket].told_at is not None for visit in visits])

    assert told == [
        [True, True, True, True, False, False, False],
        [True, True, True, True, True, True, False],
        [True] * 7,
        [True] * 7,
    ]
