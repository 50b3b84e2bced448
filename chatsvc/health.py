"""Whether what Holdline stands on is well: database, schema, clock, Redis, mail, disk. Asked by ``holdline check``.

It looks from outside, as a new process would, and changes nothing; a running process answers for itself at its readiness page.
"""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiosmtplib
from redis.exceptions import RedisError
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from chatsvc import embedded
from chatsvc.config import Settings, without_password
from chatsvc.db import migrate

_LEAST_FREE_BYTES: Final = 1_073_741_824
_LARGEST_CLOCK_DIFFERENCE: Final = timedelta(seconds=2)
_PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing."""

    subject: str
    is_well: bool
    # A sentence for the person who runs Holdline; when not well, with what may be done.
    text: str


class NotWell(Exception):
    """Something is not well; the text says what and what may be done."""


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything, at once; the findings come in a fixed order."""
    looks: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "database": _database,
        "migrations": _migrations,
        "clock": _clock,
        "redis": _redis,
        "mail": _mail,
        "disk": _disk,
    }
    return list(await asyncio.gather(*(_look(subject, look, settings) for subject, look in looks.items())))


async def _look(subject: str, look: Callable[[Settings], Awaitable[str]], settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return Finding(subject, True, await look(settings))
    except NotWell as error:
        return Finding(subject, False, str(error))
    except TimeoutError:
        return Finding(subject, False, f"no answer within {_PATIENCE_SECONDS:g} s")
    except Exception as error:  # whatever a driver raises is the finding
        return Finding(
            subject, False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no text'}"
        )


async def _database(settings: Settings) -> str:
    _insist_on_file(settings)
    began = time.perf_counter()
    await _ask(settings, "select 1")
    return f"{without_password(settings.database_url)} answers in {(time.perf_counter() - began) * 1000:.0f} ms"


async def _migrations(settings: Settings) -> str:
    _insist_on_file(settings)
    schema = await migrate.state(settings.database_url)
    if not schema.is_known:
        raise NotWell(f"at {schema.current}, which this version does not know: run the version that was used with it")
    if not schema.is_current:
        raise NotWell(f"at {schema.current or 'nothing'}, but this version needs {schema.head}: run holdline migrate")
    return f"at {schema.head}, nothing to do"


async def _clock(settings: Settings) -> str:
    if settings.is_sqlite:
        return "the database is on this machine and shares its clock"
    before = datetime.now(UTC)
    stored = await _ask(settings, "select clock_timestamp()")
    assert isinstance(stored, datetime)
    after = datetime.now(UTC)
    difference = max(before - stored, stored - after, timedelta())
    if difference > _LARGEST_CLOCK_DIFFERENCE:
        raise NotWell(f"{difference.total_seconds():.1f} s apart from the database's: set this machine's clock (NTP)")
    return "agrees with the database's"


async def _redis(settings: Settings) -> str:
    parts = urlsplit(settings.redis_url)
    try:
        about = await embedded.answer(settings.redis_url, within_seconds=0)
    except RedisError as error:
        hint = " (it runs while holdline up runs)" if parts.scheme == "unix" else ""
        raise NotWell(f"{without_password(settings.redis_url)} does not answer{hint}: {error}") from error
    if parts.scheme != "unix" and not parts.password and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise NotWell("Redis takes commands from the network without a password: whoever reaches it runs our jobs")
    return f"{without_password(settings.redis_url)} answers, version {about['redis_version']}"


async def _mail(settings: Settings) -> str:
    if settings.smtp_url is None:
        return "no server named; mails are kept and shown on the trial's mailbox page"
    parts = urlsplit(settings.smtp_url)
    client = aiosmtplib.SMTP(hostname=parts.hostname, port=parts.port, use_tls=parts.scheme == "smtps")
    async with client:
        if parts.username and parts.password:
            await client.login(parts.username, parts.password)
    return f"{parts.hostname} takes mail"


async def _disk(settings: Settings) -> str:
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise NotWell(f"only {free / 2**30:.1f} GiB free at {folder}")
    return f"{free / 2**30:.0f} GiB free at {folder}"


def _insist_on_file(settings: Settings) -> None:
    """Refuse to make an empty database by looking for one."""
    file = make_url(settings.database_url).database
    if settings.is_sqlite and not (file and Path(file).exists()):
        raise NotWell(f"there is no {file} yet: run holdline up or holdline migrate")


async def _ask(settings: Settings, question: str) -> object:
    engine = create_async_engine(settings.database_url)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text(question))).scalar_one()
    finally:
        await engine.dispose()
