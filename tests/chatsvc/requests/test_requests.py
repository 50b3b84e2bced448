"""The form on the server: drafts that outlive a session, one ticket for one form, services of companies (T3, T4, V5)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import func, select, update

from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import people
from chatsvc.catalog.model import load
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.files.actions import Files
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.requests.actions import Requests
from chatsvc.requests.model import Details
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Words
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.store import log_of
from chatsvc.tickets.tables import tickets
from tests import builders

FORM: Final = {
    "reason": "malfunction", "product": "expense", "environment": "production", "steps": "Open the report.",
    "subject": "Report  does not open", "description": "It shows a blank page.",
}  # fmt: skip


@pytest.fixture
async def requests(database: Database, tmp_path: Path) -> AsyncIterator[Requests]:
    """Forms of a desk."""
    logbook = LogBook(database)
    files = Files(database, tmp_path / "files", most_bytes=1_000)
    yield Requests(database, load(), logbook, files, secret="a secret that is long enough")
    await logbook.close()


async def send(requests: Requests, contact: Identity, key: str = "k_01234567", **more: Any) -> int:
    texts = FORM | more.pop("typed", {})
    return await requests.send(contact, **({"typed": texts, "language": "de", "key": key} | more))


async def row_of(database: Database, number: int) -> Any:
    async with database.read() as connection:
        return (await connection.execute(select(tickets).where(tickets.c.number == number))).one()


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


# sending ----------------------------------------------------------------------------------------------------------------


async def test_t3_a_form_becomes_a_ticket_with_everything_it_said(database: Database, requests: Requests) -> None:
    contact = await builders.a_contact(database)

    number = await send(requests, contact)

    ticket = await row_of(database, number)
    details = await requests.details(ticket.id)
    assert (ticket.reason, ticket.product, ticket.environment, ticket.team) == ("malfunction", "expense", "production", "support")  # fmt: skip
    assert (ticket.subject, ticket.severity, ticket.source) == ("Report does not open", "P3", "form")
    assert details is not None
    assert (details.language, details.answers) == ("de", {"steps": "Open the report."})


async def test_t5_the_customer_is_told_the_number_once(database: Database, requests: Requests) -> None:
    contact = await builders.a_contact(database)

    numbers = [await send(requests, contact), await send(requests, contact)]

    async with database.read() as connection:
        mails = (await connection.execute(select(outbox.c.kind, outbox.c.recipient))).all()
    assert len(set(numbers)) == 1
    assert mails == [("mail.ticket_confirmation", contact.person)]


async def test_a_form_sent_twice_at_once_is_one_ticket(database: Database, requests: Requests) -> None:
    contact = await builders.a_contact(database)

    numbers = await asyncio.gather(*(send(requests, contact) for _ in range(6)))

    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(tickets))).scalar_one() == 1
    assert len(set(numbers)) == 1


async def test_t3_subscription_requests_go_to_customer_success(database: Database, requests: Requests) -> None:
    contact = await builders.a_contact(database)

    number = await send(requests, contact, typed={"reason": "subscription", "wish": "review"})

    assert (await row_of(database, number)).team == "success"


async def test_t3_audit_needs_a_subscription_which_an_administrator_sets(
    database: Database, requests: Requests
) -> None:
    contact, other = await builders.a_contact(database), await builders.a_contact(database)
    administrator = await builders.an_administrator(database)
    assert contact.company is not None
    audit = {"reason": "audit", "report": "R-17"}

    with pytest.raises(NotAllowed):
        await requests.set_service(contact, contact.company, "audit", subscribed=True)
    with pytest.raises(Invalid):
        await requests.set_service(administrator, contact.company, "catering", subscribed=True)
    await requests.set_service(administrator, contact.company, "audit", subscribed=True)

    assert await send(requests, contact, typed=audit)
    with pytest.raises(Invalid):
        await send(requests, other, typed=audit)
    await requests.set_service(administrator, contact.company, "audit", subscribed=False)
    assert await requests.services(contact.company) == frozenset()


async def test_t4_files_are_the_customer_s_first_message(database: Database, requests: Requests) -> None:
    contact = await builders.a_contact(database)
    file = await requests.files.receive(contact, "screen.txt", _chunks(b"what I saw"))

    number = await send(requests, contact, files=[file.id])

    ticket = await row_of(database, number)
    async with database.read() as connection:
        log = await log_of(connection, ticket.id)
    [entry] = await requests.logbook.since(log, 0)
    assert [each.name for each in msgspec.json.decode(entry.body, type=Words).files] == ["screen.txt"]


async def test_somebody_else_s_file_cannot_be_sent_and_nothing_is_made(database: Database, requests: Requests) -> None:
    contact, other = await builders.a_contact(database), await builders.a_contact(database)
    file = await requests.files.receive(other, "theirs.txt", _chunks(b"theirs"))

    with pytest.raises(NotFound):
        await send(requests, contact, files=[file.id])

    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(tickets))).scalar_one() == 0


async def test_t9_follow_ups_show_what_the_form_of_the_first_ticket_said(
    database: Database, requests: Requests, clock: ManualClock
) -> None:
    contact = await builders.a_contact(database)
    life = Tickets(database, requests.logbook, requests.files, TicketRules())
    tickets = [await row_of(database, await send(requests, contact))]

    for _ in range(2):
        await life.mark_solved(contact, tickets[-1].id)
        clock.advance(timedelta(days=7, seconds=1))
        tickets.append(await row_of(database, await life.follow_up(contact, tickets[-1].id)))

    said = [await requests.details(ticket.id) for ticket in tickets]
    assert said == [Details("de", {"steps": "Open the report."})] * 3


async def test_card_numbers_are_hidden_in_every_field(database: Database, requests: Requests) -> None:
    contact = await builders.a_contact(database)

    number = await send(
        requests, contact, typed={"description": "My card 4111 1111 1111 1111", "steps": "4111111111111111"}
    )

    ticket = await row_of(database, number)
    details = await requests.details(ticket.id)
    assert details is not None
    assert "4111 1111" not in ticket.description
    assert "41111111" not in details.answers["steps"]


async def test_whoever_has_lost_the_permission_sends_nothing(database: Database, requests: Requests) -> None:
    contact, staff = await builders.a_contact(database), await builders.a_representative(database)
    async with database.begin() as uow:
        await uow.execute(update(people).where(people.c.id == contact.person).values(authorised=False))

    for who in (contact, staff):
        with pytest.raises(NotAllowed):
            await send(requests, who)


# drafts -----------------------------------------------------------------------------------------------------------------


async def test_a_draft_comes_back_to_its_person_alone_until_the_form_is_sent(
    database: Database, requests: Requests
) -> None:
    contact, other = await builders.a_contact(database), await builders.a_contact(database)
    key = requests.new_key(contact)

    await requests.keep(contact.person, key, {"subject": "Half a", "description": " ", "password": "x"})
    await requests.keep(contact.person, key, {"subject": "Half a subject"})

    draft = await requests.latest_draft(contact)
    assert draft is not None
    assert (draft.key, draft.texts) == (key, {"subject": "Half a subject"})
    assert await requests.draft(other, key) is None
    await send(requests, contact, key)
    assert await requests.latest_draft(contact) is None


@pytest.mark.parametrize("key", ["", "fm_0", "fm_" + "0" * 20 + "-" + "0" * 32, "ü" * 9])
async def test_only_a_key_made_here_for_this_person_opens_a_drawer(
    database: Database, requests: Requests, key: str
) -> None:
    contact, other = await builders.a_contact(database), await builders.a_contact(database)

    for strange in (key, requests.new_key(other)):
        with pytest.raises(NotFound):
            await requests.keep(contact.person, strange, {"subject": "x"})


async def test_drawers_stay_small_and_are_emptied(database: Database, clock: ManualClock, requests: Requests) -> None:
    contact = await builders.a_contact(database)
    with pytest.raises(Invalid):
        await requests.keep(contact.person, requests.new_key(contact), {"description": "x" * 50_000})
    keys = [requests.new_key(contact) for _ in range(requests.rules.most_drafts + 2)]
    for key in keys:
        clock.advance(timedelta(seconds=1))
        await requests.keep(contact.person, key, {"subject": "x"})

    assert [await requests.draft(contact, key) is None for key in keys] == [True] * 2 + [False] * 10
    clock.advance(requests.rules.drafts_offered_for + timedelta(seconds=1))
    assert await requests.latest_draft(contact) is None
    clock.advance(requests.rules.drafts_kept_for)
    assert await requests.sweep() == 10
