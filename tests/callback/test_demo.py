"""The demonstration has people planned, so that a time for a call can be booked in it at once."""

from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from callback import demo
from chatsvc import demo as desk_demo
from chatsvc.config import Settings
from chatsvc.db.engine import Database
from chatsvc.routing.tables import shifts


async def planned(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(shifts))).scalar_one())


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_demonstration_is_planned_once_and_no_other_store_is(database: Database, tmp_path: Path) -> None:
    assert await demo.plan(database) == 0

    settings = Settings.from_environment(
        {"HOLDLINE_DATABASE_URL": f"sqlite:///{database.url.database}", "HOLDLINE_DATA_DIR": str(tmp_path)}
    )
    await desk_demo.seed(settings)
    made = await demo.plan(database)

    assert made == await planned(database) > 0
    assert await demo.plan(database) == 0


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_plan_of_somebody_elses_making_is_left_alone(database: Database, tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"HOLDLINE_DATABASE_URL": f"sqlite:///{database.url.database}", "HOLDLINE_DATA_DIR": str(tmp_path)}
    )
    await desk_demo.seed(settings)
    await demo.plan(database)
    async with database.begin() as uow:
        await uow.execute(delete(shifts).where(shifts.c.begins_at > uow.now))
    left = await planned(database)

    assert await demo.plan(database) == 0
    assert await planned(database) == left
