"""The end: undo, wrap-up, the completed ticket, the transcript's mail, the rating (K4; issue 2, main job 5)."""

from datetime import timedelta

import msgspec
import pytest

from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from tests.chatsvc.conversations.house import DONE, House


async def test_either_side_can_end(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)

    undo_until = await house.act.end(contact, conversation)

    seen = await house.see.visit(contact, visit.ticket)
    assert (seen.state, seen.ended_by_customer, seen.undo_until) == ("ending", True, undo_until)
    assert undo_until - house.clock.now() == house.rules.undo_for
    [mine] = (await house.see.desk(ravi)).conversations
    assert (mine.state, mine.ended_by_customer) == ("ending", True)


async def test_end_can_be_undone_by_the_other_side_within_its_time(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(contact, conversation)
    house.clock.advance(9)

    await house.act.undo_end(ravi, conversation)

    assert (await house.see.visit(contact, visit.ticket)).state == "active"
    assert await house.kinds(visit) == ["joined", "accepted", "ended", "end_undone"]


async def test_end_cannot_be_undone_when_its_time_is_over(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    _, conversation = await house.talking(contact, ravi)
    await house.act.end(contact, conversation)
    house.clock.advance(house.rules.undo_for)

    with pytest.raises(Conflict, match=r"conversation\.undo_over"):
        await house.act.undo_end(contact, conversation)


async def test_ending_twice_is_ending_once(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    first = await house.act.end(contact, conversation)
    house.clock.advance(3)

    assert await house.act.end(ravi, conversation) == first
    assert await house.kinds(visit) == ["joined", "accepted", "ended"]


async def test_waiting_visit_cannot_be_ended(house: House) -> None:
    contact = await house.contact()
    visit = await house.joins(contact)

    with pytest.raises(Conflict, match=r"conversation\.not_active"):
        await house.act.end(contact, visit.conversation)


async def test_stranger_cannot_end(house: House) -> None:
    ravi = await house.ready()
    _, conversation = await house.talking(await house.contact(), ravi)

    with pytest.raises(NotFound):
        await house.act.end(await house.contact("Stranger"), conversation)


async def test_customer_can_stand_in_line_again_while_the_representative_wraps_up(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(contact, conversation)
    house.clock.advance(house.rules.undo_for)
    await house.act.sweep()

    again = await house.joins(contact)

    assert again.ticket != visit.ticket
    assert (await house.see.visit(contact, visit.ticket)).state == "wrap_up"


async def _wrapping_up(house: House):  # type: ignore[no-untyped-def]
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(ravi, conversation)
    house.clock.advance(house.rules.undo_for)
    await house.act.sweep()
    await house.stay(ravi, visits=(visit,))
    return contact, ravi, visit, conversation


async def test_wrap_up_completes_the_ticket_and_closes(house: House) -> None:
    contact, ravi, visit, conversation = await _wrapping_up(house)

    await house.act.wrap_up(ravi, conversation, DONE)

    ticket = await house.ticket_row(visit.ticket)
    assert (ticket.state, ticket.severity, ticket.team, ticket.reason) == ("solved", "P2", "engineering", "malfunction")
    assert (ticket.environment, ticket.ended_at) == ("production", house.clock.now())
    assert (await house.see.visit(contact, visit.ticket)).state == "closed"
    assert await house.kinds(visit) == ["joined", "accepted", "ended", "wrapped_up", "solved"]


async def test_closing_mails_the_transcript_once(house: House) -> None:
    _, ravi, _, conversation = await _wrapping_up(house)
    await house.act.wrap_up(ravi, conversation, DONE)

    await house.act.wrap_up(ravi, conversation, DONE)

    assert await house.mails() == ["mail.ticket_confirmation", "mail.transcript"]


async def test_closing_frees_the_representative_who_is_idle_from_then_on(house: House) -> None:
    _, ravi, _, conversation = await _wrapping_up(house)
    assert (await house.desk_row(ravi)).load == 1
    house.clock.advance(5)

    await house.act.wrap_up(ravi, conversation, DONE)

    desk = await house.desk_row(ravi)
    assert (desk.load, desk.idle_since_at) == (0, house.clock.now())


async def test_wrap_up_never_filled_in_completes_itself_and_leaves_the_ticket_open(house: House) -> None:
    contact, ravi, visit, _ = await _wrapping_up(house)
    house.clock.advance(house.rules.wrap_up_for)

    await house.act.sweep()

    ticket = await house.ticket_row(visit.ticket)
    assert (ticket.state, ticket.severity, ticket.team) == ("open", "P3", "support")
    assert (await house.see.visit(contact, visit.ticket)).state == "closed"
    assert (await house.body(visit, "wrapped_up"))["by_itself"] is True
    assert (await house.desk_row(ravi)).load == 0
    assert await house.mails() == ["mail.ticket_confirmation", "mail.transcript"]


async def test_what_was_filled_in_so_far_counts_when_it_completes_itself(house: House) -> None:
    _, ravi, visit, conversation = await _wrapping_up(house)
    await house.act.draft_wrap_up(ravi, conversation, {"reason": "access", "severity": "P4"})
    house.clock.advance(house.rules.wrap_up_for)

    await house.act.sweep()

    ticket = await house.ticket_row(visit.ticket)
    assert (ticket.reason, ticket.severity, ticket.state) == ("access", "P4", "open")


async def test_wrap_up_sent_while_the_end_can_be_undone_waits_for_that(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(ravi, conversation)
    await house.act.wrap_up(ravi, conversation, DONE)
    assert (await house.see.visit(contact, visit.ticket)).state == "ending"
    house.clock.advance(house.rules.undo_for)

    await house.act.sweep()

    assert (await house.ticket_row(visit.ticket)).state == "solved"
    assert (await house.see.visit(contact, visit.ticket)).state == "closed"
    assert (await house.desk_row(ravi)).load == 0


async def test_undone_end_takes_back_a_wrap_up_that_was_sent(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi)
    await house.act.end(ravi, conversation)
    await house.act.wrap_up(ravi, conversation, DONE)
    await house.act.undo_end(contact, conversation)
    await house.act.end(contact, conversation)
    house.clock.advance(house.rules.undo_for)

    await house.act.sweep()

    assert (await house.see.visit(contact, visit.ticket)).state == "wrap_up"
    assert (await house.see.wrap_up_form(ravi, conversation)) == DONE


async def test_wrap_up_after_it_has_completed_itself_is_told_so(house: House) -> None:
    _, ravi, _, conversation = await _wrapping_up(house)
    house.clock.advance(house.rules.wrap_up_for)
    await house.act.sweep()

    with pytest.raises(Conflict, match=r"conversation\.closed"):
        await house.act.wrap_up(ravi, conversation, DONE)


async def test_active_conversation_cannot_be_wrapped_up(house: House) -> None:
    ravi = await house.ready()
    _, conversation = await house.talking(await house.contact(), ravi)

    with pytest.raises(Conflict, match=r"conversation\.not_wrapping_up"):
        await house.act.wrap_up(ravi, conversation, DONE)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": " "}, "subject"),
        ({"reason": "mood"}, "reason"),
        ({"product": "cooking"}, "product"),
        ({"severity": "P9"}, "severity"),
        ({"team": "nobody"}, "team"),
        ({"environment": "moon"}, "environment"),
    ],
    ids=["subject", "reason", "product", "severity", "team", "environment"],
)
async def test_wrap_up_with_what_the_catalogue_does_not_have_is_refused(
    house: House, change: dict[str, str], field: str
) -> None:
    ravi = await house.ready()
    _, conversation = await house.talking(await house.contact(), ravi)
    await house.act.end(ravi, conversation)

    with pytest.raises(Invalid) as refused:
        await house.act.wrap_up(ravi, conversation, msgspec.structs.replace(DONE, **change))

    assert refused.value.field == field


async def test_wrap_up_can_be_extended_within_an_hour(house: House) -> None:
    _, ravi, visit, conversation = await _wrapping_up(house)
    ended_at = (await house.conversation_row(visit.ticket)).ended_at

    until = await house.act.extend_wrap_up(ravi, conversation)

    assert until == house.clock.now() + 2 * house.rules.wrap_up_for
    for _ in range(40):
        until = await house.act.extend_wrap_up(ravi, conversation)
    assert until == ended_at + timedelta(hours=1)


async def test_rating_can_be_changed_within_a_day(house: House) -> None:
    contact, ravi, visit, conversation = await _wrapping_up(house)
    await house.act.wrap_up(ravi, conversation, DONE)
    await house.act.rate(contact, visit.ticket, 3)
    house.clock.advance(timedelta(hours=23))

    await house.act.rate(contact, visit.ticket, 5, "Solved after all.")

    assert (await house.see.visit(contact, visit.ticket)).rating == 5
    assert (await house.body(visit, "rated")) == {"rating": 5}
    house.clock.advance(timedelta(hours=2))
    with pytest.raises(Conflict, match=r"rating\.over"):
        await house.act.rate(contact, visit.ticket, 1)


@pytest.mark.parametrize("rating", [0, 6, -1])
async def test_rating_is_one_to_five(house: House, rating: int) -> None:
    contact = await house.contact()
    visit = await house.joins(contact)

    with pytest.raises(Invalid):
        await house.act.rate(contact, visit.ticket, rating)


async def test_nothing_to_rate_before_the_end(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)

    with pytest.raises(Conflict, match=r"conversation\.not_ended"):
        await house.act.rate(contact, visit.ticket, 5)


async def test_team_can_write_after_the_close(house: House) -> None:
    _, ravi, visit, conversation = await _wrapping_up(house)
    await house.act.wrap_up(ravi, conversation, DONE)
    mia = await house.ready("Mia Chen")

    stored = await house.says(mia, visit, "Engineering is on it.")

    assert stored.number == 6
