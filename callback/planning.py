"""The staffing plan: who is planned, for which lines, when. Slots are promised from it, and from nothing else.

Lowering it cancels nobody: slots that were promised more than the plan now carries are shown as such (invariant 22).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from callback import store
from callback.capacity import USUAL, Measured
from callback.ground import Ground
from callback.model import ShiftId, Slot
from callback.policy import day_of
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import PersonId
from chatsvc.routing.store import deciding

# What supervisors are told of slots that are promised too often; the kind of outbox rows.
OVER: Final = "mail.staffing_over"

_LONGEST = timedelta(hours=16)
_PLANNERS = frozenset({PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR})


class Planning(Ground):
    """Shifts."""

    # The day (UTC) whose handling times supervisors have been warned by; None: none yet since this process began.
    _warned_on: datetime | None = None
    # Who can no longer sign in, and since when, that supervisors have been warned of where there was a reason to.
    _warned_by: frozenset[tuple[PersonId, datetime]] = frozenset()

    async def plan(
        self,
        identity: Identity,
        person: PersonId,
        lines: Collection[str],
        begins_at: datetime,
        ends_at: datetime,
        *,
        shift: ShiftId | None = None,
    ) -> ShiftId:
        """Plan somebody for lines, from one moment to another.

        Args:
            identity: who plans.
            person: who is planned.
            lines: of the catalogue.
            begins_at: when the shift begins.
            ends_at: when it ends.
            shift: one that was taken out and comes back; it is in the plan once, however often this is asked. None: a new one.

        Raises:
            NotAllowed: ``supervisors.only``.
            Invalid: no line, an unknown one, nobody who works here, or not between a moment and sixteen hours long.
        """
        self._insist_on_planner(identity)
        keys = [self.catalog.line(line).key for line in lines]
        if not keys:
            raise Invalid("choose", field="lines")
        if not timedelta() < ends_at - begins_at <= _LONGEST:
            raise Invalid("shift.length", field="ends")
        before = await self.over_promised()  # what that takes to work out holds up nobody here
        async with deciding(self.database) as uow:
            if not await store.works_here(uow.connection, person):
                raise Invalid("choice.unknown", field="person")
            planned = await store.add_shift(uow, person, keys, begins_at, ends_at, shift=shift)
            # Who serves fewer lines for a while, besides what was planned, serves only those.
            await self._warn(uow, before, await self._over(uow.connection, uow.now), f"shift:{planned}", by=identity)
            return planned

    async def unplan(self, identity: Identity, shift: ShiftId) -> tuple[Slot, ...]:
        """Take a shift out of the plan; return the slots that are now promised more than it carries. The other supervisors are told of new ones.

        Raises:
            NotAllowed: ``supervisors.only``.
            NotFound: there is no such shift.
        """
        self._insist_on_planner(identity)
        before = await self.over_promised()
        async with deciding(self.database) as uow:
            if not await store.remove_shift(uow, shift):
                raise NotFound("shift.not_found")
            over = await self._over(uow.connection, uow.now)
            await self._warn(uow, before, over, f"shift:{shift}", by=identity)
        return over

    async def over_promised(self) -> tuple[Slot, ...]:
        """Return the coming slots that are promised more than planned staffing carries, by time and line."""
        async with self.database.read() as connection:
            return await self._over(connection, self.database.clock.now())

    async def _over(
        self,
        connection: Any,
        now: datetime,
        *,
        measured_at: datetime | None = None,
        besides: PersonId | None = None,
    ) -> tuple[Slot, ...]:
        """Return the slots that are over; ``measured_at``: when handling times are taken from, None: now.

        ``besides``: somebody who counts as planned though their account is disabled.
        """
        begins = now - self.rules.slot_length
        until = now + timedelta(days=self.rules.bookable_days) + self.rules.slot_length
        taken = await store.taken(connection, begins, until)
        staffing = await self.staffing(
            connection, begins, until + self.rules.slot_length, measured_at=measured_at or now, besides=besides
        )
        slots = (staffing.slot(line, begin, by_line) for begin, by_line in sorted(taken.items()) for line in by_line)
        return tuple(slot for slot in slots if slot.is_over)

    # Warning ----------------------------------------------------------------------------------------------------------------------------

    async def warn_of_longer_calls(self) -> None:
        """Tell supervisors once a day of slots that are promised too often because calls take longer than was measured the day before."""
        now = self.database.clock.now()
        day, _ = day_of(now)
        if self._warned_on == day:
            return
        async with self.database.read() as connection:
            before = await self._over(connection, now, measured_at=now - timedelta(days=1))
            after = await self._over(connection, now)
        async with self.database.begin() as uow:
            await self._warn(uow, before, after, f"handling:{day:%Y-%m-%d}", by=None)
        self._warned_on = day

    async def warn_of_the_disabled(self) -> None:
        """Tell supervisors once of slots that are promised too often because somebody who is planned can no longer sign in."""
        now = self.database.clock.now()
        async with self.database.read() as connection:
            gone = await store.shut_out(connection, now)
            new = [each for each in gone if (each.id, each.disabled_at) not in self._warned_by]
            after = await self._over(connection, now) if new else ()
            before = [await self._over(connection, now, besides=each.id) for each in new]
        for each, with_them in zip(new, before, strict=True):
            async with self.database.begin() as uow:
                cause = f"disabled:{each.id}:{each.disabled_at:%Y%m%dT%H%M%S%f}"
                await self._warn(uow, with_them, after, cause, by=None, gone=each.name)
        self._warned_by = frozenset((each.id, each.disabled_at) for each in gone)

    async def _warn(
        self,
        uow: UnitOfWork,
        before: Iterable[Slot],
        after: Iterable[Slot],
        cause: str,
        *,
        by: Identity | None,
        gone: str = "",
    ) -> None:
        """Tell supervisors of slots that have become promised too often, or more so, except whoever did it: they see it on the plan."""
        carried = {(slot.line, slot.begins_at): slot.capacity for slot in before}
        worse = [slot for slot in after if slot.capacity < carried.get((slot.line, slot.begins_at), slot.taken)]
        if not worse:
            return
        facts = {
            "by": "" if by is None else by.name,
            "gone": gone,
            "slots": [
                {
                    "line": slot.line,
                    "begins_at": slot.begins_at.isoformat(),
                    "taken": slot.taken,
                    "capacity": slot.capacity,
                }
                for slot in worse
            ],
        }
        # A shift may come back and be taken out again.
        told = f"staffing:{cause}" if by is None else f"staffing:{cause}:{uow.now:%Y%m%dT%H%M%S%f}"
        for person in await store.supervisors(uow.connection):
            if by is None or person != by.person:
                await uow.record(OVER, cause=told, recipient=person, payload=facts)

    async def handling_times(self) -> Mapping[str, Measured]:
        """Return by which handling time slots of each line are promised now: key of the catalogue -> what was measured, in its order."""
        async with self.database.read() as connection:
            found = await self.handling.of(connection, self.database.clock.now())
        return {line.key: found.get(line.key, Measured(USUAL, 0)) for line in self.catalog.lines}

    def _insist_on_planner(self, identity: Identity) -> None:
        if identity.role not in _PLANNERS:
            raise NotAllowed("supervisors.only")
