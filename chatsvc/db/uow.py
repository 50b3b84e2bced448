"""The unit of work: one transaction, the moment it happens at, and the bells to ring when it is committed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from chatsvc.db import outbox
from chatsvc.kernel.ids import OutboxId


class Bell(NamedTuple):
    """News without truth: something named by ``topic`` has changed; a log is now at ``head``. Receivers read the rest themselves.

    Topics: ``log:<log id>``, ``visit:<ticket id>`` (what the customer sees of their place and conversation), ``desk:<person id>`` (what a
    representative sees), ``line:<line>`` (who waits, who serves), ``person:<person id>`` (signed out, disabled, permissions changed), ``outbox`` (the worker has something to send).
    """

    topic: str
    # The log's newest number; 0 where there is nothing to count.
    head: int = 0


@dataclass(slots=True)
class UnitOfWork:
    """What an action works in. Everything in it happens at ``now``, and all of it or nothing is stored."""

    connection: AsyncConnection
    # Aware, UTC: the one moment of everything recorded here.
    now: datetime
    # ``sqlite`` or ``postgresql``.
    dialect: str
    bells: list[Bell] = field(default_factory=list)

    async def execute(self, statement: Executable, parameters: Any = None) -> Any:
        """Run a statement inside this transaction; returns SQLAlchemy's result."""
        return await self.connection.execute(statement, parameters)

    async def changes_one(self, statement: Executable, parameters: Any = None) -> bool:
        """Run a compare-and-swap; return whether it found exactly the row it expected."""
        result = await self.connection.execute(statement, parameters)
        return bool(result.rowcount == 1)

    def insertion(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Return an insertion in this store's own dialect, which knows what to do when the row is there already."""
        insertion: postgresql.Insert | sqlite.Insert = (postgresql if self.dialect == "postgresql" else sqlite).insert(
            table
        )
        return insertion

    def ring(self, topic: str, head: int = 0) -> None:
        """Ring a bell once this is committed; the same topic rings once, with its highest head."""
        for index, bell in enumerate(self.bells):
            if bell.topic == topic:
                self.bells[index] = Bell(topic, max(head, bell.head))
                return
        self.bells.append(Bell(topic, head))

    async def record(
        self, kind: str, *, cause: str, recipient: str, payload: dict[str, Any], due_at: datetime | None = None
    ) -> OutboxId | None:
        """Write an outbox row beside its cause (R14): a mail of this kind to this person, or an event for the rooms above.

        Returns None, and writes nothing, when this cause has already told this recipient the same.
        """
        self.ring("outbox")
        return await outbox.put(
            self.connection,
            kind,
            cause=cause,
            recipient=recipient,
            payload=payload,
            at=self.now,
            due_at=due_at or self.now,
        )
