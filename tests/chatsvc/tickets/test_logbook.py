"""The one write path: dense numbers, repeats, conflicts, owners, seals, secrets, and answers after the commit only."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import pytest
from sqlalchemy import update

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Conflict, NotAllowed, NotFound
from chatsvc.kernel.ids import LogId
from chatsvc.tickets import store
from chatsvc.tickets.logbook import LogBook, Written
from chatsvc.tickets.model import Append, Kind, Role, State, Stored, Words, words
from chatsvc.tickets.store import Opened
from chatsvc.tickets.tables import logs
from tests.builders import a_contact, a_representative, a_ticket


@pytest.fixture
async def logbook(database: Database) -> AsyncIterator[LogBook]:
    logbook = LogBook(database)
    logbook.start()
    yield logbook
    await logbook.close()


@pytest.fixture
async def contact(database: Database) -> Identity:
    return await a_contact(database)


@pytest.fixture
async def rep(database: Database) -> Identity:
    return await a_representative(database)


@pytest.fixture
async def ticket(database: Database, contact: Identity) -> Opened:
    return await a_ticket(database, contact)


def says(
    who: Identity,
    log: LogId,
    text: str = "hello",
    *,
    key: str = "key-00001",
    epoch: int | None = None,
    kind: Kind = Kind.MESSAGE,
) -> Append:
    role = Role.STAFF if who.is_staff else Role.CUSTOMER
    return Append(log, who.person, who.name, role, key, kind, words(text), company=who.company, epoch=epoch)


async def texts(logbook: LogBook, log: LogId) -> list[str]:
    return [msgspec.json.decode(entry.body, type=Words).text for entry in await logbook.since(log, 0)]


async def test_numbers_are_dense_and_in_the_order_of_answers(
    logbook: LogBook, contact: Identity, ticket: Opened
) -> None:
    stored = await asyncio.gather(
        *(logbook.append(says(contact, ticket.log, f"message {n}", key=f"key-{n:05}")) for n in range(50))
    )

    assert [answer.number for answer in stored] == list(range(1, 51))
    assert await texts(logbook, ticket.log) == [f"message {n}" for n in range(50)]
    assert await logbook.heads([ticket.log]) == {ticket.log: 50}


async def test_same_key_gives_the_same_number_back(logbook: LogBook, contact: Identity, ticket: Opened) -> None:
    first = await logbook.append(says(contact, ticket.log))
    again = await logbook.append(says(contact, ticket.log))

    assert again == Stored(first.number, first.at, repeated=True)
    assert await texts(logbook, ticket.log) == ["hello"]


async def test_same_key_twice_in_one_commit_is_stored_once(logbook: LogBook, contact: Identity, ticket: Opened) -> None:
    answers = await asyncio.gather(*(logbook.append(says(contact, ticket.log)) for _ in range(5)))

    assert [(answer.number, answer.repeated) for answer in answers] == [(1, False)] + [(1, True)] * 4


async def test_same_key_with_other_words_is_refused(logbook: LogBook, contact: Identity, ticket: Opened) -> None:
    await logbook.append(says(contact, ticket.log))

    with pytest.raises(Conflict, match=r"entry\.key_reused"):
        await logbook.append(says(contact, ticket.log, "something else"))


async def test_same_key_of_another_sender_is_another_entry(
    logbook: LogBook, contact: Identity, rep: Identity, ticket: Opened
) -> None:
    await logbook.append(says(contact, ticket.log))

    assert (await logbook.append(says(rep, ticket.log))).number == 2


async def test_another_company_finds_no_log(logbook: LogBook, database: Database, ticket: Opened) -> None:
    stranger = await a_contact(database)

    with pytest.raises(NotFound):
        await logbook.append(says(stranger, ticket.log))

    assert await texts(logbook, ticket.log) == []


async def test_unknown_log_is_not_found(logbook: LogBook, contact: Identity) -> None:
    with pytest.raises(NotFound):
        await logbook.append(says(contact, LogId("lg_0000")))


async def test_sealed_log_takes_nothing_more_but_still_knows_what_it_took(
    logbook: LogBook, database: Database, contact: Identity, ticket: Opened
) -> None:
    await logbook.append(says(contact, ticket.log))
    async with database.begin() as uow:
        await uow.execute(update(logs).where(logs.c.id == ticket.log).values(sealed=True))

    with pytest.raises(NotAllowed, match=r"log\.sealed"):
        await logbook.append(says(contact, ticket.log, key="key-00002"))

    assert (await logbook.append(says(contact, ticket.log))).repeated


async def test_owner_of_an_older_epoch_cannot_write(
    logbook: LogBook, database: Database, rep: Identity, ticket: Opened
) -> None:
    async with database.begin() as uow:
        await store.grant_owner(uow, ticket.id, person=rep.person, epoch=1)
    await logbook.append(says(rep, ticket.log, epoch=1))
    async with database.begin() as uow:
        await store.grant_owner(uow, ticket.id, person=None, epoch=2)

    with pytest.raises(Conflict, match=r"entry\.stale_epoch"):
        await logbook.append(says(rep, ticket.log, key="key-00002", epoch=1))


@pytest.mark.parametrize("epoch", [None, 1], ids=["without an epoch", "with the owner's epoch"])
async def test_colleague_cannot_write_into_an_owned_conversation(
    logbook: LogBook, database: Database, rep: Identity, ticket: Opened, epoch: int | None
) -> None:
    colleague = await a_representative(database, name="Mei Lin")
    async with database.begin() as uow:
        await store.grant_owner(uow, ticket.id, person=rep.person, epoch=1)

    with pytest.raises(Conflict, match=r"entry\.stale_epoch"):
        await logbook.append(says(colleague, ticket.log, epoch=epoch))


async def test_owner_must_name_the_epoch(logbook: LogBook, database: Database, rep: Identity, ticket: Opened) -> None:
    async with database.begin() as uow:
        await store.grant_owner(uow, ticket.id, person=rep.person, epoch=1)

    with pytest.raises(Conflict, match=r"entry\.stale_epoch"):
        await logbook.append(says(rep, ticket.log))


async def test_colleague_may_leave_a_note_in_the_staff_log_at_any_time(
    logbook: LogBook, database: Database, rep: Identity, ticket: Opened
) -> None:
    colleague = await a_representative(database, name="Mei Lin")
    async with database.begin() as uow:
        await store.grant_owner(uow, ticket.id, person=rep.person, epoch=1)

    stored = await logbook.append(says(colleague, ticket.notes_log, kind=Kind.NOTE))

    assert stored.number == 1
    assert await texts(logbook, ticket.log) == []


async def test_one_bad_append_does_not_spoil_the_commit_it_shares(
    logbook: LogBook, contact: Identity, ticket: Opened
) -> None:
    good, bad, late = await asyncio.gather(
        logbook.append(says(contact, ticket.log, key="key-00001")),
        logbook.append(says(contact, LogId("lg_0000"), key="key-00002")),
        logbook.append(says(contact, ticket.log, key="key-00003")),
        return_exceptions=True,
    )

    assert isinstance(bad, NotFound)
    assert [good.number, late.number] == [1, 2]  # type: ignore[union-attr]  # neither of them is an exception


async def test_what_was_written_is_announced_once_and_after_the_commit(
    logbook: LogBook, contact: Identity, ticket: Opened
) -> None:
    announced: list[Written] = []
    logbook.on_stored = announced.extend

    await logbook.append(says(contact, ticket.log))
    await logbook.append(says(contact, ticket.log))

    assert [(item.log, item.entry.number, item.entry.name) for item in announced] == [(ticket.log, 1, "Claire Martin")]


async def test_entry_reads_back_as_it_was_announced(logbook: LogBook, contact: Identity, ticket: Opened) -> None:
    announced: list[Written] = []
    logbook.on_stored = announced.extend

    await logbook.append(says(contact, ticket.log))

    assert await logbook.since(ticket.log, 0) == (announced[0].entry,)


async def test_entry_in_a_unit_of_work_stands_or_falls_with_it(
    logbook: LogBook, database: Database, contact: Identity, ticket: Opened
) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as uow:
            await logbook.append_in(uow, says(contact, ticket.log, "lost"))
            raise RuntimeError
    async with database.begin() as uow:
        stored = await logbook.append_in(uow, says(contact, ticket.log, "kept"))

    assert stored.number == 1
    assert await texts(logbook, ticket.log) == ["kept"]


async def test_two_logbooks_share_one_log_without_holes_or_doubles(
    logbook: LogBook, database: Database, contact: Identity, ticket: Opened
) -> None:
    other = LogBook(database)
    other.start()

    answers = await asyncio.gather(
        *(
            book.append(says(contact, ticket.log, f"m{n}", key=f"key-{n:05}"))
            for n in range(40)
            for book in (logbook, other)
        )
    )

    assert sorted({answer.number for answer in answers}) == list(range(1, 41))
    assert len(await texts(logbook, ticket.log)) == 40
    await other.close()


async def test_secrets_are_masked_before_anybody_sees_them(logbook: LogBook, contact: Identity, ticket: Opened) -> None:
    announced: list[Written] = []
    logbook.on_stored = announced.extend

    await logbook.append(says(contact, ticket.log, "my card is 4111 1111 1111 1111"))

    assert await texts(logbook, ticket.log) == ["my card is •••• •••• •••• 1111"]
    assert b"4111 1111" not in bytes(announced[0].entry.body)


async def test_marks_only_go_forward(logbook: LogBook, contact: Identity, ticket: Opened) -> None:
    await logbook.mark_seen({(ticket.log, contact.person): 5})
    await logbook.mark_seen({(ticket.log, contact.person): 3})

    assert await logbook.seen(ticket.log) == {contact.person: 5}


async def test_closing_commits_what_waits(database: Database, contact: Identity, ticket: Opened) -> None:
    logbook = LogBook(database)
    logbook.start()
    answers: list[object] = []
    logbook.submit(says(contact, ticket.log), answers.append)

    await logbook.close()

    assert [type(answer) for answer in answers] == [Stored]


async def test_customer_s_word_opens_a_solved_ticket_again_and_says_so(
    logbook: LogBook, database: Database, contact: Identity, ticket: Opened
) -> None:
    announced: list[Written] = []
    logbook.on_stored = announced.extend
    await move_to(database, ticket, State.SOLVED)

    stored = await logbook.append(says(contact, ticket.log))

    entries = await logbook.since(ticket.log, 0)
    assert stored.number == 1
    assert [(entry.number, entry.kind) for entry in entries] == [(1, "message"), (2, "reopened")]
    assert [item.entry for item in announced] == list(entries)
    assert await state_of(database, ticket) == (State.OPEN, None)


async def test_several_words_in_one_commit_open_it_once(
    logbook: LogBook, database: Database, contact: Identity, ticket: Opened
) -> None:
    await move_to(database, ticket, State.SOLVED)

    answers = await asyncio.gather(*(logbook.append(says(contact, ticket.log, key=f"key-{n:05}")) for n in range(3)))

    entries = await logbook.since(ticket.log, 0)
    assert [entry.number for entry in entries] == [1, 2, 3, 4]
    assert [entry.kind for entry in entries].count("reopened") == 1
    assert {answer.number for answer in answers} == {entry.number for entry in entries if entry.kind == "message"}


async def test_answer_puts_a_waiting_ticket_back_to_open_without_a_word_about_it(
    logbook: LogBook, database: Database, contact: Identity, ticket: Opened
) -> None:
    await move_to(database, ticket, State.AWAITING)

    await logbook.append(says(contact, ticket.log))

    assert [entry.kind for entry in await logbook.since(ticket.log, 0)] == ["message"]
    assert await state_of(database, ticket) == (State.OPEN, None)


async def test_word_of_staff_leaves_a_solved_ticket_solved(
    logbook: LogBook, database: Database, rep: Identity, ticket: Opened
) -> None:
    await move_to(database, ticket, State.SOLVED)

    await logbook.append(says(rep, ticket.log))

    assert (await state_of(database, ticket))[0] is State.SOLVED


async def move_to(database: Database, ticket: Opened, state: State) -> None:
    """Put the ticket into a state, as actions do."""
    async with database.begin() as uow:
        row = await store.load(uow.connection, ticket.id)
        await store.move(uow, row, state, ended_at=uow.now if state is State.SOLVED else None)


async def state_of(database: Database, ticket: Opened) -> tuple[State, datetime | None]:
    """Return the ticket's state, and when it ended."""
    async with database.read() as connection:
        row = await store.load(connection, ticket.id)
    return State(row.state), row.ended_at
