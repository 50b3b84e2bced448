"""The whole live phase through its actions, in any order of events, on both kinds of store (callback.md, section 4, invariants 1 to 14).

A step does something and says what must come of it; after each step the stored rows are compared with each other, and with those of
before. What time does in a sweep is checked by what may not be left over afterwards.
"""

# Whether a refusal is right depends on the model: it is caught, and judged in its own branch.
# ruff: noqa: PT017

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert, select, text

from chatsvc.accounts.model import Identity
from chatsvc.conversations.model import LIFE, State
from chatsvc.conversations.outlook import Outlook
from chatsvc.conversations.tables import conversations
from chatsvc.db.columns import metadata
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, Refused
from chatsvc.routing.model import RoutingRules
from chatsvc.routing.tables import desk_lines, desks, offers, places
from chatsvc.tickets.tables import entries, logs, tickets
from tests import builders, stores
from tests.chatsvc.conversations.house import DONE, House

DEPTH = float(os.environ.get("HOLDLINE_TEST_DEPTH", "1"))
CONTACTS = 5
# Name, lines and capacity.
STAFF = (("Ravi", ("expense", "travel"), 2), ("Mia", ("expense",), 1), ("Noor", ("travel",), 3))
LINES = ("expense", "travel")
LIVE = ("waiting", "offered", "taken")
HOLDING = ("active", "ending", "wrap_up")
T = TypeVar("T")
_TABLES = {table.name: table for table in (places, conversations, offers, desks, tickets, logs, outbox, entries)}

contacts = st.integers(0, CONTACTS - 1)
reps = st.integers(0, len(STAFF) - 1)


class Picture:
    """Every row that the live phase is made of."""

    def __init__(self, **tables: list[Any]) -> None:
        self.places = {row.id: row for row in tables["places"]}
        self.conversations = {row.id: row for row in tables["conversations"]}
        self.by_place = {row.place_id: row for row in tables["conversations"]}
        self.offers = {row.id: row for row in tables["offers"]}
        self.desks = {row.person_id: row for row in tables["desks"]}
        self.tickets = {row.id: row for row in tables["tickets"]}
        self.logs = {row.ticket_id: row for row in tables["logs"] if row.audience == "shared"}
        self.mails = tables["outbox"]
        self.entries = tables["entries"]

    def in_order(self, rows: Iterable[Any]) -> list[Any]:
        """Return offers or conversations in an order that does not depend on random ids: by admission, then by epoch; open offers first."""
        return sorted(rows, key=lambda row: (row.state != "open", self.places[row.place_id].seq, row.epoch))

    def open_offers(self) -> list[Any]:
        """Return offers that wait for their answer."""
        return [offer for offer in self.offers.values() if offer.state == "open"]


class LivePhase(RuleBasedStateMachine):
    """Customers, representatives, time, and a house that is closed and opened again."""

    # Returns the address of an empty store; its second part gives the store back.
    make: ClassVar[Callable[[], tuple[str, Callable[[], None]]]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.address, self.give_back = type(self).make()
        self.folder = Path(tempfile.mkdtemp(prefix="holdline-machine-"))
        self.open()
        self.contacts: list[Identity] = []
        self.reps: list[Identity] = []
        # Every (place, epoch) that was ever granted to somebody who accepted.
        self.grants: dict[tuple[str, int], str] = {}
        self.before: Picture | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the machine's loop."""
        return self.runner.run(work)

    def open(self) -> None:
        """Open the house."""
        self.database = Database(self.address, self.clock)
        self.house = House(self.database, self.clock, self.folder)
        # One handled contact is a past, so that walks come to be told something.
        self.house.act.queries.outlook = Outlook(RoutingRules(history_needs=1))

    def teardown(self) -> None:
        """Give everything back."""
        self.run(self.database.close())
        self.runner.close()
        self.give_back()
        shutil.rmtree(self.folder, ignore_errors=True)

    def look(self) -> Picture:
        """Read every row."""

        async def read() -> Picture:
            async with self.database.read() as connection:
                rows = {name: list((await connection.execute(select(table))).all()) for name, table in _TABLES.items()}
            return Picture(**rows)

        return self.run(read())

    @property
    def present(self) -> Picture:
        """The rows as the last step left them."""
        return self.before or Picture(**{name: [] for name in _TABLES})

    @initialize(accepting=st.integers(0, len(STAFF)))
    def people_arrive(self, accepting: int) -> None:
        """Bring contacts, four of whom stand in line, and representatives who are ready; some have accepted already.

        A walk chooses only some of the rules: one that leaves out joining must find a desk at work all the same.
        """

        async def arrive() -> None:
            company = await builders.a_company(self.database)
            for n in range(CONTACTS):
                self.contacts.append(await builders.a_contact(self.database, company, name=f"Contact {n}"))
            hired = [await builders.a_representative(self.database, name=name, lines=()) for name, _, _ in STAFF]
            # Whoever's id is lower is asked first among equals: so that a walk can be repeated, roles go by that order.
            self.reps = sorted(hired, key=lambda rep: rep.person)
            for rep, (_, lines, capacity) in zip(self.reps, STAFF, strict=True):
                async with self.database.begin() as uow:
                    await uow.execute(insert(desk_lines), [{"person_id": rep.person, "line": line} for line in lines])
                await self.house.act.set_capacity(rep.person, capacity)
                await self.house.act.set_desk(rep, "ready")

        async def begin() -> None:
            for contact, line in zip(self.contacts, ("expense", "travel", "expense", "travel"), strict=False):
                self.clock.advance(0.001)
                await self.house.joins(contact, line=line)
            await self.house.act.match()
            for rep in self.reps[:accepting]:
                for card in (await self.house.see.desk(rep)).offers:
                    await self.house.act.accept(rep, card.id, card.epoch)

        self.run(arrive())
        self.run(begin())
        self.before = self.look()
        for row in self.before.conversations.values():
            if row.state == "active":
                self.grants[row.place_id, row.epoch] = row.rep_id

    # Customers --------------------------------------------------------------------------------------------------------------------------

    @rule(who=contacts, line=st.sampled_from(LINES))
    def join(self, who: int, line: str) -> None:
        """Stand in line; a second time in the same line leads to the first (R11)."""
        self.clock.advance(0.001)  # nobody comes at the very same instant: so that a walk can be repeated
        picture, contact = self.present, self.contacts[who]
        held = [
            place
            for place in picture.places.values()
            if (place.contact_id, place.line) == (contact.person, line) and place.state in LIVE
        ]
        try:
            visit = self.run(self.house.joins(contact, line=line, key=ids.new_id("ky")))
        except Conflict as conflict:
            assert conflict.key == "visit.already_open"
            assert [place.ticket_id for place in held] == [conflict.facts["ticket"]]
        else:
            assert not held
            assert visit.state == "waiting"

    @precondition(lambda self: self.has("waiting", "active"))
    @rule(who=contacts)
    def leave(self, who: int) -> None:
        """Give up a place; refused once somebody has accepted."""
        for conversation in self.of_contact(who, "waiting", "active")[:1]:
            try:
                self.run(self.house.act.leave(self.contacts[who], conversation.ticket_id))
            except Conflict as conflict:
                assert conflict.key == "visit.not_waiting"
                assert conversation.state == "active"
            else:
                assert conversation.state == "waiting"

    @rule(who=contacts)
    def page_is_there(self, who: int) -> None:
        """Renew the places of a contact."""
        mine = [row.ticket_id for row in self.of_contact(who, "waiting", "active", "ending")]
        self.run(self.house.act.renew_places(mine))

    def everybody_stays(self) -> None:
        """Renew everybody's place and lease."""
        self.run(self.house.act.renew_places([place.ticket_id for place in self.present.places.values()]))
        self.run(self.house.act.renew_desks([rep.person for rep in self.reps]))

    # Representatives --------------------------------------------------------------------------------------------------------------------

    @rule(who=reps)
    def rep_ready(self, who: int) -> None:
        """Be ready."""
        self.run(self.house.act.set_desk(self.reps[who], "ready"))

    @rule(who=reps)
    def rep_away(self, who: int) -> None:
        """Go away; nothing is offered any more."""
        self.run(self.house.act.set_desk(self.reps[who], "away", "lunch"))

        assert not [offer for offer in self.look().open_offers() if offer.person_id == self.reps[who].person]

    @rule(who=st.lists(reps, unique=True))
    def reps_are_there(self, who: list[int]) -> None:
        """Renew leases."""
        self.run(self.house.act.renew_desks([self.reps[n].person for n in who]))

    @precondition(lambda self: self.present.offers)
    @rule(data=st.data(), who=reps, stale=st.sampled_from([0, 0, 0, 1]), twice=st.booleans())
    def accept(self, data: st.DataObject, who: int, stale: int, twice: bool) -> None:
        """Accept: the right one, the wrong one, with an older epoch, twice (3)."""
        picture = self.present
        offer = data.draw(st.sampled_from(picture.in_order(picture.offers.values())))
        right = data.draw(st.booleans())
        rep = next(each for each in self.reps if each.person == offer.person_id) if right else self.reps[who]
        theirs = offer.person_id == rep.person and not stale
        may = theirs and offer.state == "open" and offer.deadline_at > self.clock.now()
        try:
            first = self.run(self.house.act.accept(rep, offer.id, offer.epoch - stale))
        except Conflict as conflict:
            assert not may
            assert offer.state != "accepted" or not theirs
            assert conflict.key == ("offer.over" if theirs else "offer.taken")
            return
        assert may or (theirs and offer.state == "accepted")
        assert first == picture.by_place[offer.place_id].id
        if may:
            assert (offer.place_id, offer.epoch) not in self.grants, "two owners of one epoch"
            self.grants[offer.place_id, offer.epoch] = rep.person
        if twice:
            assert self.run(self.house.act.accept(rep, offer.id, offer.epoch)) == first

    @precondition(lambda self: self.present.open_offers())
    @rule(data=st.data())
    def decline(self, data: st.DataObject) -> None:
        """Leave an offer to somebody else: the place waits where it was."""
        picture = self.present
        offer = data.draw(st.sampled_from(picture.in_order(picture.open_offers())))
        rep = next(each for each in self.reps if each.person == offer.person_id)

        self.run(self.house.act.decline(rep, offer.id, offer.epoch, "busy"))

        after = self.look()
        assert after.places[offer.place_id].state == "waiting"
        assert after.desks[rep.person].load == picture.desks[rep.person].load - 1
        assert after.desks[rep.person].idle_since_at == picture.desks[rep.person].idle_since_at

    @precondition(lambda self: self.has("active", "ending", "wrap_up", "closed"))
    @rule(data=st.data(), behind=st.integers(0, 2), who=reps)
    def rep_writes(self, data: st.DataObject, behind: int, who: int) -> None:
        """Write with the present epoch, or an older one: only the owner's present one is stored (4)."""
        picture = self.present
        held = picture.in_order(row for row in picture.conversations.values() if row.epoch > 0)
        if not held:
            return
        conversation = data.draw(st.sampled_from(held))
        rep = self.reps[who]
        epoch = conversation.epoch - behind
        owned = conversation.state in HOLDING
        may = epoch == conversation.epoch and (not owned or conversation.rep_id == rep.person)
        visit = self.run(self.house.see.visit(self.contact_of(conversation), conversation.ticket_id))
        try:
            self.run(self.house.says(rep, visit, "hello", epoch))
        except Conflict as conflict:
            assert conflict.key == "entry.stale_epoch"
            assert not may
        else:
            assert may

    @precondition(lambda self: self.has("active"))
    @rule(data=st.data(), who=reps, line=st.sampled_from([None, *LINES]))
    def hand_over(self, data: st.DataObject, who: int, line: str | None) -> None:
        """Give a conversation to a colleague or a line, at the rank it has."""
        picture = self.present
        active = picture.in_order(row for row in picture.conversations.values() if row.state == "active")
        if not active:
            return
        conversation = data.draw(st.sampled_from(active))
        rep = next(each for each in self.reps if each.person == conversation.rep_id)
        target = self.reps[who].person if line is None else None
        with suppress(Refused):
            self.run(self.house.act.hand_over(rep, conversation.id, to_person=target, to_line=line, note="Please."))
            after = self.look()
            place = after.places[conversation.place_id]
            assert place.epoch > conversation.epoch
            assert place.state == ("waiting" if target is None else "offered")
            assert after.desks[rep.person].load == picture.desks[rep.person].load - 1

    # Ending -----------------------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.has("active", "ending"))
    @rule(data=st.data(), by_customer=st.booleans())
    def end(self, data: st.DataObject, by_customer: bool) -> None:
        """End a conversation, as either side."""
        self.with_party(data, ("active", "ending"), by_customer, self.house.act.end)

    @precondition(lambda self: self.has("ending", "wrap_up"))
    @rule(data=st.data(), by_customer=st.booleans())
    def undo(self, data: st.DataObject, by_customer: bool) -> None:
        """Take the end back while there is time."""

        async def undo(identity: Identity, conversation: Any) -> None:
            row = await self.row_of(conversation)
            in_time = row.state == "ending" and row.due_at > self.clock.now()
            try:
                await self.house.act.undo_end(identity, conversation)
            except Conflict as conflict:
                assert conflict.key == "conversation.undo_over"
                assert not in_time
            else:
                assert in_time

        self.with_party(data, ("ending", "wrap_up"), by_customer, undo)

    @precondition(lambda self: self.has("ending", "wrap_up"))
    @rule(data=st.data())
    def wrap_up(self, data: st.DataObject) -> None:
        """Fill in the wrap-up."""

        async def wrap_up(identity: Identity, conversation: Any) -> None:
            await self.house.act.wrap_up(identity, conversation, DONE)

        self.with_party(data, ("ending", "wrap_up"), False, wrap_up)

    @precondition(lambda self: self.has("ending", "wrap_up", "closed"))
    @rule(who=contacts, rating=st.integers(1, 5))
    def rate(self, who: int, rating: int) -> None:
        """Rate what has ended."""
        for conversation in self.of_contact(who, "ending", "wrap_up", "closed")[:1]:
            with suppress(Conflict):
                self.run(self.house.act.rate(self.contacts[who], conversation.ticket_id, rating))

    # Time and machines ------------------------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 5, 10, 16, 21, 31, 31, 121]), stay=st.booleans())
    def time_passes(self, seconds: int, stay: bool) -> None:
        """The clock moves, and nothing else is done; most people are still there afterwards."""
        self.clock.advance(seconds)
        if stay:
            self.everybody_stays()

    @rule(who=reps)
    def rep_vanishes(self, who: int) -> None:
        """Only one is gone, for longer than lease and grace; everybody else stays."""
        others = [rep.person for rep in self.reps if rep is not self.reps[who]]
        for _ in range(2):
            self.clock.advance(16)
            self.run(self.house.act.renew_places([place.ticket_id for place in self.present.places.values()]))
            self.run(self.house.act.renew_desks(others))
            self.tick(everybody_there=False)

    @rule(who=contacts)
    def customer_vanishes(self, who: int) -> None:
        """Only one is gone, for long enough that offers are taken back; everybody else stays."""
        person = self.contacts[who].person
        others = [place.ticket_id for place in self.present.places.values() if place.contact_id != person]
        for _ in range(2):
            self.clock.advance(11)
            self.run(self.house.act.renew_places(others))
            self.run(self.house.act.renew_desks([rep.person for rep in self.reps]))
            self.tick(everybody_there=False)

    @rule()
    def time_drags_on(self) -> None:
        """Everybody stays and nobody does anything: offers are missed, wrap-ups complete themselves."""
        for _ in range(2):
            self.clock.advance(100)
            self.tick(everybody_there=True)

    @rule(everybody_there=st.booleans())
    def tick(self, everybody_there: bool) -> None:
        """Sweep and match, as every process does each second; nothing that is due may be left."""
        if everybody_there:
            self.everybody_stays()
        before = self.look()

        async def tick() -> None:
            await self.house.act.sweep()
            await self.house.act.match()

        self.run(tick())
        after = self.look()
        self.check_nothing_is_due(after)
        self.check_absences_were_real(before, after)
        self.check_work_conserved(after)
        self.check_told(after)

    @rule()
    def match(self) -> None:
        """Match without sweeping: whoever is passed has a reason."""
        before = self.present
        self.run(self.house.act.match())
        after = self.look()
        self.check_work_conserved(after)
        for offer in after.open_offers():
            if offer.id not in before.offers:
                assert before.places[offer.place_id].state == "waiting"
                assert before.places[offer.place_id].epoch < offer.epoch

    @rule()
    def house_restarts(self) -> None:
        """Close everything and open it again: no rank, no owner, no offer has changed (14)."""
        before = self.present
        self.run(self.database.close())
        self.open()
        after = self.look()
        assert after.places == before.places
        assert after.offers == before.offers
        assert after.conversations == before.conversations

    # Words ------------------------------------------------------------------------------------------------------------------------------

    def has(self, *states: str) -> bool:
        """Whether any conversation is in one of these states."""
        return any(row.state in states for row in self.present.conversations.values())

    def of_contact(self, who: int, *states: str) -> list[Any]:
        """Return a contact's conversations in these states."""
        person = self.contacts[who].person
        rows = self.present.in_order(self.present.conversations.values())
        return [row for row in rows if row.contact_id == person and row.state in states]

    def contact_of(self, conversation: Any) -> Identity:
        """Return whose conversation it is."""
        return next(each for each in self.contacts if each.person == conversation.contact_id)

    async def row_of(self, conversation: Any) -> Any:
        """Return a conversation as stored."""
        return next(row for row in await self.house.rows(conversations) if row.id == conversation)

    def with_party(self, data: st.DataObject, states: tuple[str, ...], by_customer: bool, act: Any) -> None:
        """Let one of the two parties of some conversation in these states do something."""
        rows = self.present.in_order(self.present.conversations.values())
        found = [row for row in rows if row.state in states and row.rep_id is not None]
        if not found:
            return
        conversation = data.draw(st.sampled_from(found))
        rep = next(each for each in self.reps if each.person == conversation.rep_id)
        self.run(act(self.contact_of(conversation) if by_customer else rep, conversation.id))

    # What must hold ---------------------------------------------------------------------------------------------------------------------

    def check_nothing_is_due(self, picture: Picture) -> None:
        """After a tick no deadline is behind and nobody absent holds anything (R10)."""
        now, routing = self.clock.now(), self.house.rules.routing
        for offer in picture.open_offers():
            assert offer.deadline_at > now
            assert picture.desks[offer.person_id].leased_until > now
            assert now - picture.places[offer.place_id].seen_at <= routing.unseen_after
        for row in picture.conversations.values():
            place = picture.places[row.place_id]
            assert row.state not in ("ending", "wrap_up") or row.due_at > now
            assert row.state != "waiting" or now - place.seen_at < routing.customer_grace or place.state == "offered"
            if row.state == "active":
                assert picture.desks[row.rep_id].leased_until > now - routing.representative_grace

    def check_absences_were_real(self, before: Picture, after: Picture) -> None:
        """Time moves a conversation only along its table, and takes nothing from those who are there."""
        now, routing = self.clock.now(), self.house.rules.routing
        for conversation, row in before.conversations.items():
            to = after.conversations[conversation].state
            if row.state == "active" and to != "active":
                # Left: whoever goes back into the line, and is gone as well, leaves it in the same sweep.
                assert to in ("waiting", "left")
                assert before.desks[row.rep_id].leased_until <= now - routing.representative_grace
            if row.state in ("active", "waiting") and to == "left":
                assert now - before.places[row.place_id].seen_at >= routing.customer_grace

    def check_work_conserved(self, picture: Picture) -> None:
        """Nobody who could be served waits beside somebody with room who was not asked yet (10, 11, 13)."""
        now = self.clock.now()
        ready = {
            rep.person: (set(lines), picture.desks[rep.person])
            for rep, (_, lines, _) in zip(self.reps, STAFF, strict=True)
            if picture.desks[rep.person].state == "ready" and (picture.desks[rep.person].leased_until or now) > now
        }
        for place in picture.places.values():
            if place.state != "waiting" or now - place.seen_at > self.house.rules.routing.unseen_after:
                continue
            asked = {
                offer.person_id
                for offer in picture.offers.values()
                if (offer.place_id, offer.round) == (place.id, place.round)
                and offer.state in ("accepted", "declined", "missed")
            }
            serving = {person for person, (lines, _) in ready.items() if place.line in lines}
            free = {person for person in serving if ready[person][1].load < ready[person][1].capacity}
            assert not free - asked
            assert not (free and serving <= asked)

    def check_told(self, picture: Picture) -> None:
        """Nobody is told a number where nobody serves, and what is told is in order (31, 32)."""
        now = self.clock.now()
        for line in {place.line for place in picture.places.values()}:
            serves = any(
                line in lines
                and picture.desks[rep.person].state == "ready"
                and (picture.desks[rep.person].leased_until or now) > now
                for rep, (_, lines, _) in zip(self.reps, STAFF, strict=True)
            )
            for waiting in self.run(self.house.act.queries.whole_line(line)).values():
                assert (waiting.representatives > 0) == serves
                if waiting.wait_low_s is None or waiting.wait_high_s is None:
                    assert waiting.wait_low_s is waiting.wait_high_s
                else:
                    assert serves
                    assert 0 <= waiting.wait_low_s <= waiting.wait_high_s

    @invariant()
    def rows_agree(self) -> None:
        """Whatever happened, the rows tell one story (1, 2, 3, 5, 7, 9; R8, R9, R11, R13)."""
        picture, before = self.look(), self.before
        self.before = picture
        self.check_states(picture)
        self.check_loads(picture)
        self.check_remains(picture)
        if before is not None:
            self.check_moves(before, picture)

    def check_states(self, picture: Picture) -> None:
        """A place, its conversation and its offers agree."""
        fits = {
            "waiting": ("waiting",),
            "offered": ("waiting",),
            "taken": ("active", "ending"),
            "gone": ("wrap_up", "closed", "left"),
        }
        for place in picture.places.values():
            conversation = picture.by_place[place.id]
            live = [offer for offer in picture.open_offers() if offer.place_id == place.id]
            assert conversation.state in fits[place.state]
            assert conversation.line == place.line
            assert len(live) == (1 if place.state == "offered" else 0)
            assert all(offer.epoch == place.epoch for offer in live)
            assert (conversation.rep_id is not None) == (
                conversation.state in ("active", "ending", "wrap_up", "closed")
            )
            assert place.reserved_for is None or place.state == "offered"
            log, held = picture.logs[conversation.ticket_id], conversation.state in HOLDING
            assert (log.owner_epoch, log.owner_id) == (conversation.epoch, conversation.rep_id if held else None)
        topics = [(place.contact_id, place.line) for place in picture.places.values() if place.state in LIVE]
        assert len(topics) == len(set(topics))
        granted = [(offer.place_id, offer.epoch) for offer in picture.offers.values()]
        assert len(granted) == len(set(granted))

    def check_loads(self, picture: Picture) -> None:
        """A representative's load is what they hold."""
        for person, desk in picture.desks.items():
            held = [row for row in picture.conversations.values() if row.rep_id == person and row.state in HOLDING]
            offered = [offer for offer in picture.open_offers() if offer.person_id == person]
            assert desk.load == len(held) + len(offered)
            assert 0 <= desk.load <= desk.capacity

    def check_remains(self, picture: Picture) -> None:
        """Every visit has one ticket, a log without holes, and the mails of what happened to it."""
        assert len(picture.tickets) == len(picture.places) == len(picture.conversations)
        numbers: dict[str, list[int]] = {}
        for entry in picture.entries:
            numbers.setdefault(entry.log_id, []).append(entry.number)
        assert all(sorted(given) == list(range(1, len(given) + 1)) for given in numbers.values())
        closed = [row for row in picture.conversations.values() if row.state == "closed"]
        kinds = [mail.kind for mail in picture.mails]
        assert kinds.count("mail.ticket_confirmation") == len(picture.tickets)
        assert kinds.count("mail.transcript") == len(closed)

    def check_moves(self, before: Picture, after: Picture) -> None:
        """Rank and admission never change, epochs only rise, offers end once, states follow the table."""
        for place, row in before.places.items():
            now = after.places[place]
            assert (now.rank, now.seq, now.admitted_at) == (row.rank, row.seq, row.admitted_at)
            assert now.epoch >= row.epoch
            assert now.round >= row.round
        for offer, row in before.offers.items():
            assert row.state == "open" or after.offers[offer].state == row.state
        for conversation, row in before.conversations.items():
            assert State(after.conversations[conversation].state) in _reachable(State(row.state))


def _reachable(state: State) -> set[State]:
    """Return every state that can follow, in any number of steps, and the state itself."""
    found, look = {state}, [state]
    while look:
        for following in LIFE.table[look.pop()].values():
            if following not in found:
                found.add(following)
                look.append(following)
    return found


def _walk(make: Callable[[], tuple[str, Callable[[], None]]], examples: int) -> None:
    machine = type("LivePhaseOnThisStore", (LivePhase,), {"make": staticmethod(make)})
    how = settings(
        max_examples=max(1, int(examples * DEPTH)),
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=how)


@pytest.mark.timeout(0 if DEPTH > 1 else 900)
def test_live_phase_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    def make() -> tuple[str, Callable[[], None]]:
        path = tmp_path / f"{ids.new_id('db')}.db"
        shutil.copyfile(sqlite_template, path)

        def give_back() -> None:
            for file in tmp_path.glob(path.name + "*"):
                file.unlink()

        return f"sqlite:///{path}", give_back

    _walk(make, 20)


@pytest.mark.postgres
@pytest.mark.timeout(0 if DEPTH > 1 else 900)
def test_live_phase_on_postgresql(cluster: stores.Cluster) -> None:
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
        _walk(make, 10)
    finally:
        asyncio.run(cluster.drop(address))
