"""The time, as something that is handed in.

Rules never ask for the time, they get a moment. The few places that must ask take a ``Clock``; tests take ``ManualClock`` and move it themselves.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a moment comes from."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class SystemClock:
    """Wall time that does not jump: read once, then carried on by the monotonic clock.

    A machine whose clock is set back or forward while Holdline runs neither loses a lease nor fires a deadline early (R15).
    Processes of one machine that are given the same offset agree whatever has become of its clock between their starts. ``set_to`` moves it to the store's own time, which is what leases and due moments are measured by.
    """

    def __init__(self, offset: float | None = None) -> None:
        """Begin; ``offset`` in seconds is what the monotonic clock lacks, None: read it off the machine's clock."""
        self._offset = offset_of_machine() if offset is None else offset

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.fromtimestamp(time.monotonic() + self._offset, UTC)

    def set_to(self, moment: datetime) -> timedelta:
        """Carry on from this moment instead; return by how much that moved the clock."""
        moved = moment - self.now()
        self._offset += moved.total_seconds()
        return moved


def offset_of_machine() -> float:
    """Return by how many seconds the machine's clock is ahead of its monotonic one, which all its processes share."""
    return time.time() - time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """Return the moment it was last moved to."""
        return self._moment

    def advance(self, by: timedelta | float) -> datetime:
        """Move on by a duration, or by a number of seconds; return the new moment."""
        self._moment += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self._moment
