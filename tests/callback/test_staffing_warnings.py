"""A lowered capacity cancels nobody and warns staff: the other supervisors are written to, once, in the transaction of its cause (invariant 22)."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from callback.capacity import Handling, Measured
from callback.model import ShiftId
from chatsvc.accounts.links import Links
from chatsvc.accounts.model import Identity
from chatsvc.accounts.queries import AccountQueries
from chatsvc.accounts.tables import people
from chatsvc.db.outbox import outbox
from chatsvc.kernel.ids import OutboxId
from chatsvc.notifications.compose import Composer, Envelope, StaffingOver
from chatsvc.notifications.mailer import Mail
from tests import builders
from tests.callback.house import CallHouse, a_number

COMPOSER = Composer(base_url="https://desk.example", mail_from="desk@desk.example", links=Links("a key of nobody"))


async def warnings(house: CallHouse) -> list[Any]:
    """Return the rows of the mails to supervisors, oldest first."""
    return [row for row in await house.rows(outbox, outbox.c.created_at) if row.kind == "mail.staffing_over"]


async def a_booked_shift(house: CallHouse) -> tuple[Identity, Identity, Identity, ShiftId]:
    """Return a planner, another supervisor, who is planned, and the shift in which a call is booked."""
    ines, nils = await builders.a_supervisor(house.database), await builders.a_supervisor(house.database)
    claire, ravi = await house.contact(), await house.ready()
    begins = house.clock.now()
    shift = await house.calls.plan(ines, ravi.person, ["expense"], begins, begins + timedelta(hours=8))
    await house.books(claire, slot_at=house.slot())
    return ines, nils, ravi, shift


async def is_disabled(house: CallHouse, who: Identity, at: datetime | None) -> None:
    """Let somebody's account be disabled since a moment; None: let them in again."""
    async with house.database.begin() as uow:
        await uow.execute(update(people).where(people.c.id == who.person).values(disabled_at=at))


async def mail_to(house: CallHouse, who: Identity) -> Mail:
    """Return the one mail of this kind to somebody, as they read it."""
    [row] = [row for row in await warnings(house) if row.recipient == who.person]
    to = await AccountQueries(house.database).person(who.person)
    assert to is not None
    return COMPOSER.staffing_over(
        Envelope(OutboxId(row.id), row.created_at), to, msgspec.convert(row.payload, StaffingOver)
    )


async def test_the_other_supervisors_are_told_of_slots_that_a_shift_leaves_over(house: CallHouse) -> None:
    ines, nils, _, shift = await a_booked_shift(house)
    assert await warnings(house) == []

    await house.calls.unplan(ines, shift)

    [row] = await warnings(house)
    slot = {"line": "expense", "begins_at": house.slot().isoformat(), "taken": 1, "capacity": 0}
    assert (row.recipient, row.payload) == (nils.person, {"by": ines.name, "gone": "", "slots": [slot]})


async def test_a_slot_that_was_over_already_is_told_once(house: CallHouse) -> None:
    ines, _, ravi, shift = await a_booked_shift(house)
    begins = house.clock.now() + timedelta(days=1)
    unconcerned = await house.calls.plan(ines, ravi.person, ["expense"], begins, begins + timedelta(hours=8))
    await house.calls.unplan(ines, shift)

    await house.calls.unplan(ines, unconcerned)

    assert len(await warnings(house)) == 1


async def test_a_shift_that_comes_back_is_in_the_plan_once_and_may_go_again(house: CallHouse) -> None:
    ines, _, ravi, shift = await a_booked_shift(house)
    begins = house.clock.now()
    await house.calls.unplan(ines, shift)
    house.clock.advance(1)

    for _ in range(2):
        await house.calls.plan(ines, ravi.person, ["expense"], begins, begins + timedelta(hours=8), shift=shift)
    assert await house.calls.over_promised() == ()
    await house.calls.unplan(ines, shift)

    assert len(await house.calls.over_promised()) == 1
    assert len(await warnings(house)) == 2


async def test_longer_calls_are_told_once_a_day(house: CallHouse) -> None:
    nils = await builders.a_supervisor(house.database)
    reps = [await house.ready(f"Rep {n}") for n in range(7)]
    await house.planned(*reps)
    for n in range(4):
        await house.books(await house.contact(f"C {n}"), slot_at=house.slot(), number=a_number(n))
    known = house.calls.handling
    async with house.database.read() as connection:
        await known.of(connection, house.clock.now() - timedelta(days=1))
        await known.of(connection, house.clock.now())
    today = max(known._known)
    known._known[today] = {"expense": Measured(Handling(mean=25.0), 84)}

    for _ in range(2):
        await house.calls.sweep()
        house.calls._warned_on = None

    [row] = await warnings(house)
    assert (row.recipient, row.payload["by"]) == (nils.person, "")
    assert [(slot["taken"], slot["capacity"]) for slot in row.payload["slots"]] == [(4, 1)]


async def test_a_disabled_account_is_told_once_each_time(house: CallHouse) -> None:
    ines, nils, ravi, _ = await a_booked_shift(house)
    await house.calls.sweep()
    assert await warnings(house) == []

    await is_disabled(house, ravi, house.clock.now())
    for _ in range(2):
        await house.calls.sweep()
    # Another process of the worker knows nothing of what this one has looked at.
    house.calls._warned_by = frozenset()
    await house.calls.sweep()

    told = await warnings(house)
    slot = {"line": "expense", "begins_at": house.slot().isoformat(), "taken": 1, "capacity": 0}
    assert {row.recipient for row in told} == {ines.person, nils.person}
    assert [row.payload for row in told] == [{"by": "", "gone": ravi.name, "slots": [slot]}] * 2

    await is_disabled(house, ravi, None)
    await house.calls.sweep()
    house.clock.advance(60)
    await is_disabled(house, ravi, house.clock.now())
    await house.calls.sweep()
    assert len(await warnings(house)) == 4


async def test_a_disabled_account_that_leaves_nothing_over_is_not_told(house: CallHouse) -> None:
    _, _, ravi, _ = await a_booked_shift(house)
    # The plan carries the one call without them.
    await house.planned(await house.ready("Rosa Weber"))

    await is_disabled(house, ravi, house.clock.now())
    await house.calls.sweep()

    assert await warnings(house) == []


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_the_mail_says_whose_account_is_disabled(house: CallHouse) -> None:
    _, nils, ravi, _ = await a_booked_shift(house)
    await is_disabled(house, ravi, house.clock.now())
    await house.calls.sweep()

    mail = await mail_to(house, nils)

    assert f"The account of {ravi.name}, who is planned, is disabled." in mail.text


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_the_mail_names_slots_in_the_zone_of_its_reader_and_leads_to_the_plan(house: CallHouse) -> None:
    ines, nils, _, shift = await a_booked_shift(house)
    async with house.database.begin() as uow:
        await uow.execute(update(people).where(people.c.id == nils.person).values(zone="Asia/Tokyo"))
    await house.calls.unplan(ines, shift)

    mail = await mail_to(house, nils)

    assert "Monday, 2 March 2026, 20:00 JST: 1 promised, 0 carried" in mail.text
    assert "https://desk.example/desk/staffing" in mail.text
    assert ines.name in mail.text
