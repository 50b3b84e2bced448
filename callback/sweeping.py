"""What time brings to calls when nobody does anything: late, twice and in several processes at once, the outcome is the same (R15).

Due moments are rows. Each that is due is looked for without holding anybody up, then done in a unit of work of its own that looks again.
The moment stands on the reservation itself (``wake_at``) and not in ``chatsvc.db.due``: it follows from the other columns and changes with
them under one version, and what it brings is decided in the turn of the lines, which a row of ``due`` is not done in.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from callback import store
from callback.booking import Bookings
from callback.dialling import MANUAL, Dialling
from callback.following import FOLLOWING, happened, seen
from callback.model import MAY_BE_LATE, MERGEABLE, Event, Manner, ReservationId, State
from callback.planning import Planning
from callback.tables import attempts, reservations
from callback.telephony.port import AttemptId, Ended, EndedBy, Facts, Outcome
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.apart import Apart, do_apart
from chatsvc.kernel.errors import Conflict
from chatsvc.kernel.ids import PersonId
from chatsvc.routing import store as places
from chatsvc.routing.store import decide_each, deciding
from chatsvc.routing.tables import desks
from chatsvc.tickets import store as tickets

logger = logging.getLogger(__name__)

# How many of one kind a sweep does; the rest is due in the next one.
_AT_ONCE: Final = 200
# How many things one reservation can have missed: the slot's beginning, its end, and its last hour.
_STEPS: Final = 5

Act = Callable[[UnitOfWork, Any], Awaitable[None]]


class Sweeping(Bookings, Dialling, Planning):
    """Slots that begin, retries, reminders, promises that have passed, and calls that nobody ended."""

    async def sweep(self) -> None:
        """Do everything that is due; first what may make more of it: a call that is given up may wait for longer than it can."""
        await do_apart(
            self._give_up_forgotten,
            self._catch_up,
            self._merge_answered,
            self._give_back,
            self._wake_due,
            self._tell_next,
            self.warn_of_longer_calls,
            self.warn_of_the_disabled,
        )

    async def _each(self, conditions: tuple[Any, ...], act: Act) -> None:
        """Act on every reservation that meets conditions, each in a unit of work of its own."""
        async with self.database.read() as connection:
            found = await store.find(connection, *conditions, limit=_AT_ONCE)
        await self._all([each.id for each in found], conditions, act)

    async def _all(self, found: Sequence[ReservationId], conditions: tuple[Any, ...], act: Act) -> None:
        def still(connection: AsyncConnection, name: str) -> Awaitable[Sequence[Any]]:
            return store.find(connection, reservations.c.id == name, *conditions)

        await decide_each(self.database, found, still, act)

    # What is due ------------------------------------------------------------------------------------------------------------------------

    async def _wake_due(self) -> None:
        await self._each((reservations.c.wake_at <= self.database.clock.now(),), self._wake)

    async def _wake(self, uow: UnitOfWork, reservation: Any) -> None:
        """Do everything that the clock has brought to one reservation; after downtime that may be several things, one after the other."""
        for _ in range(_STEPS):
            await self._wake_once(uow, reservation)
            reservation = await store.by_id(uow.connection, reservation.id)
            if reservation.wake_at is None or reservation.wake_at > uow.now:
                return

    async def _wake_once(self, uow: UnitOfWork, reservation: Any) -> None:
        """Do what the clock brings next, and set it anew."""
        reservation = await self.settle(uow, reservation)
        if reservation.wake_at is None or reservation.wake_at > uow.now:
            return
        state = State(reservation.state)
        if state is State.BOOKED:
            await self._wake_booked(uow, reservation)
        elif reservation.expires_at <= uow.now and state in (
            State.DUE,
            State.RETRY_WAIT,
            State.NEEDS_NUMBER,
            State.ASKED,
        ):
            await self.end(uow, reservation, Event.ELAPSED)
        elif state is State.RETRY_WAIT and reservation.not_before_at <= uow.now:
            await self._due_again(uow, reservation)
        else:
            await self._apologise(uow, reservation)

    async def _wake_booked(self, uow: UnitOfWork, reservation: Any) -> None:
        if reservation.slot_at > uow.now:
            # Those that were missed are not made up for: one is enough.
            reminded = self.first_reminder(reservation.slot_at, uow.now)
            wake_at = self.wake_of(reservation, reminded=reminded)
            remembered = await store.change(uow, reservation, reminded=reminded, wake_at=wake_at)
            await self.tell(uow, remembered, "reminder", n=reservation.sequence * 10 + reminded)
        elif reservation.expires_at <= uow.now:
            await self.end(uow, reservation, Event.ELAPSED)
        else:
            await self._begin_slot(uow, reservation)

    async def _begin_slot(self, uow: UnitOfWork, reservation: Any) -> None:
        """Let the seat become a place; whoever is in the line already has reached us otherwise (invariant 29)."""
        ticket = await tickets.load(uow.connection, reservation.ticket_id)
        covered = await self.coverage_of(uow.connection, ticket, uow.now)
        try:
            await self._admit(uow, ticket, reservation.line, covered.until if covered.is_open else None)
        except Conflict as conflict:
            if conflict.key != "visit.already_open":
                raise
            await self.end(uow, reservation, Event.MERGED)
            return
        wake_at = self.wake_of(reservation, state=State.DUE)
        await store.move(uow, reservation, Event.CAME_DUE, wake_at=wake_at)

    async def _apologise(self, uow: UnitOfWork, reservation: Any) -> None:
        """Say so the moment a bound that was shown has passed, once, with the way to choose anew."""
        values: dict[str, Any] = {}
        is_late = reservation.promised_until is not None and reservation.promised_until <= uow.now
        if is_late and reservation.apologised_at is None and reservation.state in MAY_BE_LATE:
            await self.tell(uow, reservation, "apology")
        if is_late:
            values["apologised_at"] = reservation.apologised_at or uow.now
        wake_at = self.wake_of(reservation, **values)
        # With a representative nothing is due any more; coming back into the line sets the clock anew.
        if wake_at is not None and wake_at <= uow.now:
            wake_at = None
        await store.change(uow, reservation, wake_at=wake_at, **values)

    # Catching up ------------------------------------------------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        """Let reservations catch up with places that moved on without them."""
        async with self.database.read() as connection:
            found = await store.find(connection, reservations.c.state.in_(FOLLOWING), limit=_AT_ONCE * 5)
            behind = []
            for each in found:
                conversation = await self.conversations.live_phase(connection, each.ticket_id)
                place = await places.place_of(connection, each.ticket_id)
                if happened(State(each.state), seen(conversation, place)):
                    behind.append(each.id)

        async def catch_up(uow: UnitOfWork, reservation: Any) -> None:
            settled = await self.settle(uow, reservation)
            wake_at = self.wake_of(settled)
            if settled.wake_at is None and settled.state == State.DUE:
                await store.change(uow, settled, wake_at=wake_at)

        await self._all(behind, (), catch_up)

    async def _merge_answered(self) -> None:
        """End the calls whose request was answered in writing meanwhile: tickets know nothing of telephones."""

        async def merge(uow: UnitOfWork, reservation: Any) -> None:
            settled = await self.settle(uow, reservation)
            if settled.state in MERGEABLE:
                await self.end(uow, settled, Event.MERGED, why="answered")

        await self._each((store.answered_in_writing(self.database.clock.now() - self.rules.answered_after),), merge)

    async def _give_back(self) -> None:
        """Give calls back into the line that somebody has looked at for too long without dialling, as if they had left them to others."""

        async def give_back(uow: UnitOfWork, reservation: Any) -> None:
            conversation = await self.conversations.live_phase(uow.connection, reservation.ticket_id)
            if (await self.settle(uow, reservation)).state == State.PREVIEW:
                await self._released(uow, reservation, conversation)
                logger.info("preview_given_back", extra={"reservation": reservation.id})

        by = self.database.clock.now() - self.rules.preview_at_most
        await self._each((reservations.c.state == State.PREVIEW, store.looked_at_by(by)), give_back)

    # Being next -------------------------------------------------------------------------------------------------------------------------

    async def _tell_next(self) -> None:
        """Tell whoever has come to the head of a line that they are next, once, with the way to put it off."""
        waits = (
            reservations.c.state == State.DUE,
            reservations.c.manner == Manner.ASAP,
            reservations.c.next_told_at.is_(None),
        )
        async with self.database.read() as connection:
            found = await store.find(connection, *waits, limit=_AT_ONCE)
            heads = [each.id for each in found if await self.is_next(connection, each.ticket_id, each.line)]

        async def tell(uow: UnitOfWork, reservation: Any) -> None:
            told = await store.change(uow, reservation, next_told_at=uow.now)
            await self.tell(uow, told, "next")

        await self._all(heads, waits, tell)

    # Calls that nobody ended ------------------------------------------------------------------------------------------------------------

    async def _give_up_forgotten(self) -> None:
        """End calls that no process holds and of which nothing was heard: their representative has left, or far more time has passed than
        a call takes. What no process took over to dial, and of which nothing was heard at all, was certainly not dialled.
        """
        now, rules = self.database.clock.now(), self.rules
        async with self.database.read() as connection:
            by_hand = await store.running(connection, attempts.c.leased_until.is_(None))
            gone = await _gone_since(connection, [row.rep_id for row in by_hand], now - rules.breaker_for)
        with Apart() as apart:
            for attempt in by_hand:
                with apart.one(f"attempt {attempt.id}"):
                    await self._give_up_if_forgotten(attempt, attempt.rep_id in gone, now)

    async def _give_up_if_forgotten(self, attempt: Any, is_gone: bool, now: datetime) -> None:
        rules, is_manual = self.rules, attempt.adapter == MANUAL
        if not is_manual and attempt.claimed_at is None and attempt.stage is None:
            if attempt.created_at + rules.taken_over_within <= now:
                await self._not_dialled(AttemptId(attempt.id))
            return
        limit = rules.longest_call if is_manual else rules.told_within
        if attempt.talk_began_at is not None:
            limit = rules.longest_call * 2
        if attempt.created_at + limit <= now or (is_manual and is_gone and attempt.talk_began_at is None):
            await self.lose_sight(AttemptId(attempt.id))

    async def _not_dialled(self, attempt_id: AttemptId) -> None:
        async with deciding(self.database) as uow:
            attempt = await store.attempt(uow.connection, attempt_id)
            if attempt.outcome is None and attempt.claimed_at is None and attempt.stage is None:
                await self.ended(uow, attempt, Outcome.TRUNK, Facts(ended_by=EndedBy.HOLDLINE))

    async def lose_sight(self, attempt_id: AttemptId, recovered: Ended | None = None) -> None:
        """End an attempt of which nobody knows how it went; the representative is asked, nothing is dialled (invariant 26)."""
        async with deciding(self.database) as uow:
            attempt = await store.attempt(uow.connection, attempt_id)
            if attempt.outcome is None:
                await self.ended(uow, attempt, Outcome.UNKNOWN, Facts() if recovered is None else recovered.facts)


async def _gone_since(connection: AsyncConnection, persons: list[PersonId], since: datetime) -> set[PersonId]:
    """Return which of these representatives have not been there since a moment."""
    if not persons:
        return set()
    absent = or_(desks.c.leased_until.is_(None), desks.c.leased_until <= since)
    statement = select(desks.c.person_id).where(desks.c.person_id.in_(persons), absent)
    return set((await connection.execute(statement)).scalars())
