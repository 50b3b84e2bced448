"""Signed-in clients of a running system: sessions straight in the store, sockets for real."""

from datetime import timedelta

from sqlalchemy import insert

from chatsvc.accounts import tokens
from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import sessions
from chatsvc.client import Client
from chatsvc.db.engine import Database
from chatsvc.kernel import ids


async def a_session(database: Database, who: Identity) -> str:
    """Begin a session for somebody; return its token."""
    token = tokens.new_token()
    async with database.begin() as uow:
        row = {
            "id": ids.session_id(),
            "token_hash": tokens.digest(token),
            "person_id": who.person,
            "created_at": uow.now,
            "seen_at": uow.now,
            "expires_at": uow.now + timedelta(hours=8),
            "device": "test",
        }
        await uow.execute(insert(sessions).values(row))
    return token


async def a_client(
    database: Database, who: Identity, address: str, *, through: str | None = None, origin: str
) -> Client:
    """Return a client of somebody, signed in and not yet connected.

    Args:
        address: of the pages.
        through: the socket's address when it is reached through a proxy.
        origin: the base address of the system.
    """
    client = Client(address, socket_address=through, origin=origin)
    client.enter(await a_session(database, who))
    return client
