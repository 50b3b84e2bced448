"""A loop whose time jumps to the next timer as soon as nothing else is to do, so that half a minute of silence costs nothing.

Everything that asks the loop for the time, ``asyncio.timeout`` and ``sleep`` among it, goes by it. Real sockets do not work on it.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")
_BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class _Jumping(selectors.SelectSelector):
    """A selector that never waits: the time it was asked to wait is added to the loop's."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        assert timeout is not None, "everything waits, and no timer will ever end it"
        self.passed += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with a time of its own that begins at 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._jumping.passed


class LoopClock:
    """The moment by the running loop's time; begins on Monday, 2 March 2026, 09:00 UTC."""

    def now(self) -> datetime:
        """Return the moment, aware, in UTC."""
        return _BEGIN + timedelta(seconds=asyncio.get_running_loop().time())


def run(story: Coroutine[object, object, T]) -> T:
    """Run a story to its end, at most ten thousand seconds of its own time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(asyncio.wait_for(story, 10_000))
    finally:
        rest = asyncio.all_tasks(loop)
        for task in rest:
            task.cancel()
        if rest:
            loop.run_until_complete(asyncio.wait(rest, timeout=1_000))
        loop.close()
