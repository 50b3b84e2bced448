"""The worker process: ``arq chatsvc.worker.Settings``. Sends mails, and does in rounds whatever time brings.

A job is only a doorbell; what must happen is a row that is due, found by rounds every five seconds also when no doorbell was heard. When
Redis goes away arq ends the process and whoever supervises it starts it again. Importing this module opens nothing and reads nothing: the
class ``Settings`` is made from the environment when arq asks for it.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any, Final, Protocol

from arq.connections import RedisSettings

from chatsvc import bootstrap, config, telemetry
from chatsvc.giving_way import give_way
from chatsvc.keyspace import doorbell, keys
from chatsvc.notifications.sender import OutboxSender

logger = logging.getLogger(__name__)

ROUND_EVERY: Final = timedelta(seconds=5)
# After this a doorbell's job leaves the rest to the next one; a single step takes no longer than 20 s more.
_JOB_ENOUGH_S: Final = 5.0


class Services(Protocol):
    """What the worker needs of the services of a process."""

    @property
    def sender(self) -> OutboxSender:
        """Sends mails."""
        ...

    @property
    def sweeps(self) -> Sequence[Callable[[], Awaitable[object]]]:
        """What time brings: each does everything that is due, and may run late, twice, and in several processes at once."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


async def sweep_outbox(context: dict[str, Any]) -> None:
    """Send what is due: the doorbell's job."""
    loop = asyncio.get_running_loop()
    enough_at = loop.time() + _JOB_ENOUGH_S
    services: Services = context["services"]
    while await services.sender.run_once() and loop.time() < enough_at:
        pass


async def go_round(context: dict[str, Any]) -> None:
    """Do everything that is due once; what fails is logged and keeps nothing else from happening."""
    services: Services = context["services"]
    for duty in (lambda: sweep_outbox(context), *services.sweeps):
        try:
            await duty()
        except Exception:
            logger.exception("round_failed", extra={"duty": getattr(duty, "__qualname__", "?")})


async def _go_rounds(context: dict[str, Any]) -> None:
    while True:
        await go_round(context)
        await asyncio.sleep(ROUND_EVERY.total_seconds())


def options(redis_url: str, open_services: Callable[[], Awaitable[Services]]) -> dict[str, Any]:
    """Return arq's settings; each that is named here has a default that would hurt."""

    async def open_up(context: dict[str, Any]) -> None:
        context["services"] = await open_services()
        context["rounds"] = asyncio.create_task(_go_rounds(context), name="rounds")

    async def shut_down(context: dict[str, Any]) -> None:
        context["rounds"].cancel()
        await asyncio.gather(context["rounds"], return_exceptions=True)
        await context["services"].close()

    return {
        "functions": [sweep_outbox],
        "on_startup": open_up,
        "on_shutdown": shut_down,
        "redis_settings": RedisSettings.from_dsn(redis_url),
        "queue_name": keys.jobs(),
        "job_serializer": doorbell.write_job,
        "job_deserializer": doorbell.read_job,
        "poll_delay": 0.05,  # arq's half a second is how long a mail would wait
        "max_jobs": 4,
        "max_tries": 2,
        "job_timeout": 28,  # a job cut off by a crash is only taken up again 10 s after this
        "job_completion_wait": 8,  # at SIGTERM a mail under way is finished
        "keep_result": 0,
        "health_check_interval": 10,
        "health_check_key": keys.worker_health(),
        "timezone": UTC,
        "log_results": False,
    }


def settings_from(environ: Mapping[str, str]) -> type:
    """Return the class that ``arq`` takes, made from the environment; nothing is opened yet."""
    settings = config.Settings.from_environment(environ)

    async def open_services() -> Services:
        telemetry.setup(settings.log_level)
        give_way(settings.worker_niceness)  # its rounds come beside people who talk, and nobody waits for one of them
        return await bootstrap.start(settings, sockets=False)

    return type("Settings", (), options(settings.redis_url, open_services))


def __getattr__(name: str) -> Any:
    if name == "Settings":
        return settings_from(os.environ)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
