"""The one way to write into a log, for sockets, REST, jobs and tests (promises R1 to R3, R9).

Appends of a process share commits: whatever arrived while the last commit ran goes into the next one. An idle system commits at once, a
busy one batches by itself; no timer is involved. What it deliberately does not do: decide who may write. That was asked before.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.db.columns import from_microseconds
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Conflict, NotAllowed, NotFound, Refused, Unavailable
from chatsvc.kernel.ids import LogId, PersonId
from chatsvc.tickets import log_store as store
from chatsvc.tickets.log_store import Outcome, Row
from chatsvc.tickets.masking import mask_secrets
from chatsvc.tickets.model import Append, Entry, Kind, Stored, Words
from chatsvc.tickets.queries import LogReach, log_reach

logger = logging.getLogger(__name__)

# Entries in one commit, at most: beyond this a bigger batch is no cheaper per entry, and the first one waits longer.
MOST_PER_COMMIT = 256
# Appends that may wait for a commit; beyond this the store is not keeping up, and saying so is better than growing (R17, R18).
MOST_WAITING = 20_000
# Entries that are read at once.
AT_ONCE = 500

_words = msgspec.json.Decoder(Words)

Done = Callable[["Stored | Refused"], None]


class Written(NamedTuple):
    """An entry that this process has just committed."""

    log: LogId
    entry: Entry


class Opening(NamedTuple):
    """What somebody who opens a log has to know, of one moment."""

    reach: LogReach
    # Those that follow the number that was asked for, consecutive.
    entries: tuple[Entry, ...]
    # How far each person has seen the log.
    seen: dict[PersonId, int]


class _Wish(NamedTuple):
    append: Append
    row: Row
    done: Done


class LogBook:
    """Appends to logs and reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Wish] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._committer: asyncio.Task[None] | None = None
        self._batches = store.batch_writer(database)
        # Called on the loop after a commit, with what this process wrote; must not block.
        self.on_stored: Callable[[Sequence[Written]], None] = lambda written: None

    def start(self) -> None:
        """Begin to commit; called once, on the running loop."""
        self._committer = asyncio.create_task(self._commit_until_closed(), name="logbook")

    async def close(self) -> None:
        """Commit what waits, then stop."""
        self._closing = True
        self._wake.set()
        if self._committer is not None:
            await self._committer
            await asyncio.sleep(0)  # the last answers
        await self._batches.close()

    def submit(self, append: Append, done: Done) -> None:
        """Add an entry; ``done`` is called on the loop with its number after the commit, or with why not."""
        if self._closing or len(self._waiting) >= MOST_WAITING:
            done(Unavailable("store.busy"))
            return
        self._waiting.append(_Wish(append, _row(append), done))
        self._wake.set()

    async def append(self, append: Append) -> Stored:
        """Add an entry and wait for the commit.

        Raises:
            NotFound: there is no such log, or it is another company's.
            NotAllowed: the log is sealed, or the epoch is an older one.
            Conflict: this key was used for something else.
            Unavailable: the store cannot commit now; nothing was stored.
        """
        answer: asyncio.Future[Stored | Refused] = asyncio.get_running_loop().create_future()
        self.submit(append, lambda result: None if answer.done() else answer.set_result(result))
        result = await answer
        if isinstance(result, Refused):
            raise result
        return result

    async def append_in(self, uow: UnitOfWork, append: Append) -> Stored:
        """Add an entry inside a unit of work, so that it stands or falls with the rest; raises as ``append`` does."""
        row = _row(append)
        [outcome] = await store.write_in(uow, [row])
        result = _answer_to(outcome)
        if isinstance(result, Refused):
            raise result
        uow.ring(f"log:{append.log}", outcome.reopened or result.number)
        return result

    async def opening(self, identity: Identity, log: LogId, after: int) -> Opening:
        """Return a log for somebody who opens it, with its entries after a number, at most ``AT_ONCE``.

        Raises:
            NotFound: there is none, or not for this person.
        """
        return await self._database.look(lambda connection: _opening(connection, identity, log, after))

    async def since(self, log: LogId, after: int, limit: int = AT_ONCE) -> tuple[Entry, ...]:
        """Return the entries after a number, in order, at most ``limit``."""
        return await self._database.look(lambda connection: store.entries_after(connection, log, after, limit))

    async def heads(self, logs: Sequence[LogId]) -> dict[LogId, int]:
        """Return each log's newest number; logs that do not exist are left out."""
        return await self._database.look(lambda connection: store.heads(connection, logs))

    async def mark_seen(self, marks: Mapping[tuple[LogId, PersonId], int]) -> None:
        """Store how far people have seen logs; a mark never goes back."""
        if marks:
            async with self._database.begin() as uow:
                await store.mark_seen(uow, marks)

    async def seen(self, log: LogId) -> dict[PersonId, int]:
        """Return how far each person has seen a log."""
        return await self._database.look(lambda connection: store.seen(connection, log))

    async def _commit_until_closed(self) -> None:
        while True:
            await self._wake.wait()
            if self._closing and not self._waiting:
                return
            batch, self._waiting = self._waiting[:MOST_PER_COMMIT], self._waiting[MOST_PER_COMMIT:]
            if not self._waiting and not self._closing:
                self._wake.clear()
            if batch:
                outcomes = await self._commit(batch)
                # In the loop's next turn: until then the next commit has begun, and both go on side by side.
                asyncio.get_running_loop().call_soon(self._answer, batch, outcomes)

    async def _commit(self, batch: list[_Wish]) -> Sequence[Outcome | Refused]:
        try:
            return await self._batches.write([wish.row for wish in batch])
        except Unavailable as error:
            logger.warning("append_unavailable", extra={"entries": len(batch), "reason": str(error.__cause__)})
            return [error] * len(batch)
        except Exception:
            logger.exception("append_failed", extra={"entries": len(batch)})
            return [Unavailable("store.unavailable")] * len(batch)

    def _answer(self, batch: list[_Wish], outcomes: Sequence[Outcome | Refused]) -> None:
        """Tell everybody who wished what came of it, then everybody else what was written."""
        failpoints.hit("append.after_commit")
        answers = list(map(_answer_to, outcomes))
        for wish, answer in zip(batch, answers, strict=True):
            try:
                wish.done(answer)
            except Exception:
                logger.exception("append_answer_failed")
        failpoints.hit("append.before_notify")
        written: list[Written] = []
        for wish, outcome, answer in zip(batch, outcomes, answers, strict=True):
            if isinstance(outcome, Outcome) and outcome.found is store.Found.STORED and isinstance(answer, Stored):
                written += _announcements(wish.row, outcome, answer)
        if written:
            self.on_stored(written)


async def _opening(connection: AsyncConnection, identity: Identity, log: LogId, after: int) -> Opening:
    reach = await log_reach(connection, identity, log)
    entries = await store.entries_after(connection, log, after, AT_ONCE) if reach.head > after else ()
    return Opening(reach, entries, await store.seen(connection, log))


def _row(append: Append) -> Row:
    body = append.body
    if append.kind in (Kind.MESSAGE, Kind.NOTE):
        spoken = _words.decode(body)
        masked = mask_secrets(spoken.text)
        if masked != spoken.text:
            body = msgspec.json.encode(msgspec.structs.replace(spoken, text=masked)).decode()
    return Row(append=append, body=body, digest=store.digest_of(append.kind, body))


def _announcements(row: Row, outcome: Outcome, stored: Stored) -> list[Written]:
    """Return what everybody should hear: the entry, and that it has opened the ticket again where it has."""
    written = [Written(row.append.log, _entry(row, stored))]
    if outcome.reopened is not None:
        written.append(Written(row.append.log, _entry(row.as_reopened(), Stored(outcome.reopened, stored.at))))
    return written


def _entry(row: Row, stored: Stored) -> Entry:
    append = row.append
    return Entry(
        stored.number,
        stored.at,
        append.kind.value,
        append.sender,
        append.name,
        append.role,
        append.key,
        msgspec.Raw(row.body.encode()),
    )


def _answer_to(outcome: "Outcome | Refused") -> Stored | Refused:
    """Translate what the store found into the answer or the refusal."""
    if isinstance(outcome, Refused):
        return outcome
    if outcome.found is store.Found.STORED or outcome.found is store.Found.REPEATED:
        return Stored(outcome.number, from_microseconds(outcome.at), repeated=outcome.found is store.Found.REPEATED)
    return _REFUSALS[outcome.found]()


_REFUSALS: dict[store.Found, Callable[[], Refused]] = {
    store.Found.MISSING: lambda: NotFound("log.not_found"),
    store.Found.CONFLICT: lambda: Conflict("entry.key_reused"),
    store.Found.SEALED: lambda: NotAllowed("log.sealed"),
    store.Found.STALE: lambda: Conflict("entry.stale_epoch"),
}
