"""The house of accounts, on a store of either kind."""

import pytest

from chatsvc.db.engine import Database
from tests.chatsvc.accounts.house import House


@pytest.fixture
def house(database: Database) -> House:
    """Accounts without anybody in them."""
    return House(database)
