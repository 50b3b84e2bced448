"""What is told of a wait: nothing where nobody serves, what was where there is a past, and corrected by what came of it."""

import math
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from chatsvc.accounts.model import Identity
from chatsvc.conversations.outlook import Outlook, Prospect
from chatsvc.kernel.ids import new_id
from chatsvc.routing.model import RoutingRules
from chatsvc.routing.tables import line_corrections, places, shifts
from tests.chatsvc.conversations.house import House

MINUTE = timedelta(minutes=1)


async def prospect(house: House, line: str = "expense") -> Prospect:
    """What the line looks like after four handled contacts."""
    outlook = Outlook(RoutingRules(history_needs=4))
    async with house.database.read() as connection:
        return await outlook.of(connection, line, 1, house.clock.now())


async def handles(house: House, representative: Identity, times: int = 4, takes: timedelta = 5 * MINUTE) -> None:
    """Let a representative handle contacts, each in so long."""
    for n in range(times):
        contact = await house.contact(f"Contact {n} {new_id('x')}")
        _, conversation = await house.talking(contact, representative)
        house.clock.advance(takes)
        await house.stay(representative)
        await house.act.end(representative, conversation)
        house.clock.advance(house.rules.undo_for)
        await house.act.sweep()
        await house.act.wrap_up(
            representative, conversation, await house.see.wrap_up_form(representative, conversation)
        )
        await house.stay(representative)


async def plans(house: House, representative: Identity, begins: timedelta, ends: timedelta) -> None:
    """Plan somebody for the line."""
    now = house.clock.now()
    row = {"id": new_id("sh"), "person_id": representative.person, "lines": ["expense"]}
    async with house.database.begin() as uow:
        await uow.execute(insert(shifts).values(**row, begins_at=now + begins, ends_at=now + ends))


async def test_nothing_is_told_while_there_is_no_past(house: House) -> None:
    ravi = await house.ready()
    await handles(house, ravi, times=3)

    assert (await prospect(house)).told(1) is None


async def test_free_representative_is_told_as_a_minute_and_a_busy_one_by_what_work_takes(house: House) -> None:
    ravi = await house.ready()
    await house.act.set_capacity(ravi.person, 1)
    await handles(house, ravi)
    assert (await prospect(house)).told(1) == (0, 60, 0)

    await house.talking(await house.contact("Talks"), ravi)
    house.clock.advance(3 * MINUTE)
    await house.stay(ravi)

    # Five minutes and ten seconds each, of which three minutes have passed.
    assert (await prospect(house)).told(1) == (130, 180, 130)


async def test_no_number_where_nobody_serves(house: House) -> None:
    ravi = await house.ready()
    await handles(house, ravi)
    await house.act.set_desk(ravi, "away", reason="break")

    assert ((await prospect(house)).told(1), (await prospect(house)).staffed.served_from) == (None, None)


async def test_somebody_planned_before_closing_makes_a_number_and_later_only_says_when(house: House) -> None:
    ravi = await house.ready()
    await handles(house, ravi)
    await house.act.set_desk(ravi, "away", reason="break")
    await plans(house, ravi, 60 * MINUTE, 180 * MINUTE)

    seen, now = await prospect(house), house.clock.now()

    assert seen.staffed.served_from == now + 60 * MINUTE
    assert seen.told(1, closes_at=now + 120 * MINUTE) == (3_600, 3_600, 3_600)
    assert seen.told(1, closes_at=now + 60 * MINUTE) is None


async def test_whoever_should_be_there_by_now_may_come_at_any_moment(house: House) -> None:
    ravi = await house.ready()
    await handles(house, ravi)
    await house.act.set_desk(ravi, "away", reason="break")
    await plans(house, ravi, -MINUTE, 60 * MINUTE)
    await plans(house, ravi, 600 * MINUTE, 660 * MINUTE)

    seen = await prospect(house)

    assert (seen.staffed.served_from, seen.told(1)) == (None, None)


async def test_shift_that_ends_is_counted_on_no_longer(house: House) -> None:
    ravi = await house.ready()
    await handles(house, ravi)
    visits = [await house.joins(await house.contact(f"Waits {n}")) for n in range(5)]
    await house.act.match()
    await plans(house, ravi, -60 * MINUTE, MINUTE)

    seen = await prospect(house)

    assert seen.told(1) == (0, 60, 0), "is being offered"
    assert seen.told(len(visits)) is None


async def test_what_came_of_what_was_told_corrects_what_is_told(house: House) -> None:
    house.act.queries.outlook = Outlook(RoutingRules(history_needs=4))
    ravi = await house.ready()
    await handles(house, ravi)
    visit = await house.joins(await house.contact("Told"))
    [told] = [row for row in await house.rows(places) if row.ticket_id == visit.ticket]
    assert (told.quoted_low_s, told.quoted_high_s, told.quoted_median_s) == (0, 60, 0)

    card = await house.offer_to(ravi)
    house.clock.advance(timedelta(seconds=15))
    await house.act.accept(ravi, card.id, card.epoch)

    async with house.database.read() as connection:
        [row] = (await connection.execute(select(line_corrections))).all()
    assert (row.line, row.told, row.missed) == ("expense", 1, 0)
    assert (row.median, row.bound) == pytest.approx((math.exp(0.0075), math.exp(-0.015)))


async def test_what_was_told_before_its_median_was_kept_corrects_by_what_was_said(house: House) -> None:
    house.act.queries.outlook = Outlook(RoutingRules(history_needs=4))
    ravi = await house.ready()
    await handles(house, ravi)
    visit = await house.joins(await house.contact("Told"))
    async with house.database.begin() as uow:
        earlier = {"quoted_low_s": 600, "quoted_median_s": None}
        await uow.execute(update(places).where(places.c.ticket_id == visit.ticket).values(**earlier))

    card = await house.offer_to(ravi)
    house.clock.advance(timedelta(seconds=15))
    await house.act.accept(ravi, card.id, card.epoch)

    async with house.database.read() as connection:
        [row] = (await connection.execute(select(line_corrections))).all()
    assert row.median == pytest.approx(math.exp(-0.0075)), "it took less"
