"""Comment, mark as solved, reopen: by whom, until when, and as entries of the log (T6, T9, T10)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.files.actions import Files
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.kernel.machine import IllegalTransition
from chatsvc.tickets.actions import LONGEST_TEXT, Tickets
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import State
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.store import Opened
from chatsvc.tickets.tables import followers
from tests.builders import a_contact, a_representative, a_ticket

WEEK = timedelta(days=7)


@pytest.fixture
async def tickets(database: Database, tmp_path: Path) -> AsyncIterator[Tickets]:
    logbook = LogBook(database)
    logbook.start()
    yield Tickets(database, logbook, Files(database, tmp_path / "files", most_bytes=1_000), TicketRules())
    await logbook.close()


@pytest.fixture
async def contact(database: Database) -> Identity:
    return await a_contact(database)


@pytest.fixture
async def ticket(database: Database, contact: Identity) -> Opened:
    return await a_ticket(database, contact)


async def kinds(tickets: Tickets, ticket: Opened) -> list[str]:
    return [entry.kind for entry in await tickets.logbook.since(ticket.log, 0)]


async def test_new_ticket_is_open_and_p3(tickets: Tickets, contact: Identity, ticket: Opened) -> None:
    view = await tickets.view(contact, ticket.number)

    assert (view.state, view.severity, view.may_comment, view.may_solve, view.may_reopen) == (
        State.OPEN,
        "P3",
        True,
        True,
        False,
    )  # V2
    assert view.notes_log is None


async def test_ticket_numbers_rise_one_by_one(database: Database, contact: Identity) -> None:
    numbers = [(await a_ticket(database, contact)).number for _ in range(3)]

    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


async def test_comment_shows_in_the_log_and_as_last_update(
    tickets: Tickets, contact: Identity, ticket: Opened, clock: ManualClock
) -> None:
    clock.advance(60)

    await tickets.say(contact, ticket.log, key="key-00001", text=" hello ")

    assert await kinds(tickets, ticket) == ["message"]
    assert (await tickets.view(contact, ticket.number)).updated_at == clock.now()


@pytest.mark.parametrize(
    ("text", "key"),
    [("  \n ", "message.empty"), ("x" * (LONGEST_TEXT + 1), "message.too_long")],
    ids=["empty", "too long"],
)
async def test_words_that_cannot_be_stored_are_refused_by_field(
    tickets: Tickets, contact: Identity, ticket: Opened, text: str, key: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await tickets.say(contact, ticket.log, key="key-00001", text=text)

    assert (refused.value.key, refused.value.field) == (key, "text")


async def test_solved_ticket_can_be_reopened_within_seven_days(
    tickets: Tickets, contact: Identity, ticket: Opened, clock: ManualClock
) -> None:
    await tickets.mark_solved(contact, ticket.id)
    clock.advance(WEEK)

    await tickets.reopen(contact, ticket.id)

    assert (await tickets.view(contact, ticket.number)).state is State.OPEN
    assert await kinds(tickets, ticket) == ["solved", "reopened"]


async def test_after_seven_days_it_can_neither_be_reopened_nor_commented(
    tickets: Tickets, contact: Identity, ticket: Opened, clock: ManualClock
) -> None:
    await tickets.mark_solved(contact, ticket.id)
    clock.advance(WEEK + timedelta(seconds=1))
    await tickets.sweep()

    view = await tickets.view(contact, ticket.number)
    with pytest.raises(NotAllowed):
        await tickets.reopen(contact, ticket.id)
    with pytest.raises(NotAllowed):
        await tickets.say(contact, ticket.log, key="key-00001", text="too late")

    assert (view.may_comment, view.may_reopen) == (False, False)


async def test_sweep_before_the_time_seals_nothing(
    tickets: Tickets, contact: Identity, ticket: Opened, clock: ManualClock
) -> None:
    await tickets.mark_solved(contact, ticket.id)
    clock.advance(WEEK)

    assert await tickets.sweep() == 0


async def test_solved_ticket_cannot_be_solved_again(tickets: Tickets, contact: Identity, ticket: Opened) -> None:
    await tickets.mark_solved(contact, ticket.id)

    with pytest.raises(IllegalTransition):
        await tickets.mark_solved(contact, ticket.id)


async def test_stranger_finds_nothing(tickets: Tickets, database: Database, ticket: Opened) -> None:
    stranger = await a_contact(database)

    for attempt in (
        tickets.view(stranger, ticket.number),
        tickets.reach(stranger, ticket.log),
        tickets.mark_solved(stranger, ticket.id),
        tickets.say(stranger, ticket.log, key="key-00001", text="hello"),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await tickets.requests(stranger)).tickets == ()


async def test_colleague_sees_a_ticket_only_when_in_copy(
    tickets: Tickets, database: Database, contact: Identity, ticket: Opened
) -> None:
    colleague = await a_contact(database, contact.company, name="Jan Kowalski")
    with pytest.raises(NotFound):
        await tickets.view(colleague, ticket.number)
    async with database.begin() as uow:
        await uow.execute(insert(followers).values(ticket_id=ticket.id, person_id=colleague.person, since_at=uow.now))

    assert [line.number for line in (await tickets.requests(colleague)).tickets] == [ticket.number]  # T6


async def test_staff_log_does_not_exist_for_the_customer(
    tickets: Tickets, database: Database, contact: Identity, ticket: Opened
) -> None:
    rep = await a_representative(database)

    await tickets.say(rep, ticket.notes_log, key="key-00001", text="between us")

    with pytest.raises(NotFound):
        await tickets.reach(contact, ticket.notes_log)
    assert (await tickets.view(rep, ticket.number)).notes_log == ticket.notes_log


async def test_requests_come_newest_first_and_page_by_page(
    tickets: Tickets, database: Database, contact: Identity
) -> None:
    numbers = [(await a_ticket(database, contact)).number for _ in range(27)]

    first = await tickets.requests(contact)
    second = await tickets.requests(contact, before=first.older)

    assert [line.number for line in first.tickets + second.tickets] == numbers[::-1]
    assert second.older is None


async def test_requests_can_be_narrowed_to_states(
    tickets: Tickets, database: Database, contact: Identity, ticket: Opened
) -> None:
    other = await a_ticket(database, contact)
    await tickets.mark_solved(contact, ticket.id)

    assert [line.number for line in (await tickets.requests(contact, states=(State.OPEN,))).tickets] == [other.number]
