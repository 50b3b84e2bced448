"""Calls as their customers book and change them: the place is kept, a seat is a seat, and twice is once (C3, C4)."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from callback import numbers
from callback.model import ReservationId
from callback.queries import CallQueries
from callback.telephony.port import Outcome
from chatsvc.db.outbox import outbox
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from chatsvc.kernel.ids import CompanyId
from chatsvc.routing.tables import line_corrections, places
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.tables import tickets
from tests import builders
from tests.callback.house import RULES, CallHouse, a_number
from tests.chatsvc.conversations.house import DONE
from tests.forging import forged

# The place in the line -----------------------------------------------------------------------------------------------------------------


async def test_whoever_asks_to_be_rung_keeps_place_ticket_and_rank(house: CallHouse) -> None:
    claire = await house.contact()
    visit = await house.joins(claire)
    before = await house.place_row(visit.ticket)

    reservation = await house.books(claire, ticket=visit.ticket)

    after = await house.place_row(visit.ticket)
    assert (after.waiting_for, after.rank, after.seq, after.state) == ("call", before.rank, before.seq, "waiting")
    assert (await house.reservation(reservation)).ticket_id == visit.ticket
    assert await house.kinds_of(visit.ticket) == ["joined", "call_wanted"]
    assert await house.told(reservation) == ["booked"]


async def test_the_page_may_be_left_and_the_place_goes_on(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.books(claire, ticket=(await house.joins(claire)).ticket)

    house.clock.advance(timedelta(minutes=30))
    await house.stay(ravi)
    await house.act.sweep()

    assert (await house.offer_to(ravi)).customer == claire.name


async def test_a_call_takes_the_whole_representative(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready(capacity=3)
    await house.books(claire)
    await house.previews(ravi)

    assert (await house.desk_row(ravi)).load == 3


async def test_back_to_chat_keeps_the_place_again(house: CallHouse) -> None:
    claire = await house.contact()
    visit = await house.joins(claire)
    before = await house.place_row(visit.ticket)
    reservation = await house.books(claire, ticket=visit.ticket)

    assert await house.calls.chat_instead(claire, reservation) == visit.ticket
    assert await house.calls.chat_instead(claire, reservation) == visit.ticket

    after = await house.place_row(visit.ticket)
    assert (after.waiting_for, after.rank, after.state) == ("chat", before.rank, "waiting")
    assert (await house.conversation_row(visit.ticket)).call is None
    assert await house.state(reservation) == "merged"


async def test_an_offer_to_chat_is_taken_back_when_the_customer_would_rather_be_rung(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    visit = await house.joins(claire)
    await house.offer_to(ravi)

    await house.books(claire, ticket=visit.ticket)

    assert (await house.desk_row(ravi)).load == 0
    assert (await house.offer_rows())[0].state == "withdrawn"


async def test_outside_the_hours_nobody_is_put_in_line_for_a_call(house: CallHouse) -> None:
    house.calendars.keep_business_hours()
    house.clock.advance(timedelta(hours=10))

    with pytest.raises(NotAllowed, match="coverage"):
        await house.books(await house.contact())


async def test_a_call_that_was_not_made_before_closing_is_over_and_told(house: CallHouse) -> None:
    house.calendars.keep_business_hours()
    claire = await house.contact()
    reservation = await house.books(claire)

    house.clock.advance(timedelta(hours=10))
    await house.act.sweep()
    await house.calls.sweep()

    assert await house.state(reservation) == "expired"
    assert await house.told(reservation) == ["booked", "expired"]


# Once ----------------------------------------------------------------------------------------------------------------------------------


async def test_the_same_form_twice_is_one_call(house: CallHouse) -> None:
    claire = await house.contact()
    first = await house.books(claire, key="form-1")

    assert await house.books(claire, key="form-1") == first
    assert len(await house.rows(tickets)) == 1


async def test_one_live_call_per_contact_and_per_number(house: CallHouse) -> None:
    claire, oscar = await house.contact(), await house.contact("Oscar")
    await house.books(claire)

    with pytest.raises(Conflict, match="already_live"):
        await house.books(claire, number=a_number(2))
    with pytest.raises(Conflict, match="number_taken"):
        await house.books(oscar)


async def test_three_calls_a_day_are_enough(house: CallHouse) -> None:
    claire = await house.contact()
    for _ in range(RULES.bookings_per_contact_day):
        await house.calls.cancel(claire, await house.books(claire))

    with pytest.raises(TooMany):
        await house.books(claire)


@pytest.mark.parametrize(
    ("number", "key"),
    [("+49 900 1234567", "number.premium"), ("+33 1 42 68 53 00", "number.region"), ("112", "number")],
)
async def test_numbers_are_refused_with_their_reason(house: CallHouse, number: str, key: str) -> None:
    with pytest.raises(Invalid, match=key):
        await house.books(await house.contact(), number=number, region="DE")


async def test_a_company_can_be_rung_in_regions_that_were_added(house: CallHouse) -> None:
    claire, supervisor = await house.contact(), await builders.a_supervisor(house.database)
    assert claire.company is not None
    for _ in range(2):
        await house.calls.allow_region(supervisor, claire.company, "FR", "Works from Paris")

    booked = await house.books(claire, number="+33 1 42 68 53 00")
    await house.calls.cancel(claire, booked)
    await house.calls.forbid_region(supervisor, claire.company, "FR")
    with pytest.raises(Invalid, match=r"number\.region"):
        await house.books(claire, number="+33 1 42 68 53 00")
    with pytest.raises(NotFound):
        await house.calls.forbid_region(supervisor, claire.company, "FR")


async def test_a_number_that_asked_not_to_be_called_is_not_booked_until_it_may_ring_again(house: CallHouse) -> None:
    claire, supervisor = await house.contact(), await builders.a_supervisor(house.database)
    for _ in range(2):
        await house.calls.silence(supervisor, "030 2000000", "DE", "Wrote to us")

    with pytest.raises(Invalid, match=r"number\.silenced"):
        await house.books(claire)
    await house.calls.let_ring(supervisor, numbers.reference(a_number()))
    assert await house.books(claire)
    with pytest.raises(NotFound):
        await house.calls.let_ring(supervisor, numbers.reference(a_number()))


async def test_what_may_be_rung_is_decided_by_supervisors_alone_and_with_a_reason(house: CallHouse) -> None:
    claire, ravi, supervisor = await house.contact(), await house.ready(), await builders.a_supervisor(house.database)
    assert claire.company is not None
    for nobody in (claire, ravi):
        for wish in (
            house.calls.allow_region(nobody, claire.company, "FR", "r"),
            house.calls.forbid_region(nobody, claire.company, "FR"),
            house.calls.silence(nobody, a_number(), None, "r"),
            house.calls.let_ring(nobody, numbers.reference(a_number())),
        ):
            with pytest.raises(NotAllowed):
                await wish
    for company, region, reason in ((claire.company, "FR", " "), (claire.company, "XX", "r"), ("co_none", "FR", "r")):
        with pytest.raises(Invalid):
            await house.calls.allow_region(supervisor, CompanyId(company), region, reason)


async def test_whoever_is_no_authorised_contact_cannot_book(house: CallHouse) -> None:
    with pytest.raises(NotAllowed):
        await house.books(await house.ready())
    with pytest.raises(NotAllowed):
        await house.books(await house.contact(authorised=False))


async def test_nobody_touches_somebody_elses_call(house: CallHouse) -> None:
    reservation = await house.books(await house.contact())
    oscar = await house.contact("Oscar")

    for wish in (
        house.calls.cancel(oscar, reservation),
        house.calls.snooze(oscar, reservation),
        house.calls.chat_instead(oscar, reservation),
        house.calls.move(oscar, reservation, house.slot()),
        house.calls.other_number(oscar, reservation, number=a_number(3), region=None),
    ):
        with pytest.raises(NotFound):
            await wish
    visit = await house.joins(await house.contact("Petra"))
    with pytest.raises(NotFound):
        await house.books(oscar, ticket=visit.ticket, number=a_number(4))


# Slots ---------------------------------------------------------------------------------------------------------------------------------


async def test_a_slot_is_offered_taken_and_then_full(house: CallHouse) -> None:
    claire, oscar, ravi = await house.contact(), await house.contact("Oscar"), await house.ready()
    await house.planned(ravi)
    [today, *_] = await house.calls.days(claire, "expense")

    reservation = await house.books(claire, slot_at=today.slots[0].begins_at)

    with pytest.raises(Conflict, match=r"slot\.full"):
        await house.books(oscar, slot_at=today.slots[0].begins_at, number=a_number(2))
    assert today.slots[0].begins_at not in [
        slot.begins_at for day in await house.calls.days(oscar, "expense") for slot in day.slots
    ]
    assert await house.state(reservation) == "booked"
    assert [row.seat for row in await house.seat_rows()] == [1]


async def test_nobody_planned_means_no_slots(house: CallHouse) -> None:
    claire = await house.contact()

    assert await house.calls.days(claire, "expense") == ()
    with pytest.raises(Conflict, match=r"slot\.full"):
        await house.books(claire, slot_at=house.slot())


@pytest.mark.parametrize("hours", [0.5, 24 * 15, 2.1, 12], ids=["too soon", "too late", "between slots", "at night"])
async def test_a_slot_that_is_not_offered_cannot_be_booked(house: CallHouse, hours: float) -> None:
    await house.planned(await house.ready())
    slot_at = house.clock.now() + timedelta(hours=hours)

    with pytest.raises(Invalid, match=r"slot\.unknown"):
        await house.books(await house.contact(), slot_at=slot_at)


async def test_holidays_and_closing_time_have_no_slots(house: CallHouse) -> None:
    house.calendars.keep_business_hours()
    await house.planned(await house.ready())
    house.clock.advance(timedelta(days=25))  # Good Friday, 3 April 2026, and Easter Monday lie ahead.

    days = {day.on.isoformat(): day.slots for day in await house.calls.days(await house.contact(), "expense")}

    assert days == {}
    await house.planned(await house.ready("Mia"))
    days = {day.on.isoformat(): day.slots for day in await house.calls.days(await house.contact("Oscar"), "expense")}
    assert "2026-04-02" in days
    assert not {"2026-04-03", "2026-04-04", "2026-04-05", "2026-04-06"} & set(days)
    # 18:00 is 16:00 UTC by then; the last slot ends half an hour before.
    assert days["2026-04-02"][-1].ends_at.hour * 60 + days["2026-04-02"][-1].ends_at.minute == 15 * 60 + 30


async def test_a_move_takes_the_new_seat_and_frees_the_old_or_does_nothing(house: CallHouse) -> None:
    claire, oscar, ravi = await house.contact(), await house.contact("Oscar"), await house.ready()
    await house.planned(ravi)
    first, second = house.slot(2), house.slot(4)
    reservation = await house.books(claire, slot_at=first)
    await house.books(oscar, slot_at=second, number=a_number(2))

    with pytest.raises(Conflict, match=r"slot\.full"):
        await house.calls.move(claire, reservation, second)
    assert [row.begins_at for row in await house.seat_rows() if row.reservation_id == reservation] == [first]

    third = house.slot(5)
    await house.calls.move(claire, reservation, third)
    await house.calls.move(claire, reservation, third)

    assert [row.begins_at for row in await house.seat_rows() if row.reservation_id == reservation] == [third]
    assert await house.told(reservation) == ["booked", "moved"]


async def test_a_cancelled_seat_is_free_once_and_the_invitation_is_taken_back(house: CallHouse) -> None:
    claire, oscar = await house.contact(), await house.contact("Oscar")
    await house.planned(await house.ready())
    reservation = await house.books(claire, slot_at=house.slot())

    await house.calls.cancel(claire, reservation)
    await house.calls.cancel(claire, reservation)

    assert await house.seat_rows() == []
    assert await house.told(reservation) == ["booked", "cancelled"]
    mails = [row.payload for row in await house.rows(outbox) if row.kind == "mail.callback"]
    assert sorted(("METHOD:CANCEL" in mail["calendar"], mail["what"]) for mail in mails) == [
        (False, "booked"),
        (True, "cancelled"),
    ]
    await house.books(oscar, slot_at=house.slot())


async def test_leaving_the_line_for_a_slot_keeps_the_ticket(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    visit = await house.joins(claire)

    reservation = await house.books(claire, ticket=visit.ticket, slot_at=house.slot())
    assert (await house.place_row(visit.ticket)).state == "gone"
    await house.lives_until(house.slot(), ravi)

    assert await house.state(reservation) == "due"
    place = await house.place_row(visit.ticket)
    assert (place.state, place.waiting_for, place.admitted_at) == ("waiting", "call", house.clock.now())


async def test_reminders_come_a_day_and_a_quarter_of_an_hour_before_once_each(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    slot_at = house.slot(48)
    reservation = await house.books(claire, slot_at=slot_at)

    for before in (timedelta(hours=25), timedelta(hours=24), timedelta(hours=3), timedelta(minutes=15), timedelta()):
        house.clock.advance(slot_at - before - house.clock.now())
        await house.calls.sweep()
        await house.calls.sweep()

    assert await house.told(reservation) == ["booked", "reminder", "reminder"]


async def test_an_apology_comes_the_moment_the_promise_has_passed_once(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    slot_at = house.slot()
    reservation = await house.books(claire, slot_at=slot_at)
    await house.lives_until(slot_at)

    await house.lives_until(slot_at + RULES.slot_length - timedelta(seconds=1))
    assert "apology" not in await house.told(reservation)
    await house.lives_until(slot_at + RULES.slot_length)
    await house.calls.sweep()

    assert (await house.told(reservation)).count("apology") == 1
    assert await house.state(reservation) == "due"


@pytest.mark.parametrize("is_put_off", [False, True])
async def test_an_apology_comes_also_while_a_representative_has_the_call_and_does_not_dial(
    house: CallHouse, is_put_off: bool
) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    slot_at = house.slot()
    reservation = await house.books(claire, slot_at=slot_at)
    await house.lives_until(slot_at, ravi)
    conversation = await house.previews(ravi)
    if is_put_off:
        house.calls.rules = replace(RULES, courtesy_from=20)
        assert (await house.calls.dial(ravi, conversation)).refusal == "call.too_early"

    await house.lives_until(slot_at + RULES.slot_length, ravi)
    await house.calls.sweep()

    assert (await house.told(reservation)).count("apology") == 1


async def test_who_was_called_after_an_apology_is_not_told_again_that_nobody_called(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    slot_at = house.slot()
    reservation = await house.books(claire, slot_at=slot_at)
    await house.lives_until(slot_at + RULES.slot_length, ravi)
    view = CallQueries(house.act)
    assert (await view.view(reservation)).is_late

    conversation = await house.previews(ravi)
    await house.calls.dial(ravi, conversation)
    await house.calls.report(ravi, conversation, Outcome.BUSY)
    assert not (await view.view(reservation)).is_late
    await house.lives_until(house.clock.now() + timedelta(minutes=3))

    assert await house.state(reservation) == "due"
    assert not (await view.view(reservation)).is_late


@pytest.mark.parametrize("how", ["solved", "closed"])
async def test_a_call_about_a_request_that_is_answered_in_writing_is_not_made(house: CallHouse, how: str) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    reservation = await house.books(claire, slot_at=house.slot(48))
    ticket = (await house.reservation(reservation)).ticket_id
    life = Tickets(house.database, house.logbook, house.files, TicketRules())
    house.clock.advance(60)
    await (life.mark_solved(claire, ticket) if how == "solved" else life.close(claire, ticket))
    await house.calls.sweep()
    # What is done to many at once can be taken back for so long.
    assert await house.state(reservation) == "booked"

    house.clock.advance(11)
    for _ in range(2):
        await house.calls.sweep()

    assert await house.state(reservation) == "merged"
    assert await house.seat_rows() == []
    assert await house.told(reservation) == ["booked", "answered"]
    [mail] = [row for row in await house.rows(outbox) if row.payload.get("what") == "answered"]
    assert "METHOD:CANCEL" in mail.payload["calendar"]


async def test_a_call_that_somebody_looks_at_is_taken_back_when_the_request_is_answered(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    reservation = await house.books(claire)
    conversation = await house.previews(ravi)
    house.clock.advance(5)
    await Tickets(house.database, house.logbook, house.files, TicketRules()).mark_solved(
        ravi, (await house.reservation(reservation)).ticket_id, solution="The report was moved."
    )
    house.clock.advance(10)
    await house.stay(ravi)
    await house.calls.sweep()

    assert await house.state(reservation) == "merged"
    assert (await house.desk_row(ravi)).load == 0
    with pytest.raises((Conflict, NotFound)):
        await house.calls.dial(ravi, conversation)


async def test_a_call_that_is_booked_about_an_answered_request_is_made(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    visit, conversation = await house.talking(claire, ravi)
    await house.act.end(ravi, conversation)
    await house.planned(ravi)
    house.clock.advance(11)
    await house.stay(ravi)
    await house.act.sweep()
    # Booked while the talk is written up, which then solves the request.
    reservation = await house.books(claire, ticket=visit.ticket, slot_at=house.slot(48))
    house.clock.advance(5)
    await house.act.wrap_up(ravi, conversation, DONE)
    house.clock.advance(60)
    await house.calls.sweep()
    assert await house.state(reservation) == "booked"

    await house.calls.cancel(claire, reservation)
    again = await house.books(claire, ticket=visit.ticket, slot_at=house.slot(48))
    house.clock.advance(60)
    await house.calls.sweep()

    assert await house.state(again) == "booked"


async def test_the_slot_of_somebody_who_is_in_the_line_already_is_merged(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    await house.planned(ravi)
    reservation = await house.books(claire, slot_at=house.slot())
    house.clock.advance(house.slot() - house.clock.now() - timedelta(minutes=1))
    await house.joins(claire)
    house.clock.advance(timedelta(minutes=2))
    await house.calls.sweep()

    assert await house.state(reservation) == "merged"
    assert await house.seat_rows() == []


async def test_downtime_over_a_whole_slot_is_made_up_or_told(house: CallHouse) -> None:
    claire, oscar, ravi = await house.contact(), await house.contact("Oscar"), await house.ready()
    await house.planned(ravi)
    late, lost = house.slot(24), house.slot(2)
    first = await house.books(claire, slot_at=lost)
    second = await house.books(oscar, slot_at=late, number=a_number(2))

    await house.lives_until(late + timedelta(hours=6))

    assert (await house.state(first), await house.state(second)) == ("expired", "due")


async def test_lowered_staffing_cancels_nobody_and_is_seen(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    supervisor = await builders.a_supervisor(house.database)
    begins = house.clock.now()
    shift = await house.calls.plan(supervisor, ravi.person, ["expense"], begins, begins + timedelta(hours=8))
    reservation = await house.books(claire, slot_at=house.slot())

    [over] = await house.calls.unplan(supervisor, shift)

    assert (over.begins_at, over.taken, over.capacity) == (house.slot(), 1, 0)
    assert await house.state(reservation) == "booked"


# Later, elsewhere ----------------------------------------------------------------------------------------------------------------------


async def test_a_snooze_keeps_the_rank_and_lasts_a_quarter_of_an_hour(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    reservation = await house.books(claire)
    rank = (await house.place_row((await house.reservation(reservation)).ticket_id)).rank

    until = await house.calls.snooze(claire, reservation)

    assert until == house.clock.now() + timedelta(minutes=15)
    assert await house.act.match() == 0
    await house.lives_until(until, ravi)
    assert await house.state(reservation) == "due"
    assert (await house.offer_to(ravi)).customer == claire.name
    assert (await house.place_row((await house.reservation(reservation)).ticket_id)).rank == rank


async def _told_a_wait(house: CallHouse) -> None:
    """Let everybody who stands in line have been told: about a minute, and two at most."""
    async with house.database.begin() as uow:
        await uow.execute(update(places).values(quoted_low_s=60, quoted_high_s=120, quoted_median_s=60))


async def test_who_put_the_call_off_counts_in_no_figure_of_waits_also_when_it_is_made(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    reservation = await house.books(claire)
    await _told_a_wait(house)
    await house.calls.snooze(claire, reservation)
    await house.lives_until(house.clock.now() + RULES.snooze_for, ravi)

    conversation = await house.previews(ravi)
    await house.calls.release(ravi, conversation)

    counts = (await house.see.accuracy(7, ZoneInfo("UTC"))).together.counts
    assert (counts.put_off, counts.served) == (1, 0)
    assert await house.rows(line_corrections) == []


async def test_who_was_rung_in_time_and_not_reached_has_not_asked_for_later(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready()
    reservation = await house.books(claire)
    await _told_a_wait(house)
    conversation = await house.previews(ravi)
    await house.calls.dial(ravi, conversation)
    await house.calls.report(ravi, conversation, Outcome.BUSY)

    counts = (await house.see.accuracy(7, ZoneInfo("UTC"))).together.counts
    assert await house.state(reservation) == "retry_wait"
    assert (counts.put_off, counts.served, counts.held) == (0, 1, 1)


async def test_three_snoozes_are_enough(house: CallHouse) -> None:
    claire = await house.contact()
    reservation = await house.books(claire)
    for _ in range(RULES.snoozes_at_most):
        await house.lives_until(await house.calls.snooze(claire, reservation))

    with pytest.raises(Conflict, match="snoozed_enough"):
        await house.calls.snooze(claire, reservation)


async def test_whoever_is_called_is_told_each_time_when_the_number_changes(house: CallHouse) -> None:
    """The link of a mail is enough to change it, and mails are passed on."""
    claire = await house.contact()
    reservation = await house.books(claire)

    for n in (1, 1, 2):
        await house.calls.other_number(None, reservation, number=a_number(n), region=None)

    assert await house.told(reservation) == ["booked", "renumbered", "renumbered"]


async def test_the_signed_link_leads_to_its_own_call_only(house: CallHouse) -> None:
    reservation = await house.books(await house.contact())
    token = house.calls.links.make(reservation)

    assert house.calls.links.read(token) == reservation
    assert house.calls.links.read(forged(token)) is None
    assert house.calls.links.read("") is None
    await house.calls.cancel(None, ReservationId(str(house.calls.links.read(token))))
    assert await house.state(reservation) == "cancelled"
