"""Keeps lines moving in every process: woken by bells, and every second for what only time brings.

Any number of processes may do so on one store: each decision is a compare-and-swap. It decides nothing itself.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from chatsvc.conversations.actions import Conversations
from chatsvc.db.uow import Bell
from chatsvc.kernel.errors import Unavailable
from chatsvc.kernel.ids import PersonId

logger = logging.getLogger(__name__)

# How often deadlines are looked at, and all lines matched whether anything rang or not: half of what R10 allows for an offer.
RHYTHM = timedelta(seconds=1)


class Matchmaker:
    """One task per process."""

    def __init__(self, conversations: Conversations, *, rhythm: timedelta = RHYTHM) -> None:
        self._conversations = conversations
        self._rhythm = rhythm
        self._lines: set[str] = set()
        self._persons: set[PersonId] = set()
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.create_task(self._run(), name="matchmaker")

    async def close(self) -> None:
        """Stop after what is under way."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    @property
    def is_woken(self) -> bool:
        """Whether a bell waits to be looked after."""
        return self._wake.is_set()

    def hear(self, bells: Sequence[Bell]) -> None:
        """Take note of bells (``line:*``, ``desk:*``; others are ignored); never blocks.

        Those that this process rang itself are enough: every process matches after its own commits.
        """
        for bell in bells:
            kind, _, name = bell.topic.partition(":")
            if kind == "line":
                self._lines.add(name)
            elif kind == "desk":
                self._persons.add(PersonId(name))
            else:
                continue
            self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        up_since = self._conversations.database.clock.now()
        next_sweep = loop.time()
        while not self._closing:
            wait_s = next_sweep - loop.time()
            if wait_s > 0 and not await self._woken_within(wait_s):
                continue
            try:
                if loop.time() >= next_sweep:
                    next_sweep = loop.time() + self._rhythm.total_seconds()
                    try:
                        await self._conversations.sweep(up_since=up_since)
                    finally:  # what cannot be swept keeps nobody in line
                        await self._conversations.match()
                else:
                    lines, self._lines = self._lines, set()
                    persons, self._persons = self._persons, set()
                    await self._conversations.match(lines, persons)
            except Unavailable:
                logger.warning("matchmaker_store_unavailable")
            except Exception:
                logger.exception("matchmaker_failed")

    async def _woken_within(self, seconds: float) -> bool:
        """Wait for a bell; False when none came in time."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return False
        self._wake.clear()
        return not self._closing
