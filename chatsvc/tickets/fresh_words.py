"""Lets tickets be found by comments that are too young for their mail: every few seconds, in the worker, at no cost to whoever writes (T6).

What a comment still owes is a due row (``TELL``), which lets the ticket be found by its words too, in the transaction of the mail. Until then
nothing depends on what is done here: it may be left out, done late, or done by several processes at once.
"""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.due import due
from chatsvc.db.engine import Database
from chatsvc.kernel.ids import LogId, TicketId
from chatsvc.tickets import search_store, store
from chatsvc.tickets.log_store import TELL
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.tables import logs

# Of those whose mail is due soonest; the rest is found a little later.
_AT_ONCE: Final = 200


class FreshWords:
    """Follows the logs in which something was said within the last minute."""

    def __init__(self, database: Database, rules: TicketRules) -> None:
        self.database = database
        self.rules = rules
        # How far this process has let each of them be found.
        self._heads: dict[LogId, int] = {}

    async def sweep(self) -> int:
        """Let tickets be found by what was said since the last sweep; return how many. Not while somebody talks with their customer."""
        young = await self.database.look(self._young)
        news = [ticket for log, head, ticket in young if self._heads.get(log) != head]
        for ticket in news:
            # Read before the store is locked: a comment that comes meanwhile raises the head, and is found by the next sweep.
            async with self.database.read() as connection:
                number, company, words = await store.found_by(connection, ticket)
            async with self.database.begin() as uow:
                await search_store.put(uow, number, company, words)
        self._heads = {log: head for log, head, _ in young}
        return len(news)

    async def _young(self, connection: AsyncConnection) -> list[tuple[LogId, int, TicketId]]:
        now = self.database.clock.now()
        coming = due.c.done_at.is_(None), due.c.look_at > now, due.c.look_at <= now + self.rules.tell_after
        statement = (
            select(logs.c.id, logs.c.head, logs.c.ticket_id)
            .join(due, due.c.subject == logs.c.id)
            .where(*coming, due.c.kind == TELL, logs.c.owner_id.is_(None))
            .order_by(due.c.look_at)
            .limit(_AT_ONCE)
        )
        return [(LogId(log), head, TicketId(ticket)) for log, head, ticket in await connection.execute(statement)]
