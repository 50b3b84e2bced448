"""The live phase by telephone: a place that waits for a call, and a conversation that is one (C3).

Everything here happens inside somebody else's unit of work: the room of the telephone, above, knows numbers, attempts and slots, and asks
for what becomes of the place. What is dialled is not known here.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.conversations import store
from chatsvc.conversations.answering import Answering
from chatsvc.conversations.ending import Ending
from chatsvc.conversations.joining import Joining
from chatsvc.conversations.model import Event, State
from chatsvc.conversations.tables import conversations
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict
from chatsvc.kernel.ids import CompanyId, PersonId, TicketId
from chatsvc.routing import policy
from chatsvc.routing import store as places
from chatsvc.routing.model import OfferState, PlaceState
from chatsvc.routing.tables import offers
from chatsvc.routing.tables import places as places_table
from chatsvc.routing.telling import columns
from chatsvc.tickets.model import Kind

# What ``conversations.call`` says.
WAITS = "waits"
ON = "on"


class Calling(Answering, Ending, Joining):
    """Places and conversations of those who are rung."""

    async def live_phase(self, connection: AsyncConnection, ticket: TicketId) -> Any | None:
        """Return the conversation of a ticket as a row; None when it never had one."""
        found = await store.find(connection, conversations.c.ticket_id == ticket, limit=1)
        return found[0] if found else None

    async def wait_for_call(self, uow: UnitOfWork, conversation: Any) -> None:
        """Let a place that waits for a chat wait for a call instead: same rank, whatever page is open (C3)."""
        await self._wait_for(uow, conversation, "call", WAITS)

    async def wait_for_chat(self, uow: UnitOfWork, conversation: Any) -> None:
        """Let a place that waits for a call wait for a chat again: same rank."""
        await self._wait_for(uow, conversation, "chat", None)

    async def _wait_for(self, uow: UnitOfWork, conversation: Any, waiting_for: str, call: str | None) -> None:
        if conversation.state != State.WAITING:
            raise Conflict("visit.not_waiting", conversation=conversation.id)
        place = await self._waiting_place(uow, conversation)
        # That it was put off stays known: such a wait was not the one that was told (``routing.queries.told_waits``).
        put_off = None if place.not_before_at is None else min(place.not_before_at, uow.now)
        values = {"waiting_for": waiting_for, "not_before_at": put_off, "seen_at": uow.now}
        if not await places.change_place(uow, place, **values):
            raise Conflict("conversation.changed", conversation=conversation.id)
        await store.change(uow, conversation, call=call)
        await places.note(uow, place.line, place.id, f"wants_{waiting_for}")
        self.ring(uow, conversation)
        uow.ring(f"line:{place.line}")

    async def put_off(self, uow: UnitOfWork, conversation: Any, until: datetime) -> None:
        """Let a waiting place be offered to nobody before a moment; now: at once again. It keeps its rank."""
        place = await self._waiting_place(uow, conversation)
        if not await places.change_place(uow, place, not_before_at=until):
            raise Conflict("conversation.changed", conversation=conversation.id)
        await places.note(uow, place.line, place.id, "put_off")
        uow.ring(f"line:{place.line}")

    async def _waiting_place(self, uow: UnitOfWork, conversation: Any) -> Any:
        """Return the place of a waiting conversation, which nobody is offered any more: what it waits for is about to change."""
        for offer in await places.open_offers(uow.connection, offers.c.place_id == conversation.place_id):
            await places.void_offer(uow, offer, OfferState.WITHDRAWN)
        place = await places.place_of(uow.connection, conversation.ticket_id)
        assert place is not None, "a conversation has a place"
        return place

    async def admit_call(
        self,
        uow: UnitOfWork,
        *,
        ticket: TicketId,
        company: CompanyId,
        contact: PersonId,
        line: str,
        severity: str,
        closes_at: datetime | None,
    ) -> None:
        """Put a ticket's customer in line for a call, now: with the place it had, if that was given up, else with a new one.

        Raises:
            Conflict: ``visit.already_open``: the contact has another live place in this line (R11).
        """
        if await store.live_ticket(uow.connection, contact, line) is not None:
            raise Conflict("visit.already_open", line=line)
        rank, seq = policy.rank(uow.now, severity, self.rules.routing), await places.next_seq(uow)
        known = await self.live_phase(uow.connection, ticket)
        if known is None:
            whose: dict[str, Any] = {"ticket": ticket, "company": company, "contact": contact, "line": line}
            place = await places.admit(uow, seq=seq, rank=rank, quote=None, closes_at=closes_at, **whose)
            await store.create(uow, place=place, **whose)
        else:
            await self._admit_again(uow, known, line=line, rank=rank, seq=seq, closes_at=closes_at)
        admitted = await self.live_phase(uow.connection, ticket)
        assert admitted is not None, "it was just admitted"
        await self.wait_for_call(uow, admitted)

    async def _admit_again(self, uow: UnitOfWork, conversation: Any, *, line: str, **values: Any) -> None:
        place = await places.place_of(uow.connection, conversation.ticket_id)
        assert place is not None, "a conversation has a place"
        epoch = place.epoch + 1
        waiting = {"state": PlaceState.WAITING, "epoch": epoch, "round": place.round + 1, "line": line}
        moments = {
            "admitted_at": uow.now,
            "taken_at": None,
            "gone_at": None,
            "not_before_at": None,
            "reserved_for": None,
        }
        nothing_told = {**places.quoted(None), **columns(None)}
        if place.state != PlaceState.GONE or not await places.change_place(
            uow, place, **waiting, **moments, **nothing_told, **values
        ):
            raise Conflict("conversation.changed", conversation=conversation.id)
        again = {"line": line, "rep_id": None, "epoch": epoch, "closed_at": None}
        await store.move(uow, conversation, Event.CALLED_AGAIN, **again)
        await places.note(uow, line, place.id, "admitted", {"rank": values["rank"], "seq": values["seq"]})

    async def begin_call(self, uow: UnitOfWork, conversation: Any) -> None:
        """Note that a conversation is on the telephone: it stays with its representative whatever their page does."""
        if conversation.state != State.ACTIVE or conversation.call is None:
            raise Conflict("conversation.not_active", conversation=conversation.id)
        await store.change(uow, conversation, call=ON)
        self.ring(uow, conversation)

    async def end_call(
        self,
        uow: UnitOfWork,
        conversation: Any,
        *,
        not_before: datetime | None = None,
        to_the_end: bool = False,
        declined: bool = False,
    ) -> None:
        """Put a call that did not come about back into the line; its representative is free.

        Args:
            uow: in which it happens.
            conversation: a representative's, by telephone.
            not_before: offered to nobody before; None: at once, and what was put off before stays known as such.
            to_the_end: behind everybody who waits now; else it keeps its rank.
            declined: its representative leaves it to others, and is asked again only after them.
        """
        place = await self._put_back(uow, conversation, Event.NOT_REACHED, declined=declined)
        values: dict[str, Any] = {"waiting_for": "call"}
        if not_before is not None:
            values["not_before_at"] = not_before
        if to_the_end:
            values["rank"] = max(place.rank, policy.rank(uow.now, "", self.rules.routing))
        await uow.execute(update(places_table).where(places_table.c.id == place.id).values(values))
        waiting = await self.live_phase(uow.connection, conversation.ticket_id)
        assert waiting is not None, "it was just put back"
        await store.change(uow, waiting, call=WAITS)
        self.ring(uow, conversation)

    async def begin_call_wrap_up(self, uow: UnitOfWork, conversation: Any) -> None:
        """The talk is over: its representative completes the ticket, as after a chat (K4). There is nothing to take back."""
        ended = {"ended_at": uow.now, "ended_by": conversation.rep_id, "due_at": uow.now, "call": None}
        await store.move(uow, conversation, Event.ENDED, **ended)
        await self.say_as_staff(uow, conversation, PersonId(conversation.rep_id), Kind.ENDED)
        ending = await self.live_phase(uow.connection, conversation.ticket_id)
        await self.begin_wrap_up(uow, ending)

    async def give_up_call(self, uow: UnitOfWork, conversation: Any, *, why: str) -> None:
        """Take a place that waits for a call, or is with a representative, out of the line; the ticket stays open."""
        if conversation.state == State.ACTIVE:
            await self.end_call(uow, conversation)
            conversation = await self.live_phase(uow.connection, conversation.ticket_id)
        if conversation is not None and conversation.state == State.WAITING:
            await self.give_up(uow, conversation, why=why)
