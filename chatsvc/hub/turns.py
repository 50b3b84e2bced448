"""Work for a crowd, done bit by bit: a few milliseconds of each turn of the loop, so that everybody else has theirs in between.

What is handed in is done in order; of several pieces of work for many, each gets its share of a turn. It knows nothing of what the work is.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

# Where the lifespan of an application leaves its hub's turns, so that handshakes have their share of them.
TURNS: Final = "holdline.turns"
# How long one turn of the loop may belong to crowds.
_SHARE_S: Final = 0.002
# Of a piece of work for many, so many are served before the next piece has its share.
_TOGETHER: Final = 8


class Turns:
    """The part of the loop's turns that belongs to crowds."""

    def __init__(self, *, now: Callable[[], float] = time.perf_counter) -> None:
        """Make it; ``now`` is a clock that goes on while code runs, in seconds."""
        self._now = now
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_due = False

    def soon(self, work: Callable[[], None]) -> None:
        """Do this when its turn comes; it raises nothing."""
        self._waiting.append(work)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        ends_at = self._now() + _SHARE_S
        while self._waiting and self._now() < ends_at:
            self._waiting.popleft()()
        self._is_due = bool(self._waiting)
        if self._is_due:
            asyncio.get_running_loop().call_soon(self._turn)

    async def each(self, items: Iterable[T], work: Callable[[T], None]) -> None:
        """Do something for each of many, and return when it was done for all; raises what it raises, and the rest is left out."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        left = iter(items)

        def serve_some() -> None:
            if done.done():
                return  # nobody waits any more
            try:
                for _ in range(_TOGETHER):
                    work(next(left))
            except StopIteration:
                done.set_result(None)
            except Exception as error:
                done.set_exception(error)
            else:
                self.soon(serve_some)

        self.soon(serve_some)
        await done
