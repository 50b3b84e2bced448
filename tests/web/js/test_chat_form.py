"""The form before the line in a browser: it asks for what is needed, and nothing that was typed is lost."""

import pytest
from playwright.async_api import Page, expect

from tests.browser import NARROW, violations
from tests.web.js.fake_hub import FakeHub
from tests.web.js.pages import chat_form_page

pytestmark = pytest.mark.browser


@pytest.fixture
async def form(page: Page, hub: FakeHub) -> Page:
    """The form on a telephone."""
    hub.page = chat_form_page()
    await page.set_viewport_size(NARROW)
    await page.goto(f"{hub.address}/page")
    await expect(page.locator("[data-needed-if]").first).to_be_hidden()
    return page


async def test_what_other_answers_make_needed_is_there_only_with_them(form: Page) -> None:
    way, people = (
        form.get_by_role("group", name="Is there another way"),
        form.get_by_role("group", name="How many people"),
    )
    deadline = form.get_by_role("group", name="Is there a deadline?")
    await expect(deadline).to_be_hidden()

    await form.get_by_label("In production").check()
    await expect(way).to_be_hidden()
    await form.get_by_label("Yes, but with difficulty").check()
    await way.get_by_label("No").check()

    await expect(people.get_by_role("radio").first).to_have_attribute("required", "")
    await expect(way).not_to_contain_text("(optional)")
    # How urgent it is depends on the others too, now.
    await expect(deadline).to_be_visible()
    assert await violations(form) == []

    await form.get_by_label("Yes, it is a question or a wish").check()

    await expect(way).to_be_hidden()
    sent = await form.locator("[data-chat-form]").evaluate("form => Object.fromEntries(new FormData(form))")
    assert "workaround" not in sent


async def test_what_was_typed_and_checked_is_there_after_a_reload_where_it_can_be_seen(form: Page) -> None:
    await form.get_by_label("In production").check()
    await form.get_by_label("No, the work has stopped").check()
    await form.get_by_label("The whole company").check()
    await form.get_by_text("If it is critical").click()
    await form.get_by_label("Telephone").fill("+49 30 1234567")
    await form.get_by_label("This person speaks English").check()

    await form.reload()

    await expect(form.get_by_label("The whole company")).to_be_checked()
    await expect(form.get_by_label("This person speaks English")).to_be_checked()
    await expect(form.get_by_label("Telephone")).to_have_value("+49 30 1234567")
    await expect(form.get_by_label("Telephone")).to_be_visible()
