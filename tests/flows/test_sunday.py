"""The Sunday story: who is turned away on a Sunday, who is served, and where somebody goes on who was found not to be critical.

The desk lives in this process, by a clock that stands on Sunday, 8 March 2026, 12:00 in Berlin, whatever day it is outside.
"""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, expect

from callback import store as calls
from chatsvc import bootstrap
from chatsvc.accounts.model import Identity
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.kernel.clock import ManualClock
from tests import builders
from tests.browser import WIDE, Watched
from tests.flows.people import Customer, Representative
from tests.web.desk import a_session
from web import app

pytestmark = pytest.mark.browser

SUNDAY = datetime(2026, 3, 8, 11, 0, tzinfo=UTC)
HARMLESS = {"environment": "production", "stopped": "no_effect"}
CRITICAL = {"environment": "production", "stopped": "stopped", "workaround": "none", "people": "company"}


class Sunday:
    """A desk on that Sunday, and browsers for its people."""

    def __init__(self, services: Services, address: str, browser: Browser, stack: AsyncExitStack) -> None:
        self.services = services
        self.address = address
        self._browser = browser
        self._stack = stack

    async def customer(self, identity: Identity) -> Customer:
        """Let a contact sit down in front of a browser, signed in."""
        page, watched = await self._page(identity)
        return Customer(page, watched)

    async def representative(self, identity: Identity) -> Representative:
        """Let a representative open the console, signed in."""
        page, watched = await self._page(identity)
        await page.goto("/console")
        await expect(page.locator("holdline-console")).to_be_visible()
        return Representative(page, watched)

    async def plans_calls(self) -> None:
        """Plan three people for calls, around the clock of the coming days."""
        for _ in range(3):
            rep = await builders.a_representative(self.services.database)
            async with self.services.database.begin() as uow:
                await calls.add_shift(uow, rep.person, ["expense"], uow.now, uow.now + timedelta(days=3))

    async def _page(self, identity: Identity):  # type: ignore[no-untyped-def]
        context = await self._browser.new_context(base_url=self.address, viewport=WIDE, locale="en-GB")  # type: ignore[arg-type]
        self._stack.push_async_callback(context.close)
        token = await a_session(self.services, identity)
        await context.add_cookies([{"name": "holdline_session", "value": token, "url": self.address}])
        watched = Watched(context)
        return await context.new_page(), watched


@pytest.fixture
async def sunday(browser: Browser, sqlite_template: Path, tmp_path: Path, redis_address: str) -> AsyncIterator[Sunday]:
    """The desk, served on a port of its own."""
    shutil.copyfile(sqlite_template, tmp_path / "holdline.db")
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings.from_environment(
        {
            "HOLDLINE_DATA_DIR": str(tmp_path),
            "HOLDLINE_REDIS_URL": redis_address,
            "HOLDLINE_BASE_URL": address,
            "HOLDLINE_DEMO": "no",
            "HOLDLINE_SECRET_KEY": "a secret that is long enough for a test",
        }
    )
    services = await bootstrap.start(settings, clock=ManualClock(SUNDAY))
    application = app.create(settings, site=await app.site_of(settings, services))
    config = uvicorn.Config(application, ws="websockets-sansio", log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    async with AsyncExitStack() as stack:
        yield Sunday(services, address, browser, stack)
    server.should_exit = True
    await serving
    await services.close()


async def fills(customer: Customer, answers: dict[str, str], subject: str) -> None:
    """Fill in the form of a line, in whatever language it is."""
    page = customer.page
    await page.locator("[name=subject]").fill(subject)
    await page.locator("[name=description]").fill("Seit heute Morgen geht nichts mehr.")
    for question, answer in answers.items():
        await page.locator(f"input[name={question}][value={answer}]").check()


async def test_the_sunday_story(sunday: Sunday) -> None:
    database = sunday.services.database
    company = await builders.a_company(database, name="Nordwind", always=False)
    jonas = await sunday.customer(await builders.a_contact(database, company, name="Jonas Weber", language="de"))
    claire = await sunday.customer(await builders.a_contact(database, company, name="Claire Fontaine", language="de"))
    ravi = await sunday.representative(await builders.a_representative(database))
    await ravi.is_ready()
    await sunday.plans_calls()

    # A P3, in German: told when, in German, before and after filling in the form; leaves a request with what was typed.
    await jonas.page.goto("/chat/expense")
    await expect(jonas.page.locator("html")).to_have_attribute("lang", "de")
    notices = jonas.page.locator(".notice")
    await expect(notices.filter(has_text="9. März 2026").first).to_contain_text("08:00")
    await jonas.finds_nothing_wrong()
    await fills(jonas, HARMLESS, "Bericht lässt sich nicht öffnen")
    await jonas.page.locator("form[data-chat-form] button[type=submit]").click()
    await expect(jonas.page.locator("[data-hours]")).to_contain_text("Montag, 9. März 2026")
    await expect(jonas.page.locator("[data-hours]")).to_contain_text("08:00")
    await jonas.finds_nothing_wrong()
    await jonas.page.locator("a[href^='/requests/new?draft=']").click()
    await expect(jonas.page.locator("[name=subject]")).to_have_value("Bericht lässt sich nicht öffnen")

    # A P1 of the same company: told that the talk is in English, and somebody is there at once.
    await claire.page.goto("/chat/expense")
    await expect(claire.page.locator("a[href='/requests/new?product=expense']")).to_be_visible()
    await fills(claire, CRITICAL, "Niemand kann mehr arbeiten")
    await claire.page.locator("details:has([name=contact_name]) summary").click()
    await claire.page.locator("[name=contact_name]").fill("Jonas Weber")
    await claire.page.locator("[name=contact_phone]").fill("+49 30 1234567")
    await claire.page.locator("[name=speaks_english]").check()
    await claire.page.locator("form[data-chat-form] button[type=submit]").click()
    await ravi.accepts()
    await claire.sees_panel("talk")
    await claire.says("Hello, nobody can work")
    await ravi.sees("Hello, nobody can work")

    # The panel says why this customer is covered, and what was proposed; without a reason nothing is lowered.
    panel = ravi.page.locator("[data-context]")
    await expect(panel.locator("[data-slot=claim]")).to_have_text("Proposed P1: judge it")
    await expect(panel.locator("[data-slot=coverage-why]")).to_contain_text("This may be critical")
    await expect(panel.locator("[data-slot=reach]")).to_contain_text("Jonas Weber, +49 30 1234567")
    await ravi.finds_nothing_wrong()
    judge = panel.locator("[data-form=judge]")
    await judge.locator("select").select_option("P3")
    await judge.get_by_role("button", name="Set priority").click()
    await expect(judge.locator("[data-slot=refused]")).to_contain_text("needs a reason")

    # Turned down: the talk ends, the ticket stays with the reason, and the page leads to what is possible now.
    await judge.locator("select").select_option("P3")
    await judge.locator("textarea").fill("The mobile page works for everybody.")
    await judge.get_by_role("button", name="Set priority").click()
    await claire.sees_panel("end")
    await expect(claire.log).to_contain_text("The mobile page works for everybody.")
    await expect(claire.page.locator("[data-panel=end] [data-let-go]")).to_be_visible()
    await claire.finds_nothing_wrong()
    await claire.page.locator("[data-panel=end] [data-let-go] a[href='/hours']").click()
    await expect(claire.page.locator("[data-hours]")).to_contain_text("Montag, 9. März 2026")
    await expect(claire.page.locator(".choice a[href='/requests/new']")).to_be_visible()
    await expect(claire.page.locator(".choice a[href='/call']")).to_be_visible()
    await claire.finds_nothing_wrong()

    # The same ticket goes on by telephone, in the first hour that is open.
    await claire.page.go_back()
    await claire.page.locator("[data-panel=end] [data-let-go] a[href^='/call/']").click()
    await expect(claire.page.get_by_role("link", name="9. März")).to_be_visible()
    await claire.page.locator("input[name=slot]:not([value=''])").first.check()
    await claire.page.locator("[name=number]").fill("030 2345678")
    await claire.finds_nothing_wrong()
    await claire.page.locator("form[data-draft^=call] button[type=submit]").click()
    await expect(claire.page.get_by_role("main")).to_contain_text("Montag, 9. März 2026, 08:00")
    await claire.finds_nothing_wrong()
    assert [*jonas.watched.wrongs, *claire.watched.wrongs, *ravi.watched.wrongs] == []
