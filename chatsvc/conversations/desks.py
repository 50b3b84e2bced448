"""What representatives choose about their desks, and the signs of life of both sides."""

from collections.abc import Collection

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.catalog.model import pick
from chatsvc.conversations.phase import Phase
from chatsvc.kernel.errors import Invalid, NotAllowed
from chatsvc.kernel.ids import PersonId, TicketId
from chatsvc.routing import store
from chatsvc.routing.model import DeskState


class Desks(Phase):
    """Ready and away, capacity, leases."""

    async def set_desk(self, identity: Identity, state: str, reason: str | None = None) -> None:
        """Choose ``ready`` or ``away`` (with a reason of the catalogue); ready also ends a pause.

        Raises:
            NotAllowed: ``staff.only``.
            Invalid: another state, or a reason that the catalogue does not have.
        """
        if not identity.is_staff:
            raise NotAllowed("staff.only")
        if state not in (DeskState.READY, DeskState.AWAY):
            raise Invalid("choice.unknown", field="state")
        if state == DeskState.READY:
            reason = None
        elif reason is not None:
            pick(self.catalog.away_reasons, reason, field="reason")
        await self.routing.set_desk(identity.person, DeskState(state), reason)

    async def give_desk(self, identity: Identity, person: PersonId, lines: Collection[str]) -> None:
        """Give somebody a desk, away and empty, unless they have one, and let them serve exactly these lines; for administrators.

        Raises:
            NotAllowed: ``identity`` is no administrator.
            Invalid: a line that the catalogue does not have.
        """
        if identity.role is not PersonRole.ADMINISTRATOR:
            raise NotAllowed("not_allowed", person=identity.person)
        keys = [self.catalog.line(line).key for line in lines]
        async with self.database.begin() as uow:
            await store.ensure_desk(uow, person)
            await store.serve_lines(uow, person, keys)
            for line in keys:
                uow.ring(f"line:{line}")

    async def set_capacity(self, person: PersonId, capacity: int) -> None:
        """Set how many units a representative may have at once, 1 to 20; what they have stays with them. Who may is asked at the door.

        Raises:
            Invalid, NotFound: the number is no capacity, or the person has no desk.
        """
        await self.routing.set_capacity(person, capacity)

    async def renew_desks(self, persons: Collection[PersonId]) -> None:
        """Say that these representatives are connected; hubs do so at a third of the lease, for all of theirs at once."""
        await self.routing.renew_desks(persons)

    async def renew_places(self, tickets: Collection[TicketId]) -> None:
        """Say that the pages of these visits are there; hubs do so every five seconds, for all of theirs at once."""
        await self.routing.renew_places(tickets)

    async def match(self, lines: Collection[str] | None = None, persons: Collection[PersonId] = ()) -> int:
        """Offer whoever is next to whoever is free; returns how many offers were made.

        Args:
            lines: the lines in which something has changed; None: all.
            persons: representatives for whom something has changed: the lines they serve count as well.
        """
        return len(await self.routing.match(lines, persons))
