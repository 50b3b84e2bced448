"""What every part of the live phase stands on: its rooms, and how it writes events into a ticket's log."""

from typing import Any

from chatsvc.accounts.model import Identity
from chatsvc.catalog.model import Catalog
from chatsvc.conversations import store
from chatsvc.conversations.gate import Gate
from chatsvc.conversations.model import ConversationRules
from chatsvc.conversations.queries import Queries
from chatsvc.conversations.tables import conversations
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.files.actions import Files
from chatsvc.kernel import ids
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import SYSTEM, ConversationId, PersonId
from chatsvc.routing.actions import Routing
from chatsvc.tickets import store as ticket_store
from chatsvc.tickets.actions import role_of
from chatsvc.tickets.clock_keeping import Clocks
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Append, Kind, Role, facts


class Phase:
    """The common ground of joining, answering, handing over, ending and sweeping."""

    def __init__(
        self,
        database: Database,
        logbook: LogBook,
        catalog: Catalog,
        rules: ConversationRules,
        files: Files,
        clocks: Clocks,
    ) -> None:
        self.database = database
        self.logbook = logbook
        self.catalog = catalog
        self.rules = rules
        self.files = files
        self.clocks = clocks
        self.gate = Gate(clocks.calendars)
        self.routing = Routing(database, rules.routing)
        self.queries = Queries(database, rules)

    async def own(self, uow: UnitOfWork, identity: Identity, conversation: ConversationId) -> Any:
        """Return a conversation in which this person is a party: its contact, or the representative it belongs to.

        Raises:
            NotFound: there is none, or this person is no party in it.
        """
        found = await store.load(uow.connection, conversations.c.id == conversation)
        if identity.person not in (found.contact_id, found.rep_id):
            raise NotFound("conversation.not_found")
        return found

    async def say(self, uow: UnitOfWork, conversation: Any, by: Identity, kind: Kind, **body: Any) -> None:
        """Write that somebody did something into the ticket's shared log, and ring for whoever sees the conversation."""
        await self._append(uow, conversation, by.person, by.name, role_of(by), kind, body)

    async def say_as_staff(self, uow: UnitOfWork, conversation: Any, person: PersonId, kind: Kind, **body: Any) -> None:
        """Write that a member of staff did something, also when it takes effect later than they asked for it."""
        name = await store.name_of(uow.connection, person)
        await self._append(uow, conversation, person, name, Role.STAFF, kind, body)

    async def say_itself(
        self, uow: UnitOfWork, conversation: Any, kind: Kind, *, about: PersonId | None = None, **body: Any
    ) -> None:
        """Write that something happened by itself; ``about`` is whom it happened to, for the sentence that people read."""
        name = "" if about is None else await store.name_of(uow.connection, about)
        await self._append(uow, conversation, about or SYSTEM, name, Role.SYSTEM, kind, body)

    async def _append(
        self,
        uow: UnitOfWork,
        conversation: Any,
        sender: PersonId,
        name: str,
        role: Role,
        kind: Kind,
        body: dict[str, Any],
    ) -> None:
        log = await ticket_store.log_of(uow.connection, conversation.ticket_id)
        # A key of its own each time: the compare-and-swap beside it has decided that this happens, and happens once.
        await self.logbook.append_in(uow, Append(log, sender, name, role, ids.new_id("ev"), kind, facts(**body)))
        self.ring(uow, conversation)

    def ring(self, uow: UnitOfWork, conversation: Any) -> None:
        """Ring for both sides of a conversation."""
        uow.ring(f"visit:{conversation.ticket_id}")
        if conversation.rep_id is not None:
            uow.ring(f"desk:{conversation.rep_id}")
