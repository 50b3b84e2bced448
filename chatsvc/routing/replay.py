"""How long waits are going to be: the floor as it stands is played forward many times, and what came of each place is counted.

What nobody can know is drawn: how long the work in hand still takes from what such work took lately and has taken already, who gives up,
who comes and may pass. Who is served next is what ``policy.match`` says, written anew for one freed representative at a time, because
that function looks at everybody; a test holds the two together. Pure: the moment is 0, everything is in seconds, chance is handed in.
Left out: declined and missed offers, breaks that nobody planned. What that costs is made up for by ``policy.corrected``.
"""

import heapq
import math
from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

# How often the floor is played; more changes a quote less than the next customer does.
RUNS: Final = 50
# Nobody looks further ahead than a working day.
HORIZON_S: Final = 12 * 3600.0


class History(NamedTuple):
    """What a line has been like lately."""

    # How long work took from its acceptance until its wrap-up was over; ascending, and not empty.
    handled_s: Sequence[float]
    # Part of those who wait for a chat that gives up in a second.
    leaving: float = 0.0
    # Arrivals in a second that pass some who wait already, and by how much of their rank.
    urgent: float = 0.0
    urgent_credit_s: float = 600.0


class Turn(NamedTuple):
    """A place that waits."""

    line: str
    # When it was admitted, minus its credit; negative, the lowest is next.
    rank_s: float
    is_call: bool = False
    # Since when, negative; or from when on, positive, it may be offered.
    since_s: float = 0.0
    # Nobody yet: what somebody would wait who came now. Takes nobody's time.
    is_imagined: bool = False


class Hand(NamedTuple):
    """A representative: there now, or planned."""

    lines: frozenset[str]
    capacity: int
    # From when on they take work, and until when.
    from_s: float = 0.0
    until_s: float = math.inf
    # For how long without work.
    idle_s: float = 0.0


class Work(NamedTuple):
    """What a representative has in hand."""

    # Index of the hand.
    hand: int
    line: str
    units: int
    spent_s: float


class Floor(NamedTuple):
    """Everything that decides about waits, at one moment."""

    # In the order of the line: the lowest rank first, and of equal ones the earlier admitted.
    turns: Sequence[Turn]
    hands: Sequence[Hand]
    work: Sequence[Work]
    # Line -> what it has been like; lines without a history take what all have in common.
    history: Mapping[str, History]
    drain_after_s: float = 60.0


class Wait(NamedTuple):
    """What is likely for one place: half of such waits end before the median, nine of ten before the bound; in seconds."""

    median: float
    bound: float


def replay(floor: Floor, chance: Random, runs: int = RUNS) -> list[Wait | None]:
    """Return what is likely for each turn, in their order; None where nobody is there to serve it in most of the runs.

    A turn that gives up in a run is priced nevertheless, by when it would have been reached.
    """
    drawn: list[list[float]] = [[] for _ in floor.turns]
    for _ in range(runs):
        for waits, wait in zip(drawn, _Run(floor, chance).waits(), strict=True):
            waits.append(wait)
    return [_likely(sorted(waits)) for waits in drawn]


def _likely(waits: Sequence[float]) -> Wait | None:
    bound = waits[math.ceil(0.9 * len(waits)) - 1]
    return None if bound > HORIZON_S else Wait(waits[len(waits) // 2], bound)


# What an event is about, besides a hand of that number.
_COMES: Final = -1


class _Run:
    """One way in which it may go on."""

    def __init__(self, floor: Floor, chance: Random) -> None:
        self.floor, self.random = floor, chance.random
        self.load = [0] * len(floor.hands)
        # Moment, number (ties), and the units that a hand has back; or ``_COMES``, and the turn that may be offered from now on.
        self.events: list[tuple[float, int, int, int]] = []
        self._numbers = 0
        # Rank and index of those that wait; the index breaks ties as the admission number does.
        self.waiting = [(turn.rank_s, n) for n, turn in enumerate(floor.turns)]
        self.turns = list(floor.turns)
        self.found = [math.inf] * len(floor.turns)
        self.gives_up = [self._patience(turn) for turn in floor.turns]
        # Which hand is kept free for which turn.
        self.kept: dict[int, int] = {}

    def waits(self) -> list[float]:
        """Return when each turn is served."""
        floor = self.floor
        for work in floor.work:
            self.load[work.hand] += work.units
            self._at(self._rest(work), work.hand, work.units)
        for n, hand in enumerate(floor.hands):
            if hand.from_s > 0:
                self._at(hand.from_s, n, 0)
        for n, turn in enumerate(floor.turns):
            if turn.since_s > 0:
                self._at(turn.since_s, _COMES, n)
        self._urgent()
        self._look_at_all(0.0)
        open_turns = sum(wait == math.inf for wait in self.found)
        while open_turns and self.events:
            at, _, who, units = heapq.heappop(self.events)
            if at > HORIZON_S:
                break
            if who >= 0:
                self.load[who] -= units
                open_turns -= self._give(who, at)
            else:
                before = sum(wait == math.inf for wait in self.found)
                if units >= len(self.found):
                    insort(self.waiting, (self.turns[units].rank_s, units))
                self._look_at_all(at)
                open_turns -= before - sum(wait == math.inf for wait in self.found)
        return self.found

    # Drawing ----------------------------------------------------------------------------------------------------------------------------

    def _of(self, line: str) -> History:
        return self.floor.history[line]

    def _rest(self, work: Work) -> float:
        """How long work in hand still takes, given how long it has taken."""
        handled = self._of(work.line).handled_s
        longer = bisect_right(handled, work.spent_s)
        left = len(handled) - longer
        if left == 0:
            # Nothing has ever taken so long: it may be over at any moment.
            return -math.log(1 - self.random()) * handled[-1] / 4
        return handled[longer + int(self.random() * left)] - work.spent_s

    def _handle(self, line: str) -> float:
        handled = self._of(line).handled_s
        return handled[int(self.random() * len(handled))]

    def _patience(self, turn: Turn) -> float:
        if turn.is_imagined:
            return -1.0
        leaving = 0.0 if turn.is_call else self._of(turn.line).leaving
        return -math.log(1 - self.random()) / leaving if leaving else math.inf

    def _urgent(self) -> None:
        """Let those come who may pass, as long as somebody waits whom they can."""
        for line in dict.fromkeys(turn.line for turn in self.floor.turns):
            history, at = self._of(line), 0.0
            while history.urgent:
                at -= math.log(1 - self.random()) / history.urgent
                if at > history.urgent_credit_s:
                    break
                self.turns.append(Turn(line, at - history.urgent_credit_s))
                self.gives_up.append(at + self._patience(self.turns[-1]))
                self._at(at, _COMES, len(self.turns) - 1)

    def _at(self, at: float, who: int, units: int) -> None:
        self._numbers += 1
        heapq.heappush(self.events, (at, self._numbers, who, units))

    # Serving ----------------------------------------------------------------------------------------------------------------------------

    def _look_at_all(self, at: float) -> None:
        """Give each turn, in order, to whoever of those with room has least to do, and of those the one longest without work."""
        roomy = [
            n
            for n, hand in enumerate(self.floor.hands)
            if self.load[n] < hand.capacity and hand.from_s <= at < hand.until_s
        ]
        reach = self._reach(roomy)
        for rank, n in tuple(self.waiting):
            turn = self.turns[n]
            if turn.since_s > at or not (roomy or turn.is_call):
                continue
            able = [hand for hand in roomy if self._may(hand, n, at)] if turn.line in reach else []
            if able:
                hand = min(able, key=lambda each: (self.load[each], -self.floor.hands[each].idle_s))
                self.waiting.remove((rank, n))
                self._take(hand, n, at)
                if self.load[hand] >= self.floor.hands[hand].capacity:
                    roomy.remove(hand)
                    reach = self._reach(roomy)
            elif turn.is_call:
                self._keep_somebody(n, at)

    def _reach(self, hands: Sequence[int]) -> frozenset[str]:
        return frozenset[str]().union(*(self.floor.hands[hand].lines for hand in hands))

    def _keep_somebody(self, n: int, at: float) -> None:
        """Keep whoever has least to do free for a call that is next and has waited long enough."""
        turn = self.turns[n]
        if n in self.kept or at - turn.since_s < self.floor.drain_after_s:
            return
        serving = [hand for hand in range(len(self.load)) if self._serves(hand, turn.line, at)]
        kept = set(self.kept.values())
        free = [hand for hand in serving if hand not in kept]
        if free and len(kept.intersection(serving)) < max(1, len(serving) // 2):
            self.kept[n] = min(free, key=lambda each: (self.load[each], -self.floor.hands[each].idle_s))

    def _give(self, hand: int, at: float) -> int:
        """Let a hand that has become free take what is next for it; return how many of the priced turns were served."""
        served, n, lines = 0, 0, self.floor.hands[hand].lines
        while n < len(self.waiting) and self.load[hand] < self.floor.hands[hand].capacity:
            index = self.waiting[n][1]
            turn = self.turns[index]
            if turn.line in lines and turn.since_s <= at and self._may(hand, index, at):
                del self.waiting[n]
                served += index < len(self.found)
                self._take(hand, index, at)
                continue
            if turn.is_call and turn.since_s <= at:
                self._keep_somebody(index, at)
            n += 1
        return served

    def _serves(self, hand: int, line: str, at: float) -> bool:
        whose = self.floor.hands[hand]
        return line in whose.lines and whose.from_s <= at < whose.until_s

    def _may(self, hand: int, n: int, at: float) -> bool:
        turn = self.turns[n]
        units = self.floor.hands[hand].capacity if turn.is_call else 1
        if self.load[hand] + units > self.floor.hands[hand].capacity or not self._serves(hand, turn.line, at):
            return False
        return all(whose == n or hand != kept for whose, kept in self.kept.items()) if self.kept else True

    def _take(self, hand: int, n: int, at: float) -> None:
        turn = self.turns[n]
        self.kept.pop(n, None)
        if n < len(self.found):
            self.found[n] = at
        if self.gives_up[n] < at:
            return
        units = self.floor.hands[hand].capacity if turn.is_call else 1
        self.load[hand] += units
        self._at(at + self._handle(turn.line), hand, units)
