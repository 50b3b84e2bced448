"""The demonstration shows what it is for: no list of those who work there is empty for want of a setting."""

from pathlib import Path

import pytest
from sqlalchemy import select

from chatsvc import demo
from chatsvc.accounts.model import PersonRole
from chatsvc.accounts.tables import people
from chatsvc.config import Settings
from chatsvc.db.engine import Database
from chatsvc.tickets.tables import team_members


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_whoever_answers_in_the_demonstration_works_in_a_team(database: Database, tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"HOLDLINE_DATABASE_URL": f"sqlite:///{database.url.database}", "HOLDLINE_DATA_DIR": str(tmp_path)}
    )

    await demo.seed(settings)

    answering = select(people.c.id).where(people.c.role.in_([PersonRole.REPRESENTATIVE, PersonRole.SUPERVISOR]))
    async with database.read() as connection:
        expected = set((await connection.execute(answering)).scalars())
        found = set((await connection.execute(select(team_members.c.person_id))).scalars())
    assert found == expected
