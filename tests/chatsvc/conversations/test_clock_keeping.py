"""Clocks that follow tickets by their logs: whatever was said by whichever door, late, twice, after a downtime (V1, R15)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.accounts.tables import people
from chatsvc.catalog.model import Plan, Response
from chatsvc.conversations.urgency import Urgencies
from chatsvc.conversations.views import Visit
from chatsvc.coverage.model import OwnDay, Period
from chatsvc.kernel import ids
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import PersonId
from chatsvc.routing.tables import desks
from chatsvc.tickets import clock_plans, store
from chatsvc.tickets.clock_plans import Plans
from chatsvc.tickets.model import Append, Audience, Kind, Role, State, facts
from chatsvc.tickets.severity_tables import tracks
from tests import builders
from tests.chatsvc.conversations.house import CATALOG, House
from tests.chatsvc.conversations.test_hours import DOWN, REACHABLE

HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


# A plan that answers a P3 within two hours; the rest is as everybody has it.
_STANDARD = CATALOG.plans[0]
_QUICK = msgspec.structs.replace(_STANDARD.responses["P3"], initial=Response(hours=2, always=True))
WITH_SWIFT = msgspec.structs.replace(
    CATALOG, plans=(_STANDARD, Plan("swift", "Swift", {**_STANDARD.responses, "P3": _QUICK}))
)


async def track_of(house: House, visit: Visit) -> Any:
    [row] = [row for row in await house.rows(tracks) if row.ticket_id == visit.ticket]
    return row


async def said_to_staff(house: House, visit: Visit) -> list[tuple[str, str]]:
    """What the staff's log says about promises."""
    async with house.database.read() as connection:
        log = await store.log_of(connection, visit.ticket, Audience.STAFF)
    bodies = [msgspec.json.decode(entry.body) for entry in await house.logbook.since(log, 0) if entry.kind == "due"]
    return [(body["promise"], body["what"]) for body in bodies]


async def critical(house: House) -> Visit:
    """A ticket judged P1 at once, that nobody has answered yet."""
    visit = await house.joins(await house.contact())
    await house.act.judge(await house.ready(), visit.ticket, to="P1")
    return visit


async def test_new_ticket_is_tracked_by_the_next_sweep(house: House) -> None:
    house.calendars.keep_business_hours()
    visit = await house.joins(await house.contact())

    assert await house.clocks.sweep() == 1

    row = await track_of(house, visit)
    assert row.word_due_at == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    assert row.due_at == row.word_due_at
    assert await house.clocks.sweep() == 0


async def test_representatives_word_is_found_in_the_log(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)
    await house.act.judge(ravi, visit.ticket, to="P1")
    house.clock.advance(HOUR / 2)
    await house.says(ravi, visit, "I am looking into it", (await house.conversation_row(visit.ticket)).epoch)

    await house.clocks.sweep()

    assert (await track_of(house, visit)).word_due_at == MONDAY + HOUR / 2 + HOUR


async def test_of_many_words_in_a_row_the_last_begins_the_wait_for_the_next(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)
    await house.act.judge(ravi, visit.ticket, to="P1")
    epoch = (await house.conversation_row(visit.ticket)).epoch
    for word in ("Hello", "I am looking", "One moment", "Still looking"):
        house.clock.advance(HOUR / 4)
        await house.says(ravi, visit, word, epoch)
        await house.says(contact, visit, f"{word}?")
    await house.says(contact, visit, "Well?")
    await house.says(contact, visit, "Hello?")

    await house.clocks.sweep()

    row = await track_of(house, visit)
    assert row.word_due_at == MONDAY + HOUR + HOUR
    assert await said_to_staff(house, visit) == []
    assert await house.clocks.sweep() == 0


async def test_customers_word_keeps_no_promise(house: House) -> None:
    visit = await critical(house)
    contact = await _requester(house, visit)
    house.clock.advance(HOUR / 2)
    await house.says(contact, visit, "Hello?")

    await house.clocks.sweep()

    assert (await track_of(house, visit)).word_due_at == MONDAY + HOUR


async def _requester(house: House, visit: Visit) -> Any:
    row = await house.ticket_row(visit.ticket)
    return Identity(row.requester_id, ids.session_id(), PersonRole.CONTACT, "C", row.company_id, "en", "UTC")


async def test_warned_and_broken_are_entries_of_the_staffs_log_and_of_no_other(house: House) -> None:
    visit = await critical(house)
    for minutes in range(0, 75, 5):
        house.clock.advance(MONDAY + timedelta(minutes=minutes) - house.clock.now())
        await house.clocks.sweep()

    assert await said_to_staff(house, visit) == [("initial", "warned"), ("initial", "breached")]
    assert "due" not in await house.kinds(visit)
    assert (await track_of(house, visit)).breached is True


async def test_after_a_downtime_over_the_deadline_it_is_said_once(house: House) -> None:
    visit = await critical(house)
    house.clock.advance(timedelta(days=2))

    await house.clocks.sweep()
    await house.clocks.sweep()

    assert await said_to_staff(house, visit) == [("initial", "breached"), ("target", "breached")]


async def test_word_spoken_in_time_is_no_breach_however_late_somebody_looks(house: House) -> None:
    contact, ravi = await house.contact(), await house.ready()
    visit, _ = await house.talking(contact, ravi)
    await house.act.judge(ravi, visit.ticket, to="P1")
    for _ in range(3):
        house.clock.advance(HOUR / 2)
        await house.says(ravi, visit, "Still on it", (await house.conversation_row(visit.ticket)).epoch)
    house.clock.advance(HOUR / 4)

    await house.clocks.sweep()

    assert await said_to_staff(house, visit) == []


async def test_waiting_for_the_customer_stops_the_clocks_and_their_word_starts_them(house: House) -> None:
    visit = await critical(house)
    contact = await _requester(house, visit)
    house.clock.advance(HOUR / 2)
    async with house.database.begin() as uow:
        await store.move(uow, await store.load(uow.connection, visit.ticket), State.AWAITING, ended_at=None)
    await house.clocks.sweep()
    assert (await track_of(house, visit)).due_at is None
    house.clock.advance(timedelta(days=3))
    await house.says(contact, visit, "Here is the file")

    await house.clocks.sweep()

    assert (await track_of(house, visit)).word_due_at == MONDAY + timedelta(days=3) + HOUR
    assert await said_to_staff(house, visit) == []


async def test_question_to_the_customer_is_a_word_and_a_pause(house: House) -> None:
    visit = await critical(house)
    house.clock.advance(HOUR / 2)
    async with house.database.begin() as uow:
        log = await store.log_of(uow.connection, visit.ticket)
        body = facts(needed="The file", closes_at=None)
        await house.logbook.append_in(
            uow, Append(log, await _ravi(house), "Ravi", Role.STAFF, "asked-1_", Kind.ASKED, body)
        )
        await store.move(uow, await store.load(uow.connection, visit.ticket), State.AWAITING, ended_at=None)
    house.clock.advance(timedelta(days=1))

    await house.clocks.sweep()

    assert (await track_of(house, visit)).due_at is None
    assert await said_to_staff(house, visit) == []


async def _ravi(house: House) -> PersonId:
    [row] = await house.rows(desks)
    return PersonId(row.person_id)


async def test_change_of_priority_measures_anew_at_once(house: House) -> None:
    house.calendars.keep_business_hours()
    visit = await house.joins(await house.contact())
    await house.clocks.sweep()
    house.clock.advance(HOUR / 12)

    await house.act.judge(await house.ready(), visit.ticket, to="P1")

    assert (await track_of(house, visit)).word_due_at == MONDAY + HOUR


async def test_another_plan_measures_the_companys_tickets_anew(house: House) -> None:
    house.clocks.catalog = WITH_SWIFT
    visit = await house.joins(await house.contact())
    await house.clocks.sweep()
    company = (await house.ticket_row(visit.ticket)).company_id
    ada, plans = await builders.an_administrator(house.database), Plans(house.clocks)
    with pytest.raises(Invalid):
        await plans.set_plan(ada, company, "golden")
    house.clock.advance(1)

    await plans.set_plan(ada, company, "swift")

    assert await house.clocks.sweep() == 1
    assert (await track_of(house, visit)).word_due_at == MONDAY + 2 * HOUR
    assert await house.clocks.sweep() == 0
    await plans.set_plan(ada, company, "swift")
    assert await house.clocks.sweep() == 0
    given = next(each for each in await plans.of_companies(ada) if each.company == company)
    assert (given.plan, given.changed_by) == ("swift", ada.name)


async def test_nobody_but_an_administrator_gives_plans(house: House) -> None:
    visit = await house.joins(await house.contact())
    company, plans = (await house.ticket_row(visit.ticket)).company_id, Plans(house.clocks)

    with pytest.raises(NotAllowed):
        await plans.set_plan(await house.ready(), company, "standard")
    with pytest.raises(NotAllowed):
        await plans.preview_plan(await house.contact(), company, "standard")
    with pytest.raises(NotFound):
        await plans.set_plan(await builders.an_administrator(house.database), ids.company_id(), "standard")


# What a change would do -----------------------------------------------------------------------------------------------------


async def test_preview_of_a_calendar_says_what_is_due_then_and_stores_nothing(house: House) -> None:
    house.calendars.keep_business_hours()
    visit = await house.joins(await house.contact())
    elsewhere = await house.joins(await house.contact("Another company"))
    other = await house.joins(await _requester(house, visit), line="travel")
    await house.clocks.sweep()
    async with house.database.begin() as uow:
        await store.move(uow, await store.load(uow.connection, other.ticket), State.AWAITING, ended_at=None)
    before, company = await track_of(house, visit), (await house.ticket_row(visit.ticket)).company_id
    # Tuesday morning becomes free.
    free = OwnDay(date(2026, 3, 3), (Period(12 * 60, 18 * 60),))
    calendar = msgspec.structs.replace(house.calendars.calendar, own_days=(free,))

    found = await Plans(house.clocks).preview_calendar(await _ada(house), company, calendar)

    assert await track_of(house, visit) == before
    house.calendars.calendar = calendar
    async with house.database.read() as connection:
        looked = await house.clocks.look(connection, (visit.ticket,), house.clock.now())
    [first, target] = found.named
    assert (first.number, first.promise, first.before) == (visit.number, "initial", before.word_due_at)
    assert first.after == looked[0].kept.word_due_at == datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
    assert (target.promise, found.more) == ("target", 0)
    assert elsewhere.number not in {change.number for change in found.named}


async def _ada(house: House) -> Identity:
    return await builders.an_administrator(house.database)


async def test_contact_with_a_zone_of_their_own_keeps_it_when_the_company_moves(house: House) -> None:
    house.calendars.keep_business_hours()
    contact = await house.contact()
    await house.joins(contact)
    assert contact.company is not None
    async with house.database.begin() as uow:
        await uow.execute(update(people).where(people.c.id == contact.person).values(zone="Europe/Berlin"))
    moved, plans = msgspec.structs.replace(house.calendars.calendar, zone="America/New_York"), Plans(house.clocks)

    stays = await plans.preview_calendar(await _ada(house), contact.company, moved)
    async with house.database.begin() as uow:
        await uow.execute(update(people).where(people.c.id == contact.person).values(zone=None))
    goes = await plans.preview_calendar(await _ada(house), contact.company, moved)

    assert (stays.named, len(goes.named)) == ((), 2)


async def test_preview_names_a_screenful_and_counts_the_rest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.clocks.catalog = WITH_SWIFT
    contact = await house.contact()
    for line in ("expense", "travel", "invoice"):
        await house.joins(contact, line=line)
    assert contact.company is not None
    monkeypatch.setattr(clock_plans, "MOST_NAMED", 2)

    found = await Plans(house.clocks).preview_plan(await _ada(house), contact.company, "swift")

    assert ([change.after for change in found.named], found.more) == ([MONDAY + 2 * HOUR] * 2, 1)
    assert not found.is_partial


async def test_preview_says_when_it_looked_at_some_tickets_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.clocks.catalog = WITH_SWIFT
    contact = await house.contact()
    for line in ("expense", "travel", "invoice"):
        await house.joins(contact, line=line)
    assert contact.company is not None
    monkeypatch.setattr(clock_plans, "MOST_LOOKED_AT", 2)

    found = await Plans(house.clocks).preview_plan(await _ada(house), contact.company, "swift")

    assert (len(found.named), found.is_partial) == (2, True)


async def test_clocks_of_a_company_that_never_opens_run_around_the_clock(house: House) -> None:
    house.calendars.calendar = msgspec.structs.replace(house.calendars.calendar, always=False, week=((),) * 7)
    visit = await house.joins(await house.contact(), impact=DOWN, reachable=REACHABLE)

    await house.clocks.sweep()

    assert (await track_of(house, visit)).word_due_at == MONDAY + timedelta(days=1)


async def test_customer_sees_when_the_next_word_is_due(house: House) -> None:
    contact = await house.contact()
    visit = await house.joins(contact)
    await house.act.judge(await house.ready(), visit.ticket, to="P1")

    urgency = await Urgencies(house.database, house.clocks).of_ticket(contact, visit.ticket)

    assert urgency.next_word_at == MONDAY + HOUR
    assert (urgency.due, urgency.contact) == ((), None)


async def test_console_has_whoever_is_due_first_on_top(house: House) -> None:
    ravi = await house.ready()
    first, _ = await house.talking(await house.contact("First"), ravi)
    second, _ = await house.talking(await house.contact("Second"), ravi)
    await house.act.judge(ravi, second.ticket, to="P1")
    await house.clocks.sweep()

    desk = await house.see.desk(ravi)

    assert [talk.ticket for talk in desk.conversations] == [second.ticket, first.ticket]
    assert desk.conversations[0].word_due_at == MONDAY + HOUR
