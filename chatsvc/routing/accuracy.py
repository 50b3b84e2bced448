"""How what was told of waits has held (callback.md, section 6): figures out of counts, pure.

A wait is told once, when its place is admitted, and measured against what came: about how long it takes as usual, and what nine of ten do not
pass (the bound). Those who leave before they are served are counted apart: how long they would have waited nobody knows. What the waits were
corrected by meanwhile is no matter of this module (``policy.learned``).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import Final, NamedTuple

from chatsvc.db.columns import from_microseconds, to_microseconds

# Nine of ten waits end within the bound: what is promised, and between what the share may lie when chance alone is at work (callback.md,
# targets of section 6).
PROMISED: Final = 0.9
_LEAST: Final = 0.88
_MOST: Final = 0.92
# Waits that it takes before a share of them says anything about the next.
_ENOUGH: Final = 50
# Waits of a line that it takes before its customers are told how the bound has held.
ENOUGH_TO_PUBLISH: Final = 200
# A wait that was worse than told by far: longer than 1.5 times what was told as usual, and a minute.
SHOCK_TIMES: Final = 1.5
SHOCK_AND: Final = timedelta(minutes=1)


class Counts(NamedTuple):
    """Places that were admitted in some stretch of time, counted; sums are of microseconds."""

    # Told something, and served since.
    served: int = 0
    # Of them: served within the bound; worse than told by far.
    held: int = 0
    shocks: int = 0
    # Sums over them: how far the wait was from what was told as usual, either way; and by how much it was longer.
    missed_us: int = 0
    longer_us: int = 0
    # Told something, and gone before they were served; of them: those who had waited past the bound.
    left: int = 0
    left_late: int = 0
    # Told something, and waiting still.
    waiting: int = 0
    # Told nothing, for want of data or of anybody who serves the line; whatever became of them.
    untold: int = 0
    # Asked for later themselves: what they were told at first was of another wait.
    put_off: int = 0

    def with_those(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Verdict(Enum):
    """Whether the bound holds as it is promised."""

    FEW = "few"
    HOLDS = "holds"
    # Fewer waits end within it than is promised.
    SHORT = "short"
    # More do: shorter bounds could be told.
    LONG = "long"


class Figures(NamedTuple):
    """What some counts come to."""

    counts: Counts
    # Part of the served whose wait ended within the bound, 0 to 1; None while nobody was served.
    within: float | None
    # Mean distance between told and waited, and by how much waits were longer than told on average (negative: shorter); None as above.
    error: timedelta | None
    bias: timedelta | None
    # Part of the served whose wait was a shock, 0 to 1; None as above.
    shocks: float | None
    verdict: Verdict


def figures(counts: Counts) -> Figures:
    """Return what counts come to."""
    served = counts.served
    if not served:
        return Figures(counts, None, None, None, None, Verdict.FEW)
    within = counts.held / served
    return Figures(
        counts,
        within,
        timedelta(microseconds=counts.missed_us / served),
        timedelta(microseconds=counts.longer_us / served),
        counts.shocks / served,
        _verdict(served, within),
    )


def _verdict(served: int, within: float) -> Verdict:
    if served < _ENOUGH:
        return Verdict.FEW
    if within < _LEAST:
        return Verdict.SHORT
    return Verdict.LONG if within > _MOST else Verdict.HOLDS


class Accuracy(NamedTuple):
    """How told waits have held in a stretch of days."""

    # All lines together; each line that had anybody in it, by its key; each day, the newest first, also those without anybody.
    together: Figures
    lines: Mapping[str, Figures]
    days: Sequence[tuple[date, Figures]]


def accuracy(found: Iterable[tuple[str, int, Counts]], days: Sequence[date]) -> Accuracy:
    """Return how told waits have held.

    Args:
        found: line, index of the day in ``days``, and what was counted there; what is missing is nothing.
        days: the days that were looked at, in order.
    """
    together = Counts()
    by_line: dict[str, Counts] = {}
    by_day = [Counts()] * len(days)
    for line, day, counts in found:
        together = together.with_those(counts)
        by_line[line] = by_line.get(line, Counts()).with_those(counts)
        by_day[day] = by_day[day].with_those(counts)
    return Accuracy(
        figures(together),
        {line: figures(by_line[line]) for line in sorted(by_line)},
        [(day, figures(counts)) for day, counts in zip(reversed(days), reversed(by_day), strict=True)],
    )


def days_until(at: datetime, length: int, zone: tzinfo) -> list[date]:
    """Return the days of a calendar up to that of a moment, as many as are wished, in order."""
    last = at.astimezone(zone).date()
    return [last - timedelta(days=back) for back in reversed(range(length))]


def beginnings(days: Sequence[date], zone: tzinfo) -> list[datetime]:
    """Return the moments, UTC, at which days begin on the clocks of a zone, and the one at which the last of them ends."""
    moments = [datetime.combine(day, time(), zone) for day in (*days, days[-1] + timedelta(days=1))]
    return [from_microseconds(to_microseconds(moment)) for moment in moments]


def published(counts: Counts) -> int | None:
    """Return how many of 100 served customers waited no longer than the bound, rounded down; None: too few to say so."""
    return None if counts.served < ENOUGH_TO_PUBLISH else counts.held * 100 // counts.served
