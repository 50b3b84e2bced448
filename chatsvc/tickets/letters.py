"""What mails about a ticket are written from, read when they go out, for one receiver: whoever may no longer read it gets none (R20)."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, true

from chatsvc.accounts.model import Person
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import PersonId, TicketId
from chatsvc.tickets import log_store, store
from chatsvc.tickets.model import Entry, State
from chatsvc.tickets.policy import TicketRules, reopen_until
from chatsvc.tickets.queries import reachable_by
from chatsvc.tickets.tables import tickets

# In one mail; whoever wants more reads it on the ticket's page.
MOST_ENTRIES = 20


class Matter(NamedTuple):
    """A ticket as its mails need it."""

    id: TicketId
    number: int
    subject: str
    state: State
    # None while it is not over.
    reopen_until: datetime | None
    # None unless it waits for its customer.
    closes_at: datetime | None
    needed: str
    # Who works on it; None: nobody yet.
    owner: PersonId | None
    # What the mail is about, by number.
    entries: tuple[Entry, ...]


class TicketLetters:
    """Reads tickets for their mails."""

    def __init__(self, database: Database, rules: TicketRules) -> None:
        self._database = database
        self._rules = rules

    async def read(self, ticket: TicketId, to: Person, first: int, last: int) -> Matter:
        """Return a ticket with the entries from ``first`` to ``last`` of its shared log, at most ``MOST_ENTRIES``; 0 and 0: none.

        Raises:
            NotFound: there is no such ticket, or this person may not read it any more.
        """
        readable = true() if to.company is None else reachable_by(to.id, to.company)
        async with self._database.read() as connection:
            row = (await connection.execute(select(tickets).where(tickets.c.id == ticket, readable))).one_or_none()
            if row is None:
                raise NotFound("ticket.not_found")
            log = await store.log_of(connection, ticket)
            count = min(last - first + 1, MOST_ENTRIES) if first else 0
            found = await log_store.entries_after(connection, log, first - 1, count) if count else ()
        waits = row.state == State.AWAITING
        return Matter(
            id=row.id,
            number=row.number,
            subject=row.subject,
            state=State(row.state),
            reopen_until=reopen_until(row.ended_at, self._rules),
            closes_at=row.closes_at if waits else None,
            needed=(row.needed or "") if waits else "",
            owner=row.owner_id,
            entries=found,
        )
