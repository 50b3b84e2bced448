"""The application in this process, for all tests of the doors."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatsvc import bootstrap
from chatsvc.config import Settings
from chatsvc.kernel.clock import ManualClock
from tests.web.desk import BASE, Desk
from web import app


@pytest.fixture
def environment() -> dict[str, str]:
    """Further settings; a test overrides it to change them."""
    return {}


@pytest.fixture
def settings(sqlite_template: Path, tmp_path: Path, redis_address: str, environment: dict[str, str]) -> Settings:
    """Settings of a desk on a migrated, empty SQLite file of its own."""
    shutil.copyfile(sqlite_template, tmp_path / "holdline.db")
    base = {
        "HOLDLINE_DATA_DIR": str(tmp_path),
        "HOLDLINE_REDIS_URL": redis_address,
        "HOLDLINE_BASE_URL": BASE,
        "HOLDLINE_DEMO": "no",
        "HOLDLINE_SECRET_KEY": "a secret that is long enough for a test",
    }
    return Settings.from_environment(base | environment)


@pytest.fixture
async def desk(settings: Settings, clock: ManualClock) -> AsyncIterator[Desk]:
    """A running desk; time stands still in it unless ``clock`` is moved."""
    services = await bootstrap.start(settings, clock=clock)
    desk = Desk(app.create(settings, site=await app.site_of(settings, services)), services)
    yield desk
    await desk.close()
    await services.close()
