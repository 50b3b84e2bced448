"""The form for a request in a browser: what a key does, and what counts as begun."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.web.js.fake_hub import FakeHub
from tests.web.js.pages import request_form_page

pytestmark = pytest.mark.browser


@pytest.fixture
async def form(page: Page, hub: FakeHub) -> Page:
    """The form, empty, while time stands still."""
    hub.page = request_form_page()
    await page.clock.install()
    await page.goto(f"{hub.address}/page")
    await expect(page.get_by_role("button", name="Continue")).to_have_count(0)
    return page


async def test_enter_in_a_field_sends_the_request_and_does_not_ask_for_its_fields_again(form: Page) -> None:
    await form.get_by_label("Something does not work as expected").check()
    await form.locator("form[data-request-form]").evaluate(
        "form => { form.noValidate = true; form.addEventListener('submit', event => { event.preventDefault(); form.title = event.submitter.value; }); }"
    )

    await form.get_by_label("Subject").press("Enter")

    await expect(form.locator("form[data-request-form]")).to_have_attribute("title", "show")


async def test_whoever_only_looks_at_a_reason_has_begun_nothing(form: Page) -> None:
    kept: list[str] = []

    async def keep(route: Route) -> None:
        kept.append(route.request.url)
        await route.fulfill(status=204)

    await form.route("**/api/v1/drafts/**", keep)

    await form.get_by_label("Something does not work as expected").check()
    await form.clock.run_for(5_000)
    assert kept == []
    async with form.expect_request("**/api/v1/drafts/**"):
        await form.get_by_label("Subject").fill("Approval mails")
        await form.clock.run_for(5_000)
