"""Calls as a plain model, in any order of events: only the pure rules decide (callback.md, section 4, invariants 16 to 19, 21 to 25, 28, 30).

The model is dicts and lists, and its own checks are counted by hand. What the store makes of the same rules is walked through in
``test_machine.py``; docs/reference/callback.md says where each of the 32 invariants is asked.
"""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callback import policy
from callback.model import ENDS, LIFE, LIVE, CallbackRules, Event, Shift, ShiftId, Spent, State
from callback.policy import RULES as OUTCOMES
from callback.policy import Staffing, after
from callback.telephony.port import AttemptId, Ended, Facts, Outcome, Progress, Stage, is_news
from chatsvc.kernel.ids import PersonId

DEPTH = float(os.environ.get("HOLDLINE_TEST_DEPTH", "1"))
pytestmark = pytest.mark.timeout(0 if DEPTH > 1 else 300)
ZONE = "Europe/Berlin"
LINES = ("expense", "travel")
# Everybody has a share in slots, so that few people make several seats; limits are near, so that a walk gets there.
RULES = CallbackRules(
    share=1.0, minutes_per_company_day=90, minutes_per_day=150, attempts_per_number_day=6, attempts_at_most=4
)
# Before the clocks go forward, before they go back, and in between.
BEGINS = (
    datetime(2026, 3, 28, 9, tzinfo=UTC),
    datetime(2026, 10, 24, 9, tzinfo=UTC),
    datetime(2026, 7, 6, 9, tzinfo=UTC),
)
# What does not end a wish, so that a walk gets to the limits.
GOES_ON = [Outcome.UNKNOWN, Outcome.INVALID_NUMBER, Outcome.REP_BUSY, Outcome.TRUNK]
contacts = st.integers(0, 4)
numbers = st.integers(0, 5)


@dataclass
class Attempt:
    """One dial."""

    number: int
    company: int
    at: datetime
    stage: Stage | None = None
    outcome: Outcome | None = None
    talk_s: float = 0.0
    ended_at: datetime | None = None


@dataclass
class Wish:
    """A reservation as a dict would have it."""

    contact: int
    number: int
    line: str
    state: State
    slot_at: datetime | None = None
    not_before: datetime | None = None
    # What the customer was shown of the slot: the time on their wall, and which of two it is when it comes twice.
    shown: tuple[datetime, int] | None = None
    attempts: list[Attempt] = field(default_factory=list)
    # Ends that the customer was told of.
    told: int = 0

    @property
    def running(self) -> Attempt | None:
        """The attempt that has no outcome yet."""
        return next((each for each in self.attempts if each.outcome is None), None)


class Life(RuleBasedStateMachine):
    """Customers who want to be rung, representatives who ring them, planned people who come and go, and clocks that change."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINS[0]
        self.wishes: list[Wish] = []
        # Form -> the wish that it made.
        self.made: dict[int, Wish] = {}
        # Line and beginning of a slot -> who has a seat.
        self.seats: dict[tuple[str, datetime], list[Wish]] = {}
        self.shifts: list[Shift] = []
        self.is_open = True
        self.before: list[tuple[Wish, State]] = []

    @initialize(
        begins=st.sampled_from(BEGINS),
        people=st.lists(st.sampled_from([*LINES, "both"]), max_size=3),
        waiting=st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=4),
    )
    def the_day_begins(self, begins: datetime, people: list[str], waiting: list[int | None]) -> None:
        """Begin near a change of clocks, or not, with a plan and with wishes: a walk chooses only some of the rules."""
        self.now = begins
        for each in people:
            self.somebody_is_planned(each)
        for n, slot in enumerate(waiting):
            self.somebody_books(n, n, LINES[n % 2], slot, -1 - n)

    # What the rules say -----------------------------------------------------------------------------------------------------------------

    def live(self, **having: int) -> list[Wish]:
        """Return live wishes of a contact or a number."""
        return [
            wish
            for wish in self.wishes
            if wish.state in LIVE and all(getattr(wish, name) == value for name, value in having.items())
        ]

    def pick(self, n: int, *states: State) -> Wish | None:
        """Return one of those that are in these states."""
        found = self.wishes_in(*states)
        return found[n % len(found)] if found else None

    def wishes_in(self, *states: State) -> list[Wish]:
        """Return those that are in these states, oldest first."""
        return [wish for wish in self.wishes if wish.state in states]

    def staffing(self) -> Staffing:
        return Staffing(LINES, self.shifts, RULES)

    def taken(self, at: datetime) -> dict[str, int]:
        return {line: len(held) for (line, begins_at), held in self.seats.items() if begins_at == at}

    def slots(self, line: str) -> list[datetime]:
        """Return the beginnings of what is offered, as a page would."""
        days = policy.offered_days(
            line,
            self.staffing(),
            {at: self.taken(at) for _, at in self.seats},
            covered=lambda _begins, _ends: True,
            zone=ZONE,
            at=self.now,
            rules=replace(RULES, bookable_days=2),
        )
        return [slot.begins_at for day in days for slot in day.slots]

    def spent(self, wish: Wish) -> Spent:
        """Count what today has used up."""
        begins, ends = policy.day_of(self.now)
        today = [each for other in self.wishes for each in other.attempts if begins <= each.at < ends]
        return Spent(
            sum(each.number == wish.number for each in today),
            sum(each.talk_s for each in today if each.company == wish.contact % 2) / 60,
            sum(each.talk_s for each in today) / 60,
        )

    def move(self, wish: Wish, event: Event) -> None:
        """Let the table decide, and do what every end does."""
        wish.state = LIFE.next(wish.state, event)
        if wish.state in ENDS and wish.state is not State.COMPLETED:
            wish.told += 1
        if wish.state not in LIVE:
            self.free(wish)

    def take(self, wish: Wish, at: datetime) -> None:
        """Give a wish a seat, and show its time."""
        local = at.astimezone(ZoneInfo(ZONE))
        self.seats.setdefault((wish.line, at), []).append(wish)
        wish.slot_at, wish.shown = at, (local.replace(tzinfo=None, fold=0), local.fold)

    def free(self, wish: Wish) -> None:
        """Take its seat away."""
        if wish.slot_at is not None and wish in self.seats.get((wish.line, wish.slot_at), []):
            self.seats[wish.line, wish.slot_at].remove(wish)

    # Customers --------------------------------------------------------------------------------------------------------------------------

    @rule(
        contact=contacts,
        number=numbers,
        line=st.sampled_from(LINES),
        slot=st.none() | st.integers(0, 9),
        form=st.integers(0, 30),
    )
    def somebody_books(self, contact: int, number: int, line: str, slot: int | None, form: int) -> None:
        """Book; a form that was sent before gives what it gave (18)."""
        if form in self.made:
            return
        if self.live(contact=contact) or self.live(number=number):
            return
        at = None
        if slot is not None:
            offered = self.slots(line)
            if not offered:
                return
            at = offered[slot % len(offered)]
            assert self.staffing().slot(line, at, self.taken(at)).is_open
        wish = Wish(contact, number, line, State.DUE if at is None else State.BOOKED)
        if at is not None:
            self.take(wish, at)
        self.wishes.append(wish)
        self.made[form] = wish

    @rule(n=st.integers(0, 9), slot=st.integers(0, 9))
    def somebody_moves(self, n: int, slot: int) -> None:
        """Take the new seat, then free the old one (16)."""
        wish = self.pick(n, *LIVE)
        if wish is None or not LIFE.allows(wish.state, Event.MOVED):
            return
        offered = [at for at in self.slots(wish.line) if at != wish.slot_at]
        if not offered:
            return
        old = wish.slot_at
        self.take(wish, offered[slot % len(offered)])
        if old is not None:
            self.seats[wish.line, old].remove(wish)
        self.move(wish, Event.MOVED)

    @rule(n=st.integers(0, 9), event=st.sampled_from([Event.CANCELLED, Event.MERGED, Event.PUT_OFF]))
    def somebody_changes_their_mind(self, n: int, event: Event) -> None:
        """Do what the table allows, and nothing when it does not."""
        wish = self.pick(n, *State)
        if (
            wish is None
            or not LIFE.allows(wish.state, event)
            or (event is Event.PUT_OFF and wish.state is State.RETRY_WAIT)
        ):
            return
        if event is Event.PUT_OFF:
            wish.not_before = self.now + RULES.snooze_for
        self.move(wish, event)

    @rule(n=st.integers(0, 9), number=numbers)
    def somebody_gives_another_number(self, n: int, number: int) -> None:
        """Correct what was wrong."""
        wish = self.pick(n, State.NEEDS_NUMBER)
        if wish is not None and all(other is wish for other in self.live(number=number)):
            wish.number = number
            self.move(wish, Event.CAME_DUE)

    # Representatives --------------------------------------------------------------------------------------------------------------------

    @rule(n=st.integers(0, 9), accepts=st.booleans())
    def an_offer_is_answered(self, n: int, accepts: bool) -> None:
        """Offer, and accept or not."""
        wish = self.pick(n, State.DUE)
        if wish is not None:
            self.move(wish, Event.OFFERED)
            self.move(wish, Event.ACCEPTED if accepts else Event.OFFER_ENDED)

    @rule(n=st.integers(0, 9), any_hour=st.booleans(), severity=st.sampled_from(["P1", "P3"]))
    def a_representative_dials(self, n: int, any_hour: bool, severity: str) -> None:
        """Ask everything again, then dial: hours, caps, rest, and how often it was tried (23, 24, 25, 30)."""
        wish = self.pick(n, State.PREVIEW, State.UNCLEAR)
        if wish is None:
            return
        if wish.state is State.UNCLEAR and self.now < wish.attempts[-1].ended_at + RULES.unclear_rest:  # type: ignore[operator]
            return
        if policy.has_used_up(len(wish.attempts), RULES):
            self.move(wish, Event.USED_UP)
            return
        opens = policy.courtesy(self.now, ZONE, RULES)
        if not self.is_open or (opens is not None and not policy.ignores_courtesy(severity, any_hour=any_hour)):
            return
        if policy.too_much_to_dial(self.spent(wish), RULES) is not None:
            return
        hour = self.now.astimezone(ZoneInfo(ZONE)).hour
        assert 8 <= hour < 21 or (any_hour and severity == "P1")
        self.move(wish, Event.DIALLED)
        wish.attempts.append(Attempt(wish.number, wish.contact % 2, self.now))

    @rule(n=st.integers(0, 9), said=st.lists(st.sampled_from([*Outcome, *GOES_ON * 3]), min_size=5, max_size=7))
    def somebody_is_rung_again_and_again(self, n: int, said: list[Outcome]) -> None:
        """Offer, accept, dial and end, several times over, so that a walk gets to the limits; what has to be awaited is awaited first."""
        wish = self.pick(n, State.DUE, State.RETRY_WAIT, State.PREVIEW, State.UNCLEAR)
        for outcome in said if wish is not None else ():
            assert wish is not None
            if wish.state is State.RETRY_WAIT:
                self.now = max(self.now, wish.not_before or self.now)
            if wish.state in (State.RETRY_WAIT, State.NEEDS_NUMBER):
                self.move(wish, Event.CAME_DUE)
            if wish.state is State.UNCLEAR:
                self.now += RULES.unclear_rest
            if wish.state is State.DUE:
                self.move(wish, Event.OFFERED)
                self.move(wish, Event.ACCEPTED)
            if wish.state not in (State.PREVIEW, State.UNCLEAR):
                return
            self.a_representative_dials(self.wishes_in(State.PREVIEW, State.UNCLEAR).index(wish), True, "P1")
            if wish.running is not None:
                self.ends(wish, wish.running, outcome)

    @rule(
        n=st.integers(0, 9),
        told=st.lists(st.sampled_from([*Stage, *Outcome]), min_size=1, max_size=4),
        minutes=st.integers(0, 60),
    )
    def the_telephone_tells(self, n: int, told: list[Stage | Outcome], minutes: int) -> None:
        """Hear stages and ends in any order, twice and late: what is no news changes nothing (24, 27)."""
        wish = self.pick(n, State.DIALING, State.TALKING)
        attempt = wish.running if wish is not None else None
        if wish is None or attempt is None:
            return
        for word in told:
            event = (
                Progress(attempt=AttemptId("at"), stage=word, at=self.now)
                if isinstance(word, Stage)
                else Ended(attempt=AttemptId("at"), outcome=word, facts=Facts(), at=self.now)
            )
            if attempt.outcome is not None:
                was = attempt.outcome is Outcome.UNKNOWN and word in set(Outcome) - {Outcome.UNKNOWN}
                assert is_news(event, stage=attempt.stage, outcome=attempt.outcome) == was
                continue
            if not is_news(event, stage=attempt.stage, outcome=None):
                assert isinstance(word, Stage)
            elif isinstance(word, Stage):
                attempt.stage = word
                if word is Stage.TALKING and wish.state is State.DIALING:
                    self.move(wish, Event.CONNECTED)
            else:
                self.ends(wish, attempt, word, minutes)

    def ends(self, wish: Wish, attempt: Attempt, outcome: Outcome, minutes: int = 0) -> None:
        """End an attempt, and go on by the table."""
        if wish.state is State.TALKING:
            # Whatever is told of the end of a talk, they did talk.
            outcome = Outcome.ANSWERED
        before = [each.outcome for each in wish.attempts if each is not attempt and each.outcome is not None]
        step = after(outcome, before, RULES)
        attempt.outcome, attempt.ended_at = outcome, self.now
        attempt.talk_s = minutes * 60.0 if outcome is Outcome.ANSWERED else 0.0
        if step.event is Event.HUNG_UP and wish.state is State.DIALING:
            self.move(wish, Event.CONNECTED)
        self.move(wish, step.event)
        assert (step.wait is not None) == (step.event is Event.FAILED)
        wish.not_before = None if step.wait is None else self.now + step.wait

    @rule(n=st.integers(0, 9), said=st.sampled_from(sorted(set(Outcome) - {Outcome.UNKNOWN})))
    def a_representative_says_how_it_went(self, n: int, said: Outcome) -> None:
        """Put the truth in the place of "unknown"; nobody is dialled for it (26)."""
        wish = self.pick(n, State.UNCLEAR)
        if wish is None:
            return
        before = [each.outcome for each in wish.attempts[:-1] if each.outcome is not None]
        wish.attempts[-1].outcome = said
        step = after(said, before, RULES)
        self.move(wish, step.event)
        wish.not_before = None if step.wait is None else self.now + step.wait

    @rule(n=st.integers(0, 9))
    def a_representative_finishes(self, n: int) -> None:
        """Leave a call to others, or complete the ticket."""
        wish = self.pick(n, State.PREVIEW, State.UNCLEAR, State.WRAP_UP)
        if wish is not None:
            self.move(wish, Event.WRAPPED_UP if wish.state is State.WRAP_UP else Event.RELEASED)

    @precondition(lambda self: any(wish.running for wish in self.wishes))
    @rule()
    def a_process_dies_while_it_dials(self) -> None:
        """Whatever rang is asked about (26)."""
        for wish in self.wishes:
            if wish.running is not None:
                self.ends(wish, wish.running, Outcome.UNKNOWN)

    # Time and plans ---------------------------------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from([*LINES, "both"]))
    def somebody_is_planned(self, who: str) -> None:
        """Plan somebody for the coming days."""
        n = len(self.shifts)
        lines = frozenset(LINES if who == "both" else (who,))
        begins = self.now - timedelta(hours=1)
        self.shifts.append(Shift(ShiftId(f"sh_{n}"), PersonId(f"pe_{n}"), lines, begins, begins + timedelta(days=4)))

    @precondition(lambda self: self.shifts)
    @rule()
    def somebody_falls_ill(self) -> None:
        """Plan for fewer: nobody is cancelled, the slot is over and closed (22)."""
        held = {key: list(wishes) for key, wishes in self.seats.items()}
        self.shifts.pop()
        assert {key: list(wishes) for key, wishes in self.seats.items()} == held
        for (line, at), wishes in held.items():
            slot = self.staffing().slot(line, at, self.taken(at))
            assert slot.taken == len(wishes)
            if slot.is_over:
                assert not slot.is_open
                assert at not in self.slots(line)

    @rule(opens=st.sampled_from([True, True, True, False]))
    def hours_change(self, opens: bool) -> None:
        """Close, or open."""
        self.is_open = opens

    @rule(minutes=st.sampled_from([1, 3, 10, 30, 90, 60 * 7, 60 * 25]))
    def time_passes(self, minutes: int) -> None:
        """Slots begin, waits end; nothing is dialled by the clock."""
        self.now += timedelta(minutes=minutes)
        dialled = sum(len(wish.attempts) for wish in self.wishes)
        for wish in self.wishes:
            begins = {State.BOOKED: wish.slot_at, State.RETRY_WAIT: wish.not_before}.get(wish.state)
            if begins is not None and begins <= self.now:
                self.move(wish, Event.CAME_DUE)
            elif wish.state in (State.NEEDS_NUMBER, State.ASKED) and minutes > 60 * 24:
                self.move(wish, Event.ELAPSED)
        assert sum(len(wish.attempts) for wish in self.wishes) == dialled

    # What must hold ---------------------------------------------------------------------------------------------------------------------

    @invariant()
    def one_live_wish_each(self) -> None:
        """Per contact and per number (17)."""
        for having in ("contact", "number"):
            assert max(Counter(getattr(wish, having) for wish in self.live()).values(), default=0) <= 1

    @invariant()
    def seats_belong_to_live_wishes(self) -> None:
        """One each, in their slot, freed exactly once (16, 19)."""
        held = [wish for wishes in self.seats.values() for wish in wishes]
        assert len({id(wish) for wish in held}) == len(held)
        assert all(wish.state in LIVE for wish in held)
        with_slot = [wish for wish in self.wishes if wish.slot_at is not None and wish.state in LIVE]
        assert len(held) == len(with_slot)

    @invariant()
    def attempts_keep_their_limits(self) -> None:
        """One runs at a time, per wish and per number; three count, and no more are made than may be; only what dials has one that runs (24, 25)."""
        running = [wish.running for wish in self.wishes if wish.running is not None]
        assert len({each.number for each in running}) == len(running)
        for wish in self.wishes:
            assert sum(each.outcome is None for each in wish.attempts) == (wish.state in (State.DIALING, State.TALKING))
            ended = [each.outcome for each in wish.attempts if each.outcome is not None]
            assert sum(OUTCOMES[each].counted for each in ended) <= RULES.counted_at_most
            assert len(wish.attempts) <= RULES.attempts_at_most

    @invariant()
    def ends_are_ends(self) -> None:
        """Nothing revives one, and each but a talk is told once (19, 28)."""
        for wish, state in self.before:
            assert state not in ENDS or wish.state is state
        for wish in self.wishes:
            assert wish.told == (wish.state in ENDS and wish.state is not State.COMPLETED)
        self.before = [(wish, wish.state) for wish in self.wishes]

    @invariant()
    def what_is_shown_is_what_is_dialled(self) -> None:
        """The time on the customer's wall leads back to the slot, over every change of clocks; the grid has no hole and no double (21)."""
        for wish in self.wishes:
            if wish.slot_at is not None and wish.shown is not None:
                wall, fold = wish.shown
                assert policy.instant_of(wall, ZONE, fold=fold) == wish.slot_at
                assert policy.comes_twice(wish.slot_at, ZONE) or fold == 0
        begins = list(islice(policy.grid(self.now, RULES), 60))
        assert {later - first for first, later in pairwise(begins)} == {RULES.slot_length}

    @invariant()
    def caps_are_passed_by_running_calls_only(self) -> None:
        """Each dial began below every cap (30)."""
        begins, ends = policy.day_of(self.now)
        today = Counter(each.number for wish in self.wishes for each in wish.attempts if begins <= each.at < ends)
        assert max(today.values(), default=0) <= RULES.attempts_per_number_day


Life.TestCase.settings = settings(
    max_examples=int(60 * DEPTH), stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
