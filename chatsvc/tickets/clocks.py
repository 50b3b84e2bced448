"""Response clocks: by when the first word, the next word and the target are due, and what moves that (V1). Pure.

A clock is the periods in which it ran, nothing more: how much of its time is used, and when it is due, is computed from them by the hours
and the amount that count now. So a change of priority or of a calendar recomputes everything, and a pause is simply a gap. Nothing here
waits for a moment to come: a sweep asks.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from chatsvc.catalog.model import Response, Responses
from chatsvc.tickets.model import State

# At this share of its time a clock warns.
WARNS_AT: Final = 0.8


class Promise(StrEnum):
    """What is promised."""

    # The first word of a representative.
    INITIAL = "initial"
    # The next one.
    ONGOING = "ongoing"
    # A solution, a workaround, or a plan.
    TARGET = "target"


class Hours(Protocol):
    """The hours in which a clock runs."""

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Return the moment at which this much of the hours has passed since ``start``."""
        ...

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of the hours lies between two moments; nothing when ``end`` is not later."""
        ...

    @property
    def day(self) -> timedelta:
        """How much of the hours one business day has."""
        ...


class AroundTheClock:
    """Every hour counts."""

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Return the moment this much later."""
        return start + amount

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return what lies between two moments."""
        return max(end - start, timedelta())

    @property
    def day(self) -> timedelta:
        """A day has 24 hours."""
        return timedelta(days=1)


ALWAYS: Final = AroundTheClock()


class Run(msgspec.Struct, frozen=True, array_like=True):
    """A period in which a clock ran."""

    start: datetime
    end: datetime


class Clock(msgspec.Struct, frozen=True):
    """One promise about one ticket."""

    promise: Promise
    # Periods in which it ran, in order.
    runs: tuple[Run, ...] = ()
    # Since when it runs now; None while it is paused, kept, or not begun.
    running_since: datetime | None = None
    # When it was kept; None while it is not.
    kept_at: datetime | None = None
    # When somebody was warned, and when it was broken; None while neither has happened to this run of it.
    warned_at: datetime | None = None
    breached_at: datetime | None = None


class Track(msgspec.Struct, frozen=True):
    """The clocks of a ticket, and the state and severity they go by."""

    state: State
    severity: str
    clocks: tuple[Clock, ...]

    def clock(self, promise: Promise) -> Clock:
        """Return the clock of a promise."""
        return next(clock for clock in self.clocks if clock.promise is promise)


class Measure(msgspec.Struct, frozen=True):
    """What a ticket's clocks are measured by: the responses of its severity, and the customer's business hours."""

    responses: Responses
    business: Hours

    def of(self, promise: Promise) -> tuple[Hours, timedelta]:
        """Return the hours and the amount of a promise."""
        response: Response = getattr(self.responses, promise.value)
        hours: Hours = ALWAYS if response.always else self.business
        if response.hours is not None:
            return hours, timedelta(hours=response.hours)
        assert response.days is not None, "a response is given in hours or in days"
        return hours, hours.day * response.days


class Moments(msgspec.Struct, frozen=True):
    """When a running clock warns and is due."""

    warn_at: datetime
    due_at: datetime


# One clock --------------------------------------------------------------------------------------------------------------------------------


def used(clock: Clock, hours: Hours) -> timedelta:
    """Return how much of its time a clock has used in the periods that are over."""
    return sum((hours.between(run.start, run.end) for run in clock.runs), timedelta())


def moments(clock: Clock, measure: Measure) -> Moments | None:
    """Return when a clock warns and is due; None while it does not run.

    A clock whose time was used up before its present run is due at that run's beginning.
    """
    if clock.running_since is None:
        return None
    hours, amount = measure.of(clock.promise)
    before = used(clock, hours)

    def at(share: timedelta) -> datetime:
        assert clock.running_since is not None
        left = share - before
        return hours.add(clock.running_since, left) if left > timedelta() else clock.running_since

    return Moments(at(amount * WARNS_AT), at(amount))


def start(clock: Clock, at: datetime) -> Clock:
    """Start a clock anew, with all of its time before it."""
    return Clock(clock.promise, running_since=at)


def pause(clock: Clock, at: datetime) -> Clock:
    """Stop the time of a running clock; of one that does not run, nothing changes."""
    if clock.running_since is None:
        return clock
    ran = (Run(clock.running_since, at),) if at > clock.running_since else ()
    return msgspec.structs.replace(clock, runs=clock.runs + ran, running_since=None)


def resume(clock: Clock, at: datetime) -> Clock:
    """Let a paused clock go on with the time that is left; of one that runs or has been kept, nothing changes."""
    if clock.running_since is not None or clock.kept_at is not None:
        return clock
    return msgspec.structs.replace(clock, running_since=at)


def keep(clock: Clock, at: datetime) -> Clock:
    """The promise has been kept; the first time counts."""
    return clock if clock.kept_at is not None else msgspec.structs.replace(pause(clock, at), kept_at=at)


# All clocks of a ticket -------------------------------------------------------------------------------------------------------------------


def opened(at: datetime, severity: str) -> Track:
    """Return the clocks of a ticket that was opened at a moment: the first word and the target are due, the next word not yet."""
    first, target = (Clock(promise, running_since=at) for promise in (Promise.INITIAL, Promise.TARGET))
    return Track(State.OPEN, severity, (first, Clock(Promise.ONGOING), target))


def answered(track: Track, at: datetime) -> Track:
    """A representative has said something: the first word is kept, and the next one is due from here on."""
    ongoing = start(track.clock(Promise.ONGOING), at)
    if track.state is not State.OPEN:
        ongoing = pause(ongoing, at)
    return _with(track, keep(track.clock(Promise.INITIAL), at), ongoing)


def moved(track: Track, to: State, at: datetime) -> Track:
    """The ticket has gone into another state: time stands still while it waits for its customer, and when it is over (T8).

    A reopened ticket goes on with the time that was left; its next word is due from the reopening.
    """
    if to is track.state:
        return track
    was_over = track.state in (State.SOLVED, State.CLOSED)
    track = msgspec.structs.replace(track, state=to)
    if to is State.AWAITING:
        if was_over:  # that it was over has been taken back: the solution is owed again
            track = _with(track, msgspec.structs.replace(track.clock(Promise.TARGET), kept_at=None))
        return _with(track, *(pause(clock, at) for clock in track.clocks))
    if to in (State.SOLVED, State.CLOSED):
        kept = keep(track.clock(Promise.TARGET), at)
        return _with(track, *(kept if clock.promise is Promise.TARGET else pause(clock, at) for clock in track.clocks))
    return _reopened(track, at) if was_over else _resumed(track, at)


def _resumed(track: Track, at: datetime) -> Track:
    """Let go on what had begun: before the first word nobody is owed a next one."""
    has_first = track.clock(Promise.INITIAL).kept_at is not None
    begun = (clock for clock in track.clocks if has_first or clock.promise is not Promise.ONGOING)
    return _with(track, *(resume(clock, at) for clock in begun))


def _reopened(track: Track, at: datetime) -> Track:
    target = msgspec.structs.replace(track.clock(Promise.TARGET), kept_at=None)
    initial = track.clock(Promise.INITIAL)
    waits_for_first = initial.kept_at is None
    first_or_next = resume(initial, at) if waits_for_first else start(track.clock(Promise.ONGOING), at)
    return _with(track, first_or_next, resume(target, at))


def judged(track: Track, severity: str, at: datetime, measure: Measure) -> Track:
    """The severity has changed; ``measure`` is the new one. Every clock keeps the time it has used, by the new hours and amounts.

    What would then have been due already is due as if it had begun now: a raised severity promises something, and breaks nothing at once.
    """
    track = msgspec.structs.replace(track, severity=severity)
    return _with(track, *(_remeasured(clock, at, measure) for clock in track.clocks if clock.running_since is not None))


def _remeasured(clock: Clock, at: datetime, measure: Measure) -> Clock:
    when = moments(clock, measure)
    assert when is not None, "a running clock has its moments"
    if when.due_at <= at:
        return start(clock, at)
    warned_at = clock.warned_at if when.warn_at <= at else None
    return msgspec.structs.replace(clock, warned_at=warned_at, breached_at=None)


def _with(track: Track, *clocks: Clock) -> Track:
    changed = {clock.promise: clock for clock in clocks}
    return msgspec.structs.replace(track, clocks=tuple(changed.get(clock.promise, clock) for clock in track.clocks))


# What a sweep asks ------------------------------------------------------------------------------------------------------------------------


class Alarm(msgspec.Struct, frozen=True):
    """A clock that has something to say."""

    promise: Promise
    # ``warned`` or ``breached``.
    what: str
    due_at: datetime


def ring(track: Track, at: datetime, measure: Measure) -> tuple[Track, tuple[Alarm, ...]]:
    """Return what has come due by a moment and was not said yet, and the clocks as they are once it is said.

    Whoever looks late, after a downtime, says only that it is broken: a warning would be too late to be one.
    """
    clocks, alarms = [], []
    for clock in track.clocks:
        when = moments(clock, measure)
        if when is not None and when.due_at <= at:
            if clock.breached_at is None:
                alarms.append(Alarm(clock.promise, "breached", when.due_at))
                clock = msgspec.structs.replace(clock, warned_at=clock.warned_at or at, breached_at=when.due_at)
        elif when is not None and when.warn_at <= at and clock.warned_at is None:
            alarms.append(Alarm(clock.promise, "warned", when.due_at))
            clock = msgspec.structs.replace(clock, warned_at=at)
        clocks.append(clock)
    return msgspec.structs.replace(track, clocks=tuple(clocks)), tuple(alarms)


def next_look(track: Track, measure: Measure) -> datetime | None:
    """Return when to ask again; None while nothing will come due by itself."""
    wanted: list[datetime] = []
    for clock in track.clocks:
        when = moments(clock, measure)
        if when is None or clock.breached_at is not None:
            continue
        wanted.append(when.due_at if clock.warned_at is not None else when.warn_at)
    return min(wanted, default=None)


def due_of(track: Track, measure: Measure, promises: Iterable[Promise] = tuple(Promise)) -> datetime | None:
    """Return when the first of these promises is due; None while none of them runs."""
    found = (moments(track.clock(promise), measure) for promise in promises)
    return min((when.due_at for when in found if when is not None), default=None)


class Shift(msgspec.Struct, frozen=True):
    """A promise that is due at another moment when it is measured otherwise."""

    promise: Promise
    before: datetime
    after: datetime


def shifts(track: Track, before: Measure, after: Measure) -> tuple[Shift, ...]:
    """Return which of the promises that run would be due at another moment by another measure."""
    found = [(clock.promise, moments(clock, before), moments(clock, after)) for clock in track.clocks]
    return tuple(
        Shift(promise, was.due_at, becomes.due_at)
        for promise, was, becomes in found
        if was is not None and becomes is not None and was.due_at != becomes.due_at
    )


def next_word_due(track: Track, measure: Measure) -> datetime | None:
    """Return when the customer is owed the next word: the first one, or the next; None while none is owed."""
    return due_of(track, measure, (Promise.INITIAL, Promise.ONGOING))
