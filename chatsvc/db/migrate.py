"""Brings a store to the newest schema, or says how far it is."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from chatsvc.db.engine import SQLITE_PRAGMAS, locate

T = TypeVar("T")
_SCRIPTS = Path(__file__).with_name("migrations")
# Any number; the same in every process, so that two starts at once migrate one after the other on PostgreSQL.
_LOCK = 4_812_001


class UnknownSchema(Exception):
    """The store was last used by another version of Holdline, whose schema this one does not know; nothing was changed."""


class Schema(NamedTuple):
    """How far a store is: ``current`` is None for an empty one, ``head`` is what this code needs."""

    current: str | None
    head: str
    # Whether this code has ever heard of ``current``; it has not of what a newer version did.
    is_known: bool

    @property
    def is_current(self) -> bool:
        """Whether nothing is left to do."""
        return self.current == self.head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def head() -> str:
    """Return the newest revision that this code knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


async def _with_connection(address: str, work: Callable[[Connection], T]) -> T:
    location = locate(address)
    if location.dialect == "sqlite" and location.url.database:
        Path(location.url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(location.url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        for pragma in SQLITE_PRAGMAS[:3]:
            connection.exec_driver_sql(pragma)
    else:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


async def upgrade(address: str) -> Schema:
    """Bring the store at this address to the newest schema; do nothing when it is there already.

    Raises:
        UnknownSchema: a newer version, or another one, has been at work there.
    """
    before = await state(address)
    if not before.is_known:
        raise UnknownSchema(
            f"The database is at schema {before.current}, which this version does not know (it knows {before.head} and older). "
            "Start the version of Holdline that was used with it, or a newer one; or name another database."
        )
    await _with_connection(address, _upgrade)
    return await state(address)


async def state(address: str) -> Schema:
    """Say how far the store at this address is."""
    current = await _with_connection(
        address, lambda connection: MigrationContext.configure(connection).get_current_revision()
    )
    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    return Schema(current, head(), is_known=current is None or current in known)
