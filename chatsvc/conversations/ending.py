"""How a conversation ends and what remains: end and undo, wrap-up, the completed ticket, the transcript's mail, the rating (K4, T1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.conversations import policy, store
from chatsvc.conversations.model import Event, State, WrapUp
from chatsvc.conversations.phase import Phase
from chatsvc.conversations.tables import conversations
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Conflict, Invalid, NotFound
from chatsvc.kernel.ids import ConversationId, PersonId, TicketId
from chatsvc.routing import store as places
from chatsvc.routing.model import PlaceState
from chatsvc.routing.store import deciding
from chatsvc.tickets import severity, severity_store
from chatsvc.tickets import store as tickets
from chatsvc.tickets.masking import mask_secrets
from chatsvc.tickets.model import Kind

LONGEST_COMMENT = 2_000
_ENDED = (State.ENDING, State.WRAP_UP, State.CLOSED)
# In the stored wrap-up: the representative is done, and only the undo time of the end is waited for.
_SUBMITTED = "submitted"


class Ending(Phase):
    """The end of a conversation, and the ticket that it leaves behind."""

    async def end(self, identity: Identity, conversation: ConversationId) -> datetime:
        """End the conversation, as either side; returns until when that can be undone. Ending what is ended changes nothing.

        Raises:
            NotFound: this person is no party in it.
            Conflict: ``conversation.not_active``: nobody has accepted it yet.
        """
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, conversation)
            if found.state in _ENDED:
                undo_until: datetime = found.ended_at + self.rules.undo_for
                return undo_until
            if found.state != State.ACTIVE:
                raise Conflict("conversation.not_active", conversation=conversation)
            if found.call is not None:
                raise Conflict("conversation.by_telephone", conversation=conversation)
            due_at = uow.now + self.rules.undo_for
            await store.move(uow, found, Event.ENDED, ended_at=uow.now, ended_by=identity.person, due_at=due_at)
            await self.say(uow, found, identity, Kind.ENDED)
        return due_at

    async def undo_end(self, identity: Identity, conversation: ConversationId) -> None:
        """Take the end back, as either side; it is the same conversation again. Undoing twice changes nothing.

        Raises:
            NotFound: this person is no party in it.
            Conflict: ``conversation.undo_over``.
        """
        async with deciding(self.database) as uow:
            found = await self.own(uow, identity, conversation)
            if found.state == State.ACTIVE:
                return
            if found.state != State.ENDING or found.due_at <= uow.now:
                raise Conflict("conversation.undo_over", conversation=conversation)
            draft = policy.draft_of(found.wrap_up)
            await store.move(uow, found, Event.END_UNDONE, ended_at=None, ended_by=None, due_at=None, wrap_up=draft)
            await self.say(uow, found, identity, Kind.END_UNDONE)

    async def begin_wrap_up(self, uow: UnitOfWork, conversation: Any) -> None:
        """The end can no longer be undone: the contact's seat in the line is free again, the representative wraps up."""
        place = await places.place_of(uow.connection, conversation.ticket_id)
        assert place is not None, "a conversation has a place"
        if not await places.change_place(uow, place, state=PlaceState.GONE, gone_at=uow.now):
            raise Conflict("conversation.changed", conversation=conversation.id)
        await places.note(uow, place.line, place.id, "ended")
        due_at = uow.now + self.rules.wrap_up_for
        await store.move(uow, conversation, Event.UNDO_ELAPSED, due_at=due_at)
        self.ring(uow, conversation)
        uow.ring(f"line:{place.line}")
        if conversation.wrap_up.get(_SUBMITTED):
            ending = await store.load(uow.connection, conversations.c.id == conversation.id)
            await self.close(uow, ending, by=conversation.rep_id)

    async def draft_wrap_up(
        self, identity: Identity, conversation: ConversationId, fields: Mapping[str, object]
    ) -> None:
        """Keep fields of the wrap-up that the representative has touched; they count when it completes by itself.

        Raises:
            NotFound: it is not theirs.
            Conflict: ``conversation.closed``.
            Invalid: a field is unknown, or not in the catalogue.
        """
        checked = policy.check_fields(fields, self.catalog)
        async with deciding(self.database) as uow:
            found = await self._representatives_own(uow, identity, conversation)
            if found.state == State.CLOSED:
                raise Conflict("conversation.closed", conversation=conversation)
            await store.change(uow, found, wrap_up={**found.wrap_up, **checked})

    async def extend_wrap_up(self, identity: Identity, conversation: ConversationId) -> datetime:
        """Have as much time again for the wrap-up, within an hour after the end; returns when it now completes by itself.

        Raises:
            NotFound: it is not theirs.
            Conflict: ``conversation.not_wrapping_up``.
        """
        async with deciding(self.database) as uow:
            found = await self._representatives_own(uow, identity, conversation)
            if found.state != State.WRAP_UP:
                raise Conflict("conversation.not_wrapping_up", conversation=conversation)
            due_at = policy.extended_until(found.due_at, found.ended_at, uow.now, self.rules)
            await store.change(uow, found, due_at=due_at)
            uow.ring(f"desk:{identity.person}")
        return due_at

    async def wrap_up(self, identity: Identity, conversation: ConversationId, fields: WrapUp) -> None:
        """Complete the ticket and close the conversation (K4); while the end can still be undone, as soon as it no longer can.

        The same again changes nothing.

        Raises:
            NotFound: it is not theirs.
            Conflict: ``conversation.not_wrapping_up``: it has not ended; ``conversation.closed``: it has completed by itself meanwhile.
            Invalid: a field is not in the catalogue; ``severity.judgement_needed``: a claim waits, and the customer reads why it is turned
                down; ``severity.reason_needed``: so they do when a critical ticket is downgraded (V2).
        """
        checked = policy.check_fields(msgspec.structs.asdict(fields), self.catalog)
        checked["subject"] = mask_secrets(checked["subject"])[: policy.LONGEST_SUBJECT]
        async with deciding(self.database) as uow:
            found = await self._representatives_own(uow, identity, conversation)
            if found.state == State.CLOSED:
                if policy.draft_of(found.wrap_up) == checked:
                    return
                raise Conflict("conversation.closed", conversation=conversation)
            if found.state not in (State.ENDING, State.WRAP_UP):
                raise Conflict("conversation.not_wrapping_up", conversation=conversation)
            ticket = await tickets.load(uow.connection, found.ticket_id)
            claim = (await severity_store.standing(uow.connection, TicketId(ticket.id))).claim
            severity.check_completion(claim, ticket.severity, checked["severity"], checked["judgement"])
            await store.change(uow, found, wrap_up={**checked, _SUBMITTED: True})
            uow.ring(f"desk:{identity.person}")
            if found.state == State.WRAP_UP:
                filled_in = await store.load(uow.connection, conversations.c.id == conversation)
                await self.close(uow, filled_in, by=identity.person)

    async def close(self, uow: UnitOfWork, conversation: Any, *, by: PersonId | None) -> None:
        """Complete the ticket with the wrap-up as it stands, free the representative, and mail the transcript; ``by`` None: by itself.

        Where a judgement is missing then, the severity stays what it is, the claim waits on, and the ticket is left open for it.
        """
        ticket = await tickets.load(uow.connection, conversation.ticket_id)
        wrap_up = await self._judged(uow, ticket, conversation, policy.wrap_up_of(ticket, conversation))
        fields = msgspec.structs.asdict(wrap_up)
        del fields["judgement"]
        await tickets.complete(uow, conversation.ticket_id, **fields)
        await self._say_wrapped_up(uow, conversation, by, fields)
        stored = {**msgspec.structs.asdict(wrap_up), _SUBMITTED: by is not None}
        await store.move(uow, conversation, Event.WRAPPED_UP, closed_at=uow.now, due_at=None, wrap_up=stored)
        await places.release_units(uow, conversation.rep_id, conversation.units, after_work=True)
        await tickets.grant_owner(uow, conversation.ticket_id, person=None, epoch=conversation.epoch)
        payload = {"ticket": ticket.id, "number": ticket.number, "conversation": conversation.id}
        cause = f"conversation:{conversation.id}:closed"
        await uow.record("mail.transcript", cause=cause, recipient=conversation.contact_id, payload=payload)
        uow.ring(f"line:{conversation.line}")
        failpoints.hit("close.before_commit")

    async def _judged(self, uow: UnitOfWork, ticket: Any, conversation: Any, wrap_up: WrapUp) -> WrapUp:
        """Count what a wrap-up says about the severity as the representative's judgement; return what the ticket is completed with."""
        before = await severity_store.standing(uow.connection, TicketId(ticket.id))
        try:
            severity.check_completion(before.claim, ticket.severity, wrap_up.severity, wrap_up.judgement)
        except Invalid:
            return msgspec.structs.replace(
                wrap_up, severity=ticket.severity, solved=wrap_up.solved and before.claim not in severity.TO_JUDGE
            )
        is_said = wrap_up.judgement and wrap_up.severity != ticket.severity
        if before.claim in severity.TO_JUDGE or is_said:
            claim = severity.CLAIMS.next(before.claim, severity.Step.JUDGED)
            rep, words = PersonId(conversation.rep_id), wrap_up.judgement
            await severity_store.judge(uow, TicketId(ticket.id), before, claim, rep, words)
            body = {"before": ticket.severity, "after": wrap_up.severity, "reason": words}
            await self.say_as_staff(uow, conversation, rep, Kind.JUDGED, **body)
        return wrap_up

    async def _say_wrapped_up(
        self, uow: UnitOfWork, conversation: Any, by: PersonId | None, fields: dict[str, Any]
    ) -> None:
        if by is None:
            await self.say_itself(uow, conversation, Kind.WRAPPED_UP, **fields, by_itself=True)
            return
        await self.say_as_staff(uow, conversation, by, Kind.WRAPPED_UP, **fields)
        if fields["solved"]:
            await self.say_as_staff(uow, conversation, by, Kind.SOLVED)

    async def _representatives_own(self, uow: UnitOfWork, identity: Identity, conversation: ConversationId) -> Any:
        found = await self.own(uow, identity, conversation)
        if found.rep_id != identity.person:
            raise NotFound("conversation.not_found")
        return found

    async def rate(self, identity: Identity, ticket: TicketId, rating: int, comment: str = "") -> None:
        """Rate a conversation that has ended, 1 to 5; may be changed within a day after it was first given.

        Raises:
            NotFound: it is not this contact's.
            Conflict: ``conversation.not_ended``; ``rating.over``: the day is over.
            Invalid: not 1 to 5, or too long a comment.
        """
        if rating not in range(1, 6):
            raise Invalid("choose", field="rating")
        comment = mask_secrets(comment.strip())
        if len(comment) > LONGEST_COMMENT:
            raise Invalid("too_long", field="comment", limit=LONGEST_COMMENT)
        async with deciding(self.database) as uow:
            found = await store.load(uow.connection, conversations.c.ticket_id == ticket)
            if found.contact_id != identity.person:
                raise NotFound("conversation.not_found")
            if found.state not in _ENDED:
                raise Conflict("conversation.not_ended", conversation=found.id)
            if not policy.may_rate(found.rated_at, uow.now, self.rules):
                raise Conflict("rating.over", conversation=found.id)
            rated = {"rating": rating, "rating_comment": comment or None, "rated_at": found.rated_at or uow.now}
            if (found.rating, found.rating_comment) == (rating, comment or None):
                return
            await store.change(uow, found, **rated)
            if found.rating != rating:
                await self.say(uow, found, identity, Kind.RATED, rating=rating)
