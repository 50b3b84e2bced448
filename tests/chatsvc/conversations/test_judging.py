"""Severity judged, turned down, and asked about once more (V2, V3)."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from chatsvc.accounts.model import Identity
from chatsvc.conversations.urgency import Urgencies
from chatsvc.conversations.views import Visit
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import ConversationId
from chatsvc.tickets import severity_store
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.severity import Claim
from tests.chatsvc.conversations.house import DONE, House
from tests.chatsvc.conversations.test_hours import DOWN, MONDAY_EIGHT_IN_BERLIN, REACHABLE, SUNDAY


@pytest.fixture
def on_sunday(house: House) -> House:
    """It is Sunday noon in Berlin, and the company keeps business hours."""
    house.calendars.keep_business_hours()
    house.clock.advance(SUNDAY - house.clock.now())
    return house


async def a_triage(house: House) -> tuple[Identity, Identity, Visit, ConversationId]:
    """Let a critical request reach a representative."""
    contact, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(contact, ravi, impact=DOWN, reachable=REACHABLE)
    return contact, ravi, visit, conversation


async def claim_of(house: House, visit: Visit) -> Claim:
    async with house.database.read() as connection:
        return (await severity_store.standing(connection, visit.ticket)).claim


async def test_claim_is_confirmed_and_the_talk_goes_on(on_sunday: House) -> None:
    _, ravi, visit, _ = await a_triage(on_sunday)

    await on_sunday.act.judge(ravi, visit.ticket, to="P1")

    assert (await on_sunday.ticket_row(visit.ticket)).severity == "P1"
    assert await on_sunday.body(visit, "judged") == {"before": "P3", "after": "P1", "reason": ""}
    assert (await on_sunday.conversation_row(visit.ticket)).state == "active"
    assert await claim_of(on_sunday, visit) is Claim.JUDGED


async def test_downgrade_on_sunday_ends_the_talk_courteously_and_keeps_the_ticket(on_sunday: House) -> None:
    contact, ravi, visit, conversation = await a_triage(on_sunday)

    await on_sunday.act.judge(ravi, visit.ticket, to="P3", reason="There is a way around.")

    assert (await on_sunday.kinds(visit))[-2:] == ["judged", "ended"]
    assert (await on_sunday.body(visit, "ended")) == {"why": "closed", "opens_at": "2026-03-09T07:00:00Z"}
    assert (await on_sunday.body(visit, "judged"))["reason"] == "There is a way around."
    with pytest.raises(Conflict, match=r"undo_over"):
        await on_sunday.act.undo_end(contact, conversation)
    await on_sunday.act.sweep()
    seen = await on_sunday.see.visit(contact, visit.ticket)
    assert (seen.state, seen.ticket_state) == ("wrap_up", "open")


async def test_downgrade_of_a_place_that_waits_on_sunday_lets_it_go(on_sunday: House) -> None:
    visit = await on_sunday.joins(await on_sunday.contact(), impact=DOWN, reachable=REACHABLE)

    await on_sunday.act.judge(await on_sunday.ready(), visit.ticket, to="P4", reason="It is a test company.")

    assert (await on_sunday.body(visit, "left_line"))["why"] == "closed"
    assert datetime.fromisoformat((await on_sunday.body(visit, "left_line"))["opens_at"]) == MONDAY_EIGHT_IN_BERLIN


async def test_downgrade_within_hours_lets_the_talk_go_on(house: House) -> None:
    house.calendars.keep_business_hours()
    _, ravi, visit, _ = await a_triage(house)

    await house.act.judge(ravi, visit.ticket, to="P3", reason="There is a way around.")

    assert (await house.conversation_row(visit.ticket)).state == "active"


async def test_downgraded_place_that_waits_within_hours_closes_with_them(house: House) -> None:
    house.calendars.keep_business_hours()
    visit = await house.joins(await house.contact(), impact=DOWN, reachable=REACHABLE)

    await house.act.judge(await house.ready(), visit.ticket, to="P3", reason="Not critical.")

    assert (await house.place_row(visit.ticket)).closes_at == datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


async def test_judging_an_ordinary_talk_after_closing_does_not_cut_it(house: House) -> None:
    house.calendars.keep_business_hours()
    ravi = await house.ready()
    visit, _ = await house.talking(await house.contact(), ravi)
    house.clock.advance(timedelta(hours=9))
    await house.stay(ravi, visits=(visit,))

    await house.act.judge(ravi, visit.ticket, to="P4", reason="A wish.")

    assert (await house.conversation_row(visit.ticket)).state == "active"


async def test_downgrade_without_a_reason_is_refused(house: House) -> None:
    _, ravi, visit, _ = await a_triage(house)

    with pytest.raises(Invalid, match=r"severity\.reason_needed"):
        await house.act.judge(ravi, visit.ticket, to="P3")

    assert await claim_of(house, visit) is Claim.PROPOSED


async def test_customer_cannot_judge(house: House) -> None:
    contact, _, visit, _ = await a_triage(house)

    with pytest.raises(NotAllowed, match=r"staff\.only"):
        await house.act.judge(contact, visit.ticket, to="P1")


async def test_same_judgement_twice_is_one(house: House) -> None:
    _, ravi, visit, _ = await a_triage(house)
    await house.act.judge(ravi, visit.ticket, to="P2", reason="Several people.")

    await house.act.judge(ravi, visit.ticket, to="P2", reason="Several people.")

    assert (await house.kinds(visit)).count("judged") == 1


async def test_judgement_on_what_somebody_changed_meanwhile_is_refused(house: House) -> None:
    _, ravi, visit, _ = await a_triage(house)
    version = (await house.ticket_row(visit.ticket)).version
    await house.act.judge(ravi, visit.ticket, to="P1")

    with pytest.raises(Conflict, match=r"ticket\.changed"):
        await house.act.judge(ravi, visit.ticket, to="P2", reason="Fewer people.", version=version)


async def test_raised_place_passes_and_never_falls_back(house: House) -> None:
    first = await house.joins(await house.contact("One"))
    house.clock.advance(timedelta(minutes=15))
    second, ravi = await house.joins(await house.contact("Two")), await house.ready()
    await house.act.judge(ravi, second.ticket, to="P1")
    assert (await house.see.whole_line("expense"))[second.ticket].position == 1

    await house.act.judge(ravi, second.ticket, to="P3", reason="After all not.")

    assert (await house.see.whole_line("expense"))[second.ticket].position == 1
    assert (await house.see.whole_line("expense"))[first.ticket].position == 2


async def test_customer_appeals_once_and_the_second_look_is_final(house: House) -> None:
    contact, ravi, visit, _ = await a_triage(house)
    await house.act.judge(ravi, visit.ticket, to="P3", reason="There is a way around.")

    await house.act.appeal(contact, visit.ticket, "The way around does not work.")

    assert await claim_of(house, visit) is Claim.APPEALED
    assert await house.body(visit, "appealed") == {"reason": "The way around does not work."}
    await house.act.judge(ravi, visit.ticket, to="P3", reason="It does since noon.")
    assert await claim_of(house, visit) is Claim.FINAL
    with pytest.raises(NotAllowed, match=r"severity\.appealed_already"):
        await house.act.appeal(contact, visit.ticket, "Once more.")


async def test_nobody_appeals_for_another_company(house: House) -> None:
    _, ravi, visit, _ = await a_triage(house)
    await house.act.judge(ravi, visit.ticket, to="P3", reason="No.")

    with pytest.raises(NotFound):
        await house.act.appeal(await house.contact("Other"), visit.ticket, "Please.")


async def test_wrap_up_that_makes_it_critical_settles_the_claim(house: House) -> None:
    _, ravi, visit, conversation = await a_triage(house)
    await house.act.end(ravi, conversation)
    await house.act.wrap_up(ravi, conversation, DONE)
    house.clock.advance(timedelta(seconds=11))
    await house.stay(ravi)

    await house.act.sweep()

    assert await claim_of(house, visit) is Claim.JUDGED


async def test_wrap_up_cannot_lower_a_critical_ticket_without_a_word(house: House) -> None:
    _, ravi, visit, conversation = await a_triage(house)
    await house.act.judge(ravi, visit.ticket, to="P1")
    await house.act.end(ravi, conversation)

    with pytest.raises(Invalid, match=r"severity\.reason_needed"):
        await house.act.wrap_up(ravi, conversation, msgspec.structs.replace(DONE, severity="P3"))


# A claim that nobody has judged -------------------------------------------------------------------------------------------

TURNED_DOWN = msgspec.structs.replace(DONE, severity="P3", judgement="The mobile page works for everybody.")


async def test_wrap_up_of_a_claim_that_nobody_judged_is_refused(house: House) -> None:
    _, ravi, visit, conversation = await a_triage(house)
    await house.act.end(ravi, conversation)

    with pytest.raises(Invalid, match=r"severity\.judgement_needed") as refused:
        await house.act.wrap_up(ravi, conversation, msgspec.structs.replace(TURNED_DOWN, judgement="  "))

    assert refused.value.field == "judgement"
    assert (await house.conversation_row(visit.ticket)).state == "ending"


async def test_words_in_the_wrap_up_are_the_judgement_and_the_customer_reads_them(house: House) -> None:
    contact, ravi, visit, conversation = await a_triage(house)
    await house.act.end(ravi, conversation)
    await house.act.wrap_up(ravi, conversation, TURNED_DOWN)
    assert await claim_of(house, visit) is Claim.PROPOSED  # the end can still be undone

    await _over(house, ravi)
    await house.act.wrap_up(ravi, conversation, TURNED_DOWN)

    assert (await house.kinds(visit))[-3:] == ["judged", "wrapped_up", "solved"]
    assert await house.body(visit, "judged") == {"before": "P3", "after": "P3", "reason": TURNED_DOWN.judgement}
    assert "judgement" not in await house.body(visit, "wrapped_up")
    seen = await Urgencies(house.database, house.clocks).of_ticket(contact, visit.ticket)
    assert (seen.claim, seen.reason, seen.may_appeal) == ("judged", TURNED_DOWN.judgement, True)


async def _over(house: House, ravi: Identity) -> None:
    house.clock.advance(timedelta(seconds=11))
    await house.stay(ravi)
    await house.act.sweep()


@pytest.mark.parametrize("drafted", [{"solved": True}, {"solved": True, "severity": "P4"}], ids=["solved", "lowered"])
async def test_claim_that_nobody_judged_keeps_its_ticket_open_when_the_wrap_up_completes_itself(
    house: House, drafted: dict[str, object]
) -> None:
    _, ravi, visit, conversation = await a_triage(house)
    await house.act.end(ravi, conversation)
    await house.act.draft_wrap_up(ravi, conversation, drafted)
    await _over(house, ravi)
    house.clock.advance(house.rules.wrap_up_for)

    await house.act.sweep()

    ticket = await house.ticket_row(visit.ticket)
    assert (ticket.state, ticket.severity, await claim_of(house, visit)) == ("open", "P3", Claim.PROPOSED)
    assert (await house.conversation_row(visit.ticket)).state == "closed"


async def test_appeal_that_came_after_the_wrap_up_was_sent_waits_for_its_answer(house: House) -> None:
    contact, ravi, visit, conversation = await a_triage(house)
    await house.act.judge(ravi, visit.ticket, to="P3", reason="There is a way around.")
    await house.act.end(ravi, conversation)
    await house.act.wrap_up(ravi, conversation, msgspec.structs.replace(TURNED_DOWN, judgement=""))
    await house.act.appeal(contact, visit.ticket, "The way around does not work.")

    await _over(house, ravi)

    assert ((await house.ticket_row(visit.ticket)).state, await claim_of(house, visit)) == ("open", Claim.APPEALED)


async def test_critical_ticket_is_lowered_by_a_wrap_up_that_says_why(house: House) -> None:
    _, ravi, visit, conversation = await a_triage(house)
    await house.act.judge(ravi, visit.ticket, to="P1")
    await house.act.end(ravi, conversation)

    await house.act.wrap_up(ravi, conversation, TURNED_DOWN)
    await _over(house, ravi)

    assert (await house.ticket_row(visit.ticket)).severity == "P3"
    assert await house.body(visit, "judged") == {"before": "P1", "after": "P3", "reason": TURNED_DOWN.judgement}


@pytest.mark.parametrize("way", ["mark_solved", "close"])
async def test_who_works_here_ends_no_ticket_whose_claim_waits_and_its_customer_does(house: House, way: str) -> None:
    contact, ravi, visit, _ = await a_triage(house)
    tickets = Tickets(house.database, house.logbook, house.files, TicketRules())

    with pytest.raises(Invalid, match=r"severity\.judgement_needed"):
        await getattr(tickets, way)(ravi, visit.ticket)
    await getattr(tickets, way)(contact, visit.ticket)

    assert (await house.ticket_row(visit.ticket)).ended_at is not None
