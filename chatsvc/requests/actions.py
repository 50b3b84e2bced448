"""What people do with the form: type, leave it, come back to it, and send it (T3, T4).

Sending makes the ticket, binds the files, stores the form's answers and drops the draft in one transaction; the same form sent twice is one
ticket. What the fields are and whether they are right is the catalogue's business; what a ticket does afterwards is that of its room.
"""

from collections.abc import Mapping

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.catalog.model import Catalog
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import CompanyId, PersonId, TicketId
from chatsvc.requests import model, store
from chatsvc.requests.model import LONGEST_DRAFT, MOST_DRAFT_FIELDS, Details, Draft, RequestRules
from chatsvc.tickets.masking import mask_secrets

# Typed again, or chosen again: nothing that anybody should find in a store.
_NEVER_KEPT = ("password", "key", "who", "files", "kept", "then")


class Requests:
    """Forms, before and after they are sent."""

    def __init__(self, database: Database, catalog: Catalog, *, secret: str, rules: RequestRules | None = None) -> None:
        self.database = database
        self.catalog = catalog
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
        """Return what a ticket's form said; None for tickets that came another way. The caller has asked whether they may read it."""
        async with self.database.read() as connection:
            return await store.details(connection, ticket)
