"""SQLite connections, each with one thread of its own that does what is asked of it, in order of asking.

SQLAlchemy's own asynchronous driver for SQLite wakes a thread four times for every statement and switches stacks around each; that costs
many times the statement. Here a statement and its rows are one visit to the thread, and a whole question can be. A lane knows no statement.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, cast

from sqlalchemy.engine import Connection, CursorResult, Dialect, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


class Lane:
    """A connection; of an ``AsyncConnection`` it has what units of work and queries use.

    Somebody who stops waiting for an answer leaves the statement running; what is asked after it still comes after it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        # Opened by the first question, in the lane's own thread.
        self._connection: Connection | None = None

    @property
    def dialect(self) -> Dialect:
        """What it speaks."""
        return self._engine.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement and fetch its rows; the first one begins a transaction."""
        return await self._do(lambda connection: connection.execute(statement, parameters))

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement as it is written."""
        return await self._do(lambda connection: connection.exec_driver_sql(statement, parameters))

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        """Do some work of several statements in one visit."""
        return await self._do(work)

    async def ask(self, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Ask a question in one visit, and end the transaction; see ``Database.look``."""
        return await self._do(lambda connection: _ask(connection, question))

    async def commit(self) -> None:
        """Commit."""
        await self._do(lambda connection: connection.commit())

    def settle(self) -> None:
        """End a transaction that was not committed, without waiting for that."""
        self._thread.submit(self._visit, _roll_back)

    async def _do(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._visit, work)

    def _visit(self, work: Callable[[Connection], T]) -> T:
        if self._connection is None or self._connection.invalidated:
            self._connection = self._engine.connect()
        return work(self._connection)

    async def close(self) -> None:
        """Close after all that was asked, and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class Lanes:
    """Some lanes, of which each question takes one for as long as it lasts."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._all = [Lane(engine) for _ in range(count)]
        # The last one used first: its pages are in memory, and the fewest threads wake.
        self._free: asyncio.LifoQueue[Lane] = asyncio.LifoQueue()
        for lane in self._all:
            self._free.put_nowait(lane)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Lane]:
        """Have a lane; what was not committed is taken back at the end."""
        lane = await self._free.get()
        try:
            yield lane
        finally:
            lane.settle()
            self._free.put_nowait(lane)

    async def ask(self, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Ask a question in one visit to one lane."""
        lane = await self._free.get()
        try:
            return await lane.ask(question)
        finally:
            self._free.put_nowait(lane)

    async def close(self) -> None:
        """Close all of them, after all that was asked."""
        for lane in self._all:
            await lane.close()


class _AtOnce:
    """The connection of a question that runs in the lane's thread: every answer is at hand, so that the question never waits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement."""
        return self._connection.execute(statement, parameters)


def _ask(connection: Connection, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    steps = question(cast(AsyncConnection, _AtOnce(connection))).__await__()
    try:
        next(steps)
    except StopIteration as end:
        return cast(T, end.value)
    finally:
        _roll_back(connection)
    raise RuntimeError("a question awaited something else than its connection")


def _roll_back(connection: Connection) -> None:
    connection.rollback()
    # A commit that failed has ended SQLAlchemy's transaction, but not always SQLite's.
    driver = connection.connection.dbapi_connection
    if driver is not None and driver.in_transaction:
        driver.rollback()


class FetchingCursor(sqlite3.Cursor):
    """A cursor that fetches its rows where it is executed, so that whoever reads them needs no thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._rows: deque[Any] = deque()

    def execute(self, statement: str, parameters: Any = (), /) -> Self:
        """Run a statement and fetch its rows."""
        super().execute(statement, parameters)
        self._rows = deque(super().fetchall()) if self.description else deque()
        return self

    def fetchone(self) -> Any:
        """Return the next row; None after the last."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        """Return the next rows."""
        return [self._rows.popleft() for _ in range(min(size or 1, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        rows, self._rows = self._rows, deque()
        return list(rows)


class FetchingConnection(sqlite3.Connection):
    """A connection with such cursors."""

    def cursor(self, factory: Any = FetchingCursor) -> Any:
        """Return a new cursor."""
        return super().cursor(factory)
