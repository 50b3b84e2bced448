"""What time brings: deadlines, absences, and the ticket that is there all the same (R10; callback.md, section 2)."""

from datetime import timedelta
from typing import Any

import pytest

from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict
from chatsvc.routing.tables import places
from tests.chatsvc.conversations.house import House


async def test_offer_that_is_not_answered_moves_on_at_its_deadline(house: House) -> None:
    ravi, mia = await house.ready("Ravi Patel"), await house.ready("Mia Chen")
    visit = await house.joins(await house.contact())
    await house.act.match()
    slow, next_one = (ravi, mia) if (await house.see.desk(ravi)).offers else (mia, ravi)
    house.clock.advance(10)
    await house.stay(ravi, mia, visits=(visit,))
    house.clock.advance(10)
    await house.stay(ravi, mia, visits=(visit,))

    await house.act.sweep()

    assert (await house.see.desk(slow)).offers == ()
    assert (await house.offer_to(next_one)).ticket == visit.ticket
    assert [offer.state for offer in await house.offer_rows()] == ["missed", "open"]


async def _misses(house: House, *people) -> None:  # type: ignore[no-untyped-def]
    """Let 20 seconds pass with everybody there."""
    for _ in range(2):
        house.clock.advance(10)
        await house.act.renew_desks([person.person for person in people])
        await house.act.renew_places([row.ticket_id for row in await house.rows(places)])
    await house.act.sweep()


async def test_two_missed_offers_in_a_row_pause_the_representative(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    await house.offer_to(ravi)
    await _misses(house, ravi)
    assert (await house.see.desk(ravi)).state == "ready"
    await house.offer_to(ravi)

    await _misses(house, ravi)

    desk = await house.see.desk(ravi)
    assert (desk.state, desk.reason) == ("paused", "missed")
    assert await house.act.match() == 0


async def test_one_key_brings_a_paused_representative_back(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    for _ in range(2):
        await house.offer_to(ravi)
        await _misses(house, ravi)

    await house.act.set_desk(ravi, "ready")

    assert (await house.see.desk(ravi)).state == "ready"
    assert await house.offer_to(ravi)


async def test_an_answer_in_between_forgives_a_missed_offer(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    await house.offer_to(ravi)
    await _misses(house, ravi)
    card = await house.offer_to(ravi)

    await house.act.decline(ravi, card.id, card.epoch, "busy")

    assert (await house.desk_row(ravi)).missed == 0


async def test_offer_of_a_vanished_customer_is_taken_back_and_frees_the_representative(house: House) -> None:
    ravi = await house.ready()
    visit = await house.joins(await house.contact())
    house.clock.advance(15)
    await house.stay(ravi)
    await house.offer_to(ravi)
    house.clock.advance(6)
    await house.stay(ravi)

    await house.act.sweep()

    assert (await house.desk_row(ravi)).load == 0
    assert (await house.place_row(visit.ticket)).state == "waiting"
    assert (await house.desk_row(ravi)).missed == 0


async def test_offer_of_a_vanished_representative_is_taken_back_at_once(house: House) -> None:
    ravi = await house.ready()
    visit = await house.joins(await house.contact())
    await house.offer_to(ravi)
    house.clock.advance(15)
    await house.stay(visits=(visit,))

    await house.act.sweep()

    assert [offer.state for offer in await house.offer_rows()] == ["withdrawn"]


async def test_customer_who_stays_away_loses_the_place_but_not_the_ticket(house: House) -> None:
    contact = await house.contact()
    visit = await house.joins(contact)
    house.clock.advance(119)
    await house.act.sweep()
    assert (await house.see.visit(contact, visit.ticket)).state == "waiting"
    house.clock.advance(1)

    await house.act.sweep()

    seen = await house.see.visit(contact, visit.ticket)
    assert (seen.state, seen.ticket_state) == ("left", "open")
    assert (await house.body(visit, "left_line")) == {"why": "lost"}


async def test_customer_who_comes_back_within_two_minutes_has_the_same_place(house: House) -> None:
    first = await house.joins(await house.contact("First"))
    second = await house.joins(await house.contact("Second"))
    for _ in range(10):
        house.clock.advance(11)
        await house.act.renew_places([second.ticket])
        await house.act.sweep()

    await house.act.renew_places([first.ticket])

    pictures = await house.see.whole_line("expense")
    assert [pictures[visit.ticket].position for visit in (first, second)] == [1, 2]


async def test_conversation_of_a_vanished_representative_returns_to_the_front(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready(capacity=1)
    visit, _ = await house.talking(contact, ravi)
    house.clock.advance(60)
    await house.stay(ravi, visits=(visit,))
    waiting = await house.joins(await house.contact("Later"))
    house.clock.advance(29)
    await house.stay(visits=(visit, waiting))
    await house.act.sweep()
    assert (await house.see.visit(contact, visit.ticket)).state == "active"
    house.clock.advance(1)

    await house.act.sweep()

    seen = await house.see.visit(contact, visit.ticket)
    assert seen.state == "waiting"
    assert seen.waiting is not None
    assert seen.waiting.position == 1
    assert await house.kinds(visit) == ["joined", "accepted", "returned"]
    desk = await house.desk_row(ravi)
    assert (desk.load, desk.state, desk.reason) == (0, "paused", "gone")


async def test_vanished_representative_cannot_write_any_more(house: House) -> None:
    ravi = await house.ready()
    visit, _ = await house.talking(await house.contact(), ravi)
    [mine] = (await house.see.desk(ravi)).conversations
    house.clock.advance(30)
    await house.act.sweep()

    with pytest.raises(Conflict, match=r"entry\.stale_epoch"):
        await house.says(ravi, visit, "I am back!", mine.epoch)


async def test_returned_conversation_goes_to_a_colleague_with_everything_said(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    house.clock.advance(30)
    await house.act.sweep()
    await house.stay(visits=(visit,))
    mia = await house.ready("Mia Chen")

    card = await house.offer_to(mia)
    await house.act.accept(mia, card.id, card.epoch)

    [mine] = (await house.see.desk(mia)).conversations
    assert (mine.id, mine.log) == (conversation, visit.log)


async def test_restart_that_took_long_returns_nobody(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)
    lonely = await house.joins(await house.contact("Lonely"), line="travel")
    house.clock.advance(timedelta(minutes=10))
    up_since = house.clock.now()
    house.clock.advance(1)

    await house.act.sweep(up_since=up_since)

    assert (await house.conversation_row(visit.ticket)).state == "active"
    assert (await house.conversation_row(lonely.ticket)).state == "waiting"


async def test_vanished_representative_s_wrap_up_completes_all_the_same(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(contact, conversation)
    house.clock.advance(timedelta(minutes=10))
    await house.act.sweep()
    house.clock.advance(house.rules.wrap_up_for)

    await house.act.sweep()

    assert (await house.see.visit(contact, visit.ticket)).state == "closed"
    assert (await house.desk_row(ravi)).load == 0


async def test_sweeping_twice_is_sweeping_once(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(contact, conversation)
    house.clock.advance(timedelta(minutes=10))
    for _ in range(4):
        await house.act.sweep()
    house.clock.advance(timedelta(minutes=10))

    for _ in range(4):
        await house.act.sweep()

    assert await house.kinds(visit) == ["joined", "accepted", "ended", "wrapped_up"]
    assert await house.mails() == ["mail.ticket_confirmation", "mail.transcript"]


async def test_a_conversation_that_cannot_be_swept_keeps_no_other_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, ravi = await house.contact(), await house.contact("Mona Adler"), await house.ready()
    broken, whole = await house.talking(first, ravi), await house.talking(second, ravi)
    for contact, (_, conversation) in ((first, broken), (second, whole)):
        await house.act.end(contact, conversation)
    begin = house.act.begin_wrap_up

    async def begin_wrap_up(uow: UnitOfWork, conversation: Any) -> None:
        if conversation.id == broken[1]:
            raise ZeroDivisionError
        await begin(uow, conversation)

    monkeypatch.setattr(house.act, "begin_wrap_up", begin_wrap_up)
    house.clock.advance(house.rules.undo_for)

    with pytest.raises(ExceptionGroup, match="not everything"):
        await house.act.sweep()

    assert (await house.see.visit(first, broken[0].ticket)).state == "ending"
    assert (await house.see.visit(second, whole[0].ticket)).state == "wrap_up"
