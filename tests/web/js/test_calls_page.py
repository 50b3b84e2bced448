"""The list of calls in a browser: it says what is so now, and nobody loses their place in it."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser import NARROW, violations
from tests.web.gallery.call_samples import call_row
from tests.web.js.fake_hub import FakeHub
from tests.web.js.pages import calls_page

pytestmark = pytest.mark.browser


async def test_the_list_is_fresh_and_keeps_the_place_of_whoever_reads_it(page: Page, hub: FakeHub) -> None:
    rows = [call_row("booked", ticket_number=5000 + index) for index in range(40)]
    shown = calls_page("a1", rows)

    async def serve(route: Route) -> None:
        await route.fulfill(body=shown, content_type="text/html")

    await page.route("**/desk/calls", serve)
    await page.clock.install()
    await page.set_viewport_size(NARROW)
    await page.goto(f"{hub.address}/desk/calls")
    last = page.get_by_role("link", name="5039")
    await last.focus()
    scrolled = await page.evaluate("scrollY")
    assert scrolled > 0
    await expect(page.get_by_text("Kim Neumann")).to_have_count(0)

    shown = calls_page("a2", [call_row("booked", customer="Kim Neumann"), *rows[1:]])
    async with page.expect_navigation():
        await page.clock.run_for(10_000)

    await expect(page.get_by_text("Kim Neumann")).to_have_count(1)
    await expect(last).to_be_focused()
    await expect(last).to_be_in_viewport()
    assert abs(await page.evaluate("scrollY") - scrolled) < 50
    assert await violations(page) == []
