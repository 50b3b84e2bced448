"""The worker's doorbell: one job without content that says "look at the outbox now".

It carries no fact and may be lost; the worker's own rounds find what it missed. Ringing never waits and never fails. Together with
``worker`` this is the only module that knows arq.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Any, Final

import msgspec
from arq.connections import ArqRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatsvc.keyspace import keys

logger = logging.getLogger(__name__)

# The job's name, which the worker serves.
JOB: Final = "sweep_outbox"
# A ring that nobody hears for so long is of no use any more.
_HEARD_WITHIN: Final = timedelta(minutes=1)
# Above so many waiting jobs one more would tell nothing new.
_ENOUGH: Final = 16
# Rings that come closer than this are one: a burst of mails is one look.
_GAP: Final = timedelta(milliseconds=20)


def write_job(job: dict[str, Any]) -> bytes:
    """Serialise a job as JSON: arq's own choice, pickle, runs the code of whoever can write into Redis (T36)."""
    return msgspec.json.encode(job)


def read_job(job: bytes) -> dict[str, Any]:
    """Read a job that ``write_job`` wrote."""
    return msgspec.json.decode(job, type=dict[str, Any])


async def ring_worker(client: Redis, queue_name: str | None = None, job: str = JOB) -> None:
    """Enqueue the job, unless enough of them wait already; ``queue_name`` None: the worker's.

    Raises:
        RedisError, OSError: Redis is away.
    """
    name = queue_name or keys.jobs()
    queue = ArqRedis(client.connection_pool, job_serializer=write_job, default_queue_name=name)
    if await queue.zcard(name) < _ENOUGH:
        await queue.enqueue_job(job, _expires=_HEARD_WITHIN)


class Doorbell:
    """Rings from wherever something was committed, many rings close together as one."""

    def __init__(self, client: Redis, queue_name: str | None = None, job: str = JOB) -> None:
        self._client = client
        self._queue_name = queue_name
        self._job = job
        self._is_wanted = False
        self._ringing: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Ring soon; returns at once. To be called on the event loop."""
        self._is_wanted = True
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring(), name="doorbell")

    async def close(self) -> None:
        """Wait for the last ring."""
        if self._ringing is not None:
            await self._ringing

    async def _ring(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            try:
                await ring_worker(self._client, self._queue_name, self._job)
            except (RedisError, OSError) as error:
                logger.debug("doorbell_lost", extra={"error": type(error).__name__})
            await asyncio.sleep(_GAP.total_seconds())
