"""What people see of live phases, read from SQL: whole pictures, no history. It changes nothing."""

from chatsvc.accounts.model import Identity
from chatsvc.conversations.model import ConversationRules
from chatsvc.conversations.views import Colleague, CustomerContext, Desk, LineCount, Visit, Waiting, WrapUpForm
from chatsvc.db.engine import Database
from chatsvc.kernel.ids import ConversationId, TicketId


class Queries:
    """Pictures of visits, desks and lines."""

    def __init__(self, database: Database, rules: ConversationRules) -> None:
        raise NotImplementedError

    async def visit(self, identity: Identity, ticket: TicketId) -> Visit:
        """Return a contact's own visit, in whatever state it is. Raises NotFound for anybody else."""
        raise NotImplementedError

    async def visits_of(self, identity: Identity) -> tuple[Visit, ...]:
        """Return a contact's visits that are waiting, active or ending, oldest first."""
        raise NotImplementedError

    async def desk(self, identity: Identity) -> Desk:
        """Return a representative's whole desk. Raises NotFound when they have none."""
        raise NotImplementedError

    async def pictures_of_line(self, line: str) -> dict[TicketId, Waiting]:
        """Return what everybody who waits in a line sees of it: one query, however many they are (performance 3.4)."""
        raise NotImplementedError

    async def line_counts(self) -> dict[str, LineCount]:
        """Return every line in which somebody waits or serves, counted; lines that are missing here have nobody on either side."""
        raise NotImplementedError

    async def colleagues(self, identity: Identity, line: str) -> tuple[Colleague, ...]:
        """Return to whom a conversation of this line can be handed over now: those who serve it first, the least busy first."""
        raise NotImplementedError

    async def customer_context(self, identity: Identity, ticket: TicketId) -> CustomerContext:
        """Return who stands behind a ticket. Staff only; raises NotFound for contacts."""
        raise NotImplementedError

    async def wrap_up_form(self, identity: Identity, conversation: ConversationId) -> WrapUpForm:
        """Return the wrap-up as it stands, for the representative whose it is."""
        raise NotImplementedError
