"""The way to the database: one port for SQLite and PostgreSQL.

On SQLite all writes of a process pass one writer connection, one after the other and in order of asking; readers have connections of
their own and see the last commit. On PostgreSQL the pool is shared. Nothing here knows a table.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from chatsvc.db.lane import FetchingConnection, Lane, Lanes
from chatsvc.db.uow import Bell, UnitOfWork
from chatsvc.kernel.clock import Clock
from chatsvc.kernel.errors import Unavailable

T = TypeVar("T")

# How long a statement may wait for somebody else's lock before the answer is "not now" (R17).
LOCK_WAIT_MS = 5_000
READERS = 4
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class Location(NamedTuple):
    """Where the database is: ``sqlite`` or ``postgresql``, and the address for the asynchronous driver."""

    dialect: str
    url: URL


def locate(address: str) -> Location:
    """Read an address such as ``sqlite:////srv/holdline.db`` or ``postgresql://user:secret@host/holdline``.

    Raises:
        ValueError: it is neither SQLite in a file nor PostgreSQL.
    """
    url = make_url(address)
    name = url.get_backend_name()
    if name not in _DRIVERS or (name == "sqlite" and url.database in (None, "", ":memory:")):
        raise ValueError("a database address is sqlite:////absolute/path or postgresql://user:secret@host/name")
    driver = _DRIVERS[name]
    return Location(driver.partition("+")[0], url.set(drivername=driver))


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    """Make a new connection durable, strict and patient (promises, rule 6)."""
    cursor = dbapi_connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout={LOCK_WAIT_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    # 16 MiB of pages instead of 4: a log that is talked in is written back a quarter as often, in commits that take longer than others.
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",
)


def _sqlite_engine(url: URL, *, begin: str) -> Engine:
    # Transactions begin where we say so; rows are read, and cursors closed, in another thread than the connection's.
    options = {"isolation_level": None, "check_same_thread": False, "factory": FetchingConnection}
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), poolclass=NullPool, connect_args=options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _postgresql_engine(url: URL, *, repeats: bool) -> AsyncEngine:
    settings = {
        "application_name": "holdline",
        "lock_timeout": str(LOCK_WAIT_MS),
        "statement_timeout": "30000",
        "synchronous_commit": "on",
        "jit": "off",
    }
    if repeats:
        settings["plan_cache_mode"] = "force_generic_plan"
    return create_async_engine(
        url, pool_size=10, max_overflow=10, pool_pre_ping=True, connect_args={"server_settings": settings, "timeout": 5}
    )


class Database:
    """One store, opened once per process.

    ``publish`` is called with the bells of each committed unit of work, on the event loop, after the commit; it must not block.
    """

    def __init__(self, address: str, clock: Clock, *, repeats: bool = False) -> None:
        """Open a store.

        Args:
            address: as ``locate`` reads it.
            clock: of all units of work.
            repeats: whether this process asks the same few questions all the time; PostgreSQL then plans each only once per connection.
        """
        self.dialect, self.url = locate(address)
        self.clock = clock
        self.publish: Callable[[Sequence[Bell]], None] = lambda bells: None
        # Held by whoever writes, on SQLite only: waiting here is fair, waiting inside SQLite is not.
        self.write_lock = asyncio.Lock()
        if self.dialect == "sqlite":
            self._writer = Lane(_sqlite_engine(self.url, begin="BEGIN IMMEDIATE"))
            self._readers = Lanes(_sqlite_engine(self.url, begin="BEGIN"), READERS)
        else:
            # PostgreSQL's; on SQLite there is none.
            self.engine = _postgresql_engine(self.url, repeats=repeats)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Open a unit of work: committed when the block ends, rolled back when it raises, its bells rung after the commit.

        Raises:
            Unavailable: the store is locked, full or gone; nothing was stored.
        """
        with _translated():
            if self.dialect == "sqlite":
                async with self.write_lock:
                    uow = self._unit_of_work(cast(AsyncConnection, self._writer))
                    try:
                        yield uow
                        await self._writer.commit()
                    except BaseException:
                        self._writer.settle()
                        raise
            else:
                async with self.engine.begin() as connection:
                    uow = self._unit_of_work(connection)
                    yield uow
        self.publish(uow.bells)

    def _unit_of_work(self, connection: AsyncConnection) -> UnitOfWork:
        return UnitOfWork(connection, now=self.clock.now(), dialect=self.dialect)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reading: one consistent view, nothing to commit."""
        with _translated():
            if self.dialect == "sqlite":
                async with self._readers.one() as lane:
                    yield cast(AsyncConnection, lane)
            else:
                async with self.engine.connect() as connection:
                    yield connection

    async def look(self, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Ask something of one consistent view, in one go: for what is asked often, because it costs a fraction of ``read``.

        Args:
            question: a coroutine function that reads with the connection's ``execute`` and awaits nothing else. On SQLite it runs in
                another thread from its beginning to its end.
        """
        if self.dialect == "sqlite":
            with _translated():
                return await self._readers.ask(question)
        async with self.read() as connection:
            return await question(connection)

    async def close(self) -> None:
        """Give all connections back."""
        if self.dialect == "sqlite":
            await self._writer.close()
            await self._readers.close()
        else:
            await self.engine.dispose()


class _translated:
    """Turns "the store cannot" into ``Unavailable``; everything else, a broken constraint for one, passes."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if is_unavailable(error):
            raise Unavailable("store.unavailable") from error


def is_unavailable(error: BaseException | None) -> bool:
    """Whether an error means that the store could not do it now, rather than that it should not be done."""
    if isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error, OperationalError)):
        return True
    code = getattr(getattr(error, "orig", None), "sqlstate", None) if isinstance(error, DBAPIError) else None
    # 40*: rolled back by the server; 53*: out of resources; 55P03: lock not had in time; 57*: shutting down or cancelled.
    if code is not None:
        return str(code)[:2] in ("40", "53", "57", "08") or code == "55P03"
    return isinstance(error, ConnectionError | TimeoutError | OSError)
