"""Moves lines: who is offered whom, what becomes of offers, and what representatives choose. It knows places and desks, no conversation."""

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import and_, or_, select, update

from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.kernel.ids import OfferId, PersonId, TicketId
from chatsvc.routing import policy, queries, store
from chatsvc.routing.model import DeskState, Made, OfferState, Pair, Place, PlaceState, RoutingRules, Seat
from chatsvc.routing.queries import Scope
from chatsvc.routing.store import deciding
from chatsvc.routing.tables import desk_lines, desks, offers, places

logger = logging.getLogger(__name__)

MOST_CAPACITY = 20
# How many waiting places beyond the free seats are looked at first; more only while all of these cannot be served.
_SPARE = 16
# A place that begins this round has been refused by everybody that often: somebody should look (callback.md, section 2).
_ALARMING_ROUND = 4
# Rows of one renewal; a longer list is renewed in several statements, so that nobody waits for thousands of row locks.
_RENEWED_AT_ONCE = 1_000


class Routing:
    """Lines, desks and offers."""

    def __init__(self, database: Database, rules: RoutingRules) -> None:
        self.database = database
        self.rules = rules

    # Matching ---------------------------------------------------------------------------------------------------------------------------

    async def match(self, lines: Collection[str] | None = None, persons: Collection[PersonId] = ()) -> tuple[Made, ...]:
        """Offer whoever is next to whoever is free.

        Args:
            lines: the lines in which something has changed; None: all.
            persons: representatives for whom something has changed: the lines they serve count as well.
        """
        scope = Scope(lines, persons)
        async with self.database.read() as connection:
            if not await queries.something_to_do(connection, scope, self.database.clock.now()):
                return ()
        async with deciding(self.database) as uow:
            pairs = await self._pairs(uow, await queries.seats(uow.connection, scope, uow.now))
            made = [await store.make_offer(uow, pair, self.rules.offer_for) for pair in pairs]
        for pair in pairs:
            if pair.round >= _ALARMING_ROUND:
                logger.warning("place_refused_by_all", extra={"place": pair.place.id, "round": pair.round})
        return tuple(offer for offer in made if offer is not None)

    async def _pairs(self, uow: UnitOfWork, seats: Sequence[Seat]) -> list[Pair]:
        """Pair as many heads of the lines as it takes; read on only while all that was read could not be served."""
        spare = _SPARE
        while True:
            limits = {line: room + spare for line, room in _room_by_line(seats).items()}
            waiting = await queries.heads(uow.connection, limits, uow.now)
            asked = await queries.asked(uow.connection, waiting)
            pairs = policy.match(waiting, seats, asked, uow.now, self.rules)
            if not _is_cut_short(waiting, limits, seats, pairs):
                return pairs
            spare *= 4

    # Offers -----------------------------------------------------------------------------------------------------------------------------

    async def decline(self, person: PersonId, offer: OfferId, epoch: int, reason: str) -> None:
        """Leave an offer to somebody else; declining twice changes nothing.

        Raises:
            NotFound: there is no such offer.
            Conflict: ``offer.taken`` or ``offer.over``.
        """
        async with deciding(self.database) as uow:
            found = await own_offer(uow, person, offer, epoch)
            if found.state == OfferState.DECLINED:
                return
            if not await store.void_offer(uow, found, OfferState.DECLINED, reason):
                raise Conflict("offer.over", offer=offer)
            await store.change_desk(uow, person, missed=0)

    async def expire_offers(self) -> int:
        """End the offers whose time is over; whoever misses two in a row is paused, and told so (design, section 6)."""

        async def miss(uow: UnitOfWork, offer: Any) -> None:
            if await store.void_offer(uow, offer, OfferState.MISSED):
                await self._count_missed(uow, offer.person_id)

        return await self._each_open_offer((offers.c.deadline_at <= self.database.clock.now(),), miss)

    async def _count_missed(self, uow: UnitOfWork, person: PersonId) -> None:
        await store.change_desk(uow, person, missed=desks.c.missed + 1)
        paused = await store.change_desk(
            uow,
            person,
            desks.c.state == DeskState.READY,
            desks.c.missed >= self.rules.missed_at_most,
            state=DeskState.PAUSED,
            reason="missed",
            changed_at=uow.now,
        )
        if paused:
            await self.withdraw_offers_of(uow, person)
            await ring_lines_of(uow, person)

    async def withdraw_lost_offers(self) -> int:
        """Take back offers of customers whose page is not seen any more, and of representatives whose lease ran out."""
        now = self.database.clock.now()
        unseen = and_(places.c.waiting_for == "chat", places.c.seen_at < now - self.rules.unseen_after)
        absent = or_(desks.c.leased_until.is_(None), desks.c.leased_until <= now)

        async def withdraw(uow: UnitOfWork, offer: Any) -> None:
            await store.void_offer(uow, offer, OfferState.WITHDRAWN)

        return await self._each_open_offer((or_(unseen, absent),), withdraw)

    async def withdraw_offers_of(self, uow: UnitOfWork, person: PersonId) -> None:
        """Take back everything that is offered to a person, inside a unit of work."""
        for offer in await store.open_offers(uow.connection, offers.c.person_id == person):
            await store.void_offer(uow, offer, OfferState.WITHDRAWN)

    async def _each_open_offer(self, conditions: tuple[Any, ...], act: Callable[[UnitOfWork, Any], Any]) -> int:
        """Act on the open offers that meet conditions; look first without holding anybody up, then again for good."""
        async with self.database.read() as connection:
            if not await store.open_offers(connection, *conditions):
                return 0
        async with deciding(self.database) as uow:
            found = await store.open_offers(uow.connection, *conditions)
            for offer in found:
                await act(uow, offer)
        return len(found)

    # Desks ------------------------------------------------------------------------------------------------------------------------------

    async def set_desk(self, person: PersonId, state: DeskState, reason: str | None) -> None:
        """Make a representative ready or away. Who goes away is asked nothing more; what they have stays with them."""
        async with deciding(self.database) as uow:
            await store.ensure_desk(uow, person)
            if state is DeskState.READY:
                lease = uow.now + self.rules.lease_for
                present = {"missed": 0, "leased_until": lease}
            else:
                present = {}
                await self.withdraw_offers_of(uow, person)
            await store.change_desk(uow, person, state=state, reason=reason, changed_at=uow.now, **present)
            uow.ring(f"desk:{person}")
            await ring_lines_of(uow, person)

    async def set_capacity(self, person: PersonId, capacity: int) -> None:
        """Set how many units a representative may have at once; what they have stays with them.

        Raises:
            Invalid: it is not between 1 and 20.
            NotFound: the person has no desk.
        """
        if not 1 <= capacity <= MOST_CAPACITY:
            raise Invalid("desk.capacity", field="capacity", most=MOST_CAPACITY)
        async with deciding(self.database) as uow:
            if not await store.change_desk(uow, person, capacity=capacity, changed_at=uow.now):
                raise NotFound("desk.not_found")
            uow.ring(f"desk:{person}")
            await ring_lines_of(uow, person)

    async def renew_desks(self, persons: Collection[PersonId]) -> None:
        """Extend the leases of connected representatives; those who were gone are news for their lines."""
        if not persons:
            return
        async with self.database.begin() as uow:
            absent = or_(desks.c.leased_until.is_(None), desks.c.leased_until <= uow.now)
            found = select(desks.c.person_id).where(desks.c.person_id.in_(persons))
            back = (await uow.execute(found.where(absent))).scalars().all()
            held = found.order_by(desks.c.person_id).with_for_update(skip_locked=True).scalar_subquery()
            lease = uow.now + self.rules.lease_for
            await uow.execute(update(desks).where(desks.c.person_id.in_(held)).values(leased_until=lease))
            for person in back:
                uow.ring(f"desk:{person}")
                await ring_lines_of(uow, person)

    async def renew_places(self, tickets: Collection[TicketId]) -> None:
        """Note that the pages of these visits are there; rows that are being decided about right now are left for the next time."""
        wanted = sorted(tickets)
        for begin in range(0, len(wanted), _RENEWED_AT_ONCE):
            async with self.database.begin() as uow:
                live = select(places.c.id).where(
                    places.c.ticket_id.in_(wanted[begin : begin + _RENEWED_AT_ONCE]),
                    places.c.state != PlaceState.GONE,
                )
                held = live.with_for_update(skip_locked=True).scalar_subquery()
                await uow.execute(update(places).where(places.c.id.in_(held)).values(seen_at=uow.now))


async def own_offer(uow: UnitOfWork, person: PersonId, offer: OfferId, epoch: int) -> Any:
    """Return a person's offer, in whatever state it is.

    Raises:
        NotFound: there is no such offer.
        Conflict: ``offer.taken``: it is somebody else's, or of another epoch.
    """
    found = await store.find_offer(uow.connection, offer)
    if found is None:
        raise NotFound("offer.not_found", offer=offer)
    if found.person_id != person or found.epoch != epoch:
        raise Conflict("offer.taken", offer=offer)
    return found


async def ring_lines_of(uow: UnitOfWork, person: PersonId) -> None:
    """Ring for every line that a person serves: who serves it has changed."""
    statement = select(desk_lines.c.line).where(desk_lines.c.person_id == person)
    for line in (await uow.execute(statement)).scalars():
        uow.ring(f"line:{line}")


def _room_by_line(seats: Sequence[Seat]) -> dict[str, int]:
    """Free units of each line's representatives; lines without any are left out."""
    room: dict[str, int] = {}
    for seat in seats:
        if seat.load < seat.capacity:
            for line in seat.lines:
                room[line] = room.get(line, 0) + seat.capacity - seat.load
    return room


def _is_cut_short(
    waiting: Sequence[Place], limits: dict[str, int], seats: Sequence[Seat], pairs: Sequence[Pair]
) -> bool:
    """Whether a line has both more people waiting than were read and a representative who still has room."""
    left = {seat.person: seat.capacity - seat.load for seat in seats}
    for pair in pairs:
        if pair.person in left:
            left[pair.person] -= pair.units
    roomy = {line for seat in seats if left[seat.person] > 0 for line in seat.lines}
    read: dict[str, int] = {}
    for place in waiting:
        read[place.line] = read.get(place.line, 0) + 1
    return any(read.get(line, 0) >= limits[line] for line in roomy if line in limits)
