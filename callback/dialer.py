"""Drives the telephone system: takes over attempts, hands them to the port, and writes down what the port tells.

An attempt is taken over once, by a compare-and-swap, before anything leaves the house; whoever holds it says so every few seconds. When
that stops, the process is dead: another one releases what was left up, and a representative is asked how it went (invariants 24 and 26).
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from callback import store
from callback.actions import Callbacks
from callback.tables import attempts
from callback.telephony.port import (
    AllLinesBusy,
    AlreadyDialled,
    AttemptId,
    Call,
    Ended,
    EndedBy,
    Event,
    Facts,
    Ledger,
    Outcome,
    Telephony,
)
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Conflict, Invalid
from chatsvc.kernel.ids import PersonId
from chatsvc.routing.store import deciding

logger = logging.getLogger(__name__)

# For how long a process counts as alive after it last said so.
LEASE: Final = timedelta(seconds=20)
# What a trace may weigh (the port's own limit).
_LONGEST_TRACE: Final = 16_384


class Dialer(Ledger):
    """One per process that makes calls."""

    def __init__(self, calls: Callbacks, telephony: Callable[[Ledger], Telephony], *, lease: timedelta = LEASE) -> None:
        """Prepare.

        Args:
            calls: what is to be dialled, and what becomes of it.
            telephony: makes the telephone system, which tells this ledger what happens.
            lease: for how long this process counts as alive after it last said so.
        """
        self.calls = calls
        self.database = calls.database
        self.telephony = telephony(self)
        self.lease = lease
        # Attempts of this process.
        self._held: set[AttemptId] = set()

    async def round(self) -> None:
        """Take over what is to be dialled, hang up what is to be hung up, say that we live, and release what dead processes left."""
        await self._renew()
        await self._recover()
        await self._hang_up()
        waiting = await self._running(attempts.c.claimed_at.is_(None))
        # At once, for a telephone system that answers slowly keeps nobody else waiting.
        await asyncio.gather(*(self._take_over(AttemptId(attempt.id)) for attempt in waiting))

    async def _running(self, *conditions: Any) -> Any:
        async with self.database.read() as connection:
            return await store.running(connection, attempts.c.adapter == self.telephony.name, *conditions)

    # Dialling ---------------------------------------------------------------------------------------------------------------------------

    async def _take_over(self, attempt_id: AttemptId) -> None:
        async with deciding(self.database) as uow:
            row = await store.attempt(uow.connection, attempt_id)
            telephone = await store.telephone_of(uow.connection, PersonId(row.rep_id))
            if row.outcome is not None or row.claimed_at is not None:
                return
            await store.change_attempt(uow, attempt_id, claimed_at=uow.now, leased_until=uow.now + self.lease)
            self._held.add(attempt_id)
        failpoints.hit("take_over.after_commit")
        try:
            await self._dial(attempt_id, row.number, telephone)
        except Exception:
            # Nobody knows what has left the house: when the lease has passed it is released and asked about.
            self._held.discard(attempt_id)
            raise
        if not self.telephony.holds_calls:
            await self._leave(attempt_id)

    async def _leave(self, attempt_id: AttemptId) -> None:
        """Give an attempt over to a system that holds its calls itself: from here on it lives without us."""
        async with self.database.begin() as uow:
            await store.change_attempt(uow, attempt_id, leased_until=None)
        self._held.discard(attempt_id)

    async def _dial(self, attempt_id: AttemptId, number: str, telephone: str | None) -> None:
        rules = self.calls.rules
        try:
            call = Call(
                attempt=attempt_id,
                representative=telephone or "",
                customer=number,
                ring_limit=rules.ring_limit,
                max_length=rules.longest_call,
            )
            await self.telephony.dial(call)
        except AllLinesBusy:
            await self._end(attempt_id, Outcome.TRUNK)
        except Invalid as refused:
            # The representative has no telephone that can be rung, for one; nothing has left the house.
            logger.warning("attempt_not_dialled", extra={"attempt": attempt_id, "key": refused.key})
            await self._end(attempt_id, Outcome.REP_NO_ANSWER)
        except AlreadyDialled:
            logger.warning("attempt_dialled_twice", extra={"attempt": attempt_id})

    async def _end(self, attempt_id: AttemptId, outcome: Outcome) -> None:
        at = self.database.clock.now()
        await self.happened(Ended(attempt=attempt_id, outcome=outcome, facts=Facts(ended_by=EndedBy.HOLDLINE), at=at))

    async def _hang_up(self) -> None:
        for attempt in await self._running(attempts.c.hang_up_at.is_not(None)):
            if AttemptId(attempt.id) in self._held or not self.telephony.holds_calls:
                await self.telephony.hang_up(AttemptId(attempt.id))

    # Being alive ------------------------------------------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        for attempt_id in tuple(self._held) if self.telephony.holds_calls else ():
            if not self.telephony.is_up(attempt_id):
                # Crashed, or its end could not be stored: the lease runs out, and the attempt is recovered like one of a dead process.
                self._held.discard(attempt_id)
                continue
            async with self.database.begin() as uow:
                if not await store.change_attempt(uow, attempt_id, leased_until=uow.now + self.lease):
                    self._held.discard(attempt_id)

    async def _recover(self) -> None:
        """Release the legs of calls whose process is dead, several at a time; then ask their representatives."""
        now = self.database.clock.now()
        dead = [
            row for row in await self._running(attempts.c.leased_until <= now) if AttemptId(row.id) not in self._held
        ]
        await asyncio.gather(*(self._recover_one(row) for row in dead))

    async def _recover_one(self, row: Any) -> None:
        attempt_id = AttemptId(row.id)
        async with self.database.begin() as uow:
            # Another living process that looks at the same moment leaves it to us.
            taken = await store.change_attempt_if(
                uow, attempt_id, attempts.c.leased_until == row.leased_until, leased_until=uow.now + self.lease
            )
        if taken:
            recovered = await self.telephony.recover(attempt_id, row.trace)
            logger.warning("attempt_recovered", extra={"attempt": attempt_id})
            await self.calls.lose_sight(attempt_id, recovered)

    # What the port tells ------------------------------------------------------------------------------------------------------------------

    async def keep(self, attempt: AttemptId, trace: str) -> None:
        """Commit what a recovery needs; raises when the attempt has ended meanwhile, which stops the dialling."""
        if len(trace) > _LONGEST_TRACE:
            raise Invalid("call.trace", attempt=attempt)
        async with self.database.begin() as uow:
            if not await store.change_attempt(uow, attempt, trace=trace):
                raise Conflict("call.not_now", attempt=attempt)

    async def happened(self, event: Event) -> None:
        """Write down what happened, and let the reservation go on."""
        if not self.telephony.holds_calls and await self._is_told_of_elsewhere(event):
            return
        await self.calls.happened(event, self.telephony.name)
        if isinstance(event, Ended):
            self._held.discard(event.attempt)

    async def _is_told_of_elsewhere(self, event: Event) -> bool:
        """Whether nobody knows if a system that holds its calls itself was asked to dial, and it has told about the call by now: it was."""
        if not isinstance(event, Ended) or event.outcome is not Outcome.UNKNOWN:
            return False
        async with self.database.read() as connection:
            return (await store.attempt(connection, event.attempt)).stage is not None

    async def close(self) -> None:
        """Hang up what this process holds, and give its sockets back."""
        await self.telephony.close()
