"""A whole desk as processes, a browser, and people who use them: what the stories begin with."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.async_api import Browser

from chatsvc import demo
from chatsvc.config import Settings
from tests.browser import NARROW, WIDE, Watched, chromium
from tests.faults.proxy import Proxy
from tests.flows.people import Customer, Person, Representative
from tests.system import System

P = TypeVar("P", bound=Person)

# Short enough for a test to sit out, long enough for one to press a button in.
UNDO_S = 6


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, for the whole run."""
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
async def line() -> AsyncIterator[Proxy]:
    """The network between the browsers and the desk; a story may cut it."""
    async with Proxy(("127.0.0.1", 0)) as line:
        yield line


@pytest.fixture(scope="session")
async def desk(line: Proxy, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """A desk with the people of the demonstration: web, worker and Redis of its own, behind ``line``."""
    folder = tmp_path_factory.mktemp("desk")
    store = folder / "holdline.db"
    shutil.copyfile(sqlite_template, store)
    settings = {
        "HOLDLINE_BASE_URL": f"http://127.0.0.1:{line.port}",
        "HOLDLINE_UNDO_SECONDS": str(UNDO_S),
        "HOLDLINE_HEARTBEAT_SECONDS": "5",
        "HOLDLINE_OFFER_SECONDS": "20",
    }
    desk = System(folder, f"sqlite:///{store}", with_worker=True, settings=settings)
    environ = {name: value for name, value in desk.environ.items() if name.startswith("HOLDLINE_")}
    await demo.seed(Settings.from_environment(environ))
    line.target = ("127.0.0.1", desk.ports[0])
    try:
        await asyncio.to_thread(desk.start)
        yield desk
    finally:
        await asyncio.to_thread(desk.stop)


class Cast:
    """The people of one story, each with a browser of their own."""

    def __init__(self, browser: Browser, address: str, stack: AsyncExitStack) -> None:
        self._browser = browser
        self._address = address
        self._stack = stack
        self.people: list[Person] = []

    async def customer(self, name: str = "claire@nordwind.example", *, is_narrow: bool = False) -> Customer:
        """A contact of a company, signed in."""
        return await self._person(Customer, name, is_narrow)

    async def representative(self, name: str = "ravi@holdline.example", *, is_narrow: bool = False) -> Representative:
        """Somebody who answers, signed in."""
        return await self._person(Representative, name, is_narrow)

    async def _person(self, kind: type[P], email: str, is_narrow: bool) -> P:
        context = await self._browser.new_context(
            base_url=self._address, viewport=NARROW if is_narrow else WIDE, locale="en-GB", accept_downloads=True
        )
        self._stack.push_async_callback(context.close)
        watched = Watched(context)
        person = kind(await context.new_page(), watched)
        self.people.append(person)
        await person.signs_in(email)
        return person


# Letters of each process's log that a failure is told with.
_TOLD = 4_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A story that failed is told with what its processes have logged."""
    report = yield
    desk = getattr(item, "funcargs", {}).get("desk")
    if report.failed and isinstance(desk, System):
        report.sections += [
            (f"log of {part.name}", part.log.read_text()[-_TOLD:]) for part in desk.parts if part.log.exists()
        ]
    return report


# What one story leaves behind must not be offered to the people of the next.
_CLEARED = """
update offers set state = 'withdrawn' where state = 'open';
update places set state = 'gone' where state <> 'gone';
update conversations set state = 'closed' where state not in ('closed', 'left');
update desks set state = 'away', reason = 'break', load = 0, missed = 0;
"""


def clear(desk: System) -> None:
    """Empty every line and every desk."""
    with closing(sqlite3.connect(desk.folder / "holdline.db", timeout=10)) as connection:
        connection.executescript(_CLEARED)


@pytest.fixture
async def cast(browser: Browser, desk: System, line: Proxy) -> AsyncIterator[Cast]:
    """Brings people in; in the end no script of theirs may have failed, and no page broken its policy."""
    async with AsyncExitStack() as stack:
        cast = Cast(browser, f"http://127.0.0.1:{line.port}", stack)
        yield cast
    await asyncio.to_thread(clear, desk)
    assert [wrong for person in cast.people for wrong in person.watched.wrongs] == []
