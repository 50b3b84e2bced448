"""Files come in whole or not at all, belong to their uploader until they are sent, and to one ticket afterwards."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.files.actions import FORGOTTEN_AFTER, Files, StoredFile
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Invalid, NotFound
from tests.builders import a_contact, a_ticket

TEXT = b"date;amount\n"


@pytest.fixture
def files(database: Database, tmp_path: Path) -> Files:
    return Files(database, tmp_path / "files", most_bytes=1_000)


@pytest.fixture
async def contact(database: Database) -> Identity:
    return await a_contact(database)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def upload(files: Files, who: Identity, name: str = "export.csv") -> StoredFile:
    return await files.receive(who, name, chunks(TEXT))


async def test_uploaded_file_is_found_with_its_bytes(files: Files, contact: Identity) -> None:
    stored = await files.receive(contact, "export.csv", chunks(TEXT, TEXT))

    found = await files.find(stored.id)

    assert (found.name, found.media_type, found.size_bytes, found.ticket) == ("export.csv", "text/plain", 24, None)
    assert found.path.read_bytes() == TEXT * 2


@pytest.mark.parametrize(
    ("parts", "key"),
    [((b"x" * 600, b"x" * 600), "file.too_big"), ((), "file.empty"), ((b"MZ" + b"\0" * 60,), "file.kind_refused")],
    ids=["too big", "empty", "a program"],
)
async def test_refused_file_leaves_nothing_behind(
    files: Files, contact: Identity, parts: tuple[bytes, ...], key: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await files.receive(contact, "x.txt", chunks(*parts))

    assert refused.value.key == key
    assert list(files.folder.iterdir()) == []


async def test_attached_files_come_back_in_the_order_asked_for_and_again_the_same(
    files: Files, database: Database, contact: Identity
) -> None:
    ticket = await a_ticket(database, contact)
    first, second = await upload(files, contact, "1.csv"), await upload(files, contact, "2.csv")

    async with database.begin() as uow:
        attached = await files.attach(uow, contact, [second.id, first.id], ticket.id)
        again = await files.attach(uow, contact, [second.id, first.id], ticket.id)

    assert [file.name for file in attached] == ["2.csv", "1.csv"]
    assert again == attached
    assert (await files.find(first.id)).ticket == ticket.id


async def test_somebody_else_s_upload_cannot_be_attached(files: Files, database: Database, contact: Identity) -> None:
    ticket = await a_ticket(database, contact)
    theirs = await upload(files, await a_contact(database))

    with pytest.raises(NotFound):
        async with database.begin() as uow:
            await files.attach(uow, contact, [theirs.id], ticket.id)


async def test_file_of_one_ticket_cannot_be_moved_to_another(
    files: Files, database: Database, contact: Identity
) -> None:
    one, other = await a_ticket(database, contact), await a_ticket(database, contact)
    stored = await upload(files, contact)
    async with database.begin() as uow:
        await files.attach(uow, contact, [stored.id], one.id)

    with pytest.raises(NotFound):
        async with database.begin() as uow:
            await files.attach(uow, contact, [stored.id], other.id)


async def test_file_that_was_never_sent_is_removed_after_a_day(
    files: Files, database: Database, contact: Identity, clock: ManualClock
) -> None:
    ticket = await a_ticket(database, contact)
    forgotten, kept = await upload(files, contact), await upload(files, contact)
    async with database.begin() as uow:
        await files.attach(uow, contact, [kept.id], ticket.id)
    clock.advance(FORGOTTEN_AFTER + timedelta(seconds=1))

    removed = await files.sweep()

    assert removed == 1
    assert not forgotten.path.exists()
    assert kept.path.exists()
