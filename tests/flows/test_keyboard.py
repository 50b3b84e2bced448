"""The main job once more, without a mouse: both sides from the first page to the rating by keys alone (WCAG 2.1.1, 2.1.2, 2.4.3)."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.flows.conftest import Cast

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# More stops than any of our pages has: whoever needs more is in a trap.
MOST_STOPS = 80


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, and see that it shows; fail when Tab never gets there."""
    await expect(target).to_be_visible()
    for _ in range(MOST_STOPS):
        if await target.evaluate("element => element === document.activeElement"):
            await expect(target).to_be_in_viewport()
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {target}")


async def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Go there and press it."""
    await tab_to(page, target)
    await page.keyboard.press(key)


async def test_whole_story_by_keyboard(cast: Cast) -> None:
    customer, representative = await cast.customer(), await cast.representative()
    page, desk = customer.page, representative.page

    # The first thing that Tab reaches leads past the navigation.
    await page.goto("/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await press(page, page.get_by_role("navigation").get_by_role("link", name="Chat with Support"))
    await expect(page).to_have_url(re.compile("/chat$"))
    await press(page, page.get_by_role("main").get_by_role("link", name=re.compile("Invoice")).first)

    # The form: texts, then one group of answers after the other by arrows and space.
    await tab_to(page, page.get_by_label("Subject"))
    await page.keyboard.type("Supplier is missing")
    await tab_to(page, page.get_by_label("Description"))
    await page.keyboard.type("Since this morning.")
    await expect(page.locator("[data-chat-form][data-works]")).to_be_attached()
    for question in await page.get_by_role("group").all():
        first = question.get_by_role("radio").first
        if not await first.count():
            continue  # who can be reached when it is critical: not asked for here
        await tab_to(page, first)
        await page.keyboard.press("Space")
        await expect(first).to_be_checked()
    await press(page, page.get_by_role("button", name="Stand in line"))
    await customer.sees_panel("waiting")

    # The representative: ready by the select, the offer by Enter.
    await tab_to(desk, desk.get_by_role("combobox", name="My status"))
    await desk.keyboard.press("Home")
    await expect(desk.locator("holdline-console")).to_have_attribute("data-state", "ready")
    await expect(representative.offer).to_be_visible()
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("Enter")
    await expect(representative.words).to_be_focused()

    # They talk.
    await desk.keyboard.type("Hello, I am looking")
    await desk.keyboard.press("Enter")
    await customer.sees("Hello, I am looking")
    await tab_to(page, customer.words)
    await page.keyboard.type("Thank you")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("very much")
    await page.keyboard.press("Enter")
    await expect(representative.log.get_by_text("Thank you\nvery much", exact=True)).to_be_visible()
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("n")
    await desk.keyboard.type("Nice people")
    await desk.keyboard.press("Enter")
    await representative.sees("Nice people")
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("?")
    await expect(desk.get_by_role("dialog")).to_be_visible()
    await desk.keyboard.press("Escape")
    await expect(desk.get_by_role("dialog")).to_be_hidden()

    # The representative ends, undoes, ends again, and wraps up.
    await desk.keyboard.press("e")
    await customer.sees_panel("undo")
    await desk.keyboard.press("u")
    await expect(page.locator("[data-panel=undo]")).to_be_hidden()
    await desk.keyboard.press("e")
    form = representative.talk.locator("[data-form=wrap_up]")
    await expect(form).to_be_visible(timeout=20_000)
    await tab_to(desk, form.get_by_label("Reason"))
    await desk.keyboard.press("ArrowDown")
    await press(desk, form.get_by_role("button", name="Complete ticket"))
    await expect(desk.locator(".talk")).to_have_count(0)

    # The customer rates with one key.
    await customer.sees_panel("end")
    await tab_to(page, page.get_by_role("radio", name="1"))
    await page.keyboard.press("4")
    await expect(page.get_by_role("radio", name="4")).to_be_checked()
    await press(page, page.get_by_role("button", name="Send rating"))
    await expect(page.get_by_text("Thank you. Your rating is stored.").first).to_be_focused()
