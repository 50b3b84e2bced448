"""Standing in line: the ticket first, one live visit per line, the same form once; and leaving again (C1, C2, R11, R13)."""

import pytest

from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.tickets.tables import tickets
from tests import builders
from tests.chatsvc.conversations.house import House


async def test_joining_opens_a_ticket_and_shows_a_place_in_line(house: House) -> None:
    contact = await house.contact()

    visit = await house.joins(contact, subject="Export fails")

    assert (visit.state, visit.ticket_state, visit.line) == ("waiting", "open", "expense")
    assert visit.waiting is not None
    assert (visit.waiting.position, visit.waiting.offered) == (1, False)
    assert await house.kinds(visit) == ["joined"]
    ticket = await house.ticket_row(visit.ticket)
    assert (ticket.number, ticket.severity, ticket.source, ticket.subject) == (
        visit.number,
        "P3",
        "chat",
        "Export fails",
    )


async def test_joining_mails_the_number_in_the_same_transaction(house: House) -> None:
    contact = await house.contact()

    await house.joins(contact)

    assert await house.mails() == ["mail.ticket_confirmation"]


async def test_joining_rings_for_the_line_and_the_visit(house: House) -> None:
    visit = await house.joins(await house.contact())

    assert house.rang("line:expense")
    assert house.rang(f"visit:{visit.ticket}")
    assert house.rang(f"log:{visit.log}")


async def test_same_form_sent_twice_is_one_visit(house: House) -> None:
    contact = await house.contact()
    first = await house.joins(contact, key="same-form")

    again = await house.joins(contact, key="same-form")

    assert again.ticket == first.ticket
    assert await house.mails() == ["mail.ticket_confirmation"]


async def test_same_form_leads_to_its_visit_after_the_conversation_too(house: House) -> None:
    contact = await house.contact()
    first = await house.joins(contact, key="same-form")
    await house.act.leave(contact, first.ticket)

    again = await house.joins(contact, key="same-form")

    assert (again.ticket, again.state) == (first.ticket, "left")


async def test_same_key_of_somebody_else_is_another_form(house: House) -> None:
    first = await house.joins(await house.contact("One"), key="same-form")

    second = await house.joins(await house.contact("Two"), key="same-form")

    assert second.ticket != first.ticket


async def test_second_chat_in_the_same_line_is_led_to_the_first(house: House) -> None:
    contact = await house.contact()
    first = await house.joins(contact)

    with pytest.raises(Conflict) as refused:
        await house.joins(contact)

    assert refused.value.key == "visit.already_open"
    assert refused.value.facts["ticket"] == first.ticket
    assert len(await house.rows(tickets)) == 1


async def test_another_line_is_another_visit(house: House) -> None:
    contact = await house.contact()
    await house.joins(contact, line="expense")

    await house.joins(contact, line="travel")

    assert [visit.line for visit in await house.see.visits_of(contact)] == ["expense", "travel"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"line": "cooking"}, "line"),
        ({"subject": "  "}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"description": ""}, "description"),
        ({"description": "x" * 8_001}, "description"),
        ({"impact": {"nonsense": "yes"}}, "impact"),
    ],
    ids=["unknown line", "no subject", "long subject", "no description", "long description", "unknown question"],
)
async def test_form_that_cannot_be_accepted_makes_no_ticket(house: House, form: dict[str, object], field: str) -> None:
    contact = await house.contact()

    with pytest.raises(Invalid) as refused:
        await house.joins(contact, **form)

    assert refused.value.field == field
    assert await house.rows(tickets) == []


@pytest.mark.parametrize(("impact", "environment"), [({"environment": "test"}, "test"), ({}, None)])
async def test_environment_that_the_interview_asked_for_is_the_tickets(
    house: House, impact: dict[str, str], environment: str | None
) -> None:
    visit = await house.joins(await house.contact(), impact=impact)

    assert (await house.ticket_row(visit.ticket)).environment == environment


async def test_card_number_in_the_form_is_masked_before_it_is_stored(house: House) -> None:
    visit = await house.joins(await house.contact(), description="My card 4111 1111 1111 1111 was refused")

    assert "4111 1111" not in (await house.ticket_row(visit.ticket)).description


async def test_contact_without_the_permission_is_refused(house: House) -> None:
    contact = await house.contact(authorised=False)

    with pytest.raises(NotAllowed, match=r"contact\.not_authorised"):
        await house.joins(contact)


async def test_representative_cannot_stand_in_line(house: House) -> None:
    with pytest.raises(NotAllowed):
        await house.joins(await house.ready())


async def test_files_of_the_form_become_the_first_message(house: House) -> None:
    contact = await house.contact()

    async def chunks():  # type: ignore[no-untyped-def]
        yield b"%PDF-1.7\n%trial\n"

    file = await house.files.receive(contact, "report.pdf", chunks())

    visit = await house.joins(contact, files=[file.id])

    assert await house.kinds(visit) == ["joined", "message"]
    assert [attached["name"] for attached in (await house.body(visit, "message"))["files"]] == ["report.pdf"]


async def test_leaving_frees_the_line_and_keeps_the_ticket(house: House) -> None:
    contact = await house.contact()
    visit = await house.joins(contact)

    await house.act.leave(contact, visit.ticket)

    left = await house.see.visit(contact, visit.ticket)
    assert (left.state, left.ticket_state, left.waiting) == ("left", "open", None)
    assert await house.kinds(visit) == ["joined", "left_line"]
    assert (await house.body(visit, "left_line")) == {"why": "left"}
    assert (await house.joins(contact)).ticket != visit.ticket


async def test_leaving_twice_is_leaving_once(house: House) -> None:
    contact = await house.contact()
    visit = await house.joins(contact)
    await house.act.leave(contact, visit.ticket)

    await house.act.leave(contact, visit.ticket)

    assert await house.kinds(visit) == ["joined", "left_line"]


async def test_leaving_takes_back_an_offer(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit = await house.joins(contact)
    await house.offer_to(ravi)

    await house.act.leave(contact, visit.ticket)

    assert (await house.see.desk(ravi)).offers == ()
    assert (await house.desk_row(ravi)).load == 0
    assert [offer.state for offer in await house.offer_rows()] == ["withdrawn"]


async def test_leaving_an_accepted_conversation_is_refused(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)

    with pytest.raises(Conflict, match=r"visit\.not_waiting"):
        await house.act.leave(contact, visit.ticket)


async def test_nobody_leaves_for_somebody_else(house: House) -> None:
    visit = await house.joins(await house.contact())

    with pytest.raises(NotFound):
        await house.act.leave(await house.contact("Other"), visit.ticket)


async def test_colleague_of_the_same_company_does_not_see_the_visit(house: House) -> None:
    company = await builders.a_company(house.database)
    visit = await house.joins(await builders.a_contact(house.database, company))

    with pytest.raises(NotFound):
        await house.see.visit(await builders.a_contact(house.database, company, name="Colleague"), visit.ticket)
