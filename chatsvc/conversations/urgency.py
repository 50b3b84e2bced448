"""How urgent a ticket is and what follows from it, as people see it: the claim, what is due, and whether its customer is covered now.

And what a customer can do at this moment, as data: pages say it in words and know the addresses. Nothing here changes anything.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.conversations.gate import Gate
from chatsvc.coverage.model import Calendar, Coverage
from chatsvc.db.engine import Database
from chatsvc.kernel.ids import PersonId, TicketId
from chatsvc.tickets import clocks, severity_store
from chatsvc.tickets import queries as ticket_queries
from chatsvc.tickets import store as tickets
from chatsvc.tickets.clock_keeping import Clocks
from chatsvc.tickets.clocks import Promise
from chatsvc.tickets.severity import CLAIMS, Claim, CriticalContact, Step


class Due(msgspec.Struct, frozen=True):
    """A promise about a ticket."""

    # ``initial``, ``ongoing``, ``target``.
    promise: str
    # ``running``, ``paused``, ``kept``, ``later`` (it begins with the first word).
    state: str
    # None unless it runs.
    due_at: datetime | None
    # A promise that runs has been broken.
    breached: bool


class Urgency(msgspec.Struct, frozen=True):
    """How urgent a ticket is, and what follows."""

    # ``P1`` … ``P4``.
    severity: str
    # What the answers proposed, and the keys of the reasons; P3 and none when nothing critical.
    proposed: str
    reasons: tuple[str, ...]
    # ``none``, ``proposed``, ``judged``, ``appealed``, ``final``.
    claim: str
    # The last judgement's words; empty when there were none, and None when nobody has judged.
    reason: str | None
    judged_at: datetime | None
    may_appeal: bool
    # The ticket's; a judgement names it.
    version: int
    # Whom to reach about a critical request; None for customers, and when there is nobody.
    contact: CriticalContact | None
    # When the customer is owed the next word; None while none is owed.
    next_word_at: datetime | None
    # The three promises; empty for customers, and until the clocks have been looked at.
    due: tuple[Due, ...]


class Covered(msgspec.Struct, frozen=True):
    """Whether a customer is served live at this moment, and by which calendar that was decided."""

    at: datetime
    coverage: Coverage
    calendar: Calendar


class Option(msgspec.Struct, frozen=True):
    """Something that a customer can do, or not, at this moment."""

    # ``chat``, ``request``, ``critical``, ``callback``, ``knowledge``.
    key: str
    # When it will be possible; None: now, or nobody knows.
    opens_at: datetime | None = None


def possible_now(coverage: Coverage, *, also: Sequence[str] = ()) -> tuple[Option, ...]:
    """Return what a customer can do when asked at a moment, what helps soonest first.

    Args:
        coverage: of a request that is not critical, at the live door.
        also: keys of what else this desk offers, for example ``callback`` once calls can be booked, and ``knowledge``; whoever offers
            something names it here, and nothing is shown that leads nowhere.
    """
    live = [Option("chat")] if coverage.is_open else []
    later = [] if coverage.is_open else [Option("chat", coverage.opens_at)]
    return (*live, Option("request"), *(Option(key) for key in also), Option("critical"), *later)


class Urgencies:
    """Pictures of urgency."""

    def __init__(self, database: Database, gate_clocks: Clocks) -> None:
        self.database = database
        self.clocks = gate_clocks
        self.gate = Gate(gate_clocks.calendars)

    async def of_ticket(self, identity: Identity, ticket: TicketId) -> Urgency:
        """Return how urgent a ticket is, as far as this person may know.

        Raises:
            NotFound: there is no such ticket, or not for this person.
        """
        async with self.database.read() as connection:
            await ticket_queries.require(connection, identity, ticket)
            row = await tickets.load(connection, ticket)
            standing = await severity_store.standing(connection, ticket)
            due, next_word_at = await self._due(connection, ticket)
        is_judged = standing.claim not in (Claim.NONE, Claim.PROPOSED)
        return Urgency(
            severity=row.severity,
            proposed=standing.proposed,
            reasons=standing.reasons,
            claim=standing.claim,
            reason=standing.reason if is_judged else None,
            judged_at=standing.judged_at,
            may_appeal=not identity.is_staff and CLAIMS.allows(standing.claim, Step.APPEALED),
            version=row.version,
            contact=standing.contact if identity.is_staff else None,
            next_word_at=next_word_at,
            due=due if identity.is_staff else (),
        )

    async def _due(self, connection: AsyncConnection, ticket: TicketId) -> tuple[tuple[Due, ...], datetime | None]:
        at = self.database.clock.now()
        # As they stand now, not as the last sweep left them: nobody is promised a word about what was closed a second ago.
        [(found, kept, _)] = await self.clocks.look(connection, (ticket,), at)
        track = kept.track
        measure = await self.clocks.measure(connection, found.company, found.requester, track.severity, at)
        due = []
        for clock in track.clocks:
            when = clocks.moments(clock, measure)
            has_begun = clock.promise is not Promise.ONGOING or track.clock(Promise.INITIAL).kept_at is not None
            state = "kept" if clock.kept_at else "running" if when else "paused" if has_begun else "later"
            due_at = None if when is None else when.due_at
            due.append(Due(clock.promise, state, due_at, when is not None and clock.breached_at is not None))
        return tuple(due), clocks.next_word_due(track, measure)

    async def coverage_of_ticket(self, ticket: TicketId) -> Covered:
        """Return whether a ticket's customer is covered now; who may ask is asked at the door."""
        at = self.database.clock.now()
        async with self.database.read() as connection:
            row = await tickets.load(connection, ticket)
            coverage = await self.gate.of_ticket(connection, row, at)
            calendar = await self.gate.calendars.calendar_of(connection, PersonId(row.requester_id))
        return Covered(at, coverage, calendar)

    async def coverage_of(self, contact: PersonId) -> Covered:
        """Return whether a contact would be let in now with a request that is not critical."""
        at = self.database.clock.now()
        async with self.database.read() as connection:
            coverage = await self.gate.at_the_door(connection, contact, at)
            calendar = await self.gate.calendars.calendar_of(connection, contact)
        return Covered(at, coverage, calendar)
