"""Makes reports: at once when they are small, else in the background, a piece at a time, with progress and a mail when the file is ready (T12).

What is in a report is decided by what its person may read at the moment it is made. A maker that dies is followed by another one that begins
anew; a file that nobody finished is never shown. Files go away after a while, and only the person who asked ever gets one. The writing itself
is in ``making``.
"""

import asyncio
import logging
import secrets
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from chatsvc.accounts.model import Identity
from chatsvc.accounts.queries import AccountQueries
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.kernel.ids import PersonId, SessionId
from chatsvc.reports import making, queries, store
from chatsvc.reports.book import MOST_ROWS
from chatsvc.reports.making import Order
from chatsvc.reports.model import REPORTS, Finished, Progress, ReportRules, State, Wish

logger = logging.getLogger(__name__)

# How often progress is written down, and the lease with it; much less than the lease.
_TELL_EVERY_S: Final = 2.0
# No report takes so long.
_ORPHANED_AFTER: Final = timedelta(hours=6)

# Takes how many rows are written, and of how many.
Tell = Callable[[int, int], Awaitable[None]]


class Reports:
    """Reports of tickets."""

    def __init__(
        self, database: Database, folder: Path, people: AccountQueries, rules: ReportRules | None = None
    ) -> None:
        """Prepare.

        Args:
            database: has the tickets.
            folder: where finished files lie, under random names.
            people: who somebody is at the moment when their report is made.
            rules: numbers that an operator may change.
        """
        self.database = database
        self.folder = folder
        self.people = people
        self.rules = rules or ReportRules()
        self._at_work: asyncio.Task[None] | None = None

    async def extent(self, identity: Identity, wish: Wish) -> int:
        """Return how many rows a report would have now.

        Raises:
            Invalid: there is no such report.
        """
        _check(wish)
        async with self.database.read() as connection:
            return (await queries.extent(connection, identity, wish)).rows

    async def make_now(self, identity: Identity, wish: Wish) -> Path:
        """Make a report and return its file, which the caller takes away; for small ones.

        Raises:
            Invalid: there is no such report.
        """
        _check(wish)
        path = self._new_path()
        await making.write(self.database, identity, wish, path, at=self.database.clock.now())
        return path

    async def ask(self, identity: Identity, wish: Wish) -> str:
        """Let a report be made in the background; return its id.

        Raises:
            Invalid: there is no such report.
            Conflict: ``report.too_many``: enough of this person's are waiting; ``report.too_large``: no sheet has so many rows.
        """
        _check(wish)
        async with self.database.read() as connection:
            extent = await queries.extent(connection, identity, wish)
        if extent.rows > MOST_ROWS:
            raise Conflict("report.too_large", rows=extent.rows, most=MOST_ROWS)
        async with self.database.begin() as uow:
            if await store.waiting(uow.connection, identity.person) >= self.rules.most_waiting:
                raise Conflict("report.too_many", most=self.rules.most_waiting)
            report = await store.add(uow, identity.person, wish, total=extent.rows)
            uow.ring("outbox")
            return report

    async def companies(self, identity: Identity) -> list[tuple[str, str]]:
        """Return the companies that staff choose from, by name: ids and names; nothing for contacts."""
        if not identity.is_staff:
            return []
        async with self.database.read() as connection:
            return await queries.company_names(connection)

    async def progress(self, identity: Identity, report: str) -> Progress:
        """Return how far a report is; raises NotFound for whoever did not ask for it, and when it has expired."""
        async with self.database.read() as connection:
            row = await store.load(connection, report, identity.person)
        if row is None or (row.expires_at is not None and row.expires_at <= self.database.clock.now()):
            raise NotFound("report.not_found")
        return queries.progress_of(row)

    async def of_person(self, identity: Identity) -> list[Progress]:
        """Return a person's reports, the latest first."""
        async with self.database.read() as connection:
            return await queries.of_person(connection, identity, at=self.database.clock.now())

    async def file(self, identity: Identity, report: str) -> Finished:
        """Return a finished report; raises NotFound as ``progress`` does, and while it is not ready."""
        progress = await self.progress(identity, report)
        async with self.database.read() as connection:
            row = await store.load(connection, report, identity.person)
        if row is None or row.stored_as is None or progress.state is not State.READY:
            raise NotFound("report.not_found")
        path = self.folder / row.stored_as
        if not await asyncio.to_thread(path.is_file):
            raise NotFound("report.not_found")
        return Finished(file_name(progress.title, row.asked_at), path)

    # in the background ------------------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Begin with the oldest report that waits, unless one is being made here; returns at once. Take away what has expired."""
        async with self.database.read() as connection:
            if not await store.has_work(connection, at=self.database.clock.now()):
                return
        if self._at_work is None or self._at_work.done():
            self._at_work = asyncio.create_task(self._work(), name="reports")
        async with self.database.begin() as uow:
            gone = await store.take_expired(uow)
        for stored_as in gone:
            (self.folder / stored_as).unlink(missing_ok=True)

    async def tidy(self) -> int:
        """Remove files that belong to nothing, left by a process that was killed; return how many. For once in a while."""
        async with self.database.read() as connection:
            known = await store.stored(connection)
        old_s = (self.database.clock.now() - _ORPHANED_AFTER).timestamp()
        orphans = [
            path
            for path in (self.folder.iterdir() if self.folder.is_dir() else ())
            if path.name not in known and path.stat().st_mtime < old_s
        ]
        for path in orphans:
            path.unlink(missing_ok=True)
        return len(orphans)

    async def _work(self) -> None:
        try:
            while await self.make_next():
                pass
        except Exception:
            logger.exception("reports_stopped")

    async def close(self) -> None:
        """Stop making reports; somebody else goes on with them."""
        if self._at_work is not None:
            self._at_work.cancel()
            await asyncio.gather(self._at_work, return_exceptions=True)

    async def make_next(self) -> bool:
        """Make the oldest report that waits; False when there is none."""
        async with self.database.begin() as uow:
            row = await store.lease(uow, until=uow.now + self.rules.lease)
        if row is None:
            return False
        path = self._new_path()
        try:
            await self._make_leased(row, path)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if not isinstance(error, Exception):
                raise
            logger.exception("report_failed", extra={"report": row.id, "attempt": row.attempts})
            async with self.database.begin() as uow:
                expires_at = uow.now + self.rules.kept_for
                await store.fail(uow, row, most_attempts=self.rules.most_attempts, expires_at=expires_at)
        return True

    async def _make_leased(self, row: Row[Any], path: Path) -> None:
        order = Order(
            address=self.database.url.render_as_string(hide_password=False),
            path=str(path),
            identity=await self._identity(PersonId(row.person_id)),
            wish=msgspec.convert(row.wish, Wish),
            at=self.database.clock.now(),
        )

        async def tell(done: int, total: int) -> None:
            async with self.database.begin() as uow:
                until = uow.now + self.rules.lease
                if not await store.advance(uow, row, done=done, total=total, until=until):
                    raise Conflict("report.taken")

        rows, size_bytes = await _made_apart(order, tell), (await asyncio.to_thread(path.stat)).st_size
        async with self.database.begin() as uow:
            expires_at = uow.now + self.rules.kept_for
            if not await store.finish(
                uow, row, rows=rows, stored_as=path.name, size_bytes=size_bytes, expires_at=expires_at
            ):
                raise Conflict("report.taken")
            payload = {"report": row.id}
            await uow.record("mail.report_ready", cause=f"report:{row.id}", recipient=row.person_id, payload=payload)
        logger.info("report_ready", extra={"report": row.id, "rows": rows})

    async def _identity(self, person: PersonId) -> Identity:
        """Who a person is now; raises NotFound when they may not enter any more."""
        found = await self.people.person(person)
        if found is None or not found.may_enter:
            raise NotFound("person.not_found")
        session = SessionId("")  # nobody's: there is none in the background
        return Identity(found.id, session, found.role, found.name, found.company, found.language, found.zone)

    def _new_path(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.folder / f"{secrets.token_hex(24)}.xlsx"


async def _made_apart(order: Order, tell: Tell) -> int:
    """Let a process of its own write a report's file; return its rows.

    Raises:
        RuntimeError: it failed; why stands in the log, where its own words go.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", making.__name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    progress = _Progress()
    following = asyncio.create_task(progress.follow(process, msgspec.json.encode(order)))
    try:
        while not (await asyncio.wait((following,), timeout=_TELL_EVERY_S))[0]:
            await tell(progress.done, progress.total)
        await following
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await asyncio.gather(following, return_exceptions=True)
    if process.returncode:
        raise RuntimeError(f"the process that makes reports ended with {process.returncode}")
    return progress.done


class _Progress:
    """How many rows a process has written, and of how many."""

    done = total = 0

    async def follow(self, process: Process, order: bytes) -> None:
        """Give a process its order, and hear what it says until it ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(order)
        process.stdin.close()
        async for line in process.stdout:
            self.done, self.total = map(int, line.split())
        await process.wait()


def file_name(title: str, at: datetime) -> str:
    """Return the name under which a report is saved: its title and its day, without anything that a path could mean."""
    plain = "".join(character if character.isalnum() or character in " -_" else " " for character in title)
    return f"{' '.join(plain.split())[:80] or 'report'} {at:%Y-%m-%d}.xlsx"


def _check(wish: Wish) -> None:
    if wish.report not in REPORTS:
        raise Invalid("choice.unknown", field="report", value=wish.report)
