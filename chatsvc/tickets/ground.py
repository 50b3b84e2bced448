"""What every action on tickets stands on: the store, the log book, the rules, and who may touch what."""

from typing import Any

from sqlalchemy import Row

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.db.uow import UnitOfWork
from chatsvc.files.actions import Files
from chatsvc.kernel.errors import Invalid, NotAllowed
from chatsvc.kernel.ids import SYSTEM, TicketId
from chatsvc.tickets import queries, store
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.masking import mask_secrets
from chatsvc.tickets.model import Append, Audience, Kind, Role, Stored, facts, words
from chatsvc.tickets.policy import TicketRules

LONGEST_TEXT = 8_000  # Characters; the same as a frame's.


class Ground:
    """What the parts of ``Tickets`` share."""

    def __init__(self, database: Database, logbook: LogBook, files: Files, rules: TicketRules) -> None:
        self.database = database
        self.logbook = logbook
        self.files = files
        self.rules = rules

    async def load(self, uow: UnitOfWork, identity: Identity, ticket: TicketId) -> Row[Any]:
        """Return a ticket's row for somebody who may read it; raises NotFound for everybody else."""
        await queries.require(uow.connection, identity, ticket)
        return await store.load(uow.connection, ticket)

    async def enter(
        self, uow: UnitOfWork, row: Row[Any], identity: Identity | None, kind: Kind, **body: Any
    ) -> Stored | None:
        """Write an event into a ticket's shared log; None as the identity is the desk itself.

        Returns None, and writes nothing, where nothing can be added any more. The key is made of the version that was read, so that the
        same change is one entry.
        """
        log = await store.log_of(uow.connection, row.id)
        key = f"{kind}-{row.version}"
        company = None if identity is None else identity.company
        sender, name = (SYSTEM, "") if identity is None else (identity.person, identity.name)
        append = Append(log, sender, name, role_of(identity), f"{key:_<8}", kind, facts(**body), company)
        try:
            stored = await self.logbook.append_in(uow, append)
        except NotAllowed:
            return None
        uow.ring(f"visit:{row.id}")
        return stored

    async def note(self, uow: UnitOfWork, row: Row[Any], identity: Identity, text: str) -> None:
        """Write a note into the staff's log."""
        log = await store.log_of(uow.connection, row.id, Audience.STAFF)
        key = f"note-with-{row.version}"
        await self.logbook.append_in(
            uow, Append(log, identity.person, identity.name, Role.STAFF, key, Kind.NOTE, words(text))
        )


def role_of(identity: Identity | None) -> Role:
    """On whose side this person writes; None is the desk itself."""
    if identity is None:
        return Role.SYSTEM
    return Role.STAFF if identity.is_staff else Role.CUSTOMER


def require_staff(identity: Identity) -> None:
    """Raise NotAllowed for everybody who does not work here."""
    if not identity.is_staff:
        raise NotAllowed("staff.only")


def checked(text: str, *, field: str, needed: bool = False) -> str:
    """Return what somebody wrote, trimmed and with secrets masked.

    Raises:
        Invalid: nothing where something is needed, or too much.
    """
    text = text.strip()
    if needed and not text:
        raise Invalid("required", field=field)
    if len(text) > LONGEST_TEXT:
        raise Invalid("message.too_long", field=field, most=LONGEST_TEXT)
    return mask_secrets(text)
