"""Keeps saying who is there: one statement for all representatives of this process, one for all customers who wait or talk (rules 15, 16).

There is no word of farewell: who is no longer renewed is gone when the lease is over, and a reload of the page goes unnoticed.
"""

import asyncio
import logging

from chatsvc.hub.doors import Deeds
from chatsvc.hub.pictures import Pictures
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import PersonId, TicketId

logger = logging.getLogger(__name__)

# Those who come together are announced together.
_TOGETHER_S = 0.05


class Presence:
    """Who is there."""

    def __init__(self, deeds: Deeds, pictures: Pictures) -> None:
        self._deeds = deeds
        self._pictures = pictures
        self._desks: set[PersonId] = set()
        self._places: set[TicketId] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def desk_came(self, person: PersonId) -> None:
        """Announce a representative at once rather than at the next round."""
        self._desks.add(person)
        self._soon()

    def customer_came(self, ticket: TicketId) -> None:
        """Announce a customer at once rather than at the next round."""
        self._places.add(ticket)
        self._soon()

    async def renew_desks(self) -> None:
        """Renew the lease of everybody whose desk is watched here."""
        if persons := self._pictures.desks():
            await self._deeds.renew_desks(persons)

    async def renew_places(self) -> None:
        """Renew the places of all customers whose live visit is watched here."""
        if tickets := self._pictures.tickets():
            await self._deeds.renew_places(tickets)

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TOGETHER_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        desks, self._desks = self._desks, set()
        places, self._places = self._places, set()
        task = asyncio.create_task(self._announce(desks, places))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _announce(self, desks: set[PersonId], places: set[TicketId]) -> None:
        try:
            if desks:
                await self._deeds.renew_desks(desks)
            if places:
                await self._deeds.renew_places(places)
        except Refused as error:
            logger.warning("presence_postponed", extra={"reason": error.key})
        except Exception:
            logger.exception("presence_failed")

    async def close(self) -> None:
        """Let a running announcement end."""
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
