"""What follows an attempt, when somebody may be rung, which slots are offered, and what is too much: pure functions of values and a moment.

Rules of callback.md: section 3 (outcomes, courtesy hours), 7 (slots), 8.5 (caps). Coverage itself is asked elsewhere and handed in.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import combinations
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from callback.capacity import USUAL, Handling, callers, capacity
from callback.model import CallbackRules, Day, Event, Shift, Slot, Spent
from callback.telephony.port import Outcome

_MINUTE: Final = timedelta(minutes=1)
# The severities that may be rung outside of courtesy hours when the customer said so.
CRITICAL: Final = frozenset({"P1", "P2"})
# Above so many lines only each alone and all together are compared: the number of sets doubles with each line.
_LINES_IN_SETS: Final = 8


# After an attempt ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """What an outcome means."""

    counted: bool
    event: Event
    # Waits before the next attempt: after the first such failure, the second …; the last one is repeated.
    waits: tuple[timedelta, ...] = ()
    # Whether staff should look at the telephone system.
    alarm: bool = False


def _minutes(*waits: int) -> tuple[timedelta, ...]:
    return tuple(wait * _MINUTE for wait in waits)


# callback.md, section 3: every outcome of the port has its row.
RULES: Final[Mapping[Outcome, Rule]] = {
    Outcome.ANSWERED: Rule(counted=False, event=Event.HUNG_UP),
    Outcome.BUSY: Rule(counted=True, event=Event.FAILED, waits=_minutes(3, 10)),
    Outcome.NO_ANSWER: Rule(counted=True, event=Event.FAILED, waits=_minutes(10, 30)),
    Outcome.DECLINED: Rule(counted=True, event=Event.DECLINED),
    Outcome.VOICEMAIL: Rule(counted=True, event=Event.FAILED, waits=_minutes(30)),
    Outcome.INVALID_NUMBER: Rule(counted=False, event=Event.NUMBER_INVALID),
    Outcome.TRUNK: Rule(counted=False, event=Event.FAILED, waits=_minutes(1, 2, 5), alarm=True),
    Outcome.BLOCKED: Rule(counted=False, event=Event.NUMBER_BLOCKED, alarm=True),
    Outcome.REP_BUSY: Rule(counted=False, event=Event.RELEASED),
    Outcome.REP_NO_ANSWER: Rule(counted=False, event=Event.RELEASED),
    Outcome.REP_HUNG_UP: Rule(counted=False, event=Event.RELEASED),
    Outcome.MEDIA: Rule(counted=False, event=Event.RELEASED, alarm=True),
    Outcome.UNKNOWN: Rule(counted=False, event=Event.LOST_SIGHT, alarm=True),
}


class Next(NamedTuple):
    """What becomes of a reservation after an attempt."""

    event: Event
    # Whether the attempt counts against the limit.
    counted: bool
    # How long to wait before it may be offered again; None: not at all, or at once.
    wait: timedelta | None
    # Whether the place goes behind everybody who waits now.
    to_the_end: bool


def after(outcome: Outcome, before: Sequence[Outcome], rules: CallbackRules) -> Next:
    """Return what follows an attempt.

    Args:
        outcome: how it ended.
        before: the outcomes of the reservation's earlier attempts, oldest first.
        rules: the limits. The first counted failure keeps the place, the second goes to the end of the line.
    """
    rule = RULES[outcome]
    counted = sum(RULES[each].counted for each in before) + rule.counted
    if rule.event is Event.HUNG_UP:
        return Next(rule.event, False, None, False)
    heard_a_machine_before = outcome is Outcome.VOICEMAIL and Outcome.VOICEMAIL in before
    used_up = counted >= rules.counted_at_most and rule.counted
    goes_on = rule.event in (Event.FAILED, Event.RELEASED, Event.DECLINED, Event.NUMBER_INVALID)
    if goes_on and (used_up or heard_a_machine_before or has_used_up(len(before) + 1, rules)):
        return Next(Event.USED_UP, rule.counted, None, False)
    turn = counted - 1 if rule.counted else sum(each is outcome for each in before)
    wait = rule.waits[min(turn, len(rule.waits) - 1)] if rule.waits else None
    return Next(rule.event, rule.counted, wait, rule.counted and counted == 2)


def has_used_up(made: int, rules: CallbackRules) -> bool:
    """Whether so many attempts of one reservation were made, of any kind, that no further one may be (invariant 25)."""
    return made >= rules.attempts_at_most


def is_breaker_open(latest: Sequence[tuple[datetime, Outcome]], at: datetime, rules: CallbackRules) -> bool:
    """Whether the telephone system failed that often in a row, and just now, that representatives should dial by hand.

    Args:
        latest: when and how the latest attempts through the system ended, newest first.
        at: now.
        rules: how many, and for how long.
    """
    newest = latest[: rules.breaker_after]
    if len(newest) < rules.breaker_after or any(outcome is not Outcome.TRUNK for _, outcome in newest):
        return False
    return at - newest[0][0] < rules.breaker_for


# Hours ---------------------------------------------------------------------------------------------------------------------------------


def courtesy(at: datetime, zone: str, rules: CallbackRules) -> datetime | None:
    """Return None when a telephone may ring at that moment, else when it may next: 8 to 21 on the customer's wall clock."""
    local = at.astimezone(ZoneInfo(zone))
    if rules.courtesy_from <= local.hour < rules.courtesy_until:
        return None
    day = local.date() if local.hour < rules.courtesy_from else local.date() + timedelta(days=1)
    opens = datetime.combine(day, time(rules.courtesy_from), ZoneInfo(zone))
    return opens.astimezone(UTC)


def ignores_courtesy(severity: str, *, any_hour: bool, proposed: bool = False) -> bool:
    """Whether the customer asked to be rung at any hour, and it is critical, or proposed so and not judged yet."""
    return any_hour and (severity in CRITICAL or proposed)


# Caps ----------------------------------------------------------------------------------------------------------------------------------


def too_much_to_dial(spent: Spent, rules: CallbackRules) -> str | None:
    """Return the key of the cap that forbids another dial now; None: it may be. A running call is never cut by a cap (invariant 30)."""
    if spent.number_attempts >= rules.attempts_per_number_day:
        return "call.cap_number"
    if spent.company_minutes >= rules.minutes_per_company_day:
        return "call.cap_company"
    if spent.minutes >= rules.minutes_per_day:
        return "call.cap_all"
    return None


def is_alarming(spent: Spent, rules: CallbackRules) -> bool:
    """Whether so many of today's minutes are used that staff should know (80 %)."""
    return spent.minutes >= rules.minutes_per_day * rules.alarm_at


def day_of(at: datetime) -> tuple[datetime, datetime]:
    """Return the UTC day around a moment, beginning and end: what caps are counted by."""
    begins = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return begins, begins + timedelta(days=1)


# Slots ---------------------------------------------------------------------------------------------------------------------------------


def grid(at: datetime, rules: CallbackRules) -> Iterable[datetime]:
    """Yield the beginnings of all slots that may be booked at a moment, oldest first; aware, UTC.

    The grid is one for the whole world and lies on UTC, so that a slot exists once, a missing hour of a clock change holds none, and a
    repeated hour holds each of its slots separately.
    """
    length = rules.slot_length
    earliest = at + rules.bookable_from
    passed = (earliest - datetime(1970, 1, 1, tzinfo=UTC)) // length
    begin = datetime(1970, 1, 1, tzinfo=UTC) + passed * length
    if begin < earliest:
        begin += length
    latest = at + timedelta(days=rules.bookable_days)
    while begin <= latest:
        yield begin
        begin += length


def is_on_grid(begins_at: datetime, rules: CallbackRules) -> bool:
    """Whether a slot can begin at that moment at all."""
    return (begins_at - datetime(1970, 1, 1, tzinfo=UTC)) % rules.slot_length == timedelta()


class Staffing:
    """How many calls planned representatives can promise in a slot, over all lines that they share.

    Somebody who serves two lines must not be promised twice. So a seat in a line is free only when, for every set of lines that holds it,
    the seats taken in that set stay below what all who serve any of them can carry together. Where calls of two lines take unlike long, a seat
    of the one weighs as many of the other as it takes the place of.
    """

    def __init__(
        self,
        lines: Collection[str],
        shifts: Iterable[Shift],
        rules: CallbackRules,
        handling: Mapping[str, Handling] | None = None,
    ) -> None:
        """Prepare.

        Args:
            lines: of the catalogue.
            shifts: who is planned.
            rules: length of a slot, and the share that slots count on.
            handling: what a call of a line takes; a line that it lacks takes the usual time.
        """
        self._rules = rules
        self._handling = handling or {}
        self._shifts = sorted(shifts, key=lambda shift: shift.begins_at)
        ordered = sorted(lines)
        sizes = range(1, len(ordered) + 1) if len(ordered) <= _LINES_IN_SETS else (1, len(ordered))
        self._sets = [frozenset(chosen) for size in sizes for chosen in combinations(ordered, size)]

    def present(self, begins_at: datetime, ends_at: datetime) -> dict[str, frozenset[str]]:
        """Return who is planned for the whole of a stretch: person -> lines. Shifts that follow each other count as one."""
        found: dict[str, frozenset[str]] = {}
        reached: dict[str, datetime] = {}
        for shift in self._shifts:
            if shift.begins_at >= ends_at or shift.ends_at <= begins_at:
                continue
            covered_until = reached.get(shift.person, begins_at)
            if shift.begins_at > covered_until:
                continue
            reached[shift.person] = max(covered_until, shift.ends_at)
            known = found.get(shift.person)
            found[shift.person] = shift.lines if known is None else known & shift.lines
        return {person: lines for person, lines in found.items() if reached[person] >= ends_at}

    def _room(
        self, line: str, lines: frozenset[str], people: Iterable[frozenset[str]], taken: Mapping[str, int]
    ) -> int:
        """Return how many more seats of a line all who serve any of these lines can promise; negative: too many were promised."""
        serving = callers(sum(1 for served in people if served & lines), self._rules.share)
        carried = self._carried(line, serving)
        used = Fraction()
        for each in lines:
            if seats := taken.get(each, 0):
                each_carried = self._carried(each, serving)
                used += seats if each_carried == carried else seats * Fraction(carried, max(1, each_carried))
        return math.floor(carried - used)

    def _carried(self, line: str, representatives: int) -> int:
        return capacity(representatives, self._rules.slot_length, self._handling.get(line, USUAL))

    def slot(self, line: str, begins_at: datetime, taken: Mapping[str, int]) -> Slot:
        """Return a line's slot; ``taken`` is line -> seats taken in the slot that begins then."""
        people = self.present(begins_at, begins_at + self._rules.slot_length).values()
        mine = taken.get(line, 0)
        room = min(self._room(line, lines, people, taken) for lines in self._sets if line in lines)
        return Slot(line, begins_at, begins_at + self._rules.slot_length, max(0, mine + room), mine)


# Whether calls may be made from a moment to another, by coverage and holidays of a customer.
Covered = Callable[[datetime, datetime], bool]


def offered_days(
    line: str,
    staffing: Staffing,
    taken: Mapping[datetime, Mapping[str, int]],
    *,
    covered: Covered,
    zone: str,
    at: datetime,
    rules: CallbackRules,
) -> tuple[Day, ...]:
    """Return the days of the visitor on which there are slots with free seats, and those slots.

    Args:
        line: of the catalogue.
        staffing: planned.
        taken: beginning of a slot -> line -> seats taken.
        covered: asked with a slot's beginning and end.
        zone: IANA name; only says to which day a slot belongs, and whether it lies in courtesy hours.
        at: now.
        rules: how far ahead.
    """
    days: dict[date, list[Slot]] = {}
    for begins_at in grid(at, rules):
        ends_at = begins_at + rules.slot_length
        if courtesy(begins_at, zone, rules) is not None or courtesy(ends_at - _MINUTE, zone, rules) is not None:
            continue
        slot = staffing.slot(line, begins_at, taken.get(begins_at, {}))
        if slot.is_open and covered(begins_at, ends_at + rules.last_slot_before_closing):
            days.setdefault(begins_at.astimezone(ZoneInfo(zone)).date(), []).append(slot)
    return tuple(Day(on, tuple(slots)) for on, slots in sorted(days.items()))


def instant_of(wall: datetime, zone: str, *, fold: int | None = None) -> datetime:
    """Return the instant of a time on somebody's wall clock; aware, UTC.

    Args:
        wall: naive, as read off a clock.
        zone: IANA name.
        fold: 0 for the first, 1 for the second of two equal times when clocks go back; None: nobody said.

    Raises:
        ValueError: ``gap``: clocks go forward over it; ``fold``: it comes twice, and nobody said which.
    """
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=each).astimezone(UTC) for each in (0, 1))
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall:
        raise ValueError("gap")
    if first != second and fold is None:
        raise ValueError("fold")
    return second if fold else first


def comes_twice(at: datetime, zone: str) -> bool:
    """Whether the wall clock shows the time of this instant twice that day, so that a page must say which of the two is meant."""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=each).utcoffset() for each in (0, 1))
    return first != second
