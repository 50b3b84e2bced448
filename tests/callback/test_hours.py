"""Hours at the two doors of a call (V3, V4): booking it, and dialling it. It is Monday, 19:00 in Berlin; the company keeps business hours."""

from datetime import UTC, datetime, timedelta

import pytest

from callback.model import ReservationId
from callback.tables import reservations
from callback.telephony.port import Outcome
from chatsvc.accounts.model import Identity
from chatsvc.conversations.outlook import Outlook
from chatsvc.conversations.views import Visit
from chatsvc.kernel.errors import Invalid, NotAllowed
from chatsvc.kernel.ids import ConversationId
from chatsvc.routing.model import RoutingRules
from tests.callback.house import CallHouse, a_number
from tests.chatsvc.conversations.test_hours import DOWN, REACHABLE, TUESDAY_EIGHT
from tests.chatsvc.conversations.test_outlook import handles

# Within courtesy, outside of the hours.
SEVEN_IN_THE_EVENING = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


@pytest.fixture
def evening(house: CallHouse) -> CallHouse:
    """The desk, an hour after closing."""
    house.calendars.keep_business_hours()
    house.clock.advance(SEVEN_IN_THE_EVENING - house.clock.now())
    return house


async def a_critical_place(house: CallHouse, claire: Identity, ravi: Identity) -> Visit:
    """A place whose ticket is judged P1."""
    visit = await house.joins(claire, impact=DOWN, reachable=REACHABLE)
    await house.act.judge(ravi, visit.ticket, to="P1")
    return visit


async def test_ordinary_call_is_not_booked_after_closing_and_is_told_when_it_opens(evening: CallHouse) -> None:
    with pytest.raises(NotAllowed, match=r"coverage\.closed") as refused:
        await evening.books(await evening.contact())

    assert refused.value.facts["opens_at"] == TUESDAY_EIGHT
    assert await evening.rows(reservations) == []


async def test_ordinary_call_is_given_no_slot_outside_the_hours_and_one_within_them(evening: CallHouse) -> None:
    claire = await evening.contact()
    await evening.planned(await evening.ready())

    with pytest.raises(Invalid, match=r"slot\.unknown"):
        await evening.books(claire, slot_at=TUESDAY_EIGHT - timedelta(minutes=30))
    reservation = await evening.books(claire, slot_at=TUESDAY_EIGHT)

    assert (await evening.reservation(reservation)).slot_at == TUESDAY_EIGHT


async def test_critical_call_is_booked_and_dialled_after_closing(evening: CallHouse) -> None:
    claire, ravi = await evening.contact(), await evening.ready()
    visit = await a_critical_place(evening, claire, ravi)
    await evening.books(claire, ticket=visit.ticket)
    conversation = await evening.previews(ravi)

    begun = await evening.calls.dial(ravi, conversation)

    assert (begun.refusal, [attempt.id for attempt in await evening.attempt_rows()]) == (None, [begun.attempt])


async def test_claim_that_waits_for_judgement_is_booked_and_dialled_after_closing(evening: CallHouse) -> None:
    claire, ravi = await evening.contact(), await evening.ready()
    visit = await evening.joins(claire, impact=DOWN, reachable=REACHABLE)
    await evening.books(claire, ticket=visit.ticket)

    begun = await evening.calls.dial(ravi, await evening.previews(ravi))

    assert begun.refusal is None


async def a_preview_before_closing(house: CallHouse) -> tuple[Identity, ReservationId, ConversationId]:
    house.calendars.keep_business_hours()
    ravi = await house.ready()
    reservation = await house.books(await house.contact())
    return ravi, reservation, await house.previews(ravi)


async def test_ordinary_call_is_not_dialled_after_closing_and_waits_for_the_opening(house: CallHouse) -> None:
    ravi, reservation, conversation = await a_preview_before_closing(house)
    house.clock.advance(SEVEN_IN_THE_EVENING - house.clock.now())

    begun = await house.calls.dial(ravi, conversation)

    assert (begun.attempt, begun.refusal, begun.until) == (None, "call.closed", TUESDAY_EIGHT)
    assert (await house.reservation(reservation)).not_before_at == TUESDAY_EIGHT
    assert await house.attempt_rows() == []


async def test_call_that_became_p1_meanwhile_is_dialled_after_closing(house: CallHouse) -> None:
    ravi, reservation, conversation = await a_preview_before_closing(house)
    house.clock.advance(SEVEN_IN_THE_EVENING - house.clock.now())
    await house.act.judge(ravi, (await house.reservation(reservation)).ticket_id, to="P1")

    assert (await house.calls.dial(ravi, conversation)).refusal is None


async def test_call_that_is_turned_down_before_it_is_dialled_waits_for_the_opening(evening: CallHouse) -> None:
    claire, ravi = await evening.contact(), await evening.ready()
    visit = await a_critical_place(evening, claire, ravi)
    reservation = await evening.books(claire, ticket=visit.ticket)
    conversation = await evening.previews(ravi)
    await evening.act.judge(ravi, visit.ticket, to="P3", reason="There is a way around.")
    assert (await evening.state(reservation), (await evening.conversation_row(visit.ticket)).state) == (
        "preview",
        "active",
    )

    begun = await evening.calls.dial(ravi, conversation)
    evening.clock.advance(60)
    await evening.stay(ravi)
    await evening.act.sweep()
    await evening.calls.sweep()

    assert (begun.refusal, begun.until) == ("call.closed", TUESDAY_EIGHT)
    assert await evening.state(reservation) == "retry_wait"


async def test_talk_by_telephone_is_not_cut_by_a_judgement(evening: CallHouse) -> None:
    claire, ravi = await evening.contact(), await evening.ready()
    visit = await a_critical_place(evening, claire, ravi)
    reservation = await evening.books(claire, ticket=visit.ticket)
    conversation = await evening.previews(ravi)
    await evening.calls.dial(ravi, conversation)
    await evening.calls.connected(ravi, conversation)

    await evening.act.judge(ravi, visit.ticket, to="P3", reason="There is a way around.")

    assert (await evening.state(reservation), (await evening.conversation_row(visit.ticket)).state) == (
        "talking",
        "active",
    )
    await evening.calls.report(ravi, conversation, Outcome.ANSWERED)
    assert await evening.state(reservation) == "wrap_up"


# As soon as it is one's turn ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def night(house: CallHouse) -> CallHouse:
    """The desk at eleven in the evening in Berlin, for a company that is served around the clock."""
    house.clock.advance(datetime(2026, 3, 2, 22, 0, tzinfo=UTC) - house.clock.now())
    return house


async def test_at_night_nobody_is_promised_to_be_called_when_it_is_their_turn(night: CallHouse) -> None:
    claire = await night.contact()

    with pytest.raises(NotAllowed, match=r"call\.night") as refused:
        await night.books(claire)

    said = await night.calls.not_soon(claire, "expense")
    assert said is not None
    assert (said.key, said.facts) == (refused.value.key, refused.value.facts)
    assert refused.value.facts["opens_at"] == datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    assert await night.rows(reservations) == []


@pytest.mark.parametrize("is_judged", [True, False], ids=["judged", "proposed"])
async def test_critical_call_is_booked_and_dialled_at_night_by_whoever_asks_for_it(
    night: CallHouse, is_judged: bool
) -> None:
    claire, ravi = await night.contact(), await night.ready()
    visit = await night.joins(claire, impact=DOWN, reachable=REACHABLE)
    if is_judged:
        await night.act.judge(ravi, visit.ticket, to="P1")

    with pytest.raises(NotAllowed, match=r"call\.night"):
        await night.books(claire, ticket=visit.ticket)
    await night.books(claire, ticket=visit.ticket, any_hour=True)
    conversation = await night.previews(ravi)

    assert (await night.calls.dial(ravi, conversation)).attempt is not None


async def test_a_call_that_would_come_after_closing_is_not_booked_and_slots_are(house: CallHouse) -> None:
    house.act.queries.outlook = Outlook(RoutingRules(history_needs=4))
    house.calendars.keep_business_hours()
    house.clock.advance(datetime(2026, 3, 2, 16, 0, tzinfo=UTC) - house.clock.now())
    claire, ravi = await house.contact(), await house.ready()
    await house.act.set_capacity(ravi.person, 1)
    # Each takes five minutes and ten seconds, so that it is about 17:21.
    await handles(house, ravi)
    for n in range(8):
        await house.joins(await house.contact(f"Waits {n}"))

    with pytest.raises(NotAllowed, match=r"call\.closes_first"):
        await house.books(claire)
    await house.planned(await house.ready("Mei Lin"))
    reservation = await house.books(claire, slot_at=TUESDAY_EIGHT)

    assert await house.state(reservation) == "booked"


async def test_when_nobody_is_planned_before_closing_nobody_is_promised_to_be_called_today(house: CallHouse) -> None:
    house.calendars.keep_business_hours()
    claire, ravi = await house.contact(), await house.ready()
    await house.act.set_desk(ravi, "away", reason="break")
    await house.books(await house.contact("Nobody knows"))

    await house.planned(ravi, since=TUESDAY_EIGHT)

    with pytest.raises(NotAllowed, match=r"call\.closes_first"):
        await house.books(claire, number=a_number(1))
