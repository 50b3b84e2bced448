"""The process that makes calls: ``arq callback.worker.Settings``. Slots that begin, retries, reminders, and the telephone system.

As in the other worker a job is only a doorbell; what must happen is a row that is due, found by rounds also when no doorbell was heard.
Killed at any point it is caught up within seconds by whichever process goes the next round; a call that it held is released, and asked about.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

from callback import bootstrap
from chatsvc import telemetry, worker
from chatsvc.config import Settings as DeskSettings
from chatsvc.keyspace import keys

logger = logging.getLogger(__name__)

ROUND_EVERY: Final = timedelta(seconds=5)


class Telephone(Protocol):
    """What this process needs."""

    async def round(self) -> None:
        """Do everything that is due once."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


async def go_round(context: dict[str, Any]) -> None:
    """Do everything that is due once: the doorbell's job. What fails is logged; it is still due in the next round."""
    telephone: Telephone = context["telephone"]
    # Two rounds at once would only wait for each other.
    async with context["turn"]:
        try:
            await telephone.round()
        except Exception:
            logger.exception("round_failed")


async def _go_rounds(context: dict[str, Any]) -> None:
    while True:
        await go_round(context)
        await asyncio.sleep(ROUND_EVERY.total_seconds())


def options(redis_url: str, open_telephone: Callable[[], Awaitable[Telephone]]) -> dict[str, Any]:
    """Return arq's settings: those of the other worker, with a queue and a job of its own."""

    async def open_up(context: dict[str, Any]) -> None:
        context["turn"] = asyncio.Lock()
        context["telephone"] = await open_telephone()
        context["rounds"] = asyncio.create_task(_go_rounds(context), name="rounds")

    async def shut_down(context: dict[str, Any]) -> None:
        context["rounds"].cancel()
        await asyncio.gather(context["rounds"], return_exceptions=True)
        await context["telephone"].close()

    return {
        **worker.options(redis_url, bootstrap.never_opened),
        "functions": [go_round],
        "on_startup": open_up,
        "on_shutdown": shut_down,
        "queue_name": keys.call_jobs(),
        "health_check_key": keys.caller_health(),
    }


def settings_from(environ: Mapping[str, str]) -> type:
    """Return the class that ``arq`` takes, made from the environment; nothing is opened yet."""
    settings = DeskSettings.from_environment(environ)

    async def open_telephone() -> Telephone:
        telemetry.setup(settings.log_level)
        return await bootstrap.start(settings)

    return type("Settings", (), options(settings.redis_url, open_telephone))


def __getattr__(name: str) -> Any:
    if name == "Settings":
        return settings_from(os.environ)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
