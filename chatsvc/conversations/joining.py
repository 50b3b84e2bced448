"""How a customer comes and goes: the ticket first, then the place; and what remains when they give it up (C1, C2, R11, R13)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.conversations import store
from chatsvc.conversations.gate import insist
from chatsvc.conversations.model import Event, State
from chatsvc.conversations.phase import Phase
from chatsvc.conversations.tables import conversations
from chatsvc.conversations.views import Visit
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import FileId, PersonId, TicketId
from chatsvc.routing import policy
from chatsvc.routing import queries as lines
from chatsvc.routing import store as places
from chatsvc.routing.model import TRIAGE, OfferState, PlaceState
from chatsvc.routing.store import deciding
from chatsvc.routing.tables import offers
from chatsvc.tickets import severity, severity_store
from chatsvc.tickets import store as tickets
from chatsvc.tickets.masking import mask_secrets
from chatsvc.tickets.model import Append, Kind, Role, words
from chatsvc.tickets.severity import CriticalContact

LONGEST_SUBJECT = 200
LONGEST_DESCRIPTION = 8_000


class Joining(Phase):
    """Standing in line, and leaving it."""

    async def join(
        self,
        identity: Identity,
        *,
        line: str,
        subject: str,
        description: str,
        impact: Mapping[str, str],
        files: Sequence[FileId] = (),
        reachable: CriticalContact | None = None,
        key: str,
    ) -> Visit:
        """Open a ticket and stand in line with it; the same ``key`` of the same person gives back the same visit (R13).

        Args:
            identity: an authorised contact.
            line: key of the catalogue.
            subject: 1 to 200 characters.
            description: 1 to 8,000 characters.
            impact: answers of the impact interview, question -> answer; questions may be left out.
            files: uploaded before by the same person.
            reachable: whom to reach about a critical request, in English (V3); needed when the answers propose one.
            key: made once by the form, so that a double click or a repeat after a lost answer changes nothing.

        Raises:
            NotAllowed: ``contact.not_authorised``; ``coverage.closed``: nobody serves this customer now (V4), ``facts["opens_at"]`` says
                when somebody will.
            Conflict: ``visit.already_open``: there is a live one in this line (R11); ``facts["ticket"]`` leads to it.
            Invalid: a field cannot be accepted; ``severity.contact_needed``.
        """
        answers = dict(impact)
        self.catalog.check_impact(answers)
        proposed = severity.propose(answers, self.catalog.proposals)
        if proposed.is_critical and reachable is None:
            raise Invalid("severity.contact_needed", field="contact_name")
        form = {
            "line": self.catalog.line(line).key,
            "subject": required(subject, "subject", LONGEST_SUBJECT),
            "description": required(description, "description", LONGEST_DESCRIPTION),
            "impact": answers,
            "source_id": _source_id(identity, key),
            "proposed": proposed,
            "reachable": reachable,
        }
        try:
            ticket = await self._join(identity, form, files)
        except IntegrityError:
            # Two at the same instant: whoever lost finds what the winner has committed.
            ticket = await self._found(identity, form)
        return await self.queries.visit(identity, ticket)

    async def _join(self, identity: Identity, form: Mapping[str, Any], files: Sequence[FileId]) -> TicketId:
        async with deciding(self.database) as uow:
            if not await store.may_ask(uow.connection, identity.person) or identity.role is not PersonRole.CONTACT:
                raise NotAllowed("contact.not_authorised")
            known = await self._known(uow.connection, identity, form)
            return known or await self._admit(uow, identity, form, files)

    async def _found(self, identity: Identity, form: Mapping[str, Any]) -> TicketId:
        async with self.database.read() as connection:
            known = await self._known(connection, identity, form)
        if known is None:
            raise Conflict("conversation.changed")
        return known

    async def _known(self, connection: Any, identity: Identity, form: Mapping[str, Any]) -> TicketId | None:
        """Return the ticket that this very form has made; None when there is nothing live in the line either."""
        same = await store.ticket_from(connection, "chat", form["source_id"])
        if same is not None:
            return same
        other = await store.live_ticket(connection, identity.person, form["line"])
        if other is not None:
            raise Conflict("visit.already_open", ticket=other)
        return None

    async def _admit(
        self, uow: UnitOfWork, identity: Identity, form: Mapping[str, Any], files: Sequence[FileId]
    ) -> TicketId:
        assert identity.company is not None, "contacts have a company"
        line, proposed = form["line"], form["proposed"]
        door = await self.gate.at_the_door(uow.connection, identity.person, uow.now, critical=proposed.is_critical)
        insist(door)
        opened = await tickets.open_ticket(
            uow,
            company=identity.company,
            requester=identity.person,
            product=line,
            subject=form["subject"],
            description=form["description"],
            impact=form["impact"],
            environment=self.catalog.environment_of(form["impact"]),
            source="chat",
            source_id=form["source_id"],
        )
        ranked_as = TRIAGE if proposed.is_critical else severity.FIRST
        rank, seq = policy.rank(uow.now, ranked_as, self.rules.routing), await places.next_seq(uow)
        position = await lines.position(uow.connection, line, rank, seq)
        prospect = await self.queries.outlook.of(uow.connection, line, position, uow.now)
        quote = prospect.told(position, door.until)
        whose = {"ticket": opened.id, "company": identity.company, "contact": identity.person, "line": line}
        words: dict[str, Any] = {"quote": quote, "serving": prospect.staffed.serving}
        place = await places.admit(uow, seq=seq, rank=rank, closes_at=door.until, **words, **whose)
        conversation = await store.create(uow, place=place, **whose)
        joined = await store.load(uow.connection, conversations.c.id == conversation)
        await self.say(uow, joined, identity, Kind.JOINED, line=line)
        if proposed.is_critical:
            await severity_store.propose(uow, opened.id, proposed, form["reachable"])
            body = {"severity": proposed.severity, "reasons": proposed.reasons}
            await self.say_itself(uow, joined, Kind.PROPOSED, about=identity.person, **body)
        if files:
            await self._say_files(uow, identity, opened, files)
        cause = f"ticket:{opened.id}:opened"
        payload = {"ticket": opened.id, "number": opened.number}
        await uow.record("mail.ticket_confirmation", cause=cause, recipient=identity.person, payload=payload)
        uow.ring(f"line:{line}")
        failpoints.hit("join.before_commit")
        return opened.id

    async def _say_files(
        self, uow: UnitOfWork, identity: Identity, opened: tickets.Opened, files: Sequence[FileId]
    ) -> None:
        """Write what was attached to the form as the customer's first message."""
        attached = await self.files.attach(uow, identity, files, opened.id)
        append = Append(
            opened.log, identity.person, identity.name, Role.CUSTOMER, "form-files", Kind.MESSAGE, words("", attached)
        )
        await self.logbook.append_in(uow, append)

    async def leave(self, identity: Identity, ticket: TicketId) -> None:
        """Give up the place; the ticket stays open. Repeating it changes nothing.

        Raises:
            NotFound: it is not this contact's visit.
            Conflict: ``visit.not_waiting``: a representative has accepted already.
        """
        async with deciding(self.database) as uow:
            conversation = await store.load(uow.connection, conversations.c.ticket_id == ticket)
            if conversation.contact_id != identity.person:
                raise NotFound("conversation.not_found")
            if conversation.state == State.LEFT:
                return
            if conversation.state != State.WAITING:
                raise Conflict("visit.not_waiting", conversation=conversation.id)
            await self.give_up(uow, conversation, why="left")

    async def give_up(self, uow: UnitOfWork, conversation: Any, *, why: str, **more: Any) -> None:
        """Take a waiting customer out of the line; the ticket stays open.

        ``why``: ``left``, ``lost``, or ``closed`` (the hours are over), with ``opens_at``.
        """
        for offer in await places.open_offers(uow.connection, offers.c.place_id == conversation.place_id):
            await places.void_offer(uow, offer, OfferState.WITHDRAWN)
        place = await places.place_of(uow.connection, conversation.ticket_id)
        if place is None or not await places.change_place(uow, place, state=PlaceState.GONE, gone_at=uow.now):
            raise Conflict("conversation.changed", conversation=conversation.id)
        await places.note(uow, place.line, place.id, "left", {"why": why})
        await store.move(uow, conversation, Event.GIVEN_UP, closed_at=uow.now)
        body = {"why": why} | more
        await self.say_itself(uow, conversation, Kind.LEFT_LINE, about=PersonId(conversation.contact_id), **body)
        uow.ring(f"line:{place.line}")


def required(text: str, field: str, most: int) -> str:
    """Return a text without the space around it, and with secrets masked before anything is stored.

    Raises:
        Invalid: ``required`` when nothing is left, ``too_long`` above the limit.
    """
    text = mask_secrets(text.strip())
    if not text:
        raise Invalid("required", field=field)
    if len(text) > most:
        raise Invalid("too_long", field=field, limit=most)
    return text


def _source_id(identity: Identity, key: str) -> str:
    """What the ticket is unique by: the person and a digest of their key, which may be long."""
    return f"{identity.person}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
