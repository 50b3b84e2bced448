"""SQL over the outbox that only this room asks. Taking, marking and putting off rows is ``db.outbox``."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.outbox import Letter, outbox


async def is_anything_due(connection: AsyncConnection, *, at: datetime) -> bool:
    """Whether some row waits for a sender at that moment: asked before a lease is taken, because asking stops no writer."""
    free = outbox.c.leased_until.is_(None) | (outbox.c.leased_until <= at)
    query = select(outbox.c.id).where(outbox.c.state == "due", outbox.c.due_at <= at, free).limit(1)
    return (await connection.execute(query)).first() is not None


async def kept(connection: AsyncConnection, *, most: int) -> list[Letter]:
    """Return rows that were kept because there is no mail server, newest first."""
    query = (
        select(
            outbox.c.id,
            outbox.c.kind,
            outbox.c.cause,
            outbox.c.recipient,
            outbox.c.payload,
            outbox.c.created_at,
            outbox.c.attempts,
        )
        .where(outbox.c.state == "kept")
        .order_by(outbox.c.created_at.desc(), outbox.c.id)
        .limit(most)
    )
    return [Letter(*row) for row in (await connection.execute(query)).all()]
