"""A ledger in memory that goes by the port's own rule of what is news."""

import asyncio
import json
from typing import Any

from callback.telephony.port import AttemptId, Ended, Event, Outcome, Progress, Stage, is_news


class Notebook:
    """The last trace and every event of each attempt."""

    def __init__(self) -> None:
        self.traces: dict[AttemptId, str] = {}
        # Events that were news.
        self.events: list[Event] = []
        # How often anything was told.
        self.told = 0
        # ``keep`` fails from this call on; None: never.
        self.fails_at: int | None = None
        self._kept = 0
        self._ends: dict[AttemptId, asyncio.Future[Ended]] = {}
        self._stages: dict[str, asyncio.Event] = {}
        self._now: dict[AttemptId, tuple[Stage | None, Outcome | None]] = {}

    async def keep(self, attempt: AttemptId, trace: str) -> None:
        """Store a trace."""
        self._kept += 1
        if self.fails_at is not None and self._kept >= self.fails_at:
            raise ConnectionError("the store is away")
        self.traces[attempt] = trace

    async def happened(self, event: Event) -> None:
        """Take an event, if it is one."""
        self.told += 1
        stage, outcome = self._now.get(event.attempt, (None, None))
        if not is_news(event, stage=stage, outcome=outcome):
            return
        self.events.append(event)
        if isinstance(event, Progress):
            self._now[event.attempt] = (event.stage, None)
            self._reached(event.stage.value).set()
        else:
            self._now[event.attempt] = (stage, event.outcome)
            if not self._end(event.attempt).done():
                self._end(event.attempt).set_result(event)

    async def ended(self, attempt: AttemptId) -> Ended:
        """Return the attempt's end, when it has come."""
        return await self._end(attempt)

    async def comes_to(self, stage: str) -> None:
        """Return when an attempt has come to that stage."""
        await self._reached(stage).wait()

    @property
    def stages(self) -> list[str]:
        """Stages in the order in which they were told."""
        return [event.stage.value for event in self.events if isinstance(event, Progress)]

    @property
    def outcomes(self) -> list[str]:
        """Outcomes in the order in which they were told."""
        return [event.outcome.value for event in self.events if isinstance(event, Ended)]

    def dialogs(self, attempt: AttemptId) -> list[dict[str, Any]]:
        """The stored dialogs of an attempt."""
        return list(json.loads(self.traces[attempt])["dialogs"])

    def _reached(self, stage: str) -> asyncio.Event:
        return self._stages.setdefault(stage, asyncio.Event())

    def _end(self, attempt: AttemptId) -> asyncio.Future[Ended]:
        return self._ends.setdefault(attempt, asyncio.get_running_loop().create_future())
