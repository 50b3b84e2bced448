"""The outbox: what must be told to somebody, written in the same transaction as the reason for it (R14).

A row is taken under a lease, sent, and marked; a worker that dies in between leaves a lease that runs out. The room above decides what a
kind means; here it is only a row.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.columns import Json, Moment, metadata
from chatsvc.kernel.ids import OutboxId, outbox_id

# A send that fails is tried again after these waits; afterwards the row is ``given_up`` and shown to the operator.
BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 4 * 3600))

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(40), primary_key=True),
    # ``mail.transcript``, ``mail.reset_password`` …
    Column("kind", String(60), nullable=False),
    # What it follows from, for example ``conversation:cv_…:ended``.
    Column("cause", String(160), nullable=False),
    # The person's id, or an address where there is no person.
    Column("recipient", String(320), nullable=False),
    Column("payload", Json, nullable=False),
    # ``due``, ``sent``, ``kept`` (no mail server is set: readable on the trial mailbox page), ``given_up``.
    Column("state", String(12), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Until when somebody is busy sending it; None when nobody is.
    Column("leased_until", Moment),
    Column("sent_at", Moment),
    # The last failure, for the operator; never a mail's text.
    Column("failure", Text),
    UniqueConstraint("cause", "recipient", "kind"),
    Index("ix_outbox_due", "state", "due_at"),
)


class Letter(NamedTuple):
    """One row that somebody holds a lease on."""

    id: OutboxId
    kind: str
    cause: str
    recipient: str
    payload: dict[str, Any]
    created_at: datetime
    # How often it has been tried before.
    attempts: int


async def put(
    connection: AsyncConnection,
    kind: str,
    *,
    cause: str,
    recipient: str,
    payload: dict[str, Any],
    at: datetime,
    due_at: datetime,
) -> OutboxId | None:
    """Write a row; None when the same cause has already told this recipient the same."""
    row = outbox_id()
    insert = postgresql.insert(outbox) if connection.dialect.name == "postgresql" else sqlite.insert(outbox)
    statement = insert.values(
        id=row,
        kind=kind,
        cause=cause,
        recipient=recipient,
        payload=payload,
        state="due",
        created_at=at,
        due_at=due_at,
        attempts=0,
    ).on_conflict_do_nothing()
    result = await connection.execute(statement)
    return row if result.rowcount == 1 else None


async def lease(connection: AsyncConnection, *, at: datetime, until: datetime, most: int = 20) -> list[Letter]:
    """Take up to ``most`` due rows that nobody holds, oldest first, and hold them until the given moment."""
    free = (outbox.c.leased_until.is_(None)) | (outbox.c.leased_until <= at)
    due = (
        select(outbox.c.id)
        .where(outbox.c.state == "due", outbox.c.due_at <= at, free)
        .order_by(outbox.c.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(outbox)
        .where(outbox.c.id.in_(due.scalar_subquery()))
        .values(leased_until=until, attempts=outbox.c.attempts + 1)
        .returning(
            outbox.c.id,
            outbox.c.kind,
            outbox.c.cause,
            outbox.c.recipient,
            outbox.c.payload,
            outbox.c.created_at,
            outbox.c.attempts,
        )
    )
    rows = (await connection.execute(statement)).all()
    letters = [Letter(*row) for row in rows]
    return sorted(
        (letter._replace(attempts=letter.attempts - 1) for letter in letters), key=lambda letter: letter.created_at
    )


async def mark(connection: AsyncConnection, row: OutboxId, *, state: str, at: datetime) -> None:
    """Say that a row is done: ``sent`` or ``kept``."""
    await connection.execute(
        update(outbox).where(outbox.c.id == row).values(state=state, sent_at=at, leased_until=None, failure=None)
    )


async def postpone(connection: AsyncConnection, letter: Letter, *, failure: str, at: datetime) -> None:
    """Put a failed row off by the back-off, or give it up when all tries are used."""
    tried = letter.attempts
    state = "due" if tried < len(BACKOFF) else "given_up"
    due_at = at + BACKOFF[min(tried, len(BACKOFF) - 1)]
    await connection.execute(
        update(outbox)
        .where(outbox.c.id == letter.id)
        .values(state=state, due_at=due_at, leased_until=None, failure=failure[:500])
    )
