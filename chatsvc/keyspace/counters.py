"""Counters that forget by themselves: how often something happened lately, over all processes.

They are weather: Redis may lose them at any moment (R16). While Redis is away each process counts on its own, so that limits get wider
by the number of processes but never disappear. No rule stands here; what a count means is for whoever counts.
"""

import logging
from datetime import datetime, timedelta
from typing import Final, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatsvc.kernel.clock import Clock

logger = logging.getLogger(__name__)

# After a failure Redis is left alone for so long: a sign-in must not wait for its time-out again and again.
LEAVE_ALONE: Final = timedelta(seconds=5)
# Local counters above which the expired ones are swept out.
_SWEEP_ABOVE: Final = 10_000


class Counters(Protocol):
    """Named whole numbers, each of which vanishes when its time to live is over."""

    async def add(self, key: str, by: int = 1, *, ttl: timedelta) -> int:
        """Raise (or, with a negative number, lower) a counter and return its new value; an unknown one begins at 0. Never raises."""
        ...


class LocalCounters:
    """Counters of this process alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Key -> value, and until when it lives.
        self._values: dict[str, tuple[int, datetime]] = {}

    def __len__(self) -> int:
        """How many counters are remembered, some of which may be over."""
        return len(self._values)

    async def add(self, key: str, by: int = 1, *, ttl: timedelta) -> int:
        """Raise a counter and return its new value."""
        now = self._clock.now()
        if len(self._values) > _SWEEP_ABOVE:
            self._values = {each: (value, ends) for each, (value, ends) in self._values.items() if ends > now}
        value, ends_at = self._values.get(key, (0, now))
        value = (value if ends_at > now else 0) + by
        self._values[key] = (value, now + ttl)
        return value


class RedisCounters:
    """Counters that all processes share; local ones while Redis is away."""

    def __init__(self, client: Redis, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._local = LocalCounters(clock)
        # Until when Redis is not asked again; None while it answers.
        self._away_until: datetime | None = None

    async def add(self, key: str, by: int = 1, *, ttl: timedelta) -> int:
        """Raise a counter and return its new value."""
        if self._away_until is not None and self._clock.now() < self._away_until:
            return await self._local.add(key, by, ttl=ttl)
        try:
            value = await self._add(key, by, ttl)
        except (RedisError, OSError) as error:
            self._away_until = self._clock.now() + LEAVE_ALONE
            logger.warning("counters_degraded", extra={"error": type(error).__name__})
            return await self._local.add(key, by, ttl=ttl)
        self._away_until = None
        return value

    async def _add(self, key: str, by: int, ttl: timedelta) -> int:
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.incrby(key, by)
            pipeline.expire(key, ttl)
            value, _ = await pipeline.execute()
        return int(value)
