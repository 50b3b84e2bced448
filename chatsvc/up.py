"""Starts a whole desk on one machine: Redis, schema, demonstration, processes; and says where it is. ``holdline up``.

The order is the content of this module. How a process is kept running stands in ``supervisor``, which Redis in ``embedded``.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from chatsvc import demo, embedded
from chatsvc.config import Settings, variable
from chatsvc.db import migrate
from chatsvc.kernel.clock import offset_of_machine
from chatsvc.supervisor import Part, Supervisor, read_procfile, sole

ROOT: Final = Path(__file__).parents[1]

_UP_WITHIN_SECONDS: Final = 60.0
_REDIS_WITHIN_SECONDS: Final = 15.0
_PORTS_TRIED: Final = 50


class CannotStart(Exception):
    """The desk cannot be started as things are; the text says why and what may be done."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How this start was asked for."""

    settings: Settings
    # The environment that the processes inherit.
    environ: Mapping[str, str]
    # What to run, and the folder to run it in.
    procfile: Path
    # Whether the processes write to this terminal instead of to files in the data folder.
    logs_here: bool
    # Takes one line, or one block, for the person at the terminal.
    say: Callable[[str], None]

    def names(self, setting: str) -> bool:
        """Whether the person who starts has set this setting; an empty variable counts as absent."""
        return bool(self.environ.get(variable(setting), "").strip())


async def up(plan: Plan) -> None:
    """Start everything and keep it running until this task is cancelled; then stop everything.

    Raises:
        CannotStart: a port, a program or a server that is needed is not to be had.
        AlreadyRunning: a desk runs in this data folder already.
        StartFailed: a process ended again and again.
    """
    with ExitStack() as stack:
        lifeline = stack.enter_context(sole(plan.settings.data_dir / "run"))
        settings = _with_port(plan)
        environ = _environment(plan, settings)
        async with Supervisor(lifeline=lifeline, say=plan.say) as parts:
            redis = asyncio.create_task(_redis(plan, parts, environ))
            await migrate.upgrade(settings.database_url)
            if settings.demo:
                await demo.seed(settings)
            about_redis = await parts.until(redis)
            for name, line in read_procfile(plan.procfile).items():
                parts.start(_part(plan, name, line, environ))
            await parts.until(asyncio.create_task(_first_page(settings)))
            parts.came_up()
            plan.say(_block(plan, settings, about_redis))
            await asyncio.Event().wait()


def _with_port(plan: Plan) -> Settings:
    """The settings with a port that is free, and the address that follows from it when none was given."""
    settings = plan.settings
    fixed = plan.names("base_url")
    for port in range(settings.port, settings.port + (1 if fixed else _PORTS_TRIED)):
        free = _free_port(settings.host, port)
        if free is None:
            continue
        if settings.port not in (0, free):
            plan.say(f"Port {settings.port} is taken; using {free}.")
        if fixed:
            return replace(settings, port=free)
        shown = (
            "127.0.0.1"
            if settings.host == "0.0.0.0"
            else f"[{settings.host}]"
            if ":" in settings.host
            else settings.host
        )
        return Settings.from_environment(
            {**plan.environ, variable("port"): str(free), variable("base_url"): f"http://{shown}:{free}"}
        )
    raise CannotStart(f"Port {settings.port} on {settings.host} is taken; name another one in {variable('port')}.")


def _free_port(host: str, port: int) -> int | None:
    """The port when nobody listens on it, any free one for 0, None when it is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def _environment(plan: Plan, settings: Settings) -> dict[str, str]:
    """What the processes are told: the settings that were worked out here, and where our own programs are."""
    found = {
        "data_dir": str(settings.data_dir),
        "redis_url": settings.redis_url,
        "base_url": settings.base_url,
        "host": settings.host,
        "port": str(settings.port),
        # A process that starts again after the machine's clock was set lives by the same time as those that have run on.
        "clock_offset": repr(offset_of_machine()),
    }
    path = f"{Path(sys.executable).parent}:{plan.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
    told = {variable(name): value for name, value in found.items()}
    return {**plan.environ, **told, "PORT": str(settings.port), "PATH": path, "PYTHONUNBUFFERED": "1"}


def _part(plan: Plan, name: str, line: str, environ: Mapping[str, str], *, stop_order: int = 0) -> Part:
    log = None if plan.logs_here else plan.settings.data_dir / "log" / f"{name}.log"
    return Part(name=name, command=line, environ=environ, folder=plan.procfile.parent, log=log, stop_order=stop_order)


async def _redis(plan: Plan, parts: Supervisor, environ: Mapping[str, str]) -> str:
    """Have a Redis that answers: the named one, else a private one; return what to call it."""
    settings = plan.settings
    named = plan.names("redis_url")
    if not named:
        try:
            program = embedded.find_program(plan.environ.get("PATH"))
        except embedded.NoRedisServer as error:
            raise CannotStart(str(error)) from error
        configuration = embedded.configure(settings.data_dir)
        parts.start(_part(plan, "redis", embedded.command(program, configuration), environ, stop_order=1))
    try:
        about = await embedded.answer(settings.redis_url, within_seconds=2 if named else _REDIS_WITHIN_SECONDS)
    except RedisError as error:
        raise CannotStart(f"Redis does not answer ({error}); see {variable('redis_url')}.") from error
    return f"Redis {about['redis_version']}" + ("" if named else f" ({program})")


async def _first_page(settings: Settings) -> None:
    """Return when the first page has been served."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    request = f"GET / HTTP/1.1\r\nHost: {urlsplit(settings.base_url).netloc}\r\nConnection: close\r\n\r\n".encode()
    try:
        async with asyncio.timeout(_UP_WITHIN_SECONDS):
            while not await _serves(host, settings.port, request):  # noqa: ASYNC110 - another process has no event for us
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise CannotStart(f"No page was served within {_UP_WITHIN_SECONDS:g} s; see the log of web.") from error


async def _serves(host: str, port: int, request: bytes) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(request)
        answer = await reader.readline()
        return answer.startswith(b"HTTP/1.") and answer[9:10] in b"234"
    except OSError:
        return False
    finally:
        writer.close()


def _block(plan: Plan, settings: Settings, redis: str) -> str:
    database = f"SQLite in {settings.data_dir}" if settings.is_sqlite else "PostgreSQL"
    rows = [("Open", settings.base_url)]
    if urlsplit(settings.base_url).port != settings.port:
        # A proxy stands before it; without one nobody answers at that address.
        rows += [("Listens", f"{settings.host}, port {settings.port} ({variable('port')})")]
    if settings.demo:
        rows += [("Sign in", f"{role:<15} {email:<24} {password}") for role, email, password in demo.SIGN_INS]
    rows += [("Data", f"{database}; {redis}")]
    if not plan.logs_here:
        rows += [("Logs", str(settings.data_dir / "log"))]
    embedded_parts = ["SQLite"] * settings.is_sqlite + ["Redis"] * (not plan.names("redis_url"))
    if embedded_parts:
        rows += [("Note", f"{' and '.join(embedded_parts)} embedded: for trial")]
    rows += [("Stop", "Ctrl-C")]
    return "\n".join(["", "Holdline is up.", "", *(f"  {label:<8}  {text}" for label, text in rows), ""])
