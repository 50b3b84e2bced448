"""A small support desk on a real store, and the words to tell stories about it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from tests.chatsvc.conversations.house import House, open_house


@pytest.fixture
async def house(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[House]:
    """A desk that is open, with nobody in it."""
    async with open_house(database, clock, tmp_path) as house:
        yield house
