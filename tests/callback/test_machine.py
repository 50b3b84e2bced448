"""Calls through their actions, in any order of events, on both kinds of store (callback.md, section 4, invariants 5, 14 and 16 to 30).

A step does something; what it may be refused for is caught. After each step the stored rows are compared with each other, and with those
of before. Actions of customers, representatives and time share one clock.
"""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select, text

from callback import policy, store
from callback.dialling import SAYABLE
from callback.model import ENDS, LIFE, LIVE, CallbackRules, Event, ReservationId, State
from callback.tables import attempts, reservations, seats
from callback.telephony.port import AttemptId, Ended, Facts, Outcome, Progress, Stage
from chatsvc.accounts.model import Identity
from chatsvc.conversations.tables import conversations
from chatsvc.coverage.model import Calendar, Channel
from chatsvc.coverage.policy import coverage_at
from chatsvc.db.columns import metadata
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import ConversationId
from chatsvc.routing.tables import desks, offers, places, shifts
from chatsvc.tickets.tables import tickets
from tests import builders, stores
from tests.callback.house import CallHouse, a_number
from tests.chatsvc.conversations.house import DONE

DEPTH = float(os.environ.get("HOLDLINE_TEST_DEPTH", "1"))
CONTACTS = 4
T = TypeVar("T")
_TABLES = {
    table.name: table
    for table in (reservations, seats, attempts, places, conversations, offers, desks, outbox, tickets)
}
_ENDED_WORDS = {"cancelled", "merged", "answered", "unreachable", "expired", "blocked"}
contacts = st.integers(0, CONTACTS - 1)
reps = st.integers(0, 1)
# How long somebody looks at a call before they dial, in hours: until then it may be too late.
waits = st.sampled_from([0, 0, 9, 12])
# Limits are near, so that a walk gets there.
RULES = CallbackRules(attempts_at_most=4, minutes_per_company_day=60, minutes_per_day=90, bookings_per_contact_day=9)
# An ordinary Monday, and the days before the clocks of the customers go forward and back.
BEGINS = (None, datetime(2026, 3, 28, 9, tzinfo=UTC), datetime(2026, 10, 24, 9, tzinfo=UTC))
OFFICE = Calendar("Europe/Berlin", "DE")


class Calls(RuleBasedStateMachine):
    """Customers who want to be rung, representatives who ring them, and time."""

    # Returns the address of an empty store; its second part gives the store back.
    make: ClassVar[Callable[[], tuple[str, Callable[[], None]]]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.address, self.give_back = type(self).make()
        self.folder = Path(tempfile.mkdtemp(prefix="holdline-machine-"))
        self.open(None)
        self.contacts: list[Identity] = []
        self.reps: list[Identity] = []
        # Key of a form -> the reservation that it made.
        self.made: dict[str, tuple[int, ReservationId]] = {}
        self.before: dict[str, Any] = {}

    def open(self, calendar: Calendar | None) -> None:
        self.database = Database(self.address, self.clock)
        self.house = CallHouse(self.database, self.clock, self.folder, RULES)
        self.house.calls.adapter = "sip"
        if calendar is not None:
            self.house.calendars.calendar = calendar

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def may(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do something that may be refused."""
        with suppress(Refused):
            return self.run(work)
        return None

    def teardown(self) -> None:
        self.run(self.database.close())
        self.runner.close()
        self.give_back()
        shutil.rmtree(self.folder, ignore_errors=True)

    def look(self) -> dict[str, list[Any]]:
        """Read every row, those of calls in the order in which they were made."""

        async def read() -> dict[str, list[Any]]:
            async with self.database.read() as connection:
                return {name: list((await connection.execute(select(table))).all()) for name, table in _TABLES.items()}

        return self.run(read())

    @initialize(
        asap=st.sets(contacts, min_size=1, max_size=3), begins=st.sampled_from(BEGINS), opens=st.booleans(), hours=waits
    )
    def the_day_begins(self, asap: set[int], begins: datetime | None, opens: bool, hours: int) -> None:
        """Bring people, a plan for one slot's seat at a time, and some who wait already, of whom one is about to be rung: a walk chooses only
        some of the rules. Ravi has a telephone, Mia dials by hand.
        """
        if begins is not None:
            self.clock.advance(begins - self.clock.now())

        async def arrive() -> None:
            company = await builders.a_company(self.database)
            self.contacts = [
                await builders.a_contact(self.database, company, name=f"Contact {n}") for n in range(CONTACTS)
            ]
            for name, capacity in (("Ravi", 1), ("Mia", 3)):
                # One after the other, so that it is never by chance who has been idle longest.
                self.reps.append(await self.house.ready(name, capacity=capacity))
                self.clock.advance(1)
            await self.house.planned(*self.reps)
            async with self.database.begin() as uow:
                await store.set_telephone(uow, self.reps[0].person, "sip:ravi@127.0.0.1")

        self.run(arrive())
        self.hours_change(opens)
        for contact in sorted(asap):
            self.somebody_books(contact, None, CONTACTS)
        self.a_representative_accepts_and_dials(0, hours)

    # Customers --------------------------------------------------------------------------------------------------------------------------

    def own(self, contact: int) -> ReservationId | None:
        """Return the newest reservation of a contact."""
        rows = [row for row in self.look()["reservations"] if row.contact_id == self.contacts[contact].person]
        return ReservationId(max(rows, key=lambda row: (row.created_at, row.state in LIVE)).id) if rows else None

    def a_slot(self, n: int) -> datetime:
        return self.house.slot(2 + n / 2)

    @rule(contact=contacts, slot=st.none() | st.integers(0, 2), number=st.integers(0, CONTACTS))
    def somebody_books(self, contact: int, slot: int | None, number: int) -> None:
        """Book, as soon as possible or in a slot, with a number that may be somebody else's."""
        key = ids.new_id("ky")
        at = None if slot is None else self.a_slot(slot)
        number = contact if number == CONTACTS else number
        made = self.may(self.house.books(self.contacts[contact], slot_at=at, key=key, number=a_number(number)))
        if made is not None:
            self.made[key] = contact, made

    @rule(contact=contacts)
    def somebody_chats(self, contact: int) -> None:
        """Stand in line for a chat, or ask for a call from there."""
        visit = self.may(self.house.joins(self.contacts[contact]))
        if visit is not None and contact % 2:
            self.may(self.house.books(self.contacts[contact], ticket=visit.ticket, number=a_number(contact)))

    @rule(contact=contacts)
    def the_same_form_again(self, contact: int) -> None:
        """Send a form a second time: the same answer, whatever has become of it (18)."""
        for key, (whose, made) in self.made.items():
            if whose == contact:
                again = self.run(self.house.books(self.contacts[contact], key=key, number=a_number(9)))
                assert again == made
                return

    @rule(contact=contacts, what=st.sampled_from(["cancel", "merge", "chat", "snooze", "number"]))
    def somebody_changes_their_mind(self, contact: int, what: str) -> None:
        """Do what the page offers."""
        mine = self.own(contact)
        if mine is None:
            return
        who, act = self.contacts[contact], self.house.calls
        wishes: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "cancel": lambda: act.cancel(who, mine),
            "merge": lambda: act.merge(who, mine),
            "chat": lambda: act.chat_instead(who, mine),
            "snooze": lambda: act.snooze(who, mine),
            "number": lambda: act.other_number(who, mine, number=a_number(20 + contact), region=None),
        }
        self.may(wishes[what]())

    @rule(contact=contacts, slot=st.integers(0, 3))
    def somebody_moves(self, contact: int, slot: int) -> None:
        """Move to another slot: both seats or none (16)."""
        mine = self.own(contact)
        if mine is not None:
            self.may(self.house.calls.move(self.contacts[contact], mine, self.a_slot(slot)))

    # Representatives --------------------------------------------------------------------------------------------------------------------

    def their_call(self, rep: int) -> ConversationId | None:
        """Return the conversation that a representative has."""
        rows = [
            row
            for row in self.look()["conversations"]
            if row.rep_id == self.reps[rep].person and row.state in ("active", "ending", "wrap_up")
        ]
        return ConversationId(min(rows, key=lambda row: row.created_at).id) if rows else None

    @rule(rep=reps, accepts=st.booleans())
    def an_offer_is_answered(self, rep: int, accepts: bool) -> None:
        """Match, and let a representative answer."""
        self.run(self.house.act.match())
        for card in self.run(self.house.see.desk(self.reps[rep])).offers:
            if accepts:
                self.may(self.house.act.accept(self.reps[rep], card.id, card.epoch))
            else:
                self.may(self.house.act.decline(self.reps[rep], card.id, card.epoch, "wrong_line"))

    @rule(rep=reps, hours=waits)
    def a_representative_accepts_and_dials(self, rep: int, hours: int) -> None:
        """Take what is offered, perhaps look at it for a long time, and press *Call* at an hour at which nobody may be rung any more (23)."""
        self.an_offer_is_answered(rep, True)
        self.clock.advance(timedelta(hours=hours))
        self.run(self.house.act.renew_desks([each.person for each in self.reps]))
        self.a_representative_dials(rep)

    @rule(rep=reps)
    def a_representative_dials(self, rep: int) -> None:
        """Press *Call*: never outside of hours, never without a row (23, 24)."""
        conversation = self.their_call(rep)
        if conversation is None:
            return
        before = {row.id for row in self.look()["callback_attempts"]}
        begun = self.may(self.house.calls.dial(self.reps[rep], conversation))
        new = [row for row in self.look()["callback_attempts"] if row.id not in before]
        if new:
            now, calendar = self.clock.now(), self.house.calendars.calendar
            assert begun is not None
            assert begun.attempt == new[0].id
            assert coverage_at(now, "P3", Channel.PHONE, calendar).is_open
            assert policy.courtesy(now, "Europe/Berlin", RULES) is None
            assert 8 <= now.astimezone(ZoneInfo("Europe/Berlin")).hour < 21
            self.check_caps(new[0])

    def check_caps(self, new: Any) -> None:
        """Whatever was dialled before it today left room for one more (30)."""
        begins, ends = policy.day_of(self.clock.now())
        today = [
            row for row in self.look()["callback_attempts"] if begins <= row.created_at < ends and row.id != new.id
        ]
        assert sum(row.number == new.number for row in today) < RULES.attempts_per_number_day
        assert sum(row.talk_s or 0 for row in today) < RULES.minutes_per_day * 60

    @rule(told=st.lists(st.sampled_from([*Stage, *Outcome]), min_size=1, max_size=4), minutes=st.integers(0, 60))
    def the_telephone_tells(self, told: list[Stage | Outcome], minutes: int) -> None:
        """Hear stages and ends of a call in any order, twice and late; the first end is the end, but for one that nobody saw (24)."""
        running = [row for row in self.look()["callback_attempts"] if row.adapter == "sip" and row.outcome is None]
        for row in running:
            attempt, ends = AttemptId(row.id), []
            for word in told:
                at, facts = self.clock.now(), Facts(talk_s=minutes * 60.0)
                if isinstance(word, Stage):
                    event: Progress | Ended = Progress(attempt=attempt, stage=word, at=at)
                else:
                    event = Ended(attempt=attempt, outcome=word, facts=facts, at=at)
                self.may(self.house.calls.happened(event, "sip"))
                [now] = [each for each in self.look()["callback_attempts"] if each.id == row.id]
                ends += [now.outcome] if now.outcome not in (None, Outcome.UNKNOWN) else []
            assert len(set(ends)) <= 1

    @rule(rep=reps)
    def a_representative_hangs_up(self, rep: int) -> None:
        """Ask the telephone system to end a call."""
        conversation = self.their_call(rep)
        if conversation is not None:
            self.may(self.house.calls.hang_up(self.reps[rep], conversation))

    @rule(rep=reps, is_ill=st.booleans())
    def the_plan_changes(self, rep: int, is_ill: bool) -> None:
        """Plan for fewer or more people: whatever is booked stays booked (22)."""
        before = self.look()

        async def change() -> None:
            if not is_ill:
                await self.house.planned(self.reps[rep])
                return
            async with self.database.begin() as uow:
                await uow.execute(delete(shifts).where(shifts.c.person_id == self.reps[rep].person))

        self.run(change())
        after = self.look()
        for name in ("reservations", "callback_seats"):
            assert after[name] == before[name]

    @rule(rep=reps, outcome=st.sampled_from(SAYABLE), connects=st.booleans())
    def a_representative_reports(self, rep: int, outcome: Outcome, connects: bool) -> None:
        """Say how it went."""
        conversation = self.their_call(rep)
        if conversation is None:
            return
        if connects:
            self.may(self.house.calls.connected(self.reps[rep], conversation))
        self.may(self.house.calls.report(self.reps[rep], conversation, outcome))

    @rule(rep=reps, what=st.sampled_from(["release", "end", "wrap_up", "wrap_up"]))
    def a_representative_finishes(self, rep: int, what: str) -> None:
        """Leave a call to others, end a chat, or complete the ticket."""
        conversation = self.their_call(rep)
        if conversation is None:
            return
        who = self.reps[rep]
        if what == "release":
            self.may(self.house.calls.release(who, conversation))
        elif what == "end":
            self.may(self.house.act.end(who, conversation))
        else:
            self.may(self.house.act.wrap_up(who, conversation, DONE))

    @rule(rep=reps, there=st.booleans())
    def a_representative_comes_or_goes(self, rep: int, there: bool) -> None:
        """Be ready, or vanish for longer than the grace."""
        if there:
            self.run(self.house.act.set_desk(self.reps[rep], "ready"))
            return
        self.clock.advance(31)
        self.run(self.house.act.renew_desks([self.reps[1 - rep].person]))
        self.run(self.house.act.sweep())

    # Time -------------------------------------------------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([0.2, 3, 15, 30, 120, 60 * 9, 60 * 25]), there=st.booleans())
    def time_passes(self, minutes: float, there: bool) -> None:
        """Let the clock and what it brings happen; short stretches with everybody at their desks."""
        self.clock.advance(timedelta(minutes=minutes))
        if there:
            self.run(self.house.act.renew_desks([rep.person for rep in self.reps]))
        self.run(self.house.act.sweep())
        self.run(self.house.calls.sweep())
        self.nothing_due_is_left()

    def nothing_due_is_left(self) -> None:
        """After a sweep no moment that has passed is still to be done (R15)."""
        for row in self.look()["reservations"]:
            assert row.wake_at is None or row.wake_at > self.clock.now(), (row.state, row.wake_at)

    @rule()
    def a_process_dies_while_it_dials(self) -> None:
        """Lose sight of whatever runs: it is asked about, not dialled (26)."""
        for row in self.look()["callback_attempts"]:
            if row.outcome is None:
                self.run(self.house.calls.lose_sight(AttemptId(row.id)))

    @rule(opens=st.booleans())
    def hours_change(self, opens: bool) -> None:
        """Keep business hours, or be always open."""
        self.house.calendars.calendar = Calendar("Europe/Berlin", always=True) if opens else OFFICE

    @rule()
    def the_house_is_opened_anew(self) -> None:
        """Start all processes again: nothing but the store is left (14)."""
        calendar = self.house.calendars.calendar
        self.run(self.database.close())
        self.open(calendar)

    # What must hold ---------------------------------------------------------------------------------------------------------------------

    @invariant()
    def everything_agrees(self) -> None:
        """Compare all rows."""
        rows = self.look()
        self.check_reservations(rows)
        self.check_seats(rows)
        self.check_attempts(rows)
        self.check_desks(rows)
        self.check_endings(rows)
        self.check_moves(rows)
        self.before = {row.id: row for row in rows["reservations"]}

    def check_reservations(self, rows: dict[str, list[Any]]) -> None:
        """At most one live call per contact and per number (17)."""
        live = [row for row in rows["reservations"] if row.state in LIVE]
        assert len({row.contact_id for row in live}) == len({row.number for row in live}) == len(live)

    def check_seats(self, rows: dict[str, list[Any]]) -> None:
        """A seat belongs to a live call of that slot, each such call has one, and no slot has more than it carries (16, 19)."""
        of = {row.id: row for row in rows["reservations"]}
        taken = Counter((row.line, row.begins_at) for row in rows["callback_seats"])
        assert all(count <= 1 for count in taken.values()), "two planned representatives carry one seat"
        held = Counter(row.reservation_id for row in rows["callback_seats"])
        for row in rows["callback_seats"]:
            assert of[row.reservation_id].slot_at == row.begins_at
        for row in rows["reservations"]:
            expected = 1 if row.slot_at is not None and row.state in LIVE else 0
            assert held[row.id] == expected, row.state

    def check_attempts(self, rows: dict[str, list[Any]]) -> None:
        """One at a time, numbered, within the limits, and only while somebody dials (24, 25, 27)."""
        running = {row.reservation_id: row for row in rows["callback_attempts"] if row.outcome is None}
        by_place = {row.ticket_id: row for row in rows["conversations"]}
        for row in rows["reservations"]:
            mine = [each for each in rows["callback_attempts"] if each.reservation_id == row.id]
            assert sorted(each.n for each in mine) == list(range(1, len(mine) + 1))
            assert sum(each.counted for each in mine) <= RULES.counted_at_most
            assert len(mine) <= RULES.attempts_at_most
            assert (row.id in running) == (row.state in ("dialing", "talking"))
            if row.id in running:
                self.check_not_in_a_chat(row, rows)
            if row.id in running:
                conversation = by_place[row.ticket_id]
                assert (conversation.state, conversation.call) == ("active", "on")
                assert conversation.rep_id == running[row.id].rep_id
                assert conversation.epoch == running[row.id].epoch

    def check_not_in_a_chat(self, reservation: Any, rows: dict[str, list[Any]]) -> None:
        """Nobody is rung who talks to us about the same thing already (29)."""
        tickets_of = {row.id: row for row in rows["tickets"]}
        for row in rows["conversations"]:
            ticket = tickets_of[row.ticket_id]
            if (ticket.requester_id, ticket.product) == (reservation.contact_id, reservation.line):
                assert row.ticket_id == reservation.ticket_id or row.state != "active"

    def check_desks(self, rows: dict[str, list[Any]]) -> None:
        """Whatever a representative holds is what is offered to them or theirs, a call the whole (5)."""
        held: Counter[str] = Counter()
        for row in rows["offers"]:
            held[row.person_id] += row.units if row.state == "open" else 0
        for row in rows["conversations"]:
            held[row.rep_id] += row.units if row.state in ("active", "ending", "wrap_up") else 0
        for desk in rows["desks"]:
            assert desk.load == held[desk.person_id] <= desk.capacity

    def check_endings(self, rows: dict[str, list[Any]]) -> None:
        """Every end but a talk has one message and one ticket; a talk has the ticket that it completed (28)."""
        told = Counter(
            row.cause.split(":")[1]
            for row in rows["outbox"]
            if row.kind == "mail.callback" and row.payload["what"] in _ENDED_WORDS
        )
        by_ticket = {row.ticket_id: row for row in rows["conversations"]}
        for row in rows["reservations"]:
            ended = row.state in ENDS and row.state != State.COMPLETED
            assert told[row.id] == (1 if ended else 0), row.state
            if row.state == State.COMPLETED:
                assert by_ticket[row.ticket_id].state == "closed"
        assert len(rows["tickets"]) == len({row.id for row in rows["tickets"]})

    def check_moves(self, rows: dict[str, list[Any]]) -> None:
        """States follow the table, and nothing revives an end (19)."""
        for row in rows["reservations"]:
            was = self.before.get(row.id)
            if was is not None:
                assert State(row.state) in _reachable(State(was.state))
                assert was.state not in ENDS or row.version == was.version
            if row.state in (State.BOOKED, State.DUE):
                assert LIFE.allows(State(row.state), Event.CANCELLED)


def _reachable(state: State) -> set[State]:
    found, look = {state}, [state]
    while look:
        for following in LIFE.table[look.pop()].values():
            if following not in found:
                found.add(following)
                look.append(following)
    return found


def _walk(make: Callable[[], tuple[str, Callable[[], None]]], examples: int) -> None:
    machine = type("CallsOnThisStore", (Calls,), {"make": staticmethod(make)})
    how = settings(
        max_examples=max(1, int(examples * DEPTH)),
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=how)


@pytest.mark.timeout(0 if DEPTH > 1 else 300)
def test_calls_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    def make() -> tuple[str, Callable[[], None]]:
        path = tmp_path / f"{ids.new_id('db')}.db"
        shutil.copyfile(sqlite_template, path)

        def give_back() -> None:
            for file in tmp_path.glob(path.name + "*"):
                file.unlink()

        return f"sqlite:///{path}", give_back

    _walk(make, 5)


@pytest.mark.postgres
@pytest.mark.timeout(0 if DEPTH > 1 else 300)
def test_calls_on_postgresql(cluster: stores.Cluster) -> None:
    address = asyncio.run(cluster.create())

    async def empty() -> None:
        database = Database(address, ManualClock())
        names = ", ".join(table.name for table in metadata.sorted_tables)
        async with database.begin() as uow:
            await uow.execute(text(f"truncate {names} cascade"))
        await database.close()

    def make() -> tuple[str, Callable[[], None]]:
        return address, lambda: asyncio.run(empty())

    try:
        _walk(make, 2)
    finally:
        asyncio.run(cluster.drop(address))
