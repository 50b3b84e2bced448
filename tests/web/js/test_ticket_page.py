"""A ticket's page of those who work here, in a browser, against a fake hub: who else has it in front of them."""

from playwright.async_api import Page, expect

from chatsvc.hub import frames
from tests.web.js.fake_hub import LOG, OTHER, FakeHub
from tests.web.js.pages import staff_ticket_page


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
