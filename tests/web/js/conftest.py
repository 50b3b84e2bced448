"""A browser for the modules, and a hub of the test's own."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from tests.browser import Watched, chromium
from tests.web.js.fake_hub import FakeHub


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, for the whole run."""
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    """A hub that does what the test says."""
    async with FakeHub() as hub:
        yield hub


@pytest.fixture
async def page(browser: Browser, hub: FakeHub) -> AsyncIterator[Page]:
    """An empty page of that hub; nothing may go wrong in its scripts."""
    context = await browser.new_context()
    watched = Watched(context)
    page = await context.new_page()
    await page.goto(f"{hub.address}/page")
    yield page
    await context.close()
    assert watched.wrongs == []
