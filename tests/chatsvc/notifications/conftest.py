"""The post office, on a store of either kind."""

from collections.abc import AsyncIterator

import pytest

from chatsvc.db.engine import Database
from tests.chatsvc.notifications.post import PostOffice, Sink, mail_server


@pytest.fixture
def post(database: Database) -> PostOffice:
    """A post office with an empty outbox."""
    return PostOffice(database)


@pytest.fixture
async def server() -> AsyncIterator[Sink]:
    """A real mail server."""
    async with mail_server() as sink:
        yield sink
