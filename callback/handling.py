"""How long calls of each line take, as it counts for slots: measured over four weeks of them (callback.md, section 7).

Whole days (UTC) are measured, up to the one before today. So a process reads once a day, all processes find the same, and what a slot carries does
not change between two looks at a page. Chats count for nothing here, and how long a line's work takes for those who wait in it is measured
elsewhere (``chatsvc.conversations.outlook``): that is of chats and calls together, with the time for reading before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from callback import policy, store
from callback.capacity import Measured, measured

LOOKS_BACK: Final = timedelta(days=28)


class HandlingTimes:
    """Measures them; one per process."""

    def __init__(self) -> None:
        # End of the days that were measured -> line -> what was found.
        self._known: dict[datetime, Mapping[str, Measured]] = {}

    async def of(self, connection: AsyncConnection, at: datetime) -> Mapping[str, Measured]:
        """Return by which handling time each line is promised at a moment; a line that is missing has had no calls."""
        until, _ = policy.day_of(at)
        if until not in self._known:
            calls = await store.handled(connection, until - LOOKS_BACK, until)
            found = {line: measured(of_line) for line, of_line in calls.items()}
            # Yesterday's are compared with.
            self._known = {day: known for day, known in self._known.items() if abs(day - until) <= timedelta(days=1)}
            self._known[until] = found
        return self._known[until]
