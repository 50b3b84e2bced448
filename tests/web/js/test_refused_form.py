"""A page that comes back with errors, in a browser: it says so first, and leads to what has to be looked at again."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser import NARROW, violations
from tests.web.gallery.everything import samples
from tests.web.js.fake_hub import FakeHub
from web.i18n import Reader, reading
from web.rendering import Renderer

pytestmark = pytest.mark.browser

# What the gallery calls a page, and for each link of its summary the field that it leads to.
REFUSED = [
    ("sign_in-refused", ["email", "password"]),
    ("chat_form-errors", ["subject", "files", "since"]),
    ("request_form-errors", ["steps", "description", "files"]),
    ("call_form-refused", ["number", "slot"]),
    ("ticket_staff-awaiting", ["needed", "into"]),
    ("staffing-refused", ["ends", "lines"]),
]
_READER = Reader()


async def _refused(page: Page, hub: FakeHub, name: str) -> None:
    with reading(_READER):
        sample = next(each for each in samples() if each.name == name)
        hub.page = Renderer().page(sample.template, _READER, **sample.context)
    await page.set_viewport_size(NARROW)
    await page.goto(f"{hub.address}/page")


@pytest.mark.parametrize(("name", "fields"), REFUSED, ids=[name for name, _ in REFUSED])
async def test_what_was_wrong_is_read_first_and_leads_to_its_field(
    page: Page, hub: FakeHub, name: str, fields: list[str]
) -> None:
    await _refused(page, hub, name)
    summary = page.locator("[data-error-summary]")

    await expect(summary).to_be_focused()
    await expect(summary.get_by_role("heading")).to_be_in_viewport()
    assert (await page.title()).startswith("Error: ")
    assert await summary.locator("a").count() == len(fields)
    for link, field in zip(await summary.locator("a").all(), fields, strict=True):
        await link.focus()
        await page.keyboard.press("Enter")
        control = page.locator(f"[name={field}]:focus")
        await expect(control).to_be_in_viewport()
    assert await violations(page) == []


async def test_without_a_script_the_links_lead_to_the_fields_all_the_same(browser: Browser, hub: FakeHub) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await _refused(page, hub, "chat_form-errors")

    await page.locator('[data-error-summary] a[href="#f-since"]').click()

    await expect(page.locator("#f-since")).to_be_in_viewport()
    await context.close()
