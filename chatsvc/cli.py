"""The command line: ``holdline up``, ``migrate``, ``administrator``, ``check``, ``config``.

It reads arguments and prints; what is done stands in the modules it calls.
"""

import asyncio
import os
import signal
from collections.abc import Coroutine
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from asyncpg import PostgresError  # type: ignore[import-untyped]  # asyncpg ships no types
from sqlalchemy.exc import SQLAlchemyError

from chatsvc import health
from chatsvc.config import Settings, SettingsError, reference, variable, without_password
from chatsvc.db import migrate as schema
from chatsvc.db.migrate import UnknownSchema
from chatsvc.kernel.errors import Refused
from chatsvc.supervisor import AlreadyRunning, StartFailed
from chatsvc.up import ROOT, CannotStart, Plan
from chatsvc.up import up as start


def _settings() -> Settings:
    try:
        return Settings.from_environment(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run until done, or until Ctrl-C or a signal to end; a second one does not wait for what is still stopping."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        click.echo("Holdline has stopped.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="holdline", prog_name="holdline")
def main() -> None:
    """Holdline, the support desk. Settings come from the environment: see docs/reference/settings.md."""


@main.command()
@click.option("--logs", "logs_here", is_flag=True, help="Show the processes' log lines here, not in files.")
@click.option(
    "--procfile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=ROOT / "Procfile",
    help="What to run.",
)
def up(logs_here: bool, procfile: Path) -> None:
    """Start everything on this machine, and keep it running until Ctrl-C."""
    plan = Plan(
        settings=_settings(),
        environ=dict(os.environ),
        procfile=procfile.absolute(),
        logs_here=logs_here,
        say=click.echo,
    )
    try:
        asyncio.run(_until_told(start(plan)))
    except (CannotStart, AlreadyRunning, StartFailed, UnknownSchema) as error:
        raise click.ClickException(str(error)) from error
    except (SQLAlchemyError, PostgresError, OSError) as error:
        raise click.ClickException(_unusable(plan.settings, error)) from error


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    settings = _settings()
    try:
        reached = asyncio.run(schema.upgrade(settings.database_url))
    except UnknownSchema as error:
        raise click.ClickException(str(error)) from error
    except (SQLAlchemyError, PostgresError, OSError) as error:
        raise click.ClickException(_unusable(settings, error)) from error
    click.echo(f"The database is at {reached.head}.")


@main.command()
@click.argument("email")
@click.argument("name")
def administrator(email: str, name: str) -> None:
    """Add an administrator and print the link that sets their password; the first one of a new desk."""
    from chatsvc import bootstrap  # here, because it brings every room along and the other commands start without

    settings = _settings()
    try:
        link = asyncio.run(bootstrap.add_administrator(settings, email=email, name=name))
    except Refused as error:
        raise click.ClickException(f"{email} was not added: {error}") from error
    except (SQLAlchemyError, PostgresError, OSError) as error:
        raise click.ClickException(_unusable(settings, error)) from error
    click.echo(f"Open this once to set the password; nobody else should see it:\n{link}")


@main.command()
def check() -> None:
    """Tell whether database, migrations, clock, Redis, mail and disk are well; exit code 1 when one is not."""
    findings = asyncio.run(health.examine(_settings()))
    for finding in findings:
        click.echo(f"{'well' if finding.is_well else 'NOT WELL':<9} {finding.subject:<11} {finding.text}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(1)


@main.command()
@click.option("--reference", "as_reference", is_flag=True, help="Print the table of docs/reference/settings.md.")
def config(as_reference: bool) -> None:
    """Print the settings in force, without passwords."""
    if as_reference:
        click.echo(reference(), nl=False)
        return
    settings = _settings()
    for each in fields(settings):
        value = getattr(settings, each.name)
        shown = ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        hidden = "(hidden)" if each.name == "secret_key" else without_password(shown)
        click.echo(f"{variable(each.name)}={hidden}")


def _unusable(settings: Settings, error: Exception) -> str:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{without_password(settings.database_url)} cannot be used: {reason}"


if __name__ == "__main__":
    main()
