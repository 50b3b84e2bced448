"""Whatever becomes of bells and entries on their way, what is handed on is 1, 2, 3 … (R3, R4)."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatsvc.hub.follow import Follow
from chatsvc.hub.ring import PER_LOG, Ring
from chatsvc.kernel.ids import LogId
from chatsvc.tickets.model import Entry
from tests.chatsvc.hub.cast import an_entry

LOG = LogId("lg_a")


def test_entries_are_handed_on_from_the_next_one() -> None:
    follow = Follow(2, 2)

    part = follow.take([an_entry(number) for number in (1, 2, 3, 4)])

    assert [entry.number for entry in part] == [3, 4]
    assert not follow.behind


def test_entries_beyond_a_gap_are_not_handed_on_but_known() -> None:
    follow = Follow(1, 1)

    assert not follow.take([an_entry(3)])
    assert (follow.sent, follow.head, follow.behind) == (1, 3, True)


def test_store_is_believed_rather_than_a_bell() -> None:
    follow = Follow(4, 4)
    follow.hear(9)

    follow.correct(4)

    assert not follow.behind


class Delivery(RuleBasedStateMachine):
    """A log that grows, a follower who hears of it by chance, and who reads when something is known to be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Entry] = []
        self.ring = Ring()
        self.follow = Follow(0, 0)
        self.got: list[int] = []

    def hand_on(self, entries: "list[Entry] | tuple[Entry, ...]") -> None:
        self.got += [entry.number for entry in self.follow.take(entries)]

    @rule(count=st.integers(1, 4), told=st.booleans())
    def somebody_writes(self, count: int, told: bool) -> None:
        fresh = [an_entry(len(self.log) + 1 + n) for n in range(count)]
        self.log += fresh
        if told:
            self.ring.add(LOG, fresh)
            self.hand_on(fresh)

    @rule(data=st.data())
    def bell_rings_late_or_again(self, data: st.DataObject) -> None:
        self.follow.hear(data.draw(st.integers(0, len(self.log))))

    @rule(data=st.data())
    def old_entries_come_again(self, data: st.DataObject) -> None:
        first = data.draw(st.integers(0, len(self.log)))
        last = data.draw(st.integers(first, len(self.log)))
        self.hand_on(self.log[first:last])

    @rule(limit=st.integers(1, 5))
    def follower_reads(self, limit: int) -> None:
        if self.follow.behind:
            recent = self.ring.after(LOG, self.follow.sent)
            self.hand_on(recent or self.log[self.follow.sent : self.follow.sent + limit])

    @rule()
    def heartbeat_comes(self) -> None:
        self.follow.hear(len(self.log))
        while self.follow.behind:
            self.follower_reads(3)
        assert len(self.got) == len(self.log)

    @rule()
    def bell_lies(self) -> None:
        self.follow.hear(len(self.log) + 7)
        while self.follow.sent < len(self.log):
            self.follower_reads(5)
        self.follow.correct(len(self.log))
        assert not self.follow.behind

    @invariant()
    def nothing_is_skipped_and_nothing_comes_twice(self) -> None:
        assert self.got == list(range(1, len(self.got) + 1))
        assert self.follow.sent == len(self.got)


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_ring_keeps_the_newest_of_each_log() -> None:
    ring = Ring()
    ring.add(LOG, [an_entry(number) for number in range(1, PER_LOG + 11)])

    assert not ring.after(LOG, 0)
    assert [entry.number for entry in ring.after(LOG, PER_LOG + 8)] == [PER_LOG + 9, PER_LOG + 10]
    assert not ring.after(LOG, PER_LOG + 10)


def test_ring_begins_anew_where_something_is_missing() -> None:
    ring = Ring()
    ring.add(LOG, [an_entry(1), an_entry(2)])
    ring.add(LOG, [an_entry(4)])

    assert not ring.after(LOG, 1)
    assert [entry.number for entry in ring.after(LOG, 3)] == [4]


def test_ring_is_not_put_back_by_old_entries() -> None:
    ring = Ring()
    ring.add(LOG, [an_entry(7)])
    ring.add(LOG, [an_entry(1), an_entry(2)])

    assert [entry.number for entry in ring.after(LOG, 6)] == [7]


def test_ring_is_bounded_over_all_logs_and_forgets_the_longest_unused() -> None:
    ring = Ring(most_bytes=3_000)
    logs = [LogId(f"lg_{number}") for number in range(10)]
    for log in logs:
        ring.add(log, [an_entry(1)])

    kept = [log for log in logs if ring.after(log, 0)]
    assert kept == logs[-len(kept) :]
    assert 1 < len(kept) < 10
