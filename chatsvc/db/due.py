"""Due moments as rows (R15): what must happen then, written in the transaction that decided it, done once, never early, however long
the desk was down.

A row belongs to a kind and a subject, of which there is one at most: setting it again moves it. A sweep takes each row that is due in the
transaction of its effect, so that both stand or both fall. Whatever happens in between may make the effect pointless: its handler looks
again at what it is about, and does nothing when there is nothing left to do. What a kind means is decided by the rooms above, each of
which registers its handlers when the services are wired.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.columns import Json, Moment, metadata
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict, Unavailable
from chatsvc.kernel.ids import new_id

logger = logging.getLogger(__name__)

due = Table(
    "due",
    metadata,
    Column("id", String(40), primary_key=True),
    # ``ticket.close`` …: which handler does it.
    Column("kind", String(60), nullable=False),
    # What it is about, usually an id.
    Column("subject", String(120), nullable=False),
    # Small facts for the handler; the truth is in the tables of its room.
    Column("payload", Json, nullable=False),
    Column("due_at", Moment, nullable=False),
    # ``due_at``, or later after a failure.
    Column("look_at", Moment, nullable=False),
    # Raised whenever it is set: an effect that was decided for an older one does not happen.
    Column("generation", Integer, nullable=False),
    # How often it has failed since it was set.
    Column("failures", Integer, nullable=False),
    # None while it is still to be done.
    Column("done_at", Moment),
    UniqueConstraint("kind", "subject"),
    Index("ix_due_open", "done_at", "look_at"),
)

# A row whose handler fails is looked at again after these waits, the last one for ever: what is due is never given up.
BACKOFF: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600))
# How many rows a sweep does; the rest is found by the next one.
AT_ONCE: Final = 200


class Due(NamedTuple):
    """A row whose moment has come."""

    id: str
    kind: str
    subject: str
    payload: dict[str, Any]
    # When it was due; the unit of work's ``now`` is never before it.
    due_at: datetime
    generation: int


Handler = Callable[[UnitOfWork, Due], Awaitable[None]]


async def set_due(uow: UnitOfWork, kind: str, subject: str, at: datetime, **payload: Any) -> int:
    """Let something happen at a moment, instead of whatever was set before for this kind and subject; return its generation."""
    insertion = uow.insertion(due)
    values = {"payload": payload, "due_at": at, "look_at": at, "failures": 0, "done_at": None}
    statement = (
        insertion.values(id=new_id("du"), kind=kind, subject=subject, generation=1, **values)
        .on_conflict_do_update(
            index_elements=[due.c.kind, due.c.subject], set_={**values, "generation": due.c.generation + 1}
        )
        .returning(due.c.generation)
    )
    return int((await uow.execute(statement)).scalar_one())


async def move(uow: UnitOfWork, kind: str, subject: str, at: datetime) -> bool:
    """Let what is set happen at another moment; return False when nothing is set, or it has happened."""
    return await uow.changes_one(
        update(due)
        .where(due.c.kind == kind, due.c.subject == subject, due.c.done_at.is_(None))
        .values(due_at=at, look_at=at, failures=0, generation=due.c.generation + 1)
    )


async def cancel(uow: UnitOfWork, kind: str, subject: str) -> bool:
    """Let what is set not happen; return False when nothing was set, or it has happened."""
    return await uow.changes_one(
        update(due)
        .where(due.c.kind == kind, due.c.subject == subject, due.c.done_at.is_(None))
        .values(done_at=uow.now, generation=due.c.generation + 1)
    )


async def when(connection: AsyncConnection, kind: str, subject: str) -> datetime | None:
    """Return when something will happen; None when nothing is set, or it has happened."""
    statement = select(due.c.due_at).where(due.c.kind == kind, due.c.subject == subject, due.c.done_at.is_(None))
    moment: datetime | None = (await connection.execute(statement)).scalar_one_or_none()
    return moment


class Agenda:
    """Does what is due. Any number of them may run, late, twice, and in several processes at once."""

    def __init__(self, database: Database, handlers: Mapping[str, Handler]) -> None:
        """Prepare.

        Args:
            database: the store with the rows.
            handlers: kind -> what to do, in the transaction that marks the row; rows of other kinds are left to whoever knows them.
        """
        self._database = database
        self._handlers = dict(handlers)

    async def sweep(self) -> int:
        """Do everything that is due, in the order in which it was due; return how many rows were done.

        Raises:
            Unavailable: the store cannot; what was not done stays due.
        """
        done = 0
        async with self._database.read() as connection:
            found = await self._due(connection, self._database.clock.now())
        for row in found:
            done += await self._do(row)
        return done

    async def _due(self, connection: AsyncConnection, at: datetime) -> list[Due]:
        statement = (
            select(due.c.id, due.c.kind, due.c.subject, due.c.payload, due.c.due_at, due.c.generation)
            .where(due.c.done_at.is_(None), due.c.look_at <= at, due.c.kind.in_(list(self._handlers)))
            .order_by(due.c.look_at, due.c.id)
            .limit(AT_ONCE)
        )
        return [Due(*row) for row in (await connection.execute(statement)).all()]

    async def _do(self, row: Due) -> bool:
        """Take the row and do what it is for, both or neither; return whether it was this call that did."""
        try:
            async with self._database.begin() as uow:
                taken = await uow.changes_one(
                    update(due)
                    .where(due.c.id == row.id, due.c.generation == row.generation)
                    .where(due.c.done_at.is_(None), due.c.due_at <= uow.now)
                    .values(done_at=uow.now)
                )
                if taken:
                    await self._handlers[row.kind](uow, row)
                return taken
        except Conflict as conflict:
            # Somebody changed what it is about at the same instant; the next sweep looks again.
            logger.info("due_conflict", extra={"due": row.id, "kind": row.kind, "key": conflict.key})
        except Unavailable:
            raise
        except Exception:
            logger.exception("due_failed", extra={"due": row.id, "kind": row.kind, "subject": row.subject})
            await self._put_off(row)
        return False

    async def _put_off(self, row: Due) -> None:
        """Look at a row that failed later, so that it keeps no other one from happening."""
        async with self._database.begin() as uow:
            mine = due.c.id == row.id, due.c.generation == row.generation, due.c.done_at.is_(None)
            failures = (await uow.execute(select(due.c.failures).where(*mine))).scalar_one_or_none()
            if failures is None:
                return
            look_at = uow.now + BACKOFF[min(failures, len(BACKOFF) - 1)]
            await uow.execute(update(due).where(*mine).values(failures=failures + 1, look_at=look_at))
