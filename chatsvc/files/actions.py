"""Takes files in, binds them to tickets, finds them again. The bytes lie in one folder under random names and are never run or listed.

Who may read a file is a question about its ticket, and so for the room above.
"""

import asyncio
import hashlib
import mmap
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.files.model import HEAD_BYTES, PREVIEWED, Attached, media_type_of, safe_name
from chatsvc.files.pictures import MOST_PIXELS, pixels_of
from chatsvc.files.tables import files
from chatsvc.kernel import ids
from chatsvc.kernel.errors import Invalid, NotFound
from chatsvc.kernel.ids import FileId, PersonId, TicketId

# A file that nobody sent for so long is removed.
FORGOTTEN_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class StoredFile:
    """A file and where it lies."""

    id: FileId
    # None while it is uploaded but not sent.
    ticket: TicketId | None
    uploader: PersonId
    staff_only: bool
    name: str
    media_type: str
    size_bytes: int
    path: Path


class Files:
    """Uploaded files."""

    def __init__(self, database: Database, folder: Path, *, most_bytes: int) -> None:
        self.database = database
        self.folder = folder
        self.most_bytes = most_bytes

    async def receive(self, identity: Identity, name: str, chunks: AsyncIterator[bytes]) -> StoredFile:
        """Take a file in; it belongs to its uploader until it is bound to a ticket.

        Raises:
            Invalid: it is empty, too big, of a kind that is not accepted, or a picture that unfolds to too much; nothing stays behind.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stored_as = secrets.token_hex(24)
        path = self.folder / stored_as
        try:
            head, size_bytes, sha256 = await self._write(path, chunks)
            media_type = media_type_of(head)
            if media_type in PREVIEWED:
                await asyncio.to_thread(_insist_on_few_pixels, path, media_type)
            return await self._record(identity, safe_name(name, media_type), media_type, size_bytes, sha256, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    async def _write(self, path: Path, chunks: AsyncIterator[bytes]) -> tuple[bytes, int, str]:
        head, size_bytes, digest = b"", 0, hashlib.sha256()
        with await asyncio.to_thread(path.open, "xb") as out:
            async for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > self.most_bytes:
                    raise Invalid("file.too_big", field="file", most_bytes=self.most_bytes)
                if len(head) < HEAD_BYTES:
                    head = (head + chunk)[:HEAD_BYTES]
                digest.update(chunk)
                await asyncio.to_thread(out.write, chunk)
        return head, size_bytes, digest.hexdigest()

    async def _record(
        self, identity: Identity, name: str, media_type: str, size_bytes: int, sha256: str, path: Path
    ) -> StoredFile:
        file = ids.file_id()
        async with self.database.begin() as uow:
            await uow.execute(
                insert(files).values(
                    id=file,
                    uploader_id=identity.person,
                    staff_only=False,
                    name=name,
                    media_type=media_type,
                    size_bytes=size_bytes,
                    sha256=sha256,
                    stored_as=path.name,
                    created_at=uow.now,
                )
            )
        return StoredFile(file, None, identity.person, False, name, media_type, size_bytes, path)

    async def attach(
        self,
        uow: UnitOfWork,
        identity: Identity,
        wanted: Sequence[FileId],
        ticket: TicketId,
        *,
        staff_only: bool = False,
    ) -> tuple[Attached, ...]:
        """Bind files that this person uploaded to a ticket, in the order given; binding again to the same ticket changes nothing.

        Raises:
            NotFound: one of them is not theirs, or belongs elsewhere.
        """
        mine = and_(files.c.id.in_(wanted), files.c.uploader_id == identity.person)
        await uow.execute(
            update(files).where(mine, files.c.ticket_id.is_(None)).values(ticket_id=ticket, staff_only=staff_only)
        )
        bound = files.c.ticket_id == ticket, files.c.staff_only.is_(staff_only)
        rows = await uow.execute(select(files).where(mine, *bound))
        found = {row.id: Attached(row.id, row.name, row.media_type, row.size_bytes) for row in rows}
        if set(wanted) - set(found):
            raise NotFound("file.not_found")
        return tuple(found[file] for file in dict.fromkeys(wanted))

    async def find(self, file: FileId) -> StoredFile:
        """Return a file, whoever asks; raises NotFound when there is none."""
        async with self.database.read() as connection:
            row = (await connection.execute(select(files).where(files.c.id == file))).one_or_none()
        if row is None:
            raise NotFound("file.not_found")
        return self._stored(row)

    async def sweep(self) -> int:
        """Remove files that were uploaded and never sent; return how many. Safe to run late, twice, anywhere."""
        async with self.database.begin() as uow:
            before = uow.now - FORGOTTEN_AFTER
            statement = delete(files).where(files.c.ticket_id.is_(None), files.c.created_at < before)
            gone = (await uow.execute(statement.returning(files.c.stored_as))).scalars().all()
        for stored_as in gone:
            (self.folder / stored_as).unlink(missing_ok=True)
        return len(gone)

    def _stored(self, row: Row[Any]) -> StoredFile:
        return StoredFile(
            row.id,
            row.ticket_id,
            row.uploader_id,
            row.staff_only,
            row.name,
            row.media_type,
            row.size_bytes,
            self.folder / row.stored_as,
        )


def _insist_on_few_pixels(path: Path, media_type: str) -> None:
    """Look at a picture's headers, wherever in the file they stand.

    Raises:
        Invalid: it unfolds to more pixels than a browser should be made to draw, or does not say to how many.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        pixels = pixels_of(media_type, data)
    if pixels is None:
        raise Invalid("file.broken", field="file")
    if pixels > MOST_PIXELS:
        raise Invalid("file.too_many_pixels", field="file", most=MOST_PIXELS // 1_000_000)
