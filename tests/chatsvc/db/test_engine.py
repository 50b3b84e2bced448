"""The unit of work: committed or not at all, bells after the commit, "not now" told apart from "no"."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import companies
from chatsvc.db import migrate, store_facts
from chatsvc.db.columns import from_microseconds, metadata, to_microseconds
from chatsvc.db.engine import Database, locate
from chatsvc.db.uow import Bell, UnitOfWork
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Unavailable


async def _add_company(uow: UnitOfWork, name: str) -> None:
    await uow.execute(
        insert(companies).values(id=f"co_{name}", name=name, zone="UTC", country="DE", created_at=uow.now)
    )


async def _names(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(select(companies.c.name))).scalars())


async def test_committed_work_is_there_and_its_bells_ring_once_with_the_highest_head(database: Database) -> None:
    heard: list[Bell] = []
    database.publish = heard.extend

    async with database.begin() as uow:
        await _add_company(uow, "acme")
        uow.ring("log:lg_1", 1)
        uow.ring("log:lg_1", 2)
        assert heard == []

    assert await _names(database) == ["acme"]
    assert heard == [Bell("log:lg_1", 2)]


async def test_failed_work_leaves_nothing_and_rings_nothing(database: Database) -> None:
    heard: list[Bell] = []
    database.publish = heard.extend

    with pytest.raises(RuntimeError):
        async with database.begin() as uow:
            await _add_company(uow, "acme")
            uow.ring("line:travel")
            raise RuntimeError

    assert await _names(database) == []
    assert heard == []


async def test_work_happens_at_the_clock_s_moment_and_comes_back_exactly(
    database: Database, clock: ManualClock
) -> None:
    clock.advance(0.123457)

    async with database.begin() as uow:
        await _add_company(uow, "acme")

    async with database.read() as connection:
        assert (await connection.execute(select(companies.c.created_at))).scalar_one() == clock.now()


async def test_store_has_one_epoch_however_often_it_is_asked(database: Database) -> None:
    first = await store_facts.epoch(database)

    assert first.startswith("st_")
    assert await store_facts.epoch(database) == first


async def test_processes_that_meet_a_new_store_at_one_moment_agree_on_its_epoch(
    database_address: str, clock: ManualClock
) -> None:
    databases = [Database(database_address, clock) for _ in range(5)]

    epochs = await asyncio.gather(*map(store_facts.epoch, databases))

    for each in databases:
        await each.close()
    assert len(set(epochs)) == 1


async def test_locked_store_is_unavailable_and_nothing_is_stored(
    sqlite_template: Path, tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "locked.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}", clock)
    async with database.begin() as uow:
        await uow.connection.exec_driver_sql("PRAGMA busy_timeout=50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable):
        async with database.begin() as uow:
            await _add_company(uow, "acme")

    other.execute("ROLLBACK")
    other.close()
    assert await _names(database) == []
    await database.close()


async def test_question_is_answered_from_one_view_and_hears_nothing_of_later_commits(database: Database) -> None:
    async with database.begin() as uow:
        await _add_company(uow, "acme")

    async def question(connection: AsyncConnection) -> tuple[str, str]:
        first = (await connection.execute(select(companies.c.name))).scalar_one()
        return first, (await connection.execute(select(companies.c.name))).scalar_one()

    assert await database.look(question) == ("acme", "acme")


async def test_question_that_fails_or_writes_leaves_nothing_behind(
    sqlite_template: Path, tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "asked.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}", clock)

    async def write_and_fail(connection: AsyncConnection) -> None:
        values = {"id": "co_x", "name": "x", "zone": "UTC", "country": "DE", "created_at": clock.now()}
        await connection.execute(insert(companies).values(values))
        raise RuntimeError

    for _ in range(6):
        with pytest.raises(RuntimeError):
            await database.look(write_and_fail)

    assert await _names(database) == []
    await database.close()


async def test_question_may_wait_for_its_connection_only(sqlite_template: Path, clock: ManualClock) -> None:
    database = Database(f"sqlite:///{sqlite_template}", clock)

    async def wait(_connection: AsyncConnection) -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="awaited something else"):
        await database.look(wait)
    await database.close()


async def test_work_that_is_given_up_half_way_is_taken_back_and_the_next_one_goes_on(database: Database) -> None:
    begun = asyncio.Event()

    async def begin_and_wait() -> None:
        async with database.begin() as uow:
            await _add_company(uow, "acme")
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(begin_and_wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with database.begin() as uow:
        await _add_company(uow, "globex")
    assert await _names(database) == ["globex"]


async def test_readers_beyond_the_number_of_connections_wait_their_turn(database: Database) -> None:
    async def read() -> list[str]:
        async with database.read() as connection:
            return list((await connection.execute(select(companies.c.name))).scalars())

    assert await asyncio.gather(*(read() for _ in range(20))) == [[]] * 20


async def test_sqlite_connections_are_durable_and_strict(sqlite_template: Path, clock: ManualClock) -> None:
    database = Database(f"sqlite:///{sqlite_template}", clock)

    async with database.read() as connection:
        values = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert values == ["wal", 2, 1]
    await database.close()


@pytest.mark.parametrize("address", ["mysql://h/n", "sqlite://", "sqlite:///:memory:"])
def test_other_addresses_are_refused_with_what_is_accepted(address: str) -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        locate(address)


async def test_migrations_make_exactly_the_tables_of_the_code(database_address: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

    import callback.tables  # noqa: F401
    import chatsvc.bootstrap  # registers every table  # noqa: F401

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        # The words to search in are an index of the store's own kind, and not the same on both.
        return not (kind == "table" and str(name).startswith("ticket_words"))

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": is_ours})
        return list(compare_metadata(context, metadata))

    assert (await migrate.state(database_address)).is_current
    assert await migrate._with_connection(database_address, differences) == []


def test_moments_survive_to_the_microsecond() -> None:
    moment = datetime(2037, 10, 25, 1, 30, 0, 999_999, tzinfo=UTC)

    assert from_microseconds(to_microseconds(moment)) == moment
