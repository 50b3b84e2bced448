"""How many people can be promised a call in a slot, so that 95 of 100 are called inside it (callback.md, section 7).

Dividing minutes by minutes overbooks: calls are of very different lengths, and what is late in one slot begins late in the next. So the
capacity is the most with which a day of full slots, simulated, still keeps its word. Those results are kept here as a table, for the
usual lengths; for handling times that are measured to be others, the same simulation is run once and remembered.

Nothing is oversold for those who will not pick up: they are in the simulation already.
"""

import heapq
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from statistics import fmean, median, pstdev
from typing import Final, NamedTuple

# Full slots in a row in a simulated day.
SLOTS: Final = 16
TARGET: Final = 0.95


@dataclass(frozen=True, slots=True)
class Handling:
    """What a call takes, in minutes."""

    # Mean and coefficient of variation of the talk, taken as lognormal.
    mean: float = 10.0
    variation: float = 0.9
    # The representative reads the preview before, and completes the ticket after.
    preview: float = 0.5
    wrap_up: float = 1.0
    # Part of the calls that nobody takes, and how long such a telephone rings.
    no_answer: float = 0.15
    ring: float = 25 / 60


USUAL: Final = Handling()

# Calls that it takes before their lengths count. Of as many that differ as calls do, the mean is off by a sixth by chance alone (0.9 / √30):
# less than what it means to take ten minutes for granted where a call takes fourteen.
ENOUGH: Final = 30
# A talk that is longer than so many of the middle ones counts as one of that length: somebody forgot to hang up. One call of 50 gets there.
_TALK_AT_MOST: Final = 5
_LONGEST_TALK: Final = timedelta(minutes=60)
# A wrap-up completes by itself; what is longer waited for a process that was down.
_LONGEST_WRAP_UP: Final = timedelta(minutes=10)
# What is measured is rounded up to these steps, so that tables are made once and capacity does not follow every call: minutes, part, minutes.
_MEAN_STEP: Final = 1.0
_VARIATION_STEP: Final = 0.1
_WRAP_UP_STEP: Final = 0.5

# Up to how many representatives capacity is simulated.
SIMULATED: Final = 12
# Slot length in minutes -> representatives -> the most that keeps the word. ``bench/slots.py --table`` computes it anew; a test compares.
TABLE: Final[dict[int, tuple[int, ...]]] = {
    15: (0, 2, 3, 5, 6, 7, 9, 11, 12, 14, 15, 17),
    30: (1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34),
    60: (4, 10, 16, 22, 28, 34, 40, 46, 52, 58, 64, 70),
}


def on_time(
    length: timedelta, representatives: int, seats: int, *, handling: Handling = USUAL, days: int = 200, seed: int = 1
) -> float:
    """Return which part of the calls begins inside its slot when every slot of a day is full.

    Args:
        length: of a slot.
        representatives: who call and do nothing else; first come, first served.
        seats: sold in each slot; everybody is due when it begins.
        handling: what a call takes.
        days: simulated; the standard error falls with its root.
        seed: the same seed gives the same answer.
    """
    if seats == 0:
        return 1.0
    draw = random.Random(seed)
    spread = math.log(1 + handling.variation**2)
    middle, sigma = math.log(handling.mean) - spread / 2, math.sqrt(spread)
    slot = length / timedelta(minutes=1)
    kept = 0
    for _ in range(days):
        free = [0.0] * representatives
        for begin in (slot * n for n in range(SLOTS)):
            for _ in range(seats):
                start = max(free[0], begin)
                kept += start < begin + slot
                answered = draw.random() >= handling.no_answer
                talk = draw.lognormvariate(middle, sigma) + handling.wrap_up if answered else handling.ring
                heapq.heapreplace(free, start + handling.preview + talk)
    return kept / (days * SLOTS * seats)


def most_that_keeps(
    length: timedelta,
    representatives: int,
    *,
    target: float = TARGET,
    handling: Handling = USUAL,
    days: int = 200,
    seed: int = 1,
) -> int:
    """Return the most seats per slot with which at least ``target`` of the calls begin in time; 0 where even one does not."""
    low, high = 0, 2 + int(representatives * length / timedelta(minutes=handling.mean)) * 2
    while high - low > 1:
        middle = (low + high) // 2
        share = on_time(length, representatives, middle, handling=handling, days=days, seed=seed)
        low, high = (middle, high) if share >= target else (low, middle)
    return low


class Measured(NamedTuple):
    """By which handling time a line's slots are promised."""

    handling: Handling
    # Calls that it was measured over; 0: too few, it is the usual one.
    calls: int


def measured(calls: Sequence[tuple[timedelta, timedelta]]) -> Measured:
    """Return the handling time of calls; the usual one while there are too few of them.

    Args:
        calls: talk and wrap-up of each that was answered and completed.
    """
    if len(calls) < ENOUGH:
        return Measured(USUAL, 0)
    minute = timedelta(minutes=1)
    middle = median(talk / minute for talk, _ in calls)
    talks = [min(talk / minute, _TALK_AT_MOST * middle, _LONGEST_TALK / minute) for talk, _ in calls]
    wrap_ups = [min(wrap_up, _LONGEST_WRAP_UP) / minute for _, wrap_up in calls]
    handling = Handling(
        mean=_up(fmean(talks), _MEAN_STEP),
        variation=_up(pstdev(talks) / fmean(talks), _VARIATION_STEP),
        wrap_up=_up(fmean(wrap_ups), _WRAP_UP_STEP),
    )
    return Measured(handling, len(calls))


def _up(value: float, step: float) -> float:
    """Return the next multiple of a step, at least one: rounding down would promise what was not measured."""
    return round(max(1, math.ceil(value / step - 1e-9)) * step, 6)


def capacity(representatives: int, length: timedelta, handling: Handling = USUAL) -> int:
    """Return how many seats a slot has that so many representatives call in; 0: none can be promised.

    Beyond twelve representatives, ``n·m + 1.65·√n·s ≤ representatives × length``: safe, up to a third too careful.
    """
    if representatives < 1:
        return 0
    if representatives > SIMULATED:
        careful = _careful(representatives * (length / timedelta(minutes=1)), handling)
        return max(careful, capacity(SIMULATED, length, handling))
    row = TABLE.get(round(length / timedelta(minutes=1)))
    if row is not None and handling == USUAL:
        return row[representatives - 1]
    return _simulated(representatives, length, handling)


@cache
def _simulated(representatives: int, length: timedelta, handling: Handling) -> int:
    return most_that_keeps(length, representatives, handling=handling)


def make_tables(handlings: Iterable[Handling], representatives: int, length: timedelta) -> None:
    """Work out what so many representatives and fewer can promise, so that asking takes no time: some hundredths of a second each."""
    for handling in handlings:
        for each in range(1, min(representatives, SIMULATED) + 1):
            capacity(each, length, handling)


def _careful(minutes: float, handling: Handling) -> int:
    each = handling.preview + handling.mean + handling.wrap_up
    spread = handling.mean * handling.variation
    seats = 0
    while (seats + 1) * each + 1.65 * math.sqrt(seats + 1) * spread <= minutes:
        seats += 1
    return seats


def callers(planned: int, share: float) -> int:
    """Return how many of the planned representatives slots may count on: their share, at least one of whoever is there."""
    return max(1, math.floor(planned * share)) if planned > 0 else 0
