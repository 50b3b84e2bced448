"""The story of a wait that becomes longer: told once, with its reason, in every tab, after a cut line, and without a script."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from chatsvc.accounts.model import Identity
from chatsvc.conversations.outlook import Outlook
from chatsvc.kernel import ids
from chatsvc.kernel.ids import ConversationId
from chatsvc.routing.model import RoutingRules
from tests import builders
from tests.browser import NARROW, WIDE, Watched, violations
from tests.flows.desk_of_today import Served, served
from tests.web.world import signed_in_anew

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MINUTE = timedelta(minutes=1)
FEWER = "It takes longer than we said: fewer representatives are here than before."


class Floor:
    """A desk with two representatives who are never at a console, and browsers for a customer."""

    def __init__(self, desk: Served, browser: Browser, stack: AsyncExitStack) -> None:
        self.desk = desk
        self.act = desk.services.conversations
        self.see = desk.services.queries
        self.staff: list[Identity] = []
        self.watched: list[Watched] = []
        self._browser = browser
        self._stack = stack

    async def visit(self, name: str) -> tuple[Identity, str]:
        """Let somebody stand in line; return them and their conversation."""
        contact = await builders.a_contact(self.desk.services.database, name=name)
        form = {"line": "expense", "subject": "s", "description": "d", "impact": {}, "key": ids.new_id("ky")}
        return contact, (await self.act.join(contact, **form)).conversation

    async def talks(self, rep: Identity) -> ConversationId:
        """Let a representative take what is offered to them."""
        await self.act.match()
        [card] = (await self.see.desk(rep)).offers
        return await self.act.accept(rep, card.id, card.epoch)

    async def passes(self, length: timedelta) -> None:
        """Let time pass in which everybody stays, and let it do what it brings."""
        self.desk.clock.advance(length)
        await self.act.renew_desks([rep.person for rep in self.staff])
        async with self.desk.services.database.read() as connection:
            waiting = (
                await connection.exec_driver_sql("select ticket_id from places where state = 'waiting'")
            ).scalars()
        await self.act.renew_places(list(waiting))
        await self.act.sweep()

    async def tab(self, contact: Identity, *, scripts: bool = True) -> Page:
        """Open a browser in which a contact is signed in."""
        context = await self._browser.new_context(
            base_url=self.desk.address,
            viewport=WIDE,  # type: ignore[arg-type]
            locale="en-GB",
            java_script_enabled=scripts,
        )
        self._stack.push_async_callback(context.close)
        _, token = await signed_in_anew(self.desk.services, contact)
        await context.add_cookies([{"name": "holdline_session", "value": token, "url": self.desk.address}])
        self.watched.append(Watched(context))
        return await context.new_page()


@pytest.fixture
async def floor(browser: Browser, sqlite_template: Path, tmp_path: Path, redis_address: str) -> AsyncIterator[Floor]:
    """Two representatives who have handled four contacts in five minutes each, and talk with the next two now."""
    async with served(sqlite_template, tmp_path, redis_address) as desk, AsyncExitStack() as stack:
        floor = Floor(desk, browser, stack)
        assert desk.services.matchmaker is not None
        await desk.services.matchmaker.close()
        floor.see.outlook = Outlook(RoutingRules(history_needs=4))
        for name in ("Ravi Patel", "Mei Lin"):
            rep = await builders.a_representative(desk.services.database, name=name, capacity=1)
            floor.staff.append(rep)
        ravi = floor.staff[0]
        await floor.act.set_desk(ravi, "ready")
        for n in range(4):
            await floor.visit(f"Was served {n}")
            conversation = await floor.talks(ravi)
            await floor.passes(5 * MINUTE)
            await floor.act.end(ravi, conversation)
            await floor.passes(floor.act.rules.undo_for)
            await floor.act.wrap_up(ravi, conversation, await floor.see.wrap_up_form(ravi, conversation))
        for rep in floor.staff:
            await floor.act.set_desk(rep, "ready")
            await floor.visit(f"Talks with {rep.name}")
            await floor.talks(rep)
        await floor.visit("Is before")
        await floor.passes(timedelta(seconds=2))
        yield floor
        assert [wrong for watched in floor.watched for wrong in watched.wrongs] == []


async def test_a_longer_wait_is_told_once_in_every_tab_and_without_a_script(floor: Floor) -> None:
    claire, conversation = await floor.visit("Claire Fontaine")
    await floor.passes(timedelta(seconds=5))
    tabs = [await floor.tab(claire), await floor.tab(claire)]
    for tab in tabs:
        await tab.goto(f"/chats/{conversation}")
        await expect(tab.locator("[data-slot=range]")).to_contain_text("9 of 10 within 6 min")
        await expect(tab.locator("[data-slot=longer]")).to_be_hidden()

    # A shorter break than anybody notices changes nothing; then one of two goes for good.
    await floor.passes(timedelta(seconds=20))
    await floor.act.set_desk(floor.staff[1], "away", reason="break")
    await floor.passes(timedelta(seconds=2))

    for tab in tabs:
        await expect(tab.locator("[data-slot=longer]")).to_contain_text(FEWER)
        await expect(tab.locator("[data-status]")).to_contain_text(FEWER)
        await expect(tab.locator("[data-slot=range]")).not_to_contain_text("within 6 min")
    shown = await tabs[0].locator("[data-slot=range]").inner_text()
    assert await violations(tabs[0]) == []
    await tabs[0].set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert await violations(tabs[0]) == []

    # It was said once: a page that is opened now, or again, shows it and does not say it.
    await tabs[1].reload()
    await expect(tabs[1].locator("[data-slot=longer]")).to_contain_text(FEWER)
    await expect(tabs[1].locator("holdline-composer[data-works]")).to_be_attached()
    await expect(tabs[1].locator("[data-slot=range]")).to_have_text(shown)
    await expect(tabs[1].locator("[data-status]")).not_to_contain_text("longer")

    # Without a script the next load shows the same, with the other ways right there.
    plain = await floor.tab(claire, scripts=False)
    await plain.goto(f"/chats/{conversation}")
    await expect(plain.locator("[data-slot=longer]")).to_contain_text(FEWER)
    await expect(plain.locator("[data-slot=range]")).to_have_text(shown)
    await plain.locator("summary", has_text="Call me, I keep my place").press("Enter")
    await expect(plain.get_by_label("Telephone number")).to_be_visible()
    await plain.get_by_role("link", name="Choose a time for a call").press("Enter")
    await expect(plain.get_by_role("heading", level=1)).to_be_visible()
    await plain.go_back()
    await plain.get_by_role("button", name="Leave the line").press("Enter")
    await expect(plain.get_by_role("main")).to_contain_text("You are no longer in line")
