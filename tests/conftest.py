"""What every test may ask for: a moment, a store of either kind, a private Redis. Everything is real, and gone afterwards."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from chatsvc.db import migrate
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from tests import requirements_plugin, stores

# Where files cost no disk, on Linux; small in some containers.
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 * 1024**3


def pytest_configure() -> None:
    """Keep what tests write in memory where there is room for it: waiting for a disk is most of what stores cost, and nobody pulls the plug."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves; it begins on Monday, 2 March 2026, 09:00 UTC."""
    return ManualClock()


@pytest.fixture(scope="session")
def cluster() -> Iterator[stores.Cluster]:
    """A private PostgreSQL; tests that use it are skipped with a reason where its programs are missing."""
    requirements_plugin.need_postgres()
    programs = stores.postgres_programs()
    assert programs is not None
    with stores.running_cluster(programs) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "holdline.db"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both kinds of store, one after the other."""
    return str(request.param)


@pytest.fixture
def source(dialect: str, request: pytest.FixtureRequest) -> Path | stores.Cluster:
    """Where a new store is copied from: a file, or a cluster with a template."""
    source: Path | stores.Cluster = request.getfixturevalue("sqlite_template" if dialect == "sqlite" else "cluster")
    return source


@pytest.fixture
async def database_address(source: Path | stores.Cluster, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a migrated, empty store of its own."""
    if isinstance(source, Path):
        path = tmp_path / "holdline.db"
        shutil.copyfile(source, path)
        yield f"sqlite:///{path}"
        return
    address = await source.create()
    yield address
    await source.drop(address)


@pytest.fixture
async def database(database_address: str, clock: ManualClock) -> AsyncIterator[Database]:
    """An open store, migrated and empty, that lives by ``clock``."""
    database = Database(database_address, clock)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A private Redis for the whole run."""
    with stores.running_redis(requirements_plugin.need_redis()) as address:
        yield address


@pytest.fixture
async def redis_address(redis_server: str) -> AsyncIterator[str]:
    """The address of an empty Redis."""
    client = redis.asyncio.Redis.from_url(redis_server)
    await client.flushall()
    yield redis_server
    await client.aclose()
