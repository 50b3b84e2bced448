"""Who is served next, by whom, and how long it usually takes: pure functions of values and a moment.

Here stands the whole order of the line (design, section 6; callback.md, section 5). Storage, locks and bells are elsewhere.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from chatsvc.kernel.ids import PersonId, PlaceId
from chatsvc.routing.model import Pair, Place, RoutingRules, Seat
from chatsvc.routing.replay import Wait

# The normal distribution's 90 % point.
_Z90 = 1.2816
# How fast corrections of the median and of the bound learn, which bench/waits.py compares; and their limits. Slower, a day on which everything
# takes longer is over before the bound has noticed; faster, the bound gets wide.
_MEDIAN_STEP, _BOUND_STEP = 0.015, 0.15
_SMALLEST, _GREATEST = 0.2, 5.0
# What a shock costs, a wait of more than half as long again as was said and a minute (callback.md, section 6): as much as being wrong by so many
# seconds. And how far beyond the median is looked for what costs least, in standard deviations of the logarithm.
_SHOCK_S = 480.0
_BEYOND = tuple(n / 10 for n in range(13))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rank(admitted_at: datetime, severity: str, rules: RoutingRules) -> int:
    """Return a place's rank in microseconds: when it was admitted, minus the credit of its severity; the lowest is next.

    It bounds how long anybody can be overtaken: only those admitted less than the credit later can pass (callback.md, invariant 9).
    """
    credit = rules.credit.get(severity)
    return (admitted_at - (credit or timedelta()) - _EPOCH) // timedelta(microseconds=1)


def raised_rank(present: int, admitted_at: datetime, severity: str, rules: RoutingRules) -> int:
    """Return the rank after a change of severity: it only ever falls, so that nobody is sent back."""
    return min(present, rank(admitted_at, severity, rules))


def units_of(waiting_for: str, capacity: int) -> int:
    """Return how much of a representative one contact takes: a chat one unit, a call the whole."""
    return capacity if waiting_for == "call" else 1


def match(
    places: Iterable[Place],
    seats: Iterable[Seat],
    asked: Mapping[PlaceId, frozenset[PersonId]],
    at: datetime,
    rules: RoutingRules,
) -> list[Pair]:
    """Pair waiting places with free representatives; nobody is left idle who could serve somebody in the list.

    Args:
        places: waiting places of any lines, in any order.
        seats: everybody who is present and ready and serves one of those lines, the busy ones too: whether all have been asked
            is judged by all of them.
        asked: place -> who was asked in its present round already; a place that is missing was offered to nobody.
        at: the moment it happens.

    Returns:
        Pairs in the order in which they were decided: the lowest rank first; the least loaded representative, and among those the one
        longest without work.
    """
    desks = _Desks(seats)
    passed: dict[str, dict[PlaceId, _Passed]] = defaultdict(dict)
    pairs: list[Pair] = []
    for place in sorted(places, key=lambda each: (each.rank, each.seq)):
        found = _serve(place, desks, asked.get(place.id, frozenset()), at, rules)
        if isinstance(found, _Passed):
            passed[place.line][place.id] = found
            continue
        units = desks.take(found.person, place)
        why = {other: reason.of(found.person) for other, reason in passed[place.line].items()}
        pairs.append(Pair(place, found.person, found.round, units, why))
    return pairs


def is_unseen(waiting_for: str, seen_at: datetime, at: datetime, rules: RoutingRules) -> bool:
    """Whether a customer's page has vanished; who waits for a call may leave it (C3)."""
    return waiting_for == "chat" and at - seen_at > rules.unseen_after


class _Found(NamedTuple):
    person: PersonId
    round: int


class _Passed(NamedTuple):
    """Why nobody takes a place now."""

    why: str
    # Who was asked in its round already.
    asked: frozenset[PersonId] = frozenset()

    def of(self, person: PersonId) -> str:
        """Return why somebody who is free for a later place does not take this one."""
        return "asked" if person in self.asked else self.why


def _serve(
    place: Place, desks: "_Desks", asked: frozenset[PersonId], at: datetime, rules: RoutingRules
) -> _Found | _Passed:
    """Find who takes this place now, or say why nobody does."""
    if is_unseen(place.waiting_for, place.seen_at, at, rules):
        return _Passed("unseen")
    if place.reserved_for is not None:
        reserved = desks.seats.get(place.reserved_for)
        if reserved is None or not desks.has_room(reserved, place):
            return _Passed("reserved")
        return _Found(place.reserved_for, place.round)
    begins_again = asked.issuperset(desks.serving[place.line])
    if begins_again:
        asked = frozenset()
    willing = [seat for seat in desks.roomy[place.line] if seat.person not in asked and desks.has_room(seat, place)]
    if not willing:
        # Somebody serves this line who was not asked yet, and has no room for it.
        if place.waiting_for == "call" and at - place.since_at >= rules.drain_after:
            desks.drain_for(place, asked)
        return _Passed("capacity", asked)
    person = min(willing, key=desks.turn).person
    return _Found(person, place.round + 1 if begins_again else place.round)


class _Desks:
    """The representatives while pairs are being made: their load grows with each."""

    def __init__(self, seats: Iterable[Seat]) -> None:
        self.seats = {seat.person: seat for seat in seats}
        self.load = {seat.person: seat.load for seat in self.seats.values()}
        # Line -> everybody who serves it, and those of them who have room for anything at all.
        self.serving: dict[str, set[PersonId]] = defaultdict(set)
        self.roomy: dict[str, list[Seat]] = defaultdict(list)
        # Kept free of whatever comes later in the order, for a call that is next and that nobody is free enough for.
        self.draining: set[PersonId] = set()
        for seat in self.seats.values():
            for line in seat.lines:
                self.serving[line].add(seat.person)
                if seat.load < seat.capacity:
                    self.roomy[line].append(seat)

    def has_room(self, seat: Seat, place: Place) -> bool:
        if seat.person in self.draining:
            return False
        return self.load[seat.person] + units_of(place.waiting_for, seat.capacity) <= seat.capacity

    def drain_for(self, place: Place, asked: frozenset[PersonId]) -> None:
        """Keep one representative free for a call: whoever has least to do, and at most half of those who serve the line.

        Nothing is remembered: as nobody gives that person anything, it is the same one, or one who is free sooner, next time.
        """
        serving = self.serving[place.line]
        if len(self.draining & serving) >= max(1, len(serving) // 2):
            return
        candidates = [self.seats[person] for person in serving - asked - self.draining]
        if candidates:
            self.draining.add(min(candidates, key=self.turn).person)

    def turn(self, seat: Seat) -> tuple[int, datetime, PersonId]:
        """Who comes first: whoever has least to do, then whoever has been without work longest."""
        return self.load[seat.person], seat.idle_since, seat.person

    def take(self, person: PersonId, place: Place) -> int:
        seat = self.seats[person]
        units = units_of(place.waiting_for, seat.capacity)
        self.load[person] += units
        if self.load[person] >= seat.capacity:
            for line in seat.lines:
                self.roomy[line].remove(seat)
        return units


class Start(NamedTuple):
    """A place of the line that was taken: when it was admitted, and when a representative accepted it."""

    admitted_at: datetime
    taken_at: datetime


def gaps_between(starts: Sequence[Start]) -> list[float]:
    """Return the seconds between successive starts of a line, of those only during which somebody waited.

    A start that found nobody waiting says how long the line was empty, not how fast it moves.
    """
    ordered = sorted(starts, key=lambda start: start.taken_at)
    return [
        (later.taken_at - earlier.taken_at).total_seconds()
        for earlier, later in pairwise(ordered)
        if later.admitted_at <= earlier.taken_at
    ]


class Pace(NamedTuple):
    """How a line has been moving: what ``wait_range`` needs of its gaps, computed once for everybody in it."""

    # Gaps observed, their mean in seconds, and their variance.
    observed: int
    mean: float
    variance: float


def pace_of(gaps: Sequence[float], rules: RoutingRules) -> Pace | None:
    """Return a line's pace; None while there are too few gaps for an honest range."""
    if len(gaps) < rules.range_needs:
        return None
    mean = sum(gaps) / len(gaps)
    if mean <= 0:
        return None
    variance = sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1)
    return Pace(len(gaps), mean, variance)


def wait_range(position: int, pace: Pace | None) -> Wait | None:
    """Return what a wait at this position is likely to be, by how the line has been moving; None while data are thin.

    A wait at position n is n gaps long. Their sum is taken as gamma distributed (positive, skewed to the right, like waits are), its
    quantiles by Wilson and Hilferty. The mean itself is known from few observations only; that doubt raises the bound.
    """
    if pace is None or position < 1:
        return None
    mean = position * pace.mean
    variance = position * pace.variance * (1 + position / pace.observed)
    if variance <= 0:
        return Wait(mean, mean)
    shape = mean * mean / variance

    def quantile(z: float) -> float:
        return mean * max(0.0, 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))) ** 3

    return Wait(quantile(0), quantile(_Z90))


class Correction(NamedTuple):
    """By how much what a line was told has to be changed to hold, learned from what came of it."""

    median: float = 1.0
    bound: float = 1.0


class Told(NamedTuple):
    """What somebody is told of their wait, in whole seconds."""

    # About so long.
    low_s: int
    # Nine of ten not longer: whole minutes, rounded up.
    high_s: int
    # Half of such waits are over by then; not told, what corrections learn from.
    median_s: int


def learned(before: Correction, told: Told, waited_s: float) -> Correction:
    """Return the correction after one more wait came to its end (callback.md, section 6): each miss raises it, each hit lowers it a little.

    It stands still when half of all waits pass the median, and one in ten what was told as the bound.
    """
    median = before.median * math.exp(_MEDIAN_STEP * ((waited_s > told.median_s) - 0.5))
    bound = before.bound * math.exp(_BOUND_STEP * ((waited_s > told.high_s) - 0.1))
    return Correction(_within(median), _within(bound))


def _within(factor: float) -> float:
    return min(max(factor, _SMALLEST), _GREATEST)


def told(wait: Wait, correction: Correction) -> Told:
    """Return what people are told: about so long, and nine of ten not longer.

    What is shown is what is measured: below a minute nobody is told more than "a minute".
    """
    median = wait.median * correction.median
    usual = _costs_least(median, wait.bound * correction.median)
    bound = max(wait.bound * correction.bound, usual, 1.0)
    return Told(math.floor(usual), 60 * math.ceil(bound / 60), math.floor(median))


def _costs_least(median: float, bound: float) -> float:
    """Return what to say about a wait: what it costs to be wrong by a second is one, and a shock costs ``_SHOCK_S`` more.

    Waits are taken as lognormal through their median and bound. Nobody is told less than the median. Where waits are long and known well
    it is all but that; short ones, which may easily become twice as long, are said to be a little longer.
    """
    spread = math.log(max(bound, median) / median) / _Z90 if median >= 1 else 0.0
    if spread < 0.01:
        return median
    mean = median * math.exp(spread * spread / 2)

    def cost(beyond: float) -> float:
        said = median * math.exp(beyond * spread)
        wrong_by = said * (2 * _normal(beyond) - 1) + mean * (1 - 2 * _normal(beyond - spread))
        return wrong_by + _SHOCK_S * _normal(-math.log((1.5 * said + 60) / median) / spread)

    return median * math.exp(min(_BEYOND, key=cost) * spread)


def _normal(z: float) -> float:
    """The part of a normal distribution that lies below ``z``."""
    return (1 + math.erf(z / math.sqrt(2))) / 2
