"""How a conversation finds its representative, and moves to another: accept, decline, hand over, return (R9, R10).

Every grant raises the epoch: whoever had the conversation before cannot write into it any more, however late they wake up.
"""

from typing import Any

from chatsvc.accounts.model import Identity
from chatsvc.catalog.model import pick
from chatsvc.conversations import store
from chatsvc.conversations.gate import insist
from chatsvc.conversations.joining import required
from chatsvc.conversations.model import Event, State
from chatsvc.conversations.phase import Phase
from chatsvc.conversations.queries import NOTE_KEY
from chatsvc.conversations.tables import conversations
from chatsvc.coverage.model import Coverage
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.kernel.ids import ConversationId, OfferId, PersonId, TicketId
from chatsvc.routing import store as places
from chatsvc.routing.actions import own_offer
from chatsvc.routing.model import OfferState, Pair, Place, PlaceState
from chatsvc.routing.store import deciding
from chatsvc.routing.telling import columns
from chatsvc.tickets import store as tickets
from chatsvc.tickets.model import Append, Audience, Kind, Role, words

LONGEST_NOTE = 4_000


class Answering(Phase):
    """Offers answered, conversations handed over and returned."""

    async def accept(self, identity: Identity, offer: OfferId, epoch: int) -> ConversationId:
        """Take an offer; the same accept again gives the same answer.

        Raises:
            NotFound: there is no such offer.
            Conflict: ``offer.taken``: it is not theirs, or of another epoch; ``offer.over``: it was theirs, and its time is over.
            NotAllowed: ``coverage.closed``: the customer's hours have ended since it was made; what had begun before goes on.
        """
        async with deciding(self.database) as uow:
            found = await own_offer(uow, identity.person, offer, epoch)
            conversation = await store.load(uow.connection, conversations.c.place_id == found.place_id)
            if found.state == OfferState.ACCEPTED:
                return ConversationId(conversation.id)
            if found.deadline_at <= uow.now or not await places.answer_offer(uow, found, OfferState.ACCEPTED):
                raise Conflict("offer.over", offer=offer)
            await self._take(uow, identity, conversation, found)
            failpoints.hit("accept.before_commit")
        return ConversationId(conversation.id)

    async def _take(self, uow: UnitOfWork, identity: Identity, conversation: Any, offer: Any) -> None:
        epoch = offer.epoch
        place = await places.place_of(uow.connection, conversation.ticket_id)
        if place is None or place.state != PlaceState.OFFERED or place.epoch != epoch:
            raise Conflict("offer.over")
        if place.taken_at is None and place.closes_at is not None and place.closes_at <= uow.now:
            insist(await self._covered(uow, conversation.ticket_id))
        taken_at = place.taken_at or uow.now
        if not await places.change_place(uow, place, state=PlaceState.TAKEN, taken_at=taken_at, reserved_for=None):
            raise Conflict("offer.over")
        if place.taken_at is None:
            await places.learn(uow, place)
        await store.move(
            uow,
            conversation,
            Event.ACCEPTED,
            rep_id=identity.person,
            epoch=epoch,
            units=offer.units,
            accepted_at=conversation.accepted_at or uow.now,
        )
        await places.change_desk(uow, identity.person, missed=0)
        await tickets.grant_owner(uow, conversation.ticket_id, person=identity.person, epoch=epoch)
        await places.note(uow, place.line, place.id, "accepted", {"person": identity.person, "epoch": epoch})
        await self.say(uow, conversation, identity, Kind.ACCEPTED)
        uow.ring(f"desk:{identity.person}")
        uow.ring(f"line:{place.line}")

    async def _covered(self, uow: UnitOfWork, ticket: TicketId) -> Coverage:
        return await self.gate.of_ticket(uow.connection, await tickets.load(uow.connection, ticket), uow.now)

    async def decline(self, identity: Identity, offer: OfferId, epoch: int, reason: str) -> None:
        """Leave an offer to somebody else; the customer keeps the place. Declining twice changes nothing.

        Raises:
            Invalid: the catalogue has no such reason.
            NotFound, Conflict: as ``accept``.
        """
        pick(self.catalog.decline_reasons, reason, field="reason")
        await self.routing.decline(identity.person, offer, epoch, reason)

    async def hand_over(
        self,
        identity: Identity,
        conversation: ConversationId,
        *,
        to_person: PersonId | None = None,
        to_line: str | None = None,
        note: str = "",
    ) -> None:
        """Give the conversation to a colleague, or to a line, at the rank it always had.

        The colleague gets an offer with the note; if they refuse or miss it, it goes to the line. The customer reads one sentence.

        Raises:
            NotFound: no such conversation of this representative, or no such colleague.
            Conflict: ``conversation.not_active``; ``hand_over.not_free``: the colleague is away or has no room;
                ``hand_over.line_taken``: the customer has another conversation in that line.
            NotAllowed: ``coverage.closed``: outside the customer's hours nobody is put into a line again; a colleague can take over.
            Invalid: not exactly one target, oneself, an unknown line, or too long a note.
        """
        if (to_person is None) == (to_line is None):
            raise Invalid("hand_over.one_target")
        if to_person == identity.person:
            raise Invalid("hand_over.to_oneself", field="to_person")
        if to_line is not None:
            self.catalog.line(to_line)
        if note.strip():
            note = required(note, "note", LONGEST_NOTE)
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, conversation)
            if found.rep_id != identity.person:
                raise NotFound("conversation.not_found")
            if found.state != State.ACTIVE:
                raise Conflict("conversation.not_active", conversation=conversation)
            if found.call is not None:
                raise Conflict("conversation.by_telephone", conversation=conversation)
            if to_line is not None:
                insist(await self._covered(uow, found.ticket_id))
            target = {} if to_person is None else {"to_name": await self._colleague(uow, to_person)}
            await self._tell(uow, identity, found, note, target or {"to_line": to_line})
            place = await self._put_back(uow, found, Event.HANDED_OVER, line=to_line, reserved_for=to_person)
            if to_person is not None:
                await self._offer_to(uow, place, to_person)

    async def _colleague(self, uow: UnitOfWork, person: PersonId) -> str:
        name = await store.name_of(uow.connection, person)
        if not name:
            raise NotFound("person.not_found")
        return name

    async def _tell(
        self, uow: UnitOfWork, identity: Identity, conversation: Any, note: str, target: dict[str, Any]
    ) -> None:
        """Write the customer's sentence, and the colleague's note."""
        await self.say(uow, conversation, identity, Kind.HANDED_OVER, **target)
        if note.strip():
            log = await tickets.log_of(uow.connection, conversation.ticket_id, Audience.STAFF)
            key = f"{NOTE_KEY}{conversation.epoch}"
            append = Append(log, identity.person, identity.name, Role.STAFF, key, Kind.NOTE, words(note))
            await self.logbook.append_in(uow, append)

    async def _offer_to(self, uow: UnitOfWork, place: Place, person: PersonId) -> None:
        made = await places.make_offer(uow, Pair(place, person, place.round, 1, {}), self.rules.routing.offer_for)
        if made is None:
            raise Conflict("hand_over.not_free", person=person)

    async def return_to_line(self, uow: UnitOfWork, conversation: Any) -> None:
        """Put the conversation of a vanished representative back to the front of its line (R10); everybody may be asked anew."""
        await self.say_itself(uow, conversation, Kind.RETURNED)
        await self._put_back(uow, conversation, Event.RETURNED)

    async def _put_back(
        self,
        uow: UnitOfWork,
        conversation: Any,
        event: Event,
        *,
        line: str | None = None,
        reserved_for: PersonId | None = None,
        declined: bool = False,
    ) -> Place:
        """Let the place wait again where it was: same rank, next epoch; its representative is fenced off and free.

        ``declined``: they leave it to others, as they would have left its offer; that was no work, and others are asked first.
        """
        place = await places.place_of(uow.connection, conversation.ticket_id)
        assert place is not None, "a conversation has a place"
        line, epoch = line or place.line, place.epoch + 1
        if line != place.line and await store.live_ticket(uow.connection, conversation.contact_id, line) is not None:
            raise Conflict("hand_over.line_taken", line=line)
        # Within a round whoever had it is not asked again; after a return it may well be the same person.
        next_round = place.round if declined or event is Event.HANDED_OVER else place.round + 1
        values = {"line": line, "epoch": epoch, "round": next_round, "reserved_for": reserved_for, **columns(None)}
        if not await places.change_place(uow, place, state=PlaceState.WAITING, **values):
            raise Conflict("conversation.changed", conversation=conversation.id)
        await store.move(uow, conversation, event, line=line, rep_id=None, epoch=epoch)
        await places.release_units(uow, conversation.rep_id, conversation.units, after_work=not declined)
        await tickets.grant_owner(uow, conversation.ticket_id, person=None, epoch=epoch)
        await places.note(uow, line, place.id, str(event), {"person": conversation.rep_id, "epoch": epoch})
        for each in {line, place.line}:
            uow.ring(f"line:{each}")
        return Place(
            place.id,
            place.seq,
            line,
            TicketId(place.ticket_id),
            place.waiting_for,
            place.rank,
            epoch,
            next_round,
            place.seen_at,
            place.not_before_at or place.admitted_at,
            reserved_for,
        )
