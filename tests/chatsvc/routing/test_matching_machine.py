"""The matcher against a plain model, in any order of events: fairness, work conservation, no starvation (callback.md, section 4).

The model is dicts and lists; only ``policy`` decides. What the store does with the decisions is walked through in
``tests/chatsvc/conversations/test_machine.py``.
"""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatsvc.kernel.ids import PersonId, PlaceId, TicketId
from chatsvc.routing.model import Pair, Place, RoutingRules, Seat
from chatsvc.routing.policy import is_unseen, match, rank, units_of

RULES = RoutingRules()
LINES = ("expense", "travel", "invoice")
DEPTH = float(os.environ.get("HOLDLINE_TEST_DEPTH", "1"))
# Representative -> lines and capacity.
STAFF = {
    "ravi": (frozenset({"expense", "travel"}), 2),
    "mia": (frozenset({"expense"}), 1),
    "noor": (frozenset({"travel", "invoice"}), 3),
    "leo": (frozenset(LINES), 1),
}
persons = st.sampled_from(sorted(STAFF)).map(PersonId)


class Matching(RuleBasedStateMachine):
    """Customers come, go and are answered; representatives come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self.admitted: dict[PlaceId, tuple[datetime, int]] = {}
        self.waiting: dict[PlaceId, Place] = {}
        # Place -> the pair under which it is offered, or in conversation.
        self.offered: dict[PlaceId, Pair] = {}
        self.talking: dict[PlaceId, Pair] = {}
        self.asked: dict[PlaceId, set[PersonId]] = {}
        self.present: set[PersonId] = set()
        self.idle_since = dict.fromkeys(map(PersonId, STAFF), self.now)

    def load(self, person: PersonId) -> int:
        """Units that a representative holds."""
        return sum(pair.units for pair in [*self.offered.values(), *self.talking.values()] if pair.person == person)

    def seats(self) -> list[Seat]:
        """Return everybody present."""
        return [
            Seat(person, STAFF[person][0], STAFF[person][1], self.load(person), self.idle_since[person])
            for person in sorted(self.present)
        ]

    def ledger(self) -> dict[PlaceId, frozenset[PersonId]]:
        """Return who was asked in each place's present round."""
        return {place: frozenset(persons) for place, persons in self.asked.items()}

    @initialize(lines=st.lists(st.sampled_from(LINES), max_size=6), present=st.sets(persons))
    def the_day_begins(self, lines: list[str], present: set[PersonId]) -> None:
        """Begin with people on both sides: a walk chooses only some of the rules."""
        self.present = present
        for line in lines:
            self.somebody_comes(line, "P3")

    # What happens -----------------------------------------------------------------------------------------------------------------------

    @rule(
        line=st.sampled_from(LINES),
        severity=st.sampled_from(["P1", "P2", "P3", "P3", "P3"]),
        waiting_for=st.sampled_from(["chat", "chat", "call"]),
    )
    def somebody_comes_later(self, line: str, severity: str, waiting_for: str) -> None:
        """Admit a place."""
        self.somebody_comes(line, severity, waiting_for)

    def somebody_comes(self, line: str, severity: str, waiting_for: str = "chat") -> None:
        """Admit a place."""
        self.now += timedelta(seconds=1)
        seq = len(self.admitted) + 1
        place = PlaceId(f"place {seq}")
        key = rank(self.now, severity, RULES)
        self.admitted[place] = (self.now, key)
        self.waiting[place] = Place(place, seq, line, TicketId("t"), waiting_for, key, 0, 1, self.now, self.now)

    @rule(person=persons)
    def representative_comes(self, person: PersonId) -> None:
        """Be present and ready."""
        self.present.add(person)

    @precondition(lambda self: self.present)
    @rule(data=st.data())
    def representative_goes(self, data: st.DataObject) -> None:
        """Vanish: offers are void, conversations return at their old rank, in a new round."""
        person = data.draw(st.sampled_from(sorted(self.present)))
        self.present.remove(person)
        for held, next_round in ((self.offered, 0), (self.talking, 1)):
            for place in [place for place, pair in held.items() if pair.person == person]:
                self.put_back(held.pop(place), next_round=next_round)

    @precondition(lambda self: self.offered)
    @rule(data=st.data(), answer=st.sampled_from(["accept", "accept", "decline"]))
    def somebody_answers(self, data: st.DataObject, answer: str) -> None:
        """Accept or decline an offer."""
        place = data.draw(st.sampled_from(sorted(self.offered)))
        pair = self.offered.pop(place)
        self.asked.setdefault(place, set()).add(pair.person)
        if answer == "accept":
            self.talking[place] = pair
        else:
            self.put_back(pair, next_round=0)

    @precondition(lambda self: self.talking)
    @rule(data=st.data())
    def conversation_ends(self, data: st.DataObject) -> None:
        """Finish."""
        self.now += timedelta(seconds=1)
        pair = self.talking.pop(data.draw(st.sampled_from(sorted(self.talking))))
        self.idle_since[pair.person] = self.now

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def page_comes_back_or_customer_leaves(self, data: st.DataObject) -> None:
        """Be seen again, or give up the place."""
        place = data.draw(st.sampled_from(sorted(self.waiting)))
        if data.draw(st.booleans()):
            self.waiting[place] = replace(self.waiting[place], seen_at=self.now)
        else:
            del self.waiting[place]

    @rule(seconds=st.sampled_from([1, 5, 15, 60]))
    def time_passes(self, seconds: int) -> None:
        """Only the clock moves: pages that are not renewed become unseen."""
        self.now += timedelta(seconds=seconds)

    @rule()
    def match(self) -> None:
        """Pair, check every decision, and apply them."""
        places, seats, ledger = list(self.waiting.values()), self.seats(), self.ledger()
        pairs = match(places, seats, ledger, self.now, RULES)
        self.check_pairs(pairs, ledger)
        for pair in pairs:
            place = self.waiting.pop(pair.place.id)
            if pair.round > place.round:
                self.asked.pop(place.id, None)
            self.offered[place.id] = replace(pair, place=replace(place, round=pair.round, epoch=place.epoch + 1))
        self.check_work_conserved()
        self.check_drain(pairs)

    def put_back(self, pair: Pair, *, next_round: int) -> None:
        """Let a place wait again where it was."""
        place = replace(pair.place, round=pair.place.round + next_round)
        if next_round:
            self.asked.pop(place.id, None)
        self.waiting[place.id] = place

    # What must hold ---------------------------------------------------------------------------------------------------------------------

    def check_pairs(self, pairs: list[Pair], ledger: dict[PlaceId, frozenset[PersonId]]) -> None:
        """Every decision is allowed, and every passing has its reason (8, 9, 13)."""
        assert len({pair.place.id for pair in pairs}) == len(pairs)
        paired = {pair.place.id for pair in pairs}
        for pair in pairs:
            lines, _ = STAFF[pair.person]
            assert pair.person in self.present
            assert pair.place.line in lines
            assert not self.is_unseen(pair.place)
            if pair.round == pair.place.round:
                assert pair.person not in ledger.get(pair.place.id, frozenset())
            for other in self.waiting.values():
                better = (other.rank, other.seq) < (pair.place.rank, pair.place.seq)
                if better and other.line == pair.place.line and other.id not in paired:
                    self.check_passing(other, pair, ledger)

    def check_passing(self, other: Place, pair: Pair, ledger: dict[PlaceId, frozenset[PersonId]]) -> None:
        """Whoever was passed was so for one of the declared reasons, and it was written down."""
        why = pair.passed[other.id]
        if why == "unseen":
            assert self.is_unseen(other)
        else:
            assert why in ("asked", "capacity")
            assert pair.person in ledger.get(other.id, frozenset()) or why == "capacity"

    def check_work_conserved(self) -> None:
        """Nobody who could be served waits while somebody who could serve them has room (10, 11)."""
        for place in self.waiting.values():
            if self.is_unseen(place):
                continue
            serving = {person for person in self.present if place.line in STAFF[person][0]}
            free = {person for person in serving if self.has_room(person, place) and not self.is_kept(person, place)}
            asked = self.asked.get(place.id, set())
            assert not free - asked, f"{place.id} waits although {free - asked} could take it"
            assert not (free and serving <= asked), (
                f"{place.id} has been refused by everybody and nobody is asked again"
            )

    def check_drain(self, pairs: list[Pair]) -> None:
        """A call for which nobody is free enough is passed by chats for as long as the drain takes to begin, and not a second longer (12).

        From then on one of those who serve it, and have not refused it, gets nothing that came later. Of several such calls only the
        first is looked at: they may have to share whom they keep.
        """
        calls = [place for place in self.waiting.values() if place.waiting_for == "call"]
        for call in sorted(calls, key=lambda place: (place.rank, place.seq))[:1]:
            asked = self.asked.get(call.id, set())
            serving = {person for person in self.present if call.line in STAFF[person][0]} - asked
            later = {pair.person for pair in pairs if (pair.place.rank, pair.place.seq) > (call.rank, call.seq)}
            if serving and serving <= later:
                passed = self.now - call.since_at
                assert passed < RULES.drain_after, f"{call.id} is passed by chats for {passed}"

    def is_unseen(self, place: Place) -> bool:
        """Whether a customer's page has vanished."""
        return is_unseen(place.waiting_for, place.seen_at, self.now, RULES)

    def has_room(self, person: PersonId, place: Place) -> bool:
        """Whether a representative could take one more."""
        capacity = STAFF[person][1]
        return self.load(person) + units_of(place.waiting_for, capacity) <= capacity

    def is_kept(self, person: PersonId, place: Place) -> bool:
        """Whether a representative may be kept free for a call that comes first and has waited for room (12)."""
        return any(
            call.waiting_for == "call"
            and (call.rank, call.seq) < (place.rank, place.seq)
            and self.now - call.since_at >= RULES.drain_after
            and call.line in STAFF[person][0]
            for call in self.waiting.values()
        )

    @invariant()
    def nobody_holds_more_than_their_capacity(self) -> None:
        """Loads stay within capacity (5)."""
        for person in map(PersonId, STAFF):
            assert 0 <= self.load(person) <= STAFF[person][1]

    @invariant()
    def every_place_is_in_one_state_with_the_rank_it_came_with(self) -> None:
        """Exactly one state each, the rank bit for bit (1, 7)."""
        held = [*self.waiting.values(), *(pair.place for pair in [*self.offered.values(), *self.talking.values()])]
        assert len({place.id for place in held}) == len(held)
        assert all(place.rank == self.admitted[place.id][1] for place in held)


Matching.TestCase.settings = settings(
    max_examples=int(200 * DEPTH),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMatching = Matching.TestCase
