"""Calls as representatives make them: the representative first, the row before the call, retries by cause, never twice by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from callback.dialling import SAYABLE
from callback.model import ReservationId, State
from callback.queries import CallQueries
from callback.tables import reservations
from callback.telephony.port import AttemptId, Facts, Outcome, Stage
from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import companies
from chatsvc.kernel.errors import Conflict, NotFound
from chatsvc.kernel.ids import ConversationId
from chatsvc.routing.store import deciding
from chatsvc.tickets.tables import tickets
from tests.callback.house import RULES, CallHouse, a_number
from tests.chatsvc.conversations.house import DONE


class Scene:
    """Claire waits for a call, Ravi has accepted it."""

    claire: Identity
    ravi: Identity
    reservation: ReservationId
    conversation: ConversationId


async def a_preview(house: CallHouse) -> Scene:
    scene = Scene()
    scene.claire, scene.ravi = await house.contact(), await house.ready()
    scene.reservation = await house.books(scene.claire)
    scene.conversation = await house.previews(scene.ravi)
    return scene


async def fails(house: CallHouse, scene: Scene, outcome: Outcome) -> None:
    """Let the next attempt end like that."""
    await house.calls.dial(scene.ravi, scene.conversation)
    await house.calls.report(scene.ravi, scene.conversation, outcome)


async def again(house: CallHouse, scene: Scene) -> None:
    """Wait until the next attempt is due, and let Ravi accept it."""
    reservation = await house.reservation(scene.reservation)
    await house.lives_until(reservation.not_before_at, scene.ravi)
    scene.conversation = await house.previews(scene.ravi)


# The way it goes -----------------------------------------------------------------------------------------------------------------------


async def test_a_call_that_is_answered_completes_the_same_ticket(house: CallHouse) -> None:
    scene = await a_preview(house)
    assert await house.state(scene.reservation) == "preview"

    begun = await house.calls.dial(scene.ravi, scene.conversation)
    [attempt] = await house.attempt_rows()
    assert (attempt.id, attempt.n, attempt.adapter, attempt.outcome) == (begun.attempt, 1, "manual", None)
    await house.calls.connected(scene.ravi, scene.conversation)
    house.clock.advance(60)
    await house.stay(scene.ravi)
    await house.calls.report(scene.ravi, scene.conversation, Outcome.ANSWERED)
    assert await house.state(scene.reservation) == "wrap_up"
    await house.act.wrap_up(scene.ravi, scene.conversation, DONE)
    await house.calls.sweep()

    [attempt] = await house.attempt_rows()
    ticket = (await house.reservation(scene.reservation)).ticket_id
    assert (attempt.outcome, attempt.talk_s, attempt.counted) == ("answered", 60.0, False)
    assert await house.state(scene.reservation) == "completed"
    assert (await house.ticket_row(ticket)).state == "solved"
    assert (await house.desk_row(scene.ravi)).load == 0
    assert [kind for kind in await house.kinds_of(ticket) if kind.startswith("call")] == ["call_wanted", "called"]
    assert len(await house.rows(tickets)) == 1


async def test_pressing_call_twice_is_one_attempt(house: CallHouse) -> None:
    scene = await a_preview(house)

    first = await house.calls.dial(scene.ravi, scene.conversation)

    assert await house.calls.dial(scene.ravi, scene.conversation) == first
    assert len(await house.attempt_rows()) == 1


async def test_only_the_representative_who_accepted_dials(house: CallHouse) -> None:
    scene = await a_preview(house)

    for stranger in (scene.claire, await house.ready("Mia")):
        with pytest.raises(NotFound):
            await house.calls.dial(stranger, scene.conversation)
    assert await house.attempt_rows() == []


async def test_releasing_a_preview_counts_against_nobody_and_keeps_the_place(house: CallHouse) -> None:
    scene = await a_preview(house)
    ticket = (await house.reservation(scene.reservation)).ticket_id
    rank = (await house.place_row(ticket)).rank

    await house.calls.release(scene.ravi, scene.conversation)

    assert await house.state(scene.reservation) == "due"
    assert (await house.place_row(ticket)).rank == rank
    assert (await house.desk_row(scene.ravi)).load == 0


async def test_whoever_leaves_a_call_to_others_is_not_asked_again_before_them(house: CallHouse) -> None:
    """As after declining an offer: it counts in the round, and is no rest (callback.md, sections 2, 3 and 5)."""
    mia = await house.ready("Mia")
    await house.joins(await house.contact("Zoe"))
    chat = await house.offer_to(mia)
    talk = await house.act.accept(mia, chat.id, chat.epoch)
    scene = await a_preview(house)
    before = await house.desk_row(scene.ravi)

    await house.calls.release(scene.ravi, scene.conversation)

    assert await house.act.match() == 0
    after = await house.desk_row(scene.ravi)
    assert (after.missed, after.idle_since_at, after.state) == (0, before.idle_since_at, "ready")
    await house.act.end(mia, talk)
    house.clock.advance(11)
    await house.stay(mia, scene.ravi)
    await house.act.sweep()
    await house.act.wrap_up(mia, talk, DONE)
    assert (await house.offer_to(mia)).customer == scene.claire.name


async def test_a_call_that_is_left_to_others_comes_back_where_nobody_else_is_there(house: CallHouse) -> None:
    scene = await a_preview(house)

    await house.calls.release(scene.ravi, scene.conversation)

    assert await house.previews(scene.ravi) == scene.conversation


async def test_a_preview_that_nobody_dials_goes_back_into_the_line(house: CallHouse) -> None:
    scene = await a_preview(house)
    mia = await house.ready("Mia")
    house.clock.advance(RULES.preview_at_most - timedelta(seconds=1))
    await house.stay(scene.ravi, mia)
    await house.calls.sweep()
    card = await CallQueries(house.act).card(scene.ravi, scene.conversation)
    assert await house.state(scene.reservation) == "preview"
    assert card.given_back_at == house.clock.now() + timedelta(seconds=1)

    house.clock.advance(1)
    for _ in range(2):
        await house.calls.sweep()

    assert await house.state(scene.reservation) == "due"
    desk = await house.desk_row(scene.ravi)
    assert (desk.load, desk.missed, desk.state) == (0, 0, "ready")
    assert await house.previews(mia) == scene.conversation


async def test_a_call_that_is_taken_again_has_its_whole_time_again(house: CallHouse) -> None:
    scene = await a_preview(house)
    house.clock.advance(timedelta(minutes=4))
    await house.stay(scene.ravi)
    await fails(house, scene, Outcome.BUSY)
    await again(house, scene)

    house.clock.advance(timedelta(minutes=4))
    await house.stay(scene.ravi)
    await house.calls.sweep()

    assert await house.state(scene.reservation) == "preview"


async def test_a_representative_who_vanishes_before_dialling_loses_the_call(house: CallHouse) -> None:
    scene = await a_preview(house)
    mia = await house.ready("Mia")

    house.clock.advance(31)
    await house.stay(mia)
    await house.act.sweep()
    await house.calls.sweep()

    assert await house.state(scene.reservation) == "due"
    assert await house.previews(mia)


async def test_a_representative_whose_page_vanishes_in_a_call_keeps_it(house: CallHouse) -> None:
    scene = await a_preview(house)
    await house.calls.dial(scene.ravi, scene.conversation)
    await house.calls.connected(scene.ravi, scene.conversation)

    house.clock.advance(timedelta(minutes=30))
    await house.act.sweep()
    await house.calls.sweep()

    assert await house.state(scene.reservation) == "talking"
    with pytest.raises(Conflict, match="by_telephone"):
        await house.act.end(scene.ravi, scene.conversation)
    with pytest.raises(Conflict, match="by_telephone"):
        await house.act.hand_over(scene.ravi, scene.conversation, to_line="travel")


# Retries -------------------------------------------------------------------------------------------------------------------------------


async def test_three_counted_failures_and_then_the_ticket_remains(house: CallHouse) -> None:
    scene = await a_preview(house)
    ticket = (await house.reservation(scene.reservation)).ticket_id
    rank = (await house.place_row(ticket)).rank

    await fails(house, scene, Outcome.BUSY)
    kept = await house.reservation(scene.reservation)
    assert (kept.state, kept.not_before_at) == ("retry_wait", house.clock.now() + timedelta(minutes=3))
    assert (await house.place_row(ticket)).rank == rank
    assert await house.act.match() == 0

    await again(house, scene)
    await fails(house, scene, Outcome.NO_ANSWER)
    assert (await house.place_row(ticket)).rank > rank
    await again(house, scene)
    await fails(house, scene, Outcome.BUSY)

    assert await house.state(scene.reservation) == "unreachable"
    assert await house.told(scene.reservation) == ["booked", "unreachable"]
    assert (await house.place_row(ticket)).state == "gone"
    assert (await house.ticket_row(ticket)).state == "open"
    assert (await house.desk_row(scene.ravi)).load == 0
    assert [row.counted for row in await house.attempt_rows()] == [True, True, True]


async def test_an_invalid_number_asks_for_another_and_keeps_the_place(house: CallHouse) -> None:
    scene = await a_preview(house)
    rank = (await house.place_row((await house.reservation(scene.reservation)).ticket_id)).rank

    await fails(house, scene, Outcome.INVALID_NUMBER)
    assert await house.state(scene.reservation) == "needs_number"
    assert await house.act.match() == 0
    await house.calls.other_number(scene.claire, scene.reservation, number=a_number(7), region=None)

    found = await house.reservation(scene.reservation)
    assert (found.state, found.number) == ("due", a_number(7))
    assert (await house.place_row(found.ticket_id)).rank == rank
    assert await house.previews(scene.ravi)


async def test_nobody_who_declined_is_rung_again_by_itself(house: CallHouse) -> None:
    scene = await a_preview(house)
    await fails(house, scene, Outcome.DECLINED)

    house.clock.advance(timedelta(hours=23))
    await house.stay(scene.ravi)
    await house.calls.sweep()
    assert (await house.state(scene.reservation), await house.act.match()) == ("asked", 0)
    house.clock.advance(timedelta(hours=2))
    await house.calls.sweep()

    assert await house.state(scene.reservation) == "expired"
    assert await house.told(scene.reservation) == ["booked", "declined", "expired"]


# At the moment of dialling ---------------------------------------------------------------------------------------------------------------


async def test_hours_are_asked_again_when_it_is_dialled(house: CallHouse) -> None:
    scene = await a_preview(house)
    house.calendars.keep_business_hours()
    house.clock.advance(timedelta(hours=9))  # 19:00 in Berlin: within courtesy, outside of coverage.

    begun = await house.calls.dial(scene.ravi, scene.conversation)

    assert (begun.attempt, begun.refusal) == (None, "call.closed")
    assert await house.attempt_rows() == []
    found = await house.reservation(scene.reservation)
    assert (found.state, found.not_before_at) == ("retry_wait", begun.until)
    assert (await house.desk_row(scene.ravi)).load == 0


async def test_courtesy_hours_are_asked_again_when_it_is_dialled(house: CallHouse) -> None:
    scene = await a_preview(house)
    house.clock.advance(timedelta(hours=12))

    begun = await house.calls.dial(scene.ravi, scene.conversation)

    assert (begun.refusal, begun.until and begun.until.hour) == ("call.too_early", 7)
    assert await house.attempt_rows() == []


async def test_whoever_is_called_is_told_each_time_when_the_hours_put_it_off(house: CallHouse) -> None:
    scene = await a_preview(house)
    for _ in range(2):
        house.clock.advance(timedelta(hours=14))
        await house.stay(scene.ravi)
        begun = await house.calls.dial(scene.ravi, scene.conversation)
        found = await house.reservation(scene.reservation)
        assert (begun.refusal, found.not_before_at) == ("call.too_early", begun.until)
        await house.lives_until(found.not_before_at, scene.ravi)
        scene.conversation = await house.previews(scene.ravi)

    assert await house.told(scene.reservation) == ["booked", "put_off", "put_off"]


async def test_a_call_that_is_put_off_within_what_was_promised_is_no_news(house: CallHouse) -> None:
    scene = await a_preview(house)
    async with house.database.begin() as uow:
        await uow.execute(update(reservations).values(promised_until=uow.now + timedelta(hours=24)))
    house.clock.advance(timedelta(hours=12))

    assert (await house.calls.dial(scene.ravi, scene.conversation)).refusal == "call.too_early"

    assert await house.told(scene.reservation) == ["booked"]


async def test_what_a_cap_of_the_day_puts_off_waits_for_the_morning(house: CallHouse) -> None:
    """Midnight is over the cap, and in the middle of the night."""
    house.calls.rules = replace(RULES, minutes_per_day=0)
    scene = await a_preview(house)

    begun = await house.calls.dial(scene.ravi, scene.conversation)

    assert begun.refusal == "call.cap_all"
    found = await house.reservation(scene.reservation)
    assert found.not_before_at == begun.until == datetime(2026, 3, 3, 7, tzinfo=UTC)


async def test_a_number_has_its_attempts_of_the_day(house: CallHouse) -> None:
    scene = await a_preview(house)
    await fails(house, scene, Outcome.BUSY)
    await again(house, scene)
    await fails(house, scene, Outcome.BUSY)
    await house.calls.cancel(scene.claire, scene.reservation)
    scene.reservation = await house.books(scene.claire)
    scene.conversation = await house.previews(scene.ravi)
    await fails(house, scene, Outcome.BUSY)
    await again(house, scene)

    begun = await house.calls.dial(scene.ravi, scene.conversation)

    assert begun.refusal == "call.cap_number"
    assert len(await house.attempt_rows()) == 3


async def test_a_number_whose_region_is_no_longer_allowed_is_not_dialled(house: CallHouse) -> None:
    scene = await a_preview(house)
    async with house.database.begin() as uow:
        await uow.execute(update(companies).values(country="FR"))

    begun = await house.calls.dial(scene.ravi, scene.conversation)

    assert begun.refusal == "call.number_blocked"
    assert await house.state(scene.reservation) == "blocked"
    assert await house.attempt_rows() == []


async def test_a_customer_who_cancels_first_is_not_dialled_and_who_is_dialled_cannot_cancel(house: CallHouse) -> None:
    scene = await a_preview(house)
    await house.calls.cancel(scene.claire, scene.reservation)
    with pytest.raises((Conflict, NotFound)):
        await house.calls.dial(scene.ravi, scene.conversation)
    assert await house.attempt_rows() == []

    scene.reservation = await house.books(scene.claire)
    scene.conversation = await house.previews(scene.ravi)
    await house.calls.dial(scene.ravi, scene.conversation)
    with pytest.raises(Conflict, match="being_called"):
        await house.calls.cancel(scene.claire, scene.reservation)


# Nobody knows --------------------------------------------------------------------------------------------------------------------------


async def lost_sight(house: CallHouse) -> Scene:
    scene = await a_preview(house)
    begun = await house.calls.dial(scene.ravi, scene.conversation)
    assert begun.attempt is not None
    await house.calls.lose_sight(begun.attempt)
    return scene


@pytest.mark.parametrize("says_so", [True, False], ids=["asked", "left to others"])
async def test_nobody_is_rung_more_often_than_may_be_whatever_happened(house: CallHouse, says_so: bool) -> None:
    """Ends that nobody saw count for the last limit too (invariant 25)."""
    house.calls.rules = replace(RULES, attempts_at_most=2)
    scene = await lost_sight(house)
    house.clock.advance(RULES.unclear_rest)
    await house.stay(scene.ravi)
    begun = await house.calls.dial(scene.ravi, scene.conversation)
    assert begun.attempt is not None
    await house.calls.lose_sight(begun.attempt)
    if not says_so:
        await house.calls.release(scene.ravi, scene.conversation)
    house.clock.advance(RULES.unclear_rest)
    await house.stay(scene.ravi)
    await house.calls.sweep()
    if not says_so:
        scene.conversation = await house.previews(scene.ravi)

    refused = await house.calls.dial(scene.ravi, scene.conversation)

    assert (refused.attempt, refused.refusal) == (None, "call.used_up")
    assert await house.state(scene.reservation) == "unreachable"
    assert (await house.told(scene.reservation))[-1] == "unreachable"
    assert (await house.desk_row(scene.ravi)).load == 0
    assert len(await house.attempt_rows()) == 2


async def test_a_number_that_is_corrected_again_and_again_is_given_up(house: CallHouse) -> None:
    house.calls.rules = replace(RULES, attempts_at_most=2)
    scene = await a_preview(house)
    await fails(house, scene, Outcome.INVALID_NUMBER)
    await house.calls.other_number(scene.claire, scene.reservation, number=a_number(1), region=None)
    scene.conversation = await house.previews(scene.ravi)

    await fails(house, scene, Outcome.INVALID_NUMBER)

    assert await house.state(scene.reservation) == "unreachable"


async def test_an_unknown_end_is_never_dialled_again_by_itself(house: CallHouse) -> None:
    scene = await lost_sight(house)

    assert await house.state(scene.reservation) == "unclear"
    with pytest.raises(Conflict, match="not_now"):
        await house.calls.dial(scene.ravi, scene.conversation)
    house.clock.advance(RULES.unclear_rest)
    await house.stay(scene.ravi)
    await house.calls.sweep()
    assert len(await house.attempt_rows()) == 1

    await house.calls.dial(scene.ravi, scene.conversation)
    assert [row.outcome for row in await house.attempt_rows()] == ["unknown", None]


@pytest.mark.parametrize("outcome", SAYABLE)
async def test_a_representative_says_how_an_unknown_call_went(house: CallHouse, outcome: Outcome) -> None:
    scene = await lost_sight(house)

    await house.calls.report(scene.ravi, scene.conversation, outcome)

    expected = {
        Outcome.ANSWERED: State.WRAP_UP,
        Outcome.DECLINED: State.ASKED,
        Outcome.INVALID_NUMBER: State.NEEDS_NUMBER,
        Outcome.REP_HUNG_UP: State.DUE,
    }
    assert await house.state(scene.reservation) == expected.get(outcome, State.RETRY_WAIT)
    assert [row.outcome for row in await house.attempt_rows()] == [outcome]


async def test_what_the_port_tells_twice_or_late_changes_nothing(house: CallHouse) -> None:
    scene = await a_preview(house)
    await house.calls.dial(scene.ravi, scene.conversation)
    [attempt] = await house.attempt_rows()

    async def tells(outcome: Outcome) -> None:
        async with deciding(house.database) as uow:
            await house.calls.ended(uow, attempt, outcome, Facts(talk_s=2.0 if outcome is Outcome.ANSWERED else None))

    async with deciding(house.database) as uow:
        await house.calls.progressed(uow, attempt, Stage.TALKING)
    await tells(Outcome.ANSWERED)
    await tells(Outcome.ANSWERED)
    await tells(Outcome.BUSY)
    async with deciding(house.database) as uow:
        await house.calls.progressed(uow, attempt, Stage.CUSTOMER_RINGING)

    assert await house.state(scene.reservation) == "wrap_up"
    assert [(row.outcome, row.talk_s) for row in await house.attempt_rows()] == [("answered", 2.0)]


async def test_a_call_by_hand_of_which_nothing_is_heard_is_asked_about(house: CallHouse) -> None:
    scene = await a_preview(house)
    await house.calls.dial(scene.ravi, scene.conversation)

    house.clock.advance(timedelta(minutes=6))
    await house.calls.sweep()
    assert await house.state(scene.reservation) == "unclear"
    await house.act.sweep()
    await house.calls.sweep()

    assert await house.state(scene.reservation) == "due"
    assert AttemptId((await house.attempt_rows())[0].id)


# Mixed capacity ------------------------------------------------------------------------------------------------------------------------


async def test_steady_chats_do_not_starve_a_call(house: CallHouse) -> None:
    claire, ravi = await house.contact(), await house.ready(capacity=3)
    chats = [await house.talking(await house.contact(f"Chat {n}"), ravi) for n in range(2)]
    reservation = await house.books(claire)
    other = await house.contact("Late")
    await house.joins(other)
    assert (await house.offer_to(ravi)).customer == "Late"
    card = (await house.see.desk(ravi)).offers[0]
    chats.append((await house.see.visit(other, card.ticket), await house.act.accept(ravi, card.id, card.epoch)))

    house.clock.advance(61)
    visits = tuple([await house.joins(await house.contact(f"Steady {n}")) for n in range(3)])
    for _, conversation in chats:
        await house.stay(ravi, visits=visits)
        await house.act.end(ravi, conversation)
        house.clock.advance(10)
        await house.stay(ravi, visits=visits)
        await house.act.sweep()
        await house.act.wrap_up(ravi, conversation, DONE)
        await house.act.match()

    [card] = (await house.see.desk(ravi)).offers
    assert card.ticket == (await house.reservation(reservation)).ticket_id
