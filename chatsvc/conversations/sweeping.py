"""What time brings to live phases when nobody does anything: late, twice and in several processes at once, the outcome is the same.

Each thing that is due is looked for without holding anybody up, then done in a unit of work of its own that looks again: a single one
that cannot be done does not keep the others from it, whatever the reason; what failed is raised in the end.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.conversations import store
from chatsvc.conversations.answering import Answering
from chatsvc.conversations.ending import Ending
from chatsvc.conversations.judging import Judging
from chatsvc.conversations.model import State
from chatsvc.conversations.tables import conversations
from chatsvc.conversations.telling import Telling
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.apart import do_apart
from chatsvc.kernel.ids import PersonId
from chatsvc.routing import store as desks_store
from chatsvc.routing.actions import ring_lines_of
from chatsvc.routing.model import DeskState, PlaceState
from chatsvc.routing.store import decide_each, deciding
from chatsvc.routing.tables import desks, places
from chatsvc.tickets import store as tickets

logger = logging.getLogger(__name__)

# How many of one kind a sweep does; the rest is due in the next one.
_AT_ONCE = 200

Act = Callable[[UnitOfWork, Any], Awaitable[None]]


class Sweeping(Answering, Ending, Judging, Telling):
    """Deadlines and absences."""

    async def sweep(self, *, up_since: datetime | None = None) -> None:
        """Do what time has made due; late, twice and in several processes at once.

        Args:
            up_since: since when people could connect at all: nobody counts as vanished before their grace has passed since then, so
                that a restart that took long does not empty every line and every desk. None: always.
        """
        await do_apart(self.sweep_deadlines, partial(self.sweep_absences, up_since=up_since), self.tell_waits)

    async def sweep_deadlines(self) -> None:
        """End offers at their deadline, take back those of the vanished, let go whose hours are over, begin and complete wrap-ups."""
        now = self.database.clock.now()
        is_over = conversations.c.due_at <= now
        await do_apart(
            self.routing.expire_offers,
            self.routing.withdraw_lost_offers,
            partial(self._close_lines, now),
            partial(self._each, (conversations.c.state == State.ENDING, is_over), self.begin_wrap_up),
            partial(self._each, (conversations.c.state == State.WRAP_UP, is_over), self._complete),
        )

    async def sweep_absences(self, *, up_since: datetime | None = None) -> None:
        """Return the conversations of vanished representatives to the line, and give up the places of vanished customers."""
        now, rules = self.database.clock.now(), self.rules.routing
        if up_since is None or now - up_since >= rules.representative_grace:
            await self._sign_off(now)
        if up_since is None or now - up_since >= rules.customer_grace:
            await self._give_up_lost(now)

    async def _sign_off(self, now: datetime) -> None:
        gone = or_(
            desks.c.leased_until.is_(None), desks.c.leased_until <= now - self.rules.routing.representative_grace
        )
        for person in await self._vanished(gone):
            theirs = select(desks.c.person_id).where(desks.c.person_id == person, gone)
            on_the_phone = conversations.c.call.is_not_distinct_from("on")
            orphaned = (conversations.c.rep_id.in_(theirs), conversations.c.state == State.ACTIVE, ~on_the_phone)
            await self._each(orphaned, self.return_to_line)
            await self._pause(person, gone)

    async def _vanished(self, gone: Any) -> Sequence[PersonId]:
        """Return representatives who are gone and still ready, or still have somebody waiting for their answer."""
        having = select(conversations.c.rep_id).where(conversations.c.state == State.ACTIVE)
        statement = select(desks.c.person_id).where(
            gone, or_(desks.c.state == DeskState.READY, desks.c.person_id.in_(having))
        )
        async with self.database.read() as connection:
            return (await connection.execute(statement)).scalars().all()

    async def _pause(self, person: PersonId, gone: Any) -> None:
        """Whoever comes back finds themselves paused rather than surprised by an offer."""
        async with deciding(self.database) as uow:
            values = {"state": DeskState.PAUSED, "reason": "gone", "changed_at": uow.now}
            if await desks_store.change_desk(uow, person, gone, desks.c.state == DeskState.READY, **values):
                uow.ring(f"desk:{person}")
                await ring_lines_of(uow, person)

    async def _close_lines(self, now: datetime) -> None:
        """Let everybody go whose hours have ended before somebody accepted: nobody is left in a closed line (V4)."""
        over = select(places.c.id).where(
            places.c.state.in_((PlaceState.WAITING, PlaceState.OFFERED)),
            places.c.closes_at <= now,
            places.c.taken_at.is_(None),
        )
        await self._each((conversations.c.place_id.in_(over), conversations.c.state == State.WAITING), self._let_go)

    async def _let_go(self, uow: UnitOfWork, conversation: Any) -> None:
        """Ask again, since a calendar may have changed; whoever is still covered stays."""
        ticket = await tickets.load(uow.connection, conversation.ticket_id)
        covered = await self.gate.of_ticket(uow.connection, ticket, uow.now)
        if not covered.is_open:
            await self.give_up(uow, conversation, why="closed", opens_at=covered.opens_at)
            return
        place = await desks_store.place_of(uow.connection, conversation.ticket_id)
        assert place is not None, "a conversation has a place"
        await desks_store.change_place(uow, place, closes_at=covered.until)
        self.ring(uow, conversation)

    async def _give_up_lost(self, now: datetime) -> None:
        lost = select(places.c.id).where(
            places.c.line.in_([line.key for line in self.catalog.lines]),
            places.c.state == PlaceState.WAITING,
            places.c.waiting_for == "chat",
            places.c.seen_at <= now - self.rules.routing.customer_grace,
        )
        await self._each((conversations.c.place_id.in_(lost), conversations.c.state == State.WAITING), self._lose)

    async def _lose(self, uow: UnitOfWork, conversation: Any) -> None:
        await self.give_up(uow, conversation, why="lost")

    async def _complete(self, uow: UnitOfWork, conversation: Any) -> None:
        await self.close(uow, conversation, by=None)

    async def _each(self, conditions: tuple[Any, ...], act: Act) -> None:
        """Act on every conversation that meets conditions, each in a unit of work of its own."""
        async with self.database.read() as connection:
            found = await store.find(connection, *conditions, limit=_AT_ONCE)

        def still(connection: AsyncConnection, name: str) -> Awaitable[Sequence[Any]]:
            return store.find(connection, conversations.c.id == name, *conditions)

        await decide_each(self.database, [each.id for each in found], still, act)
