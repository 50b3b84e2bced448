"""The staffing plan: who is planned, for which lines, when. Slots are promised from it, and from nothing else.

Lowering it cancels nobody: slots that were promised more than the plan now carries are shown as such (invariant 22).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from callback import store
from callback.capacity import USUAL, Measured
from callback.ground import Ground
from callback.model import ShiftId, Slot
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import PersonId

_LONGEST = timedelta(hours=16)
_PLANNERS = frozenset({PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR})


class Planning(Ground):
    """Shifts."""

    async def plan(
        self, identity: Identity, person: PersonId, lines: Collection[str], begins_at: datetime, ends_at: datetime
    ) -> ShiftId:
        """Plan somebody for lines, from one moment to another.

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
        async with self.database.begin() as uow:
            if not await store.works_here(uow.connection, person):
                raise Invalid("choice.unknown", field="person")
            return await store.add_shift(uow, person, keys, begins_at, ends_at)

    async def unplan(self, identity: Identity, shift: ShiftId) -> tuple[Slot, ...]:
        """Take a shift out of the plan; return the slots that are now promised more than it carries.

        Raises:
            NotAllowed: ``supervisors.only``.
            NotFound: there is no such shift.
        """
        self._insist_on_planner(identity)
        async with self.database.begin() as uow:
            if not await store.remove_shift(uow, shift):
                raise NotFound("shift.not_found")
        return await self.over_promised()

    async def over_promised(self) -> tuple[Slot, ...]:
        """Return the coming slots that are promised more than planned staffing carries, by time and line."""
        now = self.database.clock.now()
        until = now + timedelta(days=self.rules.bookable_days) + self.rules.slot_length
        async with self.database.read() as connection:
            taken = await store.taken(connection, now - self.rules.slot_length, until)
            begins = now - self.rules.slot_length
            staffing = await self.staffing(connection, begins, until + self.rules.slot_length, measured_at=now)
        slots = (staffing.slot(line, begin, by_line) for begin, by_line in sorted(taken.items()) for line in by_line)
        return tuple(slot for slot in slots if slot.is_over)

    async def handling_times(self) -> Mapping[str, Measured]:
        """Return by which handling time slots of each line are promised now: key of the catalogue -> what was measured, in its order."""
        async with self.database.read() as connection:
            found = await self.handling.of(connection, self.database.clock.now())
        return {line.key: found.get(line.key, Measured(USUAL, 0)) for line in self.catalog.lines}

    def _insist_on_planner(self, identity: Identity) -> None:
        if identity.role not in _PLANNERS:
            raise NotAllowed("supervisors.only")
