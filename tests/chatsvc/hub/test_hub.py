"""Who is here, what they get, and how they leave: stories over a socket without a network."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.config import Settings
from chatsvc.files.model import Attached
from chatsvc.hub import codes, metrics
from chatsvc.hub.broker_local import LocalExchange
from chatsvc.hub.frames import (
    CaughtUp,
    DeskFrame,
    Done,
    Entries,
    LookingMark,
    RefusedFrame,
    Reset,
    SeenMark,
    ServerBeat,
    StoredFrame,
    TypingMark,
    VisitFrame,
)
from chatsvc.hub.handshake import Gate
from chatsvc.hub.rules import Rules
from chatsvc.kernel.errors import Conflict, NotAllowed, TooMany, Unavailable
from chatsvc.kernel.ids import CompanyId, FileId
from chatsvc.tickets.model import Audience
from tests.chatsvc.hub.cast import QUICK, STORE, Stage, World, an_entry, an_identity, settled, until

REP = PersonRole.REPRESENTATIVE


@pytest.fixture
async def two(world: World) -> AsyncIterator[tuple[Stage, Stage]]:
    """Two hubs on one store; each hears at once only of what itself has written, which here is the first."""
    exchange = LocalExchange()
    stages = Stage(world, exchange), Stage(world, exchange)
    world.logs.on_stored = stages[0].hub.stored
    for stage in stages:
        await stage.hub.start()
    yield stages
    for stage in stages:
        await stage.closes()


# Following a log.


async def test_everything_so_far_comes_then_the_mark_then_what_is_said_live(stage: Stage, world: World) -> None:
    claire, ravi = an_identity(), an_identity(REP)
    log = world.a_log(claire)
    world.logs.add(log, "one", "two", quietly=True)
    customer, rep = await stage.arrives(claire), await stage.arrives(ravi)

    ref = customer.opens(log)
    mark = await customer.gets(CaughtUp, ref=ref)
    rep.opens(log)
    await rep.gets(CaughtUp)
    said = customer.says(log, "three")
    stored = await customer.gets(StoredFrame, ref=said)

    assert (mark.head, stored.number) == (2, 3)
    await customer.has(log, 1, 2, 3)
    await rep.has(log, 1, 2, 3)


async def test_resume_gives_exactly_what_follows(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", "two", "three", quietly=True)
    customer = await stage.arrives(claire)

    customer.opens(log, after=2)
    mark = await customer.gets(CaughtUp)

    assert mark.head == 3
    await customer.has(log, 3)


@pytest.mark.parametrize(
    ("after", "store"),
    [pytest.param(9, STORE, id="beyond the head"), pytest.param(1, "st_older", id="of another store")],
)
async def test_number_that_cannot_be_is_answered_with_a_reset(
    stage: Stage, world: World, after: int, store: str
) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", "two", quietly=True)
    customer = await stage.arrives(claire)

    ref = customer.opens(log, after=after, store=store)
    reset = await customer.gets(Reset)
    customer.opens(log)
    await customer.gets(CaughtUp)

    assert (reset.ref, reset.store) == (ref, STORE)
    await customer.has(log, 1, 2)


async def test_what_is_said_while_the_log_is_opened_is_not_missed(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, *(f"old {n}" for n in range(3)), quietly=True)
    world.logs.gate = asyncio.Event()
    customer = await stage.arrives(claire)

    customer.opens(log)
    await until(lambda: world.logs.reads)
    world.logs.add(log, "meanwhile")
    world.logs.gate.set()
    await customer.gets(CaughtUp)

    await customer.has(log, 1, 2, 3, 4)


async def test_long_log_comes_bit_by_bit_to_a_reader_with_a_short_queue(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, customer_queue_bytes=20_000, chunk_bytes=2_000))
    await stage.hub.start()
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, *("x" * 200 for _ in range(1_200)), quietly=True)
    customer = await stage.arrives(claire)

    customer.opens(log)
    mark = await customer.gets(CaughtUp)

    assert mark.head == 1_200
    await customer.has(log, *range(1, 1_201))
    assert len(customer.frames(Entries)) > 100
    await stage.closes()


async def test_log_of_somebody_else_does_not_exist(stage: Stage, world: World) -> None:
    log = world.a_log(an_identity(company=CompanyId("co_other")))
    world.logs.add(log, "secret", quietly=True)
    customer = await stage.arrives(an_identity())

    ref = customer.opens(log)
    refused = await customer.gets(RefusedFrame, ref=ref)
    said = customer.says(log, "let me in")
    answer = await customer.gets(RefusedFrame, ref=said)
    world.logs.add(log, "another secret")
    await settled()

    assert (refused.code, answer.code) == ("log.not_found", "log.not_found")
    assert customer.numbers(log) == []
    assert stage.hub._following.topic(log) is None


async def test_reopened_log_is_sent_from_the_named_number_and_never_twice_after(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", "two", quietly=True)
    customer = await stage.arrives(claire)

    customer.opens(log)
    await customer.gets(CaughtUp)
    customer.opens(log, after=1)
    await customer.gets(CaughtUp)
    world.logs.add(log, "three")

    await customer.has(log, 1, 2, 2, 3)


async def test_closed_log_is_silent(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    customer.sends("close", log=log)
    await until(lambda: stage.hub._following.topic(log) is None)
    world.logs.add(log, "unheard")
    await settled()

    assert customer.numbers(log) == []


async def test_store_that_cannot_be_read_is_said_and_the_log_can_be_opened_again(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", quietly=True)
    world.logs.available = False
    customer = await stage.arrives(claire)

    ref = customer.opens(log)
    refused = await customer.gets(RefusedFrame, ref=ref)
    world.logs.available = True
    customer.opens(log)
    await customer.gets(CaughtUp)

    assert (refused.code, refused.retry_after) == ("store.unavailable", QUICK.retry_s)
    await customer.has(log, 1)


# Two hubs.


async def test_words_cross_from_one_hub_to_the_other(two: tuple[Stage, Stage], world: World) -> None:
    here, there = two
    claire = an_identity()
    log = world.a_log(claire)
    customer, rep = await here.arrives(claire), await there.arrives(an_identity(REP))
    for talker in (customer, rep):
        talker.opens(log)
        await talker.gets(CaughtUp)

    for number in range(1, 6):
        customer.says(log, f"word {number}")

    await rep.has(log, 1, 2, 3, 4, 5)
    await customer.has(log, 1, 2, 3, 4, 5)


async def test_lost_bell_heals_with_the_next_heartbeat(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    world.logs.add(log, "unheard", "of", quietly=True)
    stage.time.advance(26)
    await stage.hub.beat()
    beat = await customer.gets(ServerBeat)

    assert beat.heads == {log: 2}
    await customer.has(log, 1, 2)


async def test_lost_bell_heals_with_the_next_entry(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    world.logs.add(log, "unheard", quietly=True)
    world.logs.add(log, "heard")

    await customer.has(log, 1, 2)


async def test_false_bell_does_no_harm(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", quietly=True)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    stage.rings(f"log:{log}", 99)
    await until(lambda: len(world.logs.reads) >= 2)
    await settled()
    reads = len(world.logs.reads)
    world.logs.add(log, "two")

    await customer.has(log, 1, 2)
    assert len(world.logs.reads) == reads


async def test_log_that_was_opened_is_not_taken_for_one_whose_bell_was_lost(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", "two", quietly=True)
    customer = await stage.arrives(claire)
    await customer.gets(CaughtUp, ref=customer.opens(log))
    healed = metrics.heads_healed._value.get()

    stage.time.advance(stage.hub.rules.beat_s + 1)
    await stage.hub.beat()

    await customer.gets(ServerBeat)
    assert metrics.heads_healed._value.get() == healed


async def test_one_read_serves_everybody_who_waits_for_the_same_log(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    talkers = [await stage.arrives(claire) for _ in range(8)]
    for talker in talkers:
        talker.opens(log)
        await talker.gets(CaughtUp)
    before = len(world.logs.reads)

    world.logs.add(log, "one", quietly=True)
    stage.rings(f"log:{log}", 1)
    for talker in talkers:
        await talker.has(log, 1)

    assert len(world.logs.reads) == before + 1


# Saying something.


async def test_same_key_gives_the_same_number_and_another_body_is_a_conflict(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    first = await customer.gets(StoredFrame, ref=customer.says(log, "once", key="key-00001"))
    again = await customer.gets(StoredFrame, ref=customer.says(log, "once", key="key-00001"))
    refused = await customer.gets(RefusedFrame, ref=customer.says(log, "other", key="key-00001"))

    assert first.number == again.number == 1
    assert refused.code == "entry.key_reused"
    await customer.has(log, 1)


async def test_store_that_cannot_commit_gives_no_acknowledgement(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)
    world.logs.available = False

    refused = await customer.gets(RefusedFrame, ref=customer.says(log, "hello"))

    assert (refused.code, refused.retry_after) == ("store.unavailable", QUICK.retry_s)
    assert customer.frames(StoredFrame) == []


async def test_entry_with_a_file_keeps_its_place_before_what_is_said_after_it(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.files["fi_abcd"] = Attached(FileId("fi_abcd"), "trace.txt", "text/plain", 12)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    first = customer.says(log, "see", files=["fi_abcd"])
    second = customer.says(log, "there")

    assert (await customer.gets(StoredFrame, ref=first)).number == 1
    assert (await customer.gets(StoredFrame, ref=second)).number == 2
    assert b"trace.txt" in bytes(world.logs.entries[log][0].body)


async def test_file_that_is_not_of_this_ticket_is_refused_by_code(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)

    refused = await customer.gets(RefusedFrame, ref=customer.says(log, "see", files=["fi_abcd"]))

    assert refused.code in ("not_found", "file.not_found")
    assert world.logs.entries[log] == []


async def test_notes_go_into_the_notes_log_only(stage: Stage, world: World) -> None:
    claire = an_identity()
    shared, notes = world.a_log(claire), world.a_log(claire, audience=Audience.STAFF)
    rep = await stage.arrives(an_identity(REP))

    into_shared = await rep.gets(RefusedFrame, ref=rep.says(shared, "he is angry", kind="note"))
    into_notes = await rep.gets(RefusedFrame, ref=rep.says(notes, "hello", kind="message"))
    stored = await rep.gets(StoredFrame, ref=rep.says(notes, "he is angry", kind="note"))

    assert (into_shared.code, into_notes.code, stored.number) == ("log.wrong_kind", "log.wrong_kind", 1)


async def test_customer_cannot_open_the_notes(stage: Stage, world: World) -> None:
    claire = an_identity()
    notes = world.a_log(claire, audience=Audience.STAFF)
    customer = await stage.arrives(claire)

    assert (await customer.gets(RefusedFrame, ref=customer.opens(notes))).code == "log.not_found"


# Weather.


async def test_typing_reaches_the_other_side_only_and_stores_nothing(two: tuple[Stage, Stage], world: World) -> None:
    here, there = two
    claire = an_identity()
    log = world.a_log(claire)
    customer, tablet, rep = (
        await here.arrives(claire),
        await here.arrives(claire),
        await there.arrives(an_identity(REP)),
    )
    for talker in (customer, tablet, rep):
        talker.opens(log)
        await talker.gets(CaughtUp)

    customer.sends("typing", log=log)
    mark = await rep.gets(TypingMark)

    assert (mark.person, mark.name) == (claire.person, "Claire")
    assert customer.frames(TypingMark) == tablet.frames(TypingMark) == []
    assert world.logs.entries[log] == []


async def test_colleagues_learn_who_looks_and_customers_do_not(two: tuple[Stage, Stage], world: World) -> None:
    here, there = two
    claire, ravi = an_identity(), an_identity(REP)
    log = world.a_log(claire)
    customer, rep, window, colleague = (
        await here.arrives(claire),
        await here.arrives(ravi),
        await there.arrives(ravi),
        await there.arrives(an_identity(REP)),
    )
    for talker in (customer, rep, window, colleague):
        talker.opens(log)
        await talker.gets(CaughtUp)

    rep.sends("looking", log=log)
    mark = await colleague.gets(LookingMark)
    colleague.sends("looking", log=log)
    answer = await rep.gets(LookingMark)
    customer.sends("looking", log=log)
    refused = await customer.gets(RefusedFrame)
    await settled()

    assert (mark.person, mark.name) == (ravi.person, ravi.name)
    assert answer.person == colleague.identity.person
    assert refused.code == "frame.not_allowed"
    assert customer.frames(LookingMark) == []
    assert [each.person for each in window.frames(LookingMark)] == [colleague.identity.person]
    assert world.logs.entries[log] == []


async def test_typing_into_a_log_that_one_does_not_follow_is_nothing(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer, stranger = await stage.arrives(claire), await stage.arrives(an_identity(company=CompanyId("co_other")))
    customer.opens(log)
    await customer.gets(CaughtUp)

    stranger.sends("typing", log=log)
    stranger.sends("seen", log=log, number=1)
    await settled()

    assert customer.frames(TypingMark) == customer.frames(SeenMark) == []


async def test_seen_is_told_at_once_and_stored_together_never_beyond_what_was_sent(
    two: tuple[Stage, Stage], world: World
) -> None:
    here, there = two
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", "two", quietly=True)
    customer, rep = await here.arrives(claire), await there.arrives(an_identity(REP))
    for talker in (customer, rep):
        talker.opens(log)
        await talker.gets(CaughtUp)

    customer.sends("seen", log=log, number=1)
    assert (await rep.gets(SeenMark)).number == 1
    customer.sends("seen", log=log, number=999)
    assert (await rep.gets(SeenMark)).number == 2
    customer.sends("seen", log=log, number=1)
    assert world.logs.marks == {}
    await here.hub._weather.store_marks()

    assert world.logs.marks == {(log, claire.person): 2}
    assert len(rep.frames(SeenMark)) == 2


async def test_marks_that_cannot_be_stored_wait(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "one", quietly=True)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)
    customer.sends("seen", log=log, number=1)
    await customer.gets(SeenMark)

    world.logs.available = False
    with pytest.raises(Unavailable):
        await stage.hub._weather.store_marks()
    world.logs.available = True
    await stage.hub._weather.store_marks()

    assert world.logs.marks == {(log, claire.person): 1}


async def test_late_comer_is_told_how_far_others_have_seen(stage: Stage, world: World) -> None:
    claire, ravi = an_identity(), an_identity(REP)
    log = world.a_log(claire)
    world.logs.add(log, "one", "two", quietly=True)
    world.logs.marks[log, ravi.person] = 2
    customer = await stage.arrives(claire)

    customer.opens(log)

    assert (await customer.gets(CaughtUp)).seen == {ravi.person: 2}


# Pictures.


async def test_visit_comes_at_once_and_on_every_change(stage: Stage, world: World) -> None:
    claire = an_identity()
    visit = world.a_visit(claire, position=3)
    customer = await stage.arrives(claire)

    customer.sends("watch", view="visit", ticket=visit.ticket)
    first = await customer.gets(VisitFrame)
    world.all_visits[visit.ticket] = msgspec.structs.replace(visit, state="active", waiting=None, representative="Ravi")
    stage.rings(f"visit:{visit.ticket}")
    second = await customer.gets(VisitFrame)
    stage.rings(f"visit:{visit.ticket}")
    await until(lambda: len(world.asks("visit")) == 3)
    await settled()

    assert first.visit == visit
    assert second.visit.representative == "Ravi"
    assert len(customer.frames(VisitFrame)) == 2


async def test_visit_of_somebody_else_does_not_exist(stage: Stage, world: World) -> None:
    visit = world.a_visit(an_identity())
    stranger = await stage.arrives(an_identity(company=CompanyId("co_other")))

    ref = stranger.sends("watch", view="visit", ticket=visit.ticket)

    assert (await stranger.gets(RefusedFrame, ref=ref)).code == "conversation.not_found"
    assert stranger.frames(VisitFrame) == []


async def test_change_of_a_line_is_read_once_and_pushed_to_those_whose_place_changed(
    stage: Stage, world: World
) -> None:
    people = [an_identity(name=f"Person {n}") for n in range(5)]
    visits = [world.a_visit(person, position=n + 1) for n, person in enumerate(people)]
    talkers = [await stage.arrives(person) for person in people]
    for talker, visit in zip(talkers, visits, strict=True):
        talker.sends("watch", view="visit", ticket=visit.ticket)
        await talker.gets(VisitFrame)

    # The third leaves: those behind move up, those before see nothing new.
    world.all_visits[visits[2].ticket] = msgspec.structs.replace(visits[2], state="left", waiting=None)
    for n in (3, 4):
        assert visits[n].waiting is not None
        place = msgspec.structs.replace(visits[n].waiting, position=n)
        world.all_visits[visits[n].ticket] = msgspec.structs.replace(visits[n], waiting=place)
    stage.rings("line:expense")
    stage.rings("line:expense")
    for n in (2, 3, 4):
        await talkers[n].gets(VisitFrame)
    await settled()

    assert len(world.asks("whole_line")) == 1
    assert [len(talker.frames(VisitFrame)) for talker in talkers] == [1, 1, 2, 2, 2]
    assert [frame.visit.waiting.position for frame in talkers[4].frames(VisitFrame) if frame.visit.waiting] == [5, 4]
    assert talkers[2].frames(VisitFrame)[-1].visit.state == "left"


async def test_a_longer_wait_reaches_every_tab_once_and_whoever_comes_back(stage: Stage, world: World) -> None:
    claire = an_identity()
    visit = world.a_visit(claire)
    assert visit.waiting is not None
    tabs = [await stage.arrives(claire), await stage.arrives(claire)]
    for tab in tabs:
        tab.sends("watch", view="visit", ticket=visit.ticket)
        await tab.gets(VisitFrame)

    said = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    longer = msgspec.structs.replace(visit.waiting, wait_low_s=600, wait_high_s=900, longer="fewer", longer_at=said)
    world.all_visits[visit.ticket] = msgspec.structs.replace(visit, waiting=longer)
    for _ in range(2):
        stage.rings("line:expense")
        for tab in tabs:
            if len(tab.frames(VisitFrame)) < 2:
                await tab.gets(VisitFrame)
        await settled()
    later = await stage.arrives(claire)
    later.sends("watch", view="visit", ticket=visit.ticket)
    again = (await later.gets(VisitFrame)).visit.waiting

    for tab in tabs:
        assert [frame.visit.waiting and frame.visit.waiting.longer for frame in tab.frames(VisitFrame)] == [
            None,
            "fewer",
        ]
    assert again == longer


async def test_desk_shows_the_counts_of_its_lines(stage: Stage, world: World) -> None:
    ravi = an_identity(REP)
    world.a_desk(ravi, "expense", "travel")
    rep = await stage.arrives(ravi)
    rep.sends("watch", view="desk")
    await rep.gets(DeskFrame)

    world.a_visit(an_identity())
    stage.rings("line:expense")
    desk = (await rep.gets(DeskFrame)).desk

    assert [(count.line, count.waiting) for count in desk.lines] == [("expense", 1), ("travel", 0)]
    assert len(world.asks("desk")) == 1


async def test_desk_that_is_watched_twice_is_never_shown_as_it_was_before(stage: Stage, world: World) -> None:
    ravi = an_identity(REP)
    desk = world.a_desk(ravi, "expense")
    rep = await stage.arrives(ravi)
    rep.sends("watch", view="desk")
    await rep.gets(DeskFrame)
    world.all_desks[ravi.person] = msgspec.structs.replace(desk, state="ready")
    rep.sends("watch", view="desk")
    assert (await rep.gets(DeskFrame)).desk.state == "ready"

    world.a_visit(an_identity())
    stage.rings("line:expense")
    await rep.gets(DeskFrame)
    await settled()

    assert [frame.desk.state for frame in rep.frames(DeskFrame)] == ["away", "ready", "ready"]


async def test_change_during_a_read_is_read_as_soon_as_that_has_ended(stage: Stage, world: World) -> None:
    ravi = an_identity(REP)
    desk = world.a_desk(ravi, "expense")
    rep = await stage.arrives(ravi)
    rep.sends("watch", view="desk")
    await rep.gets(DeskFrame)

    for load in (1, 2):
        world.all_desks[ravi.person] = msgspec.structs.replace(desk, load=load)
        stage.rings(f"desk:{ravi.person}")
        await asyncio.sleep(0)
    await until(lambda: rep.frames(DeskFrame)[-1].desk.load == 2)


async def test_place_is_found_in_what_was_read_of_a_line_until_that_changes(world: World) -> None:
    # After a bell the line is not read again before the last one has looked.
    stage = Stage(world, rules=replace(QUICK, line_gap_s=600))
    await stage.hub.start()
    first, second, third = (an_identity(name=name) for name in ("First", "Second", "Third"))
    visits = {each.person: world.a_visit(each) for each in (first, second, third)}

    async def comes(person: Identity) -> None:
        talker = await stage.arrives(person)
        talker.sends("watch", view="visit", ticket=visits[person.person].ticket)
        await talker.gets(VisitFrame)

    await comes(first)
    stage.rings("line:expense")
    await until(lambda: bool(world.asks("whole_line")))
    await settled()
    await comes(second)
    stage.rings("line:expense")
    await comes(third)

    assert [sorted(known) for known in world.known_lines] == [[], ["expense"], []]
    await stage.closes()


async def test_event_in_a_log_refreshes_the_picture_that_shows_it_even_when_its_bell_was_lost(
    stage: Stage, world: World
) -> None:
    claire = an_identity()
    visit = world.a_visit(claire)
    customer = await stage.arrives(claire)
    customer.sends("watch", view="visit", ticket=visit.ticket)
    await customer.gets(VisitFrame)
    customer.opens(visit.log)
    await customer.gets(CaughtUp)

    world.all_visits[visit.ticket] = msgspec.structs.replace(visit, state="active", waiting=None)
    world.logs.add(visit.log, "accepted", kind="accepted", quietly=True)
    stage.time.advance(26)
    await stage.hub.beat()

    assert (await customer.gets(VisitFrame)).visit.state == "active"


async def test_picture_that_cannot_be_read_now_is_read_later(stage: Stage, world: World) -> None:
    claire = an_identity()
    visit = world.a_visit(claire)
    customer = await stage.arrives(claire)
    customer.sends("watch", view="visit", ticket=visit.ticket)
    await customer.gets(VisitFrame)

    world.all_visits[visit.ticket] = msgspec.structs.replace(visit, state="closed", waiting=None)
    world.refuse["visit"] = Unavailable("store.unavailable")
    stage.rings(f"visit:{visit.ticket}")
    await until(lambda: len(world.asks("visit")) >= 3)
    world.refuse.clear()

    assert (await customer.gets(VisitFrame)).visit.state == "closed"


async def test_unwatched_picture_is_not_read_any_more(stage: Stage, world: World) -> None:
    claire = an_identity()
    visit = world.a_visit(claire)
    customer = await stage.arrives(claire)
    customer.sends("watch", view="visit", ticket=visit.ticket)
    await customer.gets(VisitFrame)

    customer.sends("unwatch", view="visit", ticket=visit.ticket)
    await until(lambda: not customer.connection.views)
    stage.rings(f"visit:{visit.ticket}")
    stage.rings("line:expense")
    await settled()

    assert len(world.asks("visit")) == 1
    assert world.asks("whole_line") == []


# Desks and presence.


async def test_desk_s_wishes_are_answered_by_done_or_by_a_code(stage: Stage, world: World) -> None:
    ravi = an_identity(REP)
    rep = await stage.arrives(ravi)

    await rep.gets(Done, ref=rep.sends("set_desk", state="ready"))
    await rep.gets(Done, ref=rep.sends("accept", offer="of_abcd", epoch=3))
    world.refuse["accept"] = Conflict("offer.taken", by="pe_secret")
    refused = await rep.gets(RefusedFrame, ref=rep.sends("accept", offer="of_abcd", epoch=3))
    world.refuse["decline"] = NotAllowed("some.key_nobody_listed")
    fallback = await rep.gets(RefusedFrame, ref=rep.sends("decline", offer="of_abcd", epoch=3, reason="busy"))

    assert world.asks("set_desk") == [(ravi.person, "ready", None)]
    assert world.asks("accept")[0] == (ravi.person, "of_abcd", 3)
    assert refused.code in codes.ERRORS
    assert fallback.code == "not_allowed"
    assert not any(b"pe_secret" in data or b"nobody_listed" in data for data in rep.wire.sent)


async def test_closed_door_says_when_it_opens(stage: Stage, world: World) -> None:
    rep = await stage.arrives(an_identity(REP))
    opens_at = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)
    world.refuse["accept"] = NotAllowed("coverage.closed", opens_at=opens_at)

    refused = await rep.gets(RefusedFrame, ref=rep.sends("accept", offer="of_abcd", epoch=3))

    assert (refused.code, refused.opens_at) == ("coverage.closed", opens_at)


async def test_unexpected_exception_leaves_as_a_code_without_its_text(
    stage: Stage, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    rep = await stage.arrives(an_identity(REP))
    world.refuse["accept"] = ValueError("password=hunter2 in /srv/secret.py")

    refused = await rep.gets(RefusedFrame, ref=rep.sends("accept", offer="of_abcd", epoch=3))

    assert refused.code == "internal"
    assert not any(b"hunter2" in data or b"secret.py" in data or b"ValueError" in data for data in rep.wire.sent)
    assert any(record.__dict__.get("correlation") == refused.correlation for record in caplog.records)


async def test_representatives_and_customers_are_announced_when_they_come_and_renewed_together(
    stage: Stage, world: World
) -> None:
    ravi, ines, claire = an_identity(REP), an_identity(REP), an_identity()
    for person in (ravi, ines):
        world.a_desk(person, "expense")
        talker = await stage.arrives(person)
        talker.sends("watch", view="desk")
        await talker.gets(DeskFrame)
    visit = world.a_visit(claire)
    customer = await stage.arrives(claire)
    customer.sends("watch", view="visit", ticket=visit.ticket)
    await customer.gets(VisitFrame)

    await until(lambda: world.asks("renew_places"))
    came = frozenset[object]().union(*(persons for (persons,) in world.asks("renew_desks")))
    world.asked.clear()
    await stage.hub._presence.renew_desks()
    await stage.hub._presence.renew_places()

    assert came == {ravi.person, ines.person}
    assert world.asks("renew_desks") == [(frozenset({ravi.person, ines.person}),)]
    assert world.asks("renew_places") == [(frozenset({visit.ticket}),)]


# Heartbeats and sessions.


async def test_silent_client_is_closed_after_two_beats(stage: Stage) -> None:
    customer = await stage.arrives(an_identity())
    other = await stage.arrives(an_identity())

    for _ in range(3):
        stage.time.advance(25)
        await stage.hub.beat()
        await other.gets(ServerBeat)
        other.sends("beat")
        await until(lambda: other.connection.peer.silent_for(stage.time()) == 0)

    assert (await customer.is_closed())[0] == codes.BEAT_MISSED.code
    assert other.connection.is_open


async def test_signed_out_person_s_sockets_close_at_once(stage: Stage, world: World) -> None:
    claire, other = an_identity(), an_identity()
    phone, laptop, stranger = await stage.arrives(claire), await stage.arrives(claire), await stage.arrives(other)

    world.signs_out(claire)
    stage.rings(f"person:{claire.person}")

    assert (await phone.is_closed())[0] == (await laptop.is_closed())[0] == codes.SIGNED_OUT.code
    assert stranger.connection.is_open


async def test_session_that_ended_without_a_bell_is_found_within_a_minute(stage: Stage, world: World) -> None:
    claire = an_identity()
    customer = await stage.arrives(claire)
    world.signs_out(claire)

    stage.time.advance(61)
    await stage.hub.recheck()

    assert (await customer.is_closed())[0] == codes.SIGNED_OUT.code
    assert world.asks("still_in") == [(claire.session, False)]


async def test_person_whose_rights_changed_is_sent_to_come_back(stage: Stage, world: World) -> None:
    ravi = an_identity(REP)
    rep = await stage.arrives(ravi)
    [token] = [token for token, each in world.tokens.items() if each == ravi]
    world.tokens[token] = msgspec.structs.replace(ravi, role=PersonRole.ADMINISTRATOR)

    stage.rings(f"person:{ravi.person}")

    assert (await rep.is_closed())[0] == codes.CHANGED.code


async def test_person_who_may_no_longer_read_an_open_log_is_sent_to_come_back(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    world.owners[world.reaches[log].ticket] = an_identity().person
    stage.rings(f"person:{claire.person}")

    assert (await customer.is_closed())[0] == codes.CHANGED.code


# Limits.


async def test_slow_reader_is_closed_and_nobody_else_notices(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, customer_queue_bytes=5_000))
    world.logs.on_stored = stage.hub.stored
    await stage.hub.start()
    claire = an_identity()
    log = world.a_log(claire)
    slow, quick = await stage.arrives(claire), await stage.arrives(claire)
    for talker in (slow, quick):
        talker.opens(log)
        await talker.gets(CaughtUp)

    slow.wire.reading.clear()
    for n in range(40):
        world.logs.add(log, "x" * 200)
        await until(lambda n=n: len(quick.numbers(log)) == n + 1)

    assert await slow.is_closed() == (codes.SLOW_READER.code, "slow_reader")
    await quick.has(log, *range(1, 41))
    assert slow.connection.outgoing.waiting_bytes == 0
    await stage.closes()


async def test_reader_stuck_in_one_frame_is_closed_at_its_deadline(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    customer.opens(log)
    await customer.gets(CaughtUp)

    customer.wire.reading.clear()
    world.logs.add(log, "one")

    assert (await customer.is_closed())[0] == codes.SLOW_READER.code


async def test_weather_is_dropped_for_a_full_queue_and_the_connection_lives(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, customer_queue_bytes=600, send_s=60))
    world.logs.on_stored = stage.hub.stored
    await stage.hub.start()
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    reps = [await stage.arrives(an_identity(REP)) for _ in range(20)]
    for talker in (customer, *reps):
        talker.opens(log)
        await talker.gets(CaughtUp)

    customer.wire.reading.clear()
    for rep in reps:
        rep.sends("typing", log=log)
    await until(lambda: customer.connection.outgoing.waiting_bytes > 400)
    await settled()

    assert customer.connection.is_open
    assert len(customer.connection.outgoing) < 20
    customer.wire.reading.set()
    await stage.closes()


async def test_hostile_frame_closes_its_own_connection_only(stage: Stage, world: World) -> None:
    claire, mallory = an_identity(), an_identity()
    log = world.a_log(claire)
    customer, hostile = await stage.arrives(claire), await stage.arrives(mallory)
    customer.opens(log)
    await customer.gets(CaughtUp)

    hostile.wire.incoming.put_nowait(b"\x00\xff")
    refused = await hostile.gets(RefusedFrame)

    assert refused.code == "frame.unreadable"
    assert (await hostile.is_closed())[0] == codes.BAD_FRAME.code
    await customer.gets(StoredFrame, ref=customer.says(log, "still here"))


async def test_connection_opens_so_many_logs_and_no_more(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, most_logs=2, most_pictures=1))
    await stage.hub.start()
    claire = an_identity()
    logs = [world.a_log(claire) for _ in range(3)]
    visits = [world.a_visit(claire) for _ in range(2)]
    customer = await stage.arrives(claire)

    for log in logs[:2]:
        await customer.gets(CaughtUp, ref=customer.opens(log))
    third = await customer.gets(RefusedFrame, ref=customer.opens(logs[2]))
    customer.sends("watch", view="visit", ticket=visits[0].ticket)
    await customer.gets(VisitFrame)
    second = await customer.gets(RefusedFrame, ref=customer.sends("watch", view="visit", ticket=visits[1].ticket))

    assert third.code == second.code == "frame.too_many_open"
    await stage.closes()


async def test_everything_of_a_connection_is_forgotten_when_it_goes(stage: Stage, world: World) -> None:
    claire = an_identity()
    visit = world.a_visit(claire)
    customer = await stage.arrives(claire)
    customer.opens(visit.log)
    await customer.gets(CaughtUp)
    customer.sends("watch", view="visit", ticket=visit.ticket)
    await customer.gets(VisitFrame)

    await customer.goes()

    assert stage.hub.connections == 0
    assert stage.hub._following.all_logs() == ()
    assert stage.hub._pictures.tickets() == set()


# The end.


async def test_restart_finishes_commits_and_says_farewell_with_a_spread_hint(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    talkers = [await stage.arrives(claire) for _ in range(3)]
    for talker in talkers:
        talker.opens(log)
        await talker.gets(CaughtUp)
    said = talkers[0].says(log, "just before")
    await until(lambda: world.logs.entries[log] or stage.hub._acts.uncommitted)

    await stage.hub.drain()
    ends = [await talker.is_closed() for talker in talkers]

    assert not stage.hub.ready
    assert [code for code, _ in ends] == [codes.RESTART.code] * 3
    hints = {reason for _, reason in ends}
    assert all(0 <= float(reason.removeprefix("retry_after=")) <= 5 for reason in hints)
    assert len(hints) > 1
    await talkers[0].gets(StoredFrame, ref=said)
    await talkers[1].has(log, 1)


async def test_drain_does_not_wait_for_somebody_who_does_not_read(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, drain_s=0.3, send_s=60))
    await stage.hub.start()
    customer = await stage.arrives(an_identity())
    customer.wire.reading.clear()
    customer.sends("explode")
    await until(lambda: customer.connection.peer.heard_at)

    async with asyncio.timeout(5):
        await stage.hub.drain()

    await stage.closes()


# Long polls.


async def test_long_poll_returns_what_is_there_or_waits_for_it(stage: Stage, world: World) -> None:
    log = world.a_log(an_identity())
    world.logs.add(log, "one", quietly=True)

    there = await stage.hub.long_poll.wait_for(log, 0, 5)
    later = asyncio.create_task(stage.hub.long_poll.wait_for(log, 1, 5))
    await until(lambda: stage.hub._following.topic(log))
    await settled()
    world.logs.add(log, "two")

    assert [entry.number for entry in there] == [1]
    assert [entry.number for entry in await later] == [2]
    assert stage.hub._following.topic(log) is None


async def test_long_poll_without_news_returns_nothing_in_the_end(stage: Stage, world: World) -> None:
    log = world.a_log(an_identity())

    assert await stage.hub.long_poll.wait_for(log, 0, 0.01) == ()


async def test_long_poll_lets_go_when_the_process_ends(stage: Stage, world: World) -> None:
    log = world.a_log(an_identity())
    waiting = asyncio.create_task(stage.hub.long_poll.wait_for(log, 0, 20))
    await until(lambda: stage.hub._following.topic(log))

    await stage.hub.drain()

    assert await waiting == ()


# Healing.


async def test_after_redis_comes_back_logs_and_pictures_are_compared_at_once(stage: Stage, world: World) -> None:
    claire, ravi = an_identity(), an_identity(REP)
    visit = world.a_visit(claire)
    desk = world.a_desk(ravi, "expense")
    customer, rep = await stage.arrives(claire), await stage.arrives(ravi)
    customer.sends("watch", view="visit", ticket=visit.ticket)
    await customer.gets(VisitFrame)
    await customer.gets(CaughtUp, ref=customer.opens(visit.log))
    rep.sends("watch", view="desk")
    await rep.gets(DeskFrame)

    world.logs.add(visit.log, "unheard", quietly=True)
    world.all_visits[visit.ticket] = msgspec.structs.replace(visit, state="active", waiting=None)
    world.all_desks[ravi.person] = msgspec.structs.replace(desk, state="ready")
    stage.hub._broker.on_back()

    assert (await customer.gets(VisitFrame)).visit.state == "active"
    assert (await rep.gets(DeskFrame)).desk.state == "ready"
    await customer.has(visit.log, 1)


async def test_sweep_finds_what_a_lost_bell_would_have_told_of_lines_and_desks(stage: Stage, world: World) -> None:
    claire, ravi = an_identity(), an_identity(REP)
    visit = world.a_visit(claire, position=2)
    desk = world.a_desk(ravi, "expense")
    customer, rep = await stage.arrives(claire), await stage.arrives(ravi)
    customer.sends("watch", view="visit", ticket=visit.ticket)
    await customer.gets(VisitFrame)
    rep.sends("watch", view="desk")
    await rep.gets(DeskFrame)

    assert visit.waiting is not None
    place = msgspec.structs.replace(visit.waiting, position=1)
    world.all_visits[visit.ticket] = msgspec.structs.replace(visit, waiting=place)
    world.all_desks[ravi.person] = msgspec.structs.replace(desk, state="paused", reason="missed")
    await stage.hub._sweep()

    moved = await customer.gets(VisitFrame)
    assert moved.visit.waiting == place
    await until(lambda: rep.frames(DeskFrame)[-1].desk.state == "paused")


async def test_catch_up_that_the_store_refuses_is_tried_again(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    await customer.gets(CaughtUp, ref=customer.opens(log))

    world.logs.available = False
    world.logs.add(log, "one", quietly=True)
    stage.rings(f"log:{log}", 1)
    await until(lambda: len(world.logs.reads) >= 3)
    world.logs.available = True

    await customer.has(log, 1)


async def test_hole_in_the_store_closes_the_connection_rather_than_skipping(stage: Stage, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    customer = await stage.arrives(claire)
    await customer.gets(CaughtUp, ref=customer.opens(log))

    world.logs.entries[log] = [an_entry(2)]
    stage.rings(f"log:{log}", 2)

    assert (await customer.is_closed())[0] == codes.UNWELL.code
    assert customer.numbers(log) == []


async def test_duty_that_fails_is_done_again(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, desks_s=0.002, places_s=0.002, marks_s=0.002, sweep_s=0.002))
    world.refuse["renew_desks"] = ValueError("broken")
    world.refuse["renew_places"] = Unavailable("store.unavailable")
    await stage.hub.start()
    ravi, claire = an_identity(REP), an_identity()
    world.a_desk(ravi)
    visit = world.a_visit(claire)
    rep, customer = await stage.arrives(ravi), await stage.arrives(claire)
    rep.sends("watch", view="desk")
    customer.sends("watch", view="visit", ticket=visit.ticket)

    await until(lambda: len(world.asks("renew_desks")) > 3 and len(world.asks("renew_places")) > 3)

    await stage.closes()


async def test_wishes_that_wait_for_the_store_are_bounded(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, most_waiting=2))
    await stage.hub.start()
    ravi = an_identity(REP)
    go_on = asyncio.Event()

    async def slow(*_: object) -> None:
        await go_on.wait()

    world.accept = slow  # type: ignore[assignment]  # a room that takes its time
    rep = await stage.arrives(ravi)

    refs = [rep.sends("accept", offer="of_abcd", epoch=1) for _ in range(3)]
    refused = await rep.gets(RefusedFrame)
    go_on.set()
    for ref in refs[:2]:
        await rep.gets(Done, ref=ref)

    assert (refused.ref, refused.code) == (refs[2], "frame.too_many_waiting")
    await stage.closes()


async def test_long_polls_are_bounded(world: World) -> None:
    stage = Stage(world, rules=replace(QUICK, most_connections=1))
    await stage.hub.start()
    log = world.a_log(an_identity())
    waiting = asyncio.create_task(stage.hub.long_poll.wait_for(log, 0, 20))
    await until(lambda: stage.hub._following.topic(log))

    with pytest.raises(TooMany):
        await stage.hub.long_poll.wait_for(log, 0, 1)

    await stage.closes()
    assert await waiting == ()


def test_gate_follows_the_settings(tmp_path: Path) -> None:
    plain = Settings.from_environment(
        {"HOLDLINE_DATA_DIR": str(tmp_path), "HOLDLINE_BASE_URL": "http://127.0.0.1:8000"}
    )
    secure = Settings.from_environment(
        {"HOLDLINE_DATA_DIR": str(tmp_path), "HOLDLINE_BASE_URL": "https://desk.example"}
    )

    assert Gate.of(plain).cookie == "holdline_session"
    assert Gate.of(secure) == Gate(origins=frozenset({"https://desk.example"}), cookie="__Host-holdline_session")
    assert Rules.of(secure).desks_s == 5.0
