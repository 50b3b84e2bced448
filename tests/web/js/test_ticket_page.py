"""A ticket's page of those who work here, in a browser, against a fake hub: who else has it in front of them."""

from datetime import UTC, datetime

import msgspec
import pytest
from playwright.async_api import Page, Route, expect

from chatsvc.hub import frames
from chatsvc.tickets.model import Entry, Kind, Role
from tests.browser import violations
from tests.web.js.fake_hub import LOG, OTHER, FakeHub
from tests.web.js.pages import staff_ticket_page, ticket_page

pytestmark = pytest.mark.browser


def _looks(frame: object) -> bool:
    return isinstance(frame, frames.LookingFrame)


async def test_colleagues_stand_beside_the_ticket_as_long_as_they_look(page: Page, hub: FakeHub) -> None:
    hub.page = staff_ticket_page()
    await page.clock.install()
    await page.goto(f"{hub.address}/page")
    assert (await hub.hears(where=_looks)).log == LOG
    also = page.get_by_text("Also looking at this ticket: Mei Lin").and_(page.locator("[data-lookers] *"))
    await expect(also).to_be_hidden()

    # Whoever has just come is shown, told to screen readers, and answered at once.
    heard = len(hub.heard)
    await hub.push(frames.LookingMark(LOG, OTHER, "Mei Lin"))
    await hub.hears(after=heard, where=_looks)
    await expect(also).to_be_visible()
    await expect(page.get_by_role("status")).to_have_text("Also looking at this ticket: Mei Lin")

    # Who still looks says so again; who does not is forgotten.
    heard = len(hub.heard)
    await page.clock.run_for(10_000)
    await hub.hears(after=heard, where=_looks)
    await hub.push(frames.LookingMark(LOG, OTHER, "Mei Lin"))
    await hub.push(frames.TypingMark(LOG, OTHER, "Mei Lin"))
    await expect(page.locator("[data-typing]")).to_have_text("Mei Lin is typing…")
    await page.clock.run_for(20_000)
    await expect(also).to_be_visible()
    await page.clock.run_for(5_000)
    await expect(also).to_be_hidden()


async def test_the_page_says_the_state_of_now_and_nothing_of_the_one_before(page: Page, hub: FakeHub) -> None:
    hub.page = staff_ticket_page()
    await page.goto(f"{hub.address}/page")
    await hub.hears(where=_looks)
    changed = page.locator("[data-changed]")
    await expect(changed).to_be_hidden()
    asked = Entry(
        1,
        datetime.now(UTC),
        Kind.ASKED,
        OTHER,
        "Mei Lin",
        Role.STAFF,
        "key-0001",
        msgspec.Raw(b'{"needed":"Which one?"}'),
    )

    await hub.push(frames.Entries(LOG, (asked,)))

    await expect(page.locator(".page-head .badge")).to_have_text("Awaiting customer")
    await expect(changed).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("The status has changed.")

    hub.logs[LOG].append(asked)
    hub.other = ("Claire Fontaine", Role.CUSTOMER)
    await hub.says("This one.")

    await expect(page.locator(".page-head .badge")).to_have_text("Open")
    assert await violations(page) == []


async def test_a_customer_is_not_told_that_nothing_is_needed_while_something_is(page: Page, hub: FakeHub) -> None:
    hub.page = ticket_page()
    await page.goto(f"{hub.address}/page")
    await hub.has_connected(1)
    await expect(page.get_by_text("Nothing is needed from you right now.")).to_be_visible()
    asked = Entry(
        1,
        datetime.now(UTC),
        Kind.ASKED,
        OTHER,
        "Ravi Patel",
        Role.STAFF,
        "key-0001",
        msgspec.Raw(b'{"needed":"Which one?"}'),
    )

    await hub.push(frames.Entries(LOG, (asked,)))

    await expect(page.get_by_text("Nothing is needed from you right now.")).to_be_hidden()
    await expect(page.locator(".page-head .badge")).to_have_text("Awaiting your reply")
    await expect(page.locator("dd[data-slot=state]")).to_have_text("Awaiting your reply")
    await expect(page.get_by_role("link", name="Load again")).to_be_visible()
    assert await violations(page) == []


@pytest.mark.parametrize(
    ("label", "button", "door"),
    [("What is needed", "Ask the customer", "ask"), ("Solution", "Mark as solved", "solve"), ("New internal note", "Store note", "notes")],
)  # fmt: skip
async def test_what_was_typed_outlives_a_session_that_ran_out(
    page: Page, hub: FakeHub, label: str, button: str, door: str
) -> None:
    async def sign_in_again(route: Route) -> None:
        await route.fulfill(status=303, headers={"location": f"{hub.address}/page"})

    hub.page = staff_ticket_page()
    await page.route(f"**/{door}", sign_in_again)
    await page.goto(f"{hub.address}/page")
    words = page.get_by_label(label, exact=False).and_(page.locator("textarea"))
    for fold in await page.locator("details").all():
        await fold.evaluate("fold => { fold.open = true; }")
    await words.fill("Which report is it?")

    async with page.expect_navigation():
        await page.get_by_role("button", name=button).click()

    await expect(words).to_have_value("Which report is it?")
    await expect(words).to_be_visible()

    # Once it was done, it is not there any more.
    hub.page = staff_ticket_page(flash=[{"kind": "good", "text": "Done."}])
    async with page.expect_navigation():
        await page.get_by_role("button", name=button).click()
    await expect(page.get_by_text("Done.")).to_be_visible()
    hub.page = staff_ticket_page()
    await page.reload()

    await expect(words).to_have_value("")
