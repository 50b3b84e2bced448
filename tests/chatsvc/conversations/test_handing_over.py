"""Hand over: to a colleague or to a line, at the old rank, with a note that only staff read (issue 2, main job 3)."""

import pytest

from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from tests.chatsvc.conversations.house import House


async def test_hand_over_to_a_colleague_is_an_offer_with_the_note(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    mia = await house.ready("Mia Chen", lines=())

    await house.act.hand_over(ravi, conversation, to_person=mia.person, note="Knows the export well.")

    [card] = (await house.see.desk(mia)).offers
    assert (card.ticket, card.handed_over_note) == (visit.ticket, "Knows the export well.")
    assert (await house.see.desk(ravi)).conversations == ()
    assert (await house.desk_row(ravi)).load == 0
    assert (await house.body(visit, "handed_over")) == {"to_name": "Mia Chen"}


async def test_note_of_a_hand_over_never_reaches_the_customer_s_log(house: House) -> None:
    ravi = await house.ready()
    visit, conversation = await house.talking(await house.contact(), ravi)
    mia = await house.ready("Mia Chen")

    await house.act.hand_over(ravi, conversation, to_person=mia.person, note="A difficult one.")

    assert await house.kinds(visit) == ["joined", "accepted", "handed_over"]


async def test_colleague_accepts_and_owns_the_log(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    mia = await house.ready("Mia Chen")
    await house.act.hand_over(ravi, conversation, to_person=mia.person)
    [card] = (await house.see.desk(mia)).offers

    same = await house.act.accept(mia, card.id, card.epoch)

    assert same == conversation
    assert (await house.see.visit(contact, visit.ticket)).representative == "Mia Chen"
    await house.says(mia, visit, "I take over.", card.epoch)


async def test_refused_hand_over_goes_to_the_line_at_the_old_rank(house: House) -> None:
    ravi = await house.ready()
    visit, conversation = await house.talking(await house.contact(), ravi)
    rank = (await house.place_row(visit.ticket)).rank
    mia = await house.ready("Mia Chen", lines=())
    await house.act.hand_over(ravi, conversation, to_person=mia.person)
    [card] = (await house.see.desk(mia)).offers

    await house.act.decline(mia, card.id, card.epoch, "other_skill")

    place = await house.place_row(visit.ticket)
    assert (place.state, place.reserved_for, place.rank, place.line) == ("waiting", None, rank, "expense")


async def test_whoever_handed_over_is_not_asked_again_while_others_serve(house: House) -> None:
    ravi = await house.ready()
    visit, conversation = await house.talking(await house.contact(), ravi)
    mia = await house.ready("Mia Chen")
    await house.talking(await house.contact("Other"), mia)

    await house.act.hand_over(ravi, conversation, to_line="expense", note="Back to the line.")

    card = await house.offer_to(mia)
    assert (card.ticket, card.handed_over_note) == (visit.ticket, "Back to the line.")
    assert (await house.see.desk(ravi)).offers == ()


async def test_hand_over_to_a_line_moves_the_place_there(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready(lines=("expense",))
    visit, conversation = await house.talking(contact, ravi)
    rank = (await house.place_row(visit.ticket)).rank
    house.clock.advance(60)
    await house.joins(await house.contact("Later"), line="travel")

    await house.act.hand_over(ravi, conversation, to_line="travel")

    seen = await house.see.visit(contact, visit.ticket)
    assert (seen.line, seen.state, seen.representative) == ("travel", "waiting", None)
    assert seen.waiting is not None
    assert seen.waiting.position == 1
    assert (await house.place_row(visit.ticket)).rank == rank
    assert (await house.body(visit, "handed_over")) == {"to_line": "travel"}


async def test_hand_over_to_a_colleague_without_room_is_refused_and_changes_nothing(house: House) -> None:
    ravi = await house.ready()
    visit, conversation = await house.talking(await house.contact(), ravi)
    mia = await house.ready("Mia Chen", capacity=1)
    await house.act.set_desk(mia, "away", "lunch")

    with pytest.raises(Conflict, match=r"hand_over\.not_free"):
        await house.act.hand_over(ravi, conversation, to_person=mia.person, note="Please.")

    assert (await house.conversation_row(visit.ticket)).state == "active"
    assert await house.kinds(visit) == ["joined", "accepted"]


async def test_hand_over_into_a_line_where_the_customer_waits_already_is_refused(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready(lines=("expense",))
    _, conversation = await house.talking(contact, ravi)
    await house.joins(contact, line="travel")

    with pytest.raises(Conflict, match=r"hand_over\.line_taken"):
        await house.act.hand_over(ravi, conversation, to_line="travel")


@pytest.mark.parametrize("targets", [(None, None), ("someone", "travel")], ids=["none", "two"])
async def test_hand_over_needs_exactly_one_target(house: House, targets: tuple[str | None, str | None]) -> None:
    ravi = await house.ready()
    _, conversation = await house.talking(await house.contact(), ravi)

    with pytest.raises(Invalid, match=r"hand_over\.one_target"):
        await house.act.hand_over(ravi, conversation, to_person=targets[0], to_line=targets[1])  # type: ignore[arg-type]


async def test_nobody_hands_over_to_themselves(house: House) -> None:
    ravi = await house.ready()
    _, conversation = await house.talking(await house.contact(), ravi)

    with pytest.raises(Invalid, match=r"hand_over\.to_oneself"):
        await house.act.hand_over(ravi, conversation, to_person=ravi.person)


async def test_customer_cannot_hand_over(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    _, conversation = await house.talking(contact, ravi)

    with pytest.raises(NotFound):
        await house.act.hand_over(contact, conversation, to_line="travel")


async def test_colleagues_lists_who_can_take_it_now(house: House) -> None:
    full = await house.ready("Full Desk", capacity=1)
    await house.talking(await house.contact(), full)
    ravi, mia = await house.ready(), await house.ready("Mia Chen", lines=("travel",))
    away = await house.ready("Away Now")
    await house.act.set_desk(away, "away", "lunch")

    found = await house.see.colleagues(ravi, "travel")

    assert [(each.person, each.serves_line) for each in found] == [(mia.person, True)]
