"""The commands besides ``up``: what they print and how they end."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatsvc.cli import main
from chatsvc.config import reference


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """Runs commands against a data folder of their own."""
    return CliRunner(env={"HOLDLINE_DATA_DIR": str(tmp_path)})


def test_config_prints_what_is_in_force_without_secrets(runner: CliRunner, tmp_path: Path) -> None:
    done = runner.invoke(main, ["config"], env={"HOLDLINE_SMTP_URL": "smtp://desk:swordfish@mail.example"})

    assert done.exit_code == 0
    assert f"HOLDLINE_DATA_DIR={tmp_path}" in done.output
    assert "HOLDLINE_SMTP_URL=smtp://desk:***@mail.example" in done.output
    assert "HOLDLINE_SECRET_KEY=(hidden)" in done.output


def test_config_draws_the_table_of_the_reference(runner: CliRunner) -> None:
    assert runner.invoke(main, ["config", "--reference"]).output == reference()


@pytest.mark.parametrize("command", ["config", "check", "migrate", "up"])
def test_bad_settings_are_told_by_every_command(runner: CliRunner, command: str) -> None:
    done = runner.invoke(main, [command], env={"HOLDLINE_PORT": "http", "HOLDLINE_DEMO": "perhaps"})

    assert done.exit_code == 1
    assert "HOLDLINE_PORT is 'http'; accepted is " in done.output
    assert "HOLDLINE_DEMO is 'perhaps'; accepted is " in done.output


def test_check_ends_with_one_when_something_is_not_well(runner: CliRunner) -> None:
    done = runner.invoke(main, ["check"])

    assert done.exit_code == 1
    assert sum(line.startswith("NOT WELL") for line in done.output.splitlines()) == 3


def test_migrate_brings_a_new_database_to_the_newest_schema(runner: CliRunner, tmp_path: Path) -> None:
    first, second = runner.invoke(main, ["migrate"]), runner.invoke(main, ["migrate"])

    assert first.exit_code == second.exit_code == 0
    assert first.output == second.output
    assert (tmp_path / "holdline.db").exists()


@pytest.mark.parametrize("command", ["migrate", "up"])
def test_database_of_a_newer_version_is_left_alone_with_a_sentence(
    runner: CliRunner, tmp_path: Path, command: str
) -> None:
    runner.invoke(main, ["migrate"])
    with closing(sqlite3.connect(tmp_path / "holdline.db")) as connection, connection:
        connection.execute("update alembic_version set version_num = '9999'")

    done, checked = runner.invoke(main, [command]), runner.invoke(main, ["check"])

    assert done.exit_code == 1
    assert "The database is at schema 9999, which this version does not know" in done.output
    assert "Traceback" not in done.output
    assert "at 9999, which this version does not know" in checked.output


def test_first_administrator_gets_a_link_that_sets_their_password(runner: CliRunner) -> None:
    assert runner.invoke(main, ["migrate"]).exit_code == 0

    done = runner.invoke(main, ["administrator", "ada@desk.example", "Ada Novak"])
    again = runner.invoke(main, ["administrator", "ada@desk.example", "Ada Novak"])

    assert done.exit_code == 0
    assert "http://127.0.0.1:8000/reset/" in done.output
    assert again.exit_code == 1
    assert "email.taken" in again.output


def test_administrator_of_a_store_that_is_not_migrated_is_told_why(runner: CliRunner) -> None:
    done = runner.invoke(main, ["administrator", "ada@desk.example", "Ada Novak"])

    assert done.exit_code == 1
    assert "Traceback" not in done.output
