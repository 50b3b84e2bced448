"""The form for a request in a browser: what a key does, and what counts as begun."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.web.gallery.request_samples import SIMILAR
from tests.web.gallery.samples import ago
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


DRAFTS = "**/api/v1/drafts/**"
COLLEAGUES = [("pe_2", "Jonas Weber"), ("pe_3", "Ada Berg")]


def offered(key: str) -> dict[str, object]:
    """An unfinished form as the server offers it."""
    return {"key": key, "subject": "Approval mails", "at": ago(minutes=2), "href": f"/requests/new?draft={key}"}


async def begin(form: Page, hub: FakeHub) -> None:
    """Begin a request, and leave it."""
    hub.page = request_form_page(colleagues=COLLEAGUES)
    await form.goto(f"{hub.address}/page")
    await form.route(DRAFTS, lambda route: route.fulfill(status=204))
    await form.get_by_label("Something does not work as expected").check()
    await form.get_by_label("Subject").fill("Approval mails")
    async with form.expect_request(DRAFTS):
        await form.get_by_label("Ada Berg").check()
        await form.clock.run_for(5_000)


async def test_what_was_begun_goes_on_under_its_own_key_so_that_nothing_is_left_to_offer(
    form: Page, hub: FakeHub
) -> None:
    await begin(form, hub)
    hub.page = request_form_page(colleagues=COLLEAGUES, key="fm_1-1", draft=offered("fm_0-0"))
    await form.goto(f"{hub.address}/page")

    await expect(form.get_by_label("Subject")).to_have_value("Approval mails")
    await expect(form.locator("form[data-request-form] input[name=key]")).to_have_value("fm_0-0")
    async with form.expect_request("**/api/v1/drafts/fm_0-0") as kept:
        await form.get_by_label("Subject").fill("Approval mails twice")
        await form.clock.run_for(5_000)
    assert (await kept.value).post_data_json["texts"]["copy"] == "pe_3"


async def test_what_the_form_goes_on_with_is_not_offered_beside_it(form: Page, hub: FakeHub) -> None:
    await begin(form, hub)
    hub.page = request_form_page(colleagues=COLLEAGUES, key="fm_1-1", draft=offered("fm_0-0"))
    await form.goto(f"{hub.address}/page")

    await expect(form.get_by_label("Subject")).to_have_value("Approval mails")
    await expect(form.get_by_text("There is a request that you began")).to_be_hidden()
    await expect(form.get_by_role("link", name="Go on with it")).to_be_hidden()
    await expect(form.get_by_text("This form goes on with the request that you began.")).to_be_visible()
    await expect(form.get_by_role("button", name="Throw it away")).to_be_visible()


async def test_what_was_begun_and_is_not_offered_gets_a_key_of_its_own(form: Page, hub: FakeHub) -> None:
    await begin(form, hub)
    hub.page = request_form_page(colleagues=COLLEAGUES, key="fm_1-1")
    await form.goto(f"{hub.address}/page")

    await expect(form.get_by_label("Subject")).to_have_value("Approval mails")
    await expect(form.locator("form[data-request-form] input[name=key]")).to_have_value("fm_1-1")


async def test_whom_to_keep_in_copy_outlives_a_reload(form: Page, hub: FakeHub) -> None:
    await begin(form, hub)
    await form.reload()

    await expect(form.get_by_label("Ada Berg")).to_be_checked()
    await expect(form.get_by_label("Jonas Weber")).not_to_be_checked()


async def test_what_is_thrown_away_does_not_come_back_out_of_the_tab(form: Page, hub: FakeHub) -> None:
    await begin(form, hub)
    hub.page = request_form_page(colleagues=COLLEAGUES, key="fm_1-1", draft=offered("fm_0-0"))
    await form.goto(f"{hub.address}/page")
    await form.route("**/requests/new/discard", lambda route: route.fulfill(status=204))

    await form.get_by_role("button", name="Throw it away").click()
    hub.page = request_form_page(colleagues=COLLEAGUES, key="fm_2-2")
    await form.goto(f"{hub.address}/page")

    await expect(form.get_by_label("Something does not work as expected")).not_to_be_checked()
    await expect(form.locator("[name=subject]")).to_have_value("")


async def test_what_colleagues_have_open_follows_the_product_that_is_chosen(form: Page, hub: FakeHub) -> None:
    beside = form.locator("[data-similar]")
    await form.get_by_label("Something does not work as expected").check()
    await expect(beside).not_to_contain_text("Approval mails arrive twice")

    hub.page = request_form_page(similar=SIMILAR)
    async with form.expect_request("**/page?product=travel"):
        await form.get_by_label("Product").select_option("travel")

    await expect(beside).to_contain_text("Approval mails arrive twice")
    await expect(form.get_by_label("Product")).to_have_value("travel")
