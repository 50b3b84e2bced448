"""Reads of logs that many may wait for: one at a time per log, and not more often than every so often (promises, rule 11)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from chatsvc.hub import metrics
from chatsvc.kernel.ids import LogId
from chatsvc.tickets.model import Entry

# Entries in one read.
LIMIT: Final = 500
# A waiter shares a read that begins at most so many entries before its own place, so that what it misses is surely within the limit.
_NEAR: Final = 100

Since = Callable[[LogId, int, int], Coroutine[Any, Any, tuple[Entry, ...]]]


class _Read:
    """A read that has not begun: whoever joins it will see what was committed before they joined."""

    __slots__ = ("after", "task", "waiters")

    def __init__(self, after: int) -> None:
        self.after = after
        self.waiters = 0
        self.task: asyncio.Task[tuple[Entry, ...]] | None = None


class SharedReads:
    """Reads entries of logs."""

    def __init__(self, since: Since, *, gap_s: float, most: int, now: Callable[[], float]) -> None:
        """Make the reads.

        Args:
            since: reads the entries of a log after a number, at most so many.
            gap_s: least time between the beginnings of two reads of one log.
            most: reads of all logs that run at the same time.
            now: the monotonic clock, in seconds.
        """
        self._since = since
        self._gap_s = gap_s
        self._slots = asyncio.Semaphore(most)
        self._now = now
        self._soon: dict[LogId, list[_Read]] = {}
        # When the last read of a log began; swept when it grows.
        self._began: dict[LogId, float] = {}

    async def since(self, log: LogId, after: int) -> tuple[Entry, ...]:
        """Return entries after a number, consecutive and in order; at most ``LIMIT``, none when there are none."""
        read = next((each for each in self._soon.get(log, ()) if each.after <= after <= each.after + _NEAR), None)
        if read is None:
            read = _Read(after)
            self._soon.setdefault(log, []).append(read)
            read.task = asyncio.create_task(self._run(log, read))
        else:
            metrics.log_reads_shared.inc()
        assert read.task is not None
        # Shielded: one waiter's end is not the others', and a query is never cut off half-way (promises, rule 27).
        entries = await asyncio.shield(read.task)
        return entries[max(0, after - read.after) :] if read.after < after else entries

    async def _run(self, log: LogId, read: _Read) -> tuple[Entry, ...]:
        wait_s = self._began.get(log, float("-inf")) + self._gap_s - self._now()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        async with self._slots:
            self._leave(log, read)
            self._note(log)
            metrics.log_reads.inc()
            return await self._since(log, read.after, LIMIT)

    def _leave(self, log: LogId, read: _Read) -> None:
        """From here on nobody joins any more: what is committed now might be missed."""
        waiting = self._soon[log]
        waiting.remove(read)
        if not waiting:
            del self._soon[log]

    def _note(self, log: LogId) -> None:
        now = self._now()
        if len(self._began) > 1_000:
            self._began = {each: began for each, began in self._began.items() if now - began < self._gap_s}
        self._began[log] = now
