"""Whether told waits hold, as supervisors see it: on its page and by REST."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.routing.tables import places
from tests import builders
from tests.web.desk import Desk

MINUTE = timedelta(minutes=1)


async def waited(desk: Desk, clock: ManualClock, minutes: int, *, told: tuple[int, int] | None = (120, 300)) -> None:
    """Let a contact have waited so long for a representative who took them."""
    services = desk.services
    contact: Identity = await builders.a_contact(services.database)
    visit = await services.conversations.join(
        contact, line="expense", subject="s", description="d", impact={}, key=f"wait-{contact.person}"
    )
    clock.advance(minutes * MINUTE)
    low, high = told or (None, None)
    async with services.database.begin() as uow:
        mine = update(places).where(places.c.ticket_id == visit.ticket)
        await uow.execute(mine.values(taken_at=uow.now, state="gone", quoted_low_s=low, quoted_high_s=high))


async def test_page_says_what_came_of_what_was_told(desk: Desk, clock: ManualClock) -> None:
    for minutes in (1, 2, 9):
        await waited(desk, clock, minutes)
    await waited(desk, clock, 1, told=None)
    _, supervisor = await desk.somebody(PersonRole.SUPERVISOR)

    page = " ".join((await supervisor.get("/desk/waits")).text.split())

    assert "2 of 3 customers were served within the time that was told." in page
    assert "Too few waits to judge by." in page
    assert '<td class="nowrap">66.7%</td>' in page
    assert "2.7 min</td>" in page
    assert "2 min longer</td>" in page
    assert 'aria-current="page">Waiting times</a>' in page


async def test_days_that_were_asked_for_are_looked_at(desk: Desk, clock: ManualClock) -> None:
    await waited(desk, clock, 1)
    clock.advance(timedelta(days=7))
    _, supervisor = await desk.somebody(PersonRole.SUPERVISOR)

    assert "Nobody stood in line" in (await supervisor.get("/desk/waits?days=7")).text
    page = (await supervisor.get("/desk/waits?days=28")).text
    assert "1 of 1 customer was served" in page
    by_day = page[page.index('id="by-day"') :]
    assert by_day.count('<th scope="row"') == 1  # the other days had nobody


async def test_rest_gives_the_same_figures(desk: Desk, clock: ManualClock) -> None:
    await waited(desk, clock, 1)
    await waited(desk, clock, 9)
    _, supervisor = await desk.somebody(PersonRole.SUPERVISOR)

    held = (await supervisor.get("/api/v1/waits?days=2")).json()

    assert held["together"] == {
        "served": 2, "held": 1, "shocks": 1, "left": 0, "left_late": 0, "waiting": 0, "untold": 0, "put_off": 0, "within": 0.5,
        "error_s": 240.0, "bias_s": 180.0, "verdict": "few",
    }  # fmt: skip
    assert held["lines"] == {"expense": held["together"]}
    assert [day["day"] for day in held["days"]] == ["2026-03-02", "2026-03-01"]


@pytest.mark.parametrize("role", [PersonRole.CONTACT, PersonRole.REPRESENTATIVE])
async def test_nobody_else_sees_them(desk: Desk, role: PersonRole) -> None:
    _, browser = await desk.somebody(role)

    assert (await browser.get("/api/v1/waits")).status_code == 403
    assert (await browser.get("/desk/waits")).status_code in (403, 404)


async def test_customers_read_how_the_told_time_has_held_from_enough_waits_on(desk: Desk, clock: ManualClock) -> None:
    for n in range(199):
        await waited(desk, clock, 9 if n % 4 == 0 else 1)
    contact, browser = await desk.somebody(PersonRole.CONTACT)
    visit = await desk.services.conversations.join(
        contact, line="expense", subject="s", description="d", impact={}, key=ids.new_id("ky")
    )
    room = f"/chats/{visit.conversation}"
    assert "of 100 customers" not in (await browser.get(room)).text

    await waited(desk, clock, 1)

    assert "of 100 customers" not in (await browser.get(room)).text, "it is read at most every ten minutes"
    clock.advance(10 * MINUTE)
    assert "In the last 28 days 75 of 100 customers of this line were served" in (await browser.get(room)).text
