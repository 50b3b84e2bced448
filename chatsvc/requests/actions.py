"""What people do with the form: type, leave it, come back to it, and send it (T3, T4).

Sending makes the ticket, binds the files, stores the form's answers and drops the draft in one transaction; the same form sent twice is one
ticket. What the fields are and whether they are right is the catalogue's business; what a ticket does afterwards is that of its room.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.exc import IntegrityError

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.catalog import policy
from chatsvc.catalog.model import Catalog
from chatsvc.db.engine import Database
from chatsvc.files.actions import Files
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import CompanyId, FileId, PersonId, TicketId
from chatsvc.kernel.languages import CODES
from chatsvc.requests import model, store
from chatsvc.requests.model import LONGEST_DRAFT, MOST_DRAFT_FIELDS, Details, Draft, RequestRules
from chatsvc.tickets import store as tickets
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.masking import mask_secrets
from chatsvc.tickets.model import Append, Kind, Role, words

# Typed again, or chosen again: nothing that anybody should find in a store.
_NEVER_KEPT: Final = ("password", "key", "who", "files", "then")

# What a ticket has in columns of its own.
_OF_EVERY_TICKET: Final = frozenset({policy.REASON, "product", "environment", "subject", "description"})


def source_id(person: PersonId, key: str) -> str:
    """What the ticket of a form is unique by: the person and a digest of the form's key."""
    return f"{person}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


class Requests:
    """Forms, before and after they are sent."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        logbook: LogBook,
        files: Files,
        *,
        secret: str,
        rules: RequestRules | None = None,
    ) -> None:
        self.database = database
        self.catalog = catalog
        self.logbook = logbook
        self.files = files
        self._secret = secret
        self.rules = rules or RequestRules()

    # drafts -----------------------------------------------------------------------------------------------------------

    def new_key(self, identity: Identity) -> str:
        """Return a key for a form that this person is about to fill in."""
        return model.new_key(self._secret, identity.person)

    async def keep(self, person: PersonId, key: str, texts: Mapping[str, str]) -> None:
        """Keep what a person has typed; nothing when it is empty.

        The key is the permission: it was made for this person, so that what they wrote is not lost when their session has run out. Only
        they can read it again.

        Raises:
            NotFound: the key was not made for this person.
            Invalid: ``too_long``: no form is that long.
        """
        if not model.is_key_of(self._secret, person, key):
            raise NotFound("draft.not_found")
        kept = {
            name[:60]: mask_secrets(text) for name, text in texts.items() if text.strip() and name not in _NEVER_KEPT
        }
        if len(kept) > MOST_DRAFT_FIELDS or sum(map(len, kept.values())) > LONGEST_DRAFT:
            raise Invalid("too_long", limit=LONGEST_DRAFT)
        if not kept:
            return
        async with self.database.begin() as uow:
            await store.keep_draft(uow, person, key, kept, most=self.rules.most_drafts)

    async def draft(self, identity: Identity, key: str) -> Draft | None:
        """Return a draft of this person; None when there is none."""
        async with self.database.read() as connection:
            return await store.draft(connection, identity.person, key)

    async def latest_draft(self, identity: Identity) -> Draft | None:
        """Return what this person has typed last and not sent; None when there is nothing of these days."""
        since = self.database.clock.now() - self.rules.drafts_offered_for
        async with self.database.read() as connection:
            found = await store.drafts(connection, identity.person, since=since)
        return found[0] if found else None

    async def discard(self, identity: Identity, key: str) -> None:
        """Forget a draft."""
        async with self.database.begin() as uow:
            await store.drop_draft(uow, identity.person, key)

    async def sweep(self) -> int:
        """Remove old drafts; return how many. Safe to run late, twice, anywhere."""
        async with self.database.begin() as uow:
            return await store.drop_old_drafts(uow, before=uow.now - self.rules.drafts_kept_for)

    # sending ----------------------------------------------------------------------------------------------------------

    async def send(
        self,
        identity: Identity,
        *,
        typed: Mapping[str, str],
        language: str,
        files: Sequence[FileId] = (),
        key: str,
    ) -> int:
        """Make a ticket of a form; the same ``key`` of the same person gives back the same one. Return its number.

        Args:
            identity: an authorised contact.
            typed: the reason and the fields, as typed; what the form does not show for the others is left out.
            language: a code of ``kernel.languages``, in which the customer writes (V5).
            files: uploaded before by the same person.
            key: made once for the form.

        Raises:
            NotAllowed: ``contact.not_authorised``.
            NotFound: one of the files is not theirs.
            Invalid: the first field that cannot be taken; a page asks ``catalog.policy.check`` first, to name all of them.
        """
        checked = policy.check(self.catalog, typed, services=await self.services(identity.company))
        if checked.wrong:
            wrong = checked.wrong[0]
            raise Invalid(wrong.key, field=wrong.field, **({} if wrong.limit is None else {"limit": wrong.limit}))
        if language not in CODES:
            raise Invalid("choose", field="language")
        answers = {name: mask_secrets(text) for name, text in checked.answers.items()}
        try:
            return await self._send(identity, answers, language, files, key)
        except IntegrityError:
            # Two at the same instant: whoever lost finds what the winner has committed.
            async with self.database.read() as connection:
                number = await store.sent(connection, source_id(identity.person, key))
            if number is None:
                raise
            return number

    async def sent(self, identity: Identity, key: str) -> int | None:
        """Return the number of the ticket that this person's form has made; None when it has not been sent."""
        async with self.database.read() as connection:
            return await store.sent(connection, source_id(identity.person, key))

    async def _send(
        self, identity: Identity, answers: dict[str, str], language: str, files: Sequence[FileId], key: str
    ) -> int:
        source = source_id(identity.person, key)
        async with self.database.begin() as uow:
            number = await store.sent(uow.connection, source)
            if number is not None:
                return number
            if identity.company is None or not await store.may_ask(uow.connection, identity.person):
                raise NotAllowed("contact.not_authorised")
            reason = next(each for each in self.catalog.reasons if each.key == answers[policy.REASON])
            opened = await tickets.open_ticket(
                uow,
                company=identity.company,
                requester=identity.person,
                product=answers.get("product", ""),  # some reasons concern none
                subject=" ".join(answers["subject"].split()),
                description=answers["description"],
                impact={},
                source="form",
                source_id=source,
                team=reason.team,
                reason=reason.key,
                environment=answers.get("environment"),
            )
            further = {name: text for name, text in answers.items() if name not in _OF_EVERY_TICKET}
            await store.add_details(uow, opened.id, Details(language, further))
            await store.drop_draft(uow, identity.person, key)
            if files:
                attached = await self.files.attach(uow, identity, files, opened.id)
                body = words("", attached)
                append = Append(
                    opened.log, identity.person, identity.name, Role.CUSTOMER, "form-files", Kind.MESSAGE, body
                )
                await self.logbook.append_in(uow, append)
            payload = {"ticket": opened.id, "number": opened.number}
            cause = f"ticket:{opened.id}:opened"
            await uow.record("mail.ticket_confirmation", cause=cause, recipient=identity.person, payload=payload)
            return opened.number

    async def colleagues(self, identity: Identity) -> list[tuple[PersonId, str]]:
        """Return whom a contact can keep in copy: the other authorised contacts of their company, by name."""
        async with self.database.read() as connection:
            return await store.colleagues(connection, identity)

    # services of companies --------------------------------------------------------------------------------------------

    async def services(self, company: CompanyId | None) -> frozenset[str]:
        """Return what a company is subscribed to; nothing for staff, who have none."""
        if company is None:
            return frozenset()
        async with self.database.read() as connection:
            return await store.services(connection, company)

    async def set_service(self, identity: Identity, company: CompanyId, service: str, *, subscribed: bool) -> None:
        """Say whether a company has a service.

        Raises:
            NotAllowed: not an administrator.
            Invalid: no reason of the catalogue asks for it.
        """
        if identity.role is not PersonRole.ADMINISTRATOR:
            raise NotAllowed("not_allowed")
        if service not in {reason.service for reason in self.catalog.reasons if reason.service}:
            raise Invalid("choice.unknown", field="service", value=service)
        async with self.database.begin() as uow:
            await (store.subscribe if subscribed else store.unsubscribe)(uow, company, service)

    # what a ticket came with ------------------------------------------------------------------------------------------

    async def details(self, ticket: TicketId) -> Details | None:
        """Return what a ticket's form said, for a follow-up that of the ticket where it began; None for tickets that came another way.

        The caller has asked whether they may read it.
        """
        async with self.database.read() as connection:
            return await store.details(connection, ticket)
