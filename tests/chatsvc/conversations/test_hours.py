"""Every door of the live phase, tried closed; and what was open stays open (K3, V3, V4)."""

from datetime import UTC, datetime, timedelta

import pytest

from chatsvc.kernel.errors import Invalid, NotAllowed
from chatsvc.tickets.severity import CriticalContact
from chatsvc.tickets.tables import tickets
from tests.chatsvc.conversations.house import House

DOWN = {"environment": "production", "stopped": "stopped", "workaround": "none", "people": "company"}
REACHABLE = CriticalContact("Jonas Weber", "+49 30 1234567")
SUNDAY = datetime(2026, 3, 8, 11, 0, tzinfo=UTC)
MONDAY_EIGHT_IN_BERLIN = datetime(2026, 3, 9, 7, 0, tzinfo=UTC)
CLOSES = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
TUESDAY_EIGHT = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)


@pytest.fixture
def on_sunday(house: House) -> House:
    """It is Sunday noon in Berlin, and the company keeps business hours."""
    house.calendars.keep_business_hours()
    house.clock.advance(SUNDAY - house.clock.now())
    return house


@pytest.fixture
def in_the_week(house: House) -> House:
    """It is Monday, 10:00 in Berlin, and the company keeps business hours."""
    house.calendars.keep_business_hours()
    return house


async def at_closing(house: House, *people: object, visits: tuple[object, ...] = (), past: float = 0) -> None:
    """Let everybody stay until 18:00 in Berlin, and so many seconds more."""
    house.clock.advance(CLOSES + timedelta(seconds=past) - house.clock.now())
    await house.stay(*people, visits=visits)  # type: ignore[arg-type]


# Joining ----------------------------------------------------------------------------------------------------------------


async def test_ordinary_visit_cannot_join_on_sunday_and_is_told_when(on_sunday: House) -> None:
    with pytest.raises(NotAllowed, match=r"coverage\.closed") as refused:
        await on_sunday.joins(await on_sunday.contact())

    assert refused.value.facts["opens_at"] == MONDAY_EIGHT_IN_BERLIN
    assert await on_sunday.rows(tickets) == []


async def test_critical_request_joins_on_sunday_for_triage(on_sunday: House) -> None:
    visit = await on_sunday.joins(await on_sunday.contact(), impact=DOWN, reachable=REACHABLE)

    assert visit.state == "waiting"
    assert await on_sunday.kinds(visit) == ["joined", "proposed"]
    assert await on_sunday.body(visit, "proposed") == {"severity": "P1", "reasons": ["stopped_for_many"]}
    assert (await on_sunday.ticket_row(visit.ticket)).severity == "P3"
    assert (await on_sunday.place_row(visit.ticket)).closes_at is None


async def test_critical_request_without_somebody_to_reach_is_asked_for_one(on_sunday: House) -> None:
    with pytest.raises(Invalid, match=r"severity\.contact_needed"):
        await on_sunday.joins(await on_sunday.contact(), impact=DOWN)


async def test_same_form_leads_back_to_its_visit_after_closing_too(in_the_week: House) -> None:
    contact = await in_the_week.contact()
    first = await in_the_week.joins(contact, key="same-form")
    in_the_week.clock.advance(SUNDAY - in_the_week.clock.now())

    assert (await in_the_week.joins(contact, key="same-form")).ticket == first.ticket


async def test_triage_stands_before_those_who_came_within_its_credit(in_the_week: House) -> None:
    ordinary = await in_the_week.joins(await in_the_week.contact())
    in_the_week.clock.advance(timedelta(minutes=9))
    critical = await in_the_week.joins(await in_the_week.contact("Jo"), impact=DOWN, reachable=REACHABLE)

    pictures = await in_the_week.see.whole_line("expense")

    assert pictures[critical.ticket].position == 1
    assert pictures[ordinary.ticket].position == 2


async def test_place_knows_when_its_hours_are_over(in_the_week: House) -> None:
    visit = await in_the_week.joins(await in_the_week.contact())

    assert visit.waiting is not None
    assert visit.waiting.closes_at == CLOSES


# Waiting ----------------------------------------------------------------------------------------------------------------


async def test_at_closing_whoever_still_waits_is_let_go_with_the_ticket_kept(in_the_week: House) -> None:
    contact = await in_the_week.contact()
    visit = await in_the_week.joins(contact)
    await at_closing(in_the_week, visits=(visit,))

    await in_the_week.act.sweep()

    assert await in_the_week.body(visit, "left_line") == {"why": "closed", "opens_at": "2026-03-03T07:00:00Z"}
    seen = await in_the_week.see.visit(contact, visit.ticket)
    assert (seen.state, seen.ticket_state) == ("left", "open")


async def test_a_moment_before_closing_nobody_is_let_go(in_the_week: House) -> None:
    visit = await in_the_week.joins(await in_the_week.contact())
    await at_closing(in_the_week, visits=(visit,), past=-1)

    await in_the_week.act.sweep()

    assert await in_the_week.kinds(visit) == ["joined"]


async def test_offer_of_the_last_seconds_is_taken_back_at_closing(in_the_week: House) -> None:
    ravi = await in_the_week.ready()
    visit = await in_the_week.joins(await in_the_week.contact())
    await at_closing(in_the_week, ravi, visits=(visit,), past=-5)
    await in_the_week.offer_to(ravi)
    await at_closing(in_the_week, ravi, visits=(visit,))

    await in_the_week.act.sweep()

    assert (await in_the_week.see.desk(ravi)).offers == ()
    assert (await in_the_week.desk_row(ravi)).load == 0


async def test_triage_waits_on_through_closing(in_the_week: House) -> None:
    visit = await in_the_week.joins(await in_the_week.contact(), impact=DOWN, reachable=REACHABLE)
    await at_closing(in_the_week, visits=(visit,), past=60)

    await in_the_week.act.sweep()

    assert "left_line" not in await in_the_week.kinds(visit)


async def test_calendar_that_was_prolonged_meanwhile_keeps_the_place(in_the_week: House) -> None:
    visit = await in_the_week.joins(await in_the_week.contact())
    in_the_week.calendars.keep_business_hours("America/New_York")
    await at_closing(in_the_week, visits=(visit,))

    await in_the_week.act.sweep()

    assert await in_the_week.kinds(visit) == ["joined"]
    assert (await in_the_week.place_row(visit.ticket)).closes_at == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)


# Accepting --------------------------------------------------------------------------------------------------------------


async def test_offer_cannot_be_accepted_after_closing(in_the_week: House) -> None:
    ravi = await in_the_week.ready()
    visit = await in_the_week.joins(await in_the_week.contact())
    await at_closing(in_the_week, ravi, visits=(visit,), past=-5)
    card = await in_the_week.offer_to(ravi)
    await at_closing(in_the_week, ravi, visits=(visit,), past=1)

    with pytest.raises(NotAllowed, match=r"coverage\.closed") as refused:
        await in_the_week.act.accept(ravi, card.id, card.epoch)

    assert refused.value.facts["opens_at"] == TUESDAY_EIGHT


async def test_triage_is_accepted_on_sunday(on_sunday: House) -> None:
    visit, _ = await on_sunday.talking(
        await on_sunday.contact(), await on_sunday.ready(), impact=DOWN, reachable=REACHABLE
    )

    assert (await on_sunday.conversation_row(visit.ticket)).state == "active"


# Staying ----------------------------------------------------------------------------------------------------------------


async def test_running_conversation_is_never_cut_at_closing(in_the_week: House) -> None:
    contact, ravi = await in_the_week.contact(), await in_the_week.ready()
    visit, _ = await in_the_week.talking(contact, ravi)
    await at_closing(in_the_week, ravi, visits=(visit,), past=3600)

    await in_the_week.act.sweep()

    assert (await in_the_week.conversation_row(visit.ticket)).state == "active"
    await in_the_week.says(contact, visit, "Still here")


async def test_conversation_of_a_vanished_representative_waits_on_after_closing(in_the_week: House) -> None:
    contact, ravi = await in_the_week.contact(), await in_the_week.ready()
    visit, _ = await in_the_week.talking(contact, ravi)
    await at_closing(in_the_week, visits=(visit,), past=60)

    await in_the_week.act.sweep()
    await in_the_week.act.sweep()

    assert (await in_the_week.kinds(visit))[-1] == "returned"
    mei = await in_the_week.ready("Mei Lin")
    card = await in_the_week.offer_to(mei)
    await in_the_week.act.accept(mei, card.id, card.epoch)
    assert (await in_the_week.conversation_row(visit.ticket)).rep_id == mei.person


# Handing over -----------------------------------------------------------------------------------------------------------


async def test_after_closing_nobody_is_put_into_a_line_again(in_the_week: House) -> None:
    ravi = await in_the_week.ready()
    visit, conversation = await in_the_week.talking(await in_the_week.contact(), ravi)
    await at_closing(in_the_week, ravi, visits=(visit,), past=60)

    with pytest.raises(NotAllowed, match=r"coverage\.closed") as refused:
        await in_the_week.act.hand_over(ravi, conversation, to_line="travel")

    assert refused.value.facts["opens_at"] == TUESDAY_EIGHT
    assert (await in_the_week.conversation_row(visit.ticket)).state == "active"


async def test_after_closing_a_colleague_can_take_over(in_the_week: House) -> None:
    ravi, mei = await in_the_week.ready(), await in_the_week.ready("Mei Lin", lines=())
    visit, conversation = await in_the_week.talking(await in_the_week.contact(), ravi)
    await at_closing(in_the_week, ravi, mei, visits=(visit,), past=60)

    await in_the_week.act.hand_over(ravi, conversation, to_person=mei.person)
    [card] = (await in_the_week.see.desk(mei)).offers
    await in_the_week.act.accept(mei, card.id, card.epoch)

    assert (await in_the_week.conversation_row(visit.ticket)).rep_id == mei.person
