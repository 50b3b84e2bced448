"""Response clocks: when they are due, what pauses them, and what a late sweep says (V1)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chatsvc.catalog.model import Responses, load
from chatsvc.tickets import clocks
from chatsvc.tickets.clocks import ALWAYS, Measure, Promise, Track
from chatsvc.tickets.model import State

PLAN = load().plans[0].responses
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class OfficeHours:
    """Monday to Friday, 08:00 to 18:00 UTC, told hour by hour: slow and plain, to be compared with."""

    day = timedelta(hours=10)

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Walk until the amount is used."""
        at = start
        while amount > timedelta():
            until = at.replace(minute=0, second=0, microsecond=0) + HOUR
            if self._is_open(at):
                step = min(until - at, amount)
                at, amount = at + step, amount - step
            else:
                at = until
        return at

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Walk from one to the other."""
        total, at = timedelta(), start
        while at < end:
            until = min(at.replace(minute=0, second=0, microsecond=0) + HOUR, end)
            total += until - at if self._is_open(at) else timedelta()
            at = until
        return total

    def _is_open(self, at: datetime) -> bool:
        return at.weekday() < 5 and 8 <= at.hour < 18


OFFICE = OfficeHours()


def measure(severity: str) -> Measure:
    responses: Responses = PLAN[severity]  # type: ignore[index]
    return Measure(responses, OFFICE)


def due(track: Track, promise: Promise) -> datetime | None:
    return clocks.due_of(track, measure(track.severity), (promise,))


# the table of the design ------------------------------------------------------------------------------------------------


def test_v1_critical_is_due_around_the_clock() -> None:
    track = clocks.opened(FRIDAY, "P1")

    assert due(track, Promise.INITIAL) == FRIDAY + HOUR
    assert due(track, Promise.TARGET) == FRIDAY + 4 * HOUR


def test_v1_high_answers_around_the_clock_and_aims_in_business_days() -> None:
    track = clocks.opened(FRIDAY, "P2")

    assert due(track, Promise.INITIAL) == FRIDAY + 4 * HOUR
    assert due(track, Promise.TARGET) == datetime(2026, 3, 11, 17, 0, tzinfo=UTC)


def test_v1_normal_of_friday_afternoon_is_due_on_monday() -> None:
    track = clocks.opened(FRIDAY, "P3")

    assert due(track, Promise.INITIAL) == datetime(2026, 3, 9, 17, 0, tzinfo=UTC)


def test_v1_low_is_due_two_business_days_later() -> None:
    assert due(clocks.opened(MONDAY, "P4"), Promise.INITIAL) == MONDAY + timedelta(days=2)


def test_v1_first_word_keeps_the_first_promise_and_makes_the_next() -> None:
    track = clocks.answered(clocks.opened(MONDAY, "P1"), MONDAY + 10 * MINUTE)

    assert due(track, Promise.INITIAL) is None
    assert due(track, Promise.ONGOING) == MONDAY + 70 * MINUTE
    assert clocks.next_word_due(track, measure("P1")) == MONDAY + 70 * MINUTE


def test_v1_every_word_moves_the_next_one() -> None:
    track = clocks.answered(clocks.opened(MONDAY, "P1"), MONDAY + 10 * MINUTE)

    assert due(clocks.answered(track, MONDAY + HOUR), Promise.ONGOING) == MONDAY + 2 * HOUR


# pausing ----------------------------------------------------------------------------------------------------------------


def test_clocks_stand_still_while_the_customer_is_awaited() -> None:
    track = clocks.answered(clocks.opened(MONDAY, "P1"), MONDAY + 10 * MINUTE)
    waiting = clocks.moved(track, State.AWAITING, MONDAY + 20 * MINUTE)

    assert clocks.due_of(waiting, measure("P1")) is None
    assert clocks.next_look(waiting, measure("P1")) is None

    back = clocks.moved(waiting, State.OPEN, MONDAY + 5 * HOUR)

    assert due(back, Promise.TARGET) == MONDAY + 5 * HOUR + 4 * HOUR - 20 * MINUTE
    assert due(back, Promise.ONGOING) == MONDAY + 5 * HOUR + 50 * MINUTE


def test_question_asked_in_the_same_instant_as_the_pause_still_owes_the_next_word() -> None:
    asked = clocks.moved(clocks.opened(MONDAY, "P3"), State.AWAITING, MONDAY + HOUR)
    asked = clocks.answered(asked, MONDAY + HOUR)

    assert due(asked, Promise.ONGOING) is None

    back = clocks.moved(asked, State.OPEN, MONDAY + 3 * HOUR)

    assert due(back, Promise.ONGOING) == OFFICE.add(MONDAY + 3 * HOUR, 30 * HOUR)


def test_solved_ticket_owes_nothing_and_a_reopened_one_goes_on() -> None:
    track = clocks.answered(clocks.opened(MONDAY, "P1"), MONDAY + 10 * MINUTE)
    solved = clocks.moved(track, State.SOLVED, MONDAY + HOUR)

    assert clocks.due_of(solved, measure("P1")) is None

    again = clocks.moved(solved, State.OPEN, MONDAY + 10 * HOUR)

    assert due(again, Promise.TARGET) == MONDAY + 13 * HOUR
    assert due(again, Promise.ONGOING) == MONDAY + 11 * HOUR


def test_solution_is_owed_again_when_the_end_of_a_waiting_ticket_is_taken_back() -> None:
    track = clocks.answered(clocks.opened(MONDAY, "P1"), MONDAY + 10 * MINUTE)
    waits = clocks.moved(track, State.AWAITING, MONDAY + HOUR)
    taken_back = clocks.moved(clocks.moved(waits, State.SOLVED, MONDAY + 2 * HOUR), State.AWAITING, MONDAY + 2 * HOUR)

    answered = clocks.moved(taken_back, State.OPEN, MONDAY + 10 * HOUR)

    assert clocks.due_of(taken_back, measure("P1")) is None
    assert due(answered, Promise.TARGET) == MONDAY + 13 * HOUR


# changes of priority ------------------------------------------------------------------------------------------------------


def test_raised_claim_counts_from_the_opening() -> None:
    track = clocks.judged(clocks.opened(FRIDAY, "P3"), "P1", FRIDAY + 5 * MINUTE, measure("P1"))

    assert due(track, Promise.INITIAL) == FRIDAY + HOUR


def test_raised_late_is_not_broken_at_once() -> None:
    track = clocks.judged(clocks.opened(MONDAY, "P3"), "P1", MONDAY + 6 * HOUR, measure("P1"))

    assert due(track, Promise.INITIAL) == MONDAY + 7 * HOUR
    assert clocks.ring(track, MONDAY + 6 * HOUR, measure("P1"))[1] == ()


def test_lowered_takes_back_the_alarm_of_what_is_no_longer_due() -> None:
    track, alarms = clocks.ring(clocks.opened(MONDAY, "P1"), MONDAY + 2 * HOUR, measure("P1"))
    assert [alarm.what for alarm in alarms] == ["breached"]

    lowered = clocks.judged(track, "P3", MONDAY + 2 * HOUR, measure("P3"))

    assert clocks.ring(lowered, MONDAY + 3 * HOUR, measure("P3"))[1] == ()
    assert due(lowered, Promise.INITIAL) == MONDAY + timedelta(days=1)


# alarms -----------------------------------------------------------------------------------------------------------------


def test_warned_once_then_broken_once() -> None:
    track, said = clocks.opened(MONDAY, "P1"), []
    for minute in range(0, 121, 6):
        track, alarms = clocks.ring(track, MONDAY + minute * MINUTE, measure("P1"))
        said += [(alarm.promise, alarm.what, minute) for alarm in alarms]

    assert said == [(Promise.INITIAL, "warned", 48), (Promise.INITIAL, "breached", 60)]


def test_after_a_downtime_over_the_deadline_it_is_said_once_that_it_is_broken() -> None:
    track, alarms = clocks.ring(clocks.opened(MONDAY, "P1"), MONDAY + timedelta(days=3), measure("P1"))

    assert [(alarm.promise, alarm.what, alarm.due_at) for alarm in alarms] == [
        (Promise.INITIAL, "breached", MONDAY + HOUR),
        (Promise.TARGET, "breached", MONDAY + 4 * HOUR),
    ]
    assert clocks.ring(track, MONDAY + timedelta(days=4), measure("P1"))[1] == ()
    assert clocks.next_look(track, measure("P1")) is None


# properties -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Something that happens some minutes after the one before."""

    after: timedelta
    # A severity, a state, ``word``, or ``sweep``.
    what: str


STEPS = st.lists(
    st.builds(
        Step,
        st.integers(0, 3_000).map(lambda minutes: minutes * MINUTE),
        st.sampled_from(["P1", "P2", "P3", "P4", "awaiting", "open", "word", "sweep", "sweep"]),
    ),
    max_size=12,
)


def lived(steps: list[Step], *, sweeps: bool = True) -> tuple[Track, datetime, list[tuple[str, str]]]:
    """Live through steps; return the track, the moment, and what was said."""
    at, said = MONDAY, []
    track = clocks.opened(at, "P3")
    for step in steps:
        at += step.after
        if step.what in PLAN:
            track = clocks.judged(track, step.what, at, measure(step.what))
        elif step.what == "word":
            track = clocks.answered(track, at)
        elif step.what in ("awaiting", "open"):
            track = clocks.moved(track, State(step.what), at)
        elif sweeps:
            track, alarms = clocks.ring(track, at, measure(track.severity))
            said += [(str(alarm.promise), alarm.what) for alarm in alarms]
    return track, at, said


@settings(deadline=None, max_examples=50)
@given(steps=STEPS)
def test_nothing_is_due_while_the_customer_is_awaited(steps: list[Step]) -> None:
    track, at, _ = lived(steps)

    paused = clocks.moved(track, State.AWAITING, at)

    assert clocks.due_of(paused, measure(track.severity)) is None


@settings(deadline=None, max_examples=50)
@given(steps=STEPS, pause=st.integers(0, 20_000))
def test_a_pause_gives_back_exactly_the_time_it_took(steps: list[Step], pause: int) -> None:
    track, at, _ = lived([*steps, Step(MINUTE, "open")])
    hours = measure(track.severity)
    back_at = at + pause * MINUTE

    back = clocks.moved(clocks.moved(track, State.AWAITING, at), State.OPEN, back_at)

    for promise in Promise:
        before, after = clocks.due_of(track, hours, (promise,)), clocks.due_of(back, hours, (promise,))
        if before is None:
            assert after is None
            continue
        kind, _ = hours.of(promise)
        assert after is not None
        if before > at:
            assert kind.between(at, before) == kind.between(back_at, after)
        else:
            assert after == back_at


@settings(deadline=None, max_examples=50)
@given(steps=STEPS)
def test_changing_the_priority_and_back_changes_nothing_that_was_not_due(steps: list[Step]) -> None:
    track, at, _ = lived(steps)
    other = "P4" if track.severity != "P4" else "P3"
    if any(
        when.due_at <= at for clock in track.clocks if (when := clocks.moments(clock, measure(track.severity)))
    ) or any(when.due_at <= at for clock in track.clocks if (when := clocks.moments(clock, measure(other)))):
        return

    back = clocks.judged(clocks.judged(track, other, at, measure(other)), track.severity, at, measure(track.severity))

    assert clocks.due_of(back, measure(track.severity)) == clocks.due_of(track, measure(track.severity))


@settings(deadline=None, max_examples=50)
@given(steps=STEPS)
def test_a_change_of_priority_never_makes_anything_due_already(steps: list[Step]) -> None:
    track, at, _ = lived(steps)
    for severity in PLAN:
        changed = clocks.judged(track, severity, at, measure(severity))

        moment = clocks.due_of(changed, measure(severity))

        assert moment is None or moment > at


@settings(deadline=None, max_examples=50)
@given(steps=STEPS)
def test_used_time_never_exceeds_the_time_that_went_by(steps: list[Step]) -> None:
    track, at, _ = lived(steps)

    for clock in track.clocks:
        assert clocks.used(clock, ALWAYS) <= at - MONDAY
        assert all(earlier.end <= later.start for earlier, later in pairwise(clock.runs))
        assert clock.running_since is None or all(run.end <= clock.running_since for run in clock.runs)


@settings(deadline=None, max_examples=50)
@given(steps=STEPS, rhythm=st.integers(1, 600))
def test_however_often_somebody_looks_each_run_is_broken_at_most_once_and_never_early(
    steps: list[Step], rhythm: int
) -> None:
    track, at, _ = lived(steps, sweeps=False)
    hours, said = measure(track.severity), []
    for look in range(40):
        now = at + look * rhythm * MINUTE
        track, alarms = clocks.ring(track, now, hours)
        said += alarms
        assert all(alarm.due_at <= now for alarm in alarms if alarm.what == "breached")
        assert all(alarm.due_at > now for alarm in alarms if alarm.what == "warned")

    broken = [alarm.promise for alarm in said if alarm.what == "breached"]
    assert len(broken) == len(set(broken))


@settings(deadline=None, max_examples=50)
@given(steps=STEPS)
def test_next_look_is_when_something_is_said_and_nothing_before(steps: list[Step]) -> None:
    track, at, _ = lived([*steps, Step(timedelta(), "sweep")])
    hours = measure(track.severity)
    look_at = clocks.next_look(track, hours)
    if look_at is None:
        assert clocks.ring(track, at + timedelta(days=400), hours)[1] == ()
        return

    assert clocks.ring(track, look_at - MINUTE, hours)[1] == () or look_at - MINUTE < at
    assert clocks.ring(track, look_at, hours)[1] != ()
