"""A support desk with a telephone, on a real store."""

from pathlib import Path

import pytest

from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from tests.callback.house import CallHouse


@pytest.fixture
def house(database: Database, clock: ManualClock, tmp_path: Path) -> CallHouse:
    """A desk that is open, with nobody in it."""
    return CallHouse(database, clock, tmp_path)
