"""``holdline check``: what is told when all is well, and what when one thing is not."""

import asyncio
from pathlib import Path

import pytest
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

from chatsvc import health
from chatsvc.config import Settings

pytestmark = pytest.mark.redis


def settings_for(folder: Path, **variables: str) -> Settings:
    return Settings.from_environment(
        {"HOLDLINE_DATA_DIR": str(folder), **{f"HOLDLINE_{name.upper()}": value for name, value in variables.items()}}
    )


async def finding(settings: Settings, subject: str) -> health.Finding:
    (found,) = (each for each in await health.examine(settings) if each.subject == subject)
    return found


async def test_everything_that_a_desk_stands_on_is_looked_at(
    tmp_path: Path, database_address: str, redis_address: str
) -> None:
    findings = await health.examine(settings_for(tmp_path, database_url=database_address, redis_url=redis_address))

    assert [each.subject for each in findings] == ["database", "migrations", "clock", "redis", "mail", "disk"]
    assert [each for each in findings if not each.is_well] == []


async def test_looking_for_a_database_does_not_make_one(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)

    assert not (await finding(settings, "database")).is_well
    assert "holdline up or holdline migrate" in (await finding(settings, "migrations")).text
    assert not (tmp_path / "holdline.db").exists()


async def test_a_schema_that_is_behind_is_not_well(tmp_path: Path) -> None:
    (tmp_path / "holdline.db").touch()

    found = await finding(settings_for(tmp_path), "migrations")

    assert not found.is_well
    assert found.text.startswith("at nothing, but this version needs ")


async def test_a_private_redis_that_sleeps_is_told_with_when_it_runs(tmp_path: Path) -> None:
    found = await finding(settings_for(tmp_path), "redis")

    assert not found.is_well
    assert "(it runs while holdline up runs)" in found.text


async def test_a_mail_server_that_answers_is_well(tmp_path: Path) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink()), "127.0.0.1", 0)
    settings = settings_for(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    well = await finding(settings, "mail")
    server.close()
    await server.wait_closed()
    gone = await finding(settings, "mail")

    assert well.is_well, well.text
    assert not gone.is_well


async def test_no_password_is_shown(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        database_url="postgresql://desk:swordfish@127.0.0.1:1/desk",
        redis_url="redis://:swordfish@127.0.0.1:1",
        smtp_url="smtp://desk:swordfish@127.0.0.1:1",
    )

    findings = await health.examine(settings)

    assert [each.subject for each in findings if each.is_well] == ["disk"]
    assert "swordfish" not in "".join(each.text for each in findings)
