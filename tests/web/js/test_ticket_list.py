"""The lists of tickets in a browser: choosing, and how long what was done to many can be undone."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser import WIDE, violations
from tests.web.gallery import request_samples
from tests.web.js.fake_hub import FakeHub
from tests.web.js.pages import now, ticket_list_page

pytestmark = pytest.mark.browser


def _undo(*, left_s: float, slow_s: float = 0) -> dict[str, Any]:
    """What can be taken back; on a device whose clock is slow by so much, or fast, where it is less than 0."""
    at = now() + timedelta(seconds=slow_s)
    href = "/desk/tickets/undo?view=mine"
    return {
        "bulk": "bk_1",
        "changed": 2,
        "until": at + timedelta(seconds=left_s),
        "now": at,
        "left_s": 60,
        "href": href,
    }


@pytest.mark.parametrize("slow_s", [0, 300, -300])
async def test_a_change_to_many_can_be_undone_for_as_long_as_the_server_says(
    page: Page, hub: FakeHub, slow_s: float
) -> None:
    await page.clock.install()
    hub.page = ticket_list_page(undo=_undo(left_s=60.5, slow_s=slow_s))
    await page.goto(f"{hub.address}/page")
    news = page.locator("[data-undo]")
    await expect(news).to_contain_text("Undo is possible for")
    await expect(news.get_by_role("button", name="Undo")).to_be_visible()

    await page.clock.run_for(61_000)

    assert await news.inner_text() == "The time to undo is over."
    await expect(news.get_by_role("button")).to_have_count(0)
    assert await violations(page) == []


async def test_only_what_the_change_needs_is_asked_for(page: Page, hub: FakeHub) -> None:
    hub.page = ticket_list_page()
    await page.goto(f"{hub.address}/page")
    form = page.locator("[data-bulk]")

    await form.get_by_label("Choose all").check()
    await form.get_by_label("With those chosen").select_option("team")

    assert await form.locator("input[name=tickets]:checked").count() == 3
    await expect(form.get_by_label("Team")).to_be_visible()
    await expect(form.get_by_label("Incident")).to_be_hidden()


async def test_what_is_done_to_those_chosen_is_in_sight_from_any_of_them(page: Page, hub: FakeHub) -> None:
    [row, *_] = request_samples.ticket_list()["tickets"]
    hub.page = ticket_list_page(tickets=[{**row, "number": 5000 - index} for index in range(25)])
    await page.set_viewport_size(WIDE)
    await page.goto(f"{hub.address}/page")
    do_it = page.get_by_role("button", name="Do it")
    await expect(do_it).not_to_be_in_viewport()

    await page.get_by_label("Choose 5000").check()

    await expect(do_it).to_be_in_viewport()
    last = page.get_by_label("Choose 4976")
    await last.focus()
    assert await last.evaluate(
        "box => { const at = box.getBoundingClientRect(); return document.elementFromPoint(at.x + 2, at.y + 2) === box; }"
    )
    assert await violations(page) == []
