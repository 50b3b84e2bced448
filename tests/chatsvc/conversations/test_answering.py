"""Offers answered: one owner per epoch, losers told, places kept (R8, R9; callback.md, invariants 1 to 7)."""

import pytest

from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.kernel.ids import OfferId
from tests.chatsvc.conversations.house import House


async def test_offer_shows_the_representative_what_it_is_about(house: House) -> None:
    contact, ravi = await house.contact("Claire Martin"), await house.ready()
    visit = await house.joins(contact, subject="Export fails", description="Since Monday.")

    card = await house.offer_to(ravi)

    assert (card.ticket, card.number, card.subject) == (visit.ticket, visit.number, "Export fails")
    assert (card.description, card.customer, card.severity) == ("Since Monday.", "Claire Martin", "P3")
    assert (card.deadline_at - house.clock.now()) == house.rules.routing.offer_for
    waiting = (await house.see.visit(contact, visit.ticket)).waiting
    assert waiting is not None
    assert waiting.offered


async def test_offer_rings_for_both_sides_and_the_line(house: House) -> None:
    ravi = await house.ready()
    visit = await house.joins(await house.contact())
    house.hush()

    await house.act.match()

    assert house.rang(f"desk:{ravi.person}")
    assert house.rang(f"visit:{visit.ticket}")
    assert house.rang("line:expense")


async def test_accepting_brings_both_into_conversation(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()

    visit, conversation = await house.talking(contact, ravi)

    seen = await house.see.visit(contact, visit.ticket)
    assert (seen.state, seen.representative, seen.representative_there) == ("active", ravi.name, True)
    desk = await house.see.desk(ravi)
    assert [(each.id, each.state, each.customer) for each in desk.conversations] == [
        (conversation, "active", contact.name)
    ]
    assert (desk.load, desk.offers) == (1, ())
    assert await house.kinds(visit) == ["joined", "accepted"]


async def test_same_accept_again_gives_the_same_answer_and_no_second_entry(house: House) -> None:
    ravi = await house.ready()
    visit = await house.joins(await house.contact())
    card = await house.offer_to(ravi)
    first = await house.act.accept(ravi, card.id, card.epoch)

    again = await house.act.accept(ravi, card.id, card.epoch)

    assert again == first
    assert await house.kinds(visit) == ["joined", "accepted"]
    assert (await house.desk_row(ravi)).load == 1


async def test_accept_by_somebody_else_is_told_taken(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    card = await house.offer_to(ravi)
    mia = await house.ready("Mia Chen")

    with pytest.raises(Conflict, match=r"offer\.taken"):
        await house.act.accept(mia, card.id, card.epoch)


async def test_accept_with_another_epoch_is_told_taken(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    card = await house.offer_to(ravi)

    with pytest.raises(Conflict, match=r"offer\.taken"):
        await house.act.accept(ravi, card.id, card.epoch + 1)


async def test_accept_after_the_deadline_is_over_even_before_the_sweep(house: House) -> None:
    ravi = await house.ready()
    visit = await house.joins(await house.contact())
    card = await house.offer_to(ravi)
    house.clock.advance(house.rules.routing.offer_for)

    with pytest.raises(Conflict, match=r"offer\.over"):
        await house.act.accept(ravi, card.id, card.epoch)

    assert (await house.conversation_row(visit.ticket)).state == "waiting"


async def test_accept_of_an_unknown_offer_is_not_found(house: House) -> None:
    with pytest.raises(NotFound, match=r"offer\.not_found"):
        await house.act.accept(await house.ready(), OfferId("of_00000000000000000000"), 1)


async def test_declined_place_keeps_its_rank_and_goes_to_the_next(house: House) -> None:
    ravi, mia = await house.ready("Ravi Patel"), await house.ready("Mia Chen")
    visit = await house.joins(await house.contact())
    before = await house.place_row(visit.ticket)
    await house.act.match()
    first, second = (ravi, mia) if (await house.see.desk(ravi)).offers else (mia, ravi)
    [card] = (await house.see.desk(first)).offers

    await house.act.decline(first, card.id, card.epoch, "busy")

    after = await house.place_row(visit.ticket)
    assert (after.rank, after.seq, after.admitted_at) == (before.rank, before.seq, before.admitted_at)
    assert (await house.desk_row(first)).load == 0
    assert (await house.offer_to(second)).ticket == visit.ticket


async def test_declining_twice_is_declining_once(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    card = await house.offer_to(ravi)
    await house.act.decline(ravi, card.id, card.epoch, "busy")

    await house.act.decline(ravi, card.id, card.epoch, "busy")

    assert (await house.desk_row(ravi)).load == 0


async def test_declining_needs_a_reason_of_the_catalogue(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    card = await house.offer_to(ravi)

    with pytest.raises(Invalid):
        await house.act.decline(ravi, card.id, card.epoch, "no_mood")


async def test_declined_offer_cannot_be_accepted(house: House) -> None:
    ravi = await house.ready()
    await house.joins(await house.contact())
    card = await house.offer_to(ravi)
    await house.act.decline(ravi, card.id, card.epoch, "busy")

    with pytest.raises(Conflict, match=r"offer\.over"):
        await house.act.accept(ravi, card.id, card.epoch)


async def test_place_that_everybody_declined_begins_a_new_round(house: House) -> None:
    ravi = await house.ready()
    visit = await house.joins(await house.contact())
    card = await house.offer_to(ravi)
    await house.act.decline(ravi, card.id, card.epoch, "busy")

    again = await house.offer_to(ravi)

    assert (again.ticket, again.epoch) == (visit.ticket, card.epoch + 1)
    assert (await house.place_row(visit.ticket)).round == 2


async def test_declining_does_not_make_a_representative_less_idle(house: House) -> None:
    ravi = await house.ready()
    before = (await house.desk_row(ravi)).idle_since_at
    await house.joins(await house.contact())
    house.clock.advance(5)
    card = await house.offer_to(ravi)

    await house.act.decline(ravi, card.id, card.epoch, "busy")

    assert (await house.desk_row(ravi)).idle_since_at == before


async def test_representative_with_no_room_is_offered_nothing(house: House) -> None:
    ravi = await house.ready(capacity=1)
    await house.talking(await house.contact("One"), ravi)
    await house.joins(await house.contact("Two"))

    await house.act.match()

    assert (await house.see.desk(ravi)).offers == ()


async def test_first_come_is_first_served_across_all_lines_of_a_representative(house: House) -> None:
    first = await house.joins(await house.contact("First"), line="travel")
    house.clock.advance(1)
    await house.joins(await house.contact("Second"), line="expense")
    ravi = await house.ready(capacity=1)

    assert (await house.offer_to(ravi)).ticket == first.ticket


async def test_representative_is_offered_only_their_lines(house: House) -> None:
    await house.joins(await house.contact(), line="expense")
    ravi = await house.ready(lines=("travel",))

    await house.act.match()

    assert (await house.see.desk(ravi)).offers == ()


async def test_customer_who_is_not_seen_is_passed_and_keeps_the_rank(house: House) -> None:
    lost = await house.joins(await house.contact("Lost"))
    house.clock.advance(15)
    there = await house.joins(await house.contact("There"))
    house.clock.advance(10)
    ravi = await house.ready(capacity=1)

    card = await house.offer_to(ravi)

    assert card.ticket == there.ticket
    [offered] = [facts for kind, facts in await house.line_story() if kind == "offered"]
    assert offered["passed"] == {(await house.place_row(lost.ticket)).id: "unseen"}
    await house.act.renew_places([lost.ticket])
    assert (await house.see.whole_line("expense"))[lost.ticket].position == 1


async def test_more_than_a_window_of_unseen_customers_does_not_hide_the_one_who_is_there(house: House) -> None:
    for n in range(25):
        await house.joins(await house.contact(f"Lost {n}"))
    house.clock.advance(25)
    there = await house.joins(await house.contact("There"))
    ravi = await house.ready(capacity=1)

    assert (await house.offer_to(ravi)).ticket == there.ticket


async def test_old_owner_s_words_are_refused_after_a_hand_over(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready(lines=("expense",))
    visit, conversation = await house.talking(contact, ravi)
    [card] = (await house.see.desk(ravi)).conversations
    await house.says(ravi, visit, "hello", card.epoch)

    await house.act.hand_over(ravi, conversation, to_line="travel")

    with pytest.raises(Conflict, match=r"entry\.stale_epoch"):
        await house.says(ravi, visit, "one more thing", card.epoch)
