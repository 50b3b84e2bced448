"""Keeps saved replies: everybody who works here writes their own, and supervisors and administrators those of everybody."""

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.catalog.model import Catalog
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from chatsvc.kernel.ids import new_id
from chatsvc.replies.model import LONGEST_TEXT, LONGEST_TITLE, SavedReply
from chatsvc.replies.tables import saved_replies

_KEEPERS = frozenset({PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR})


def may_keep_for_all(identity: Identity) -> bool:
    """Whether somebody may write replies that everybody sees."""
    return identity.role in _KEEPERS


class Replies:
    """Saved replies of staff."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self.database = database
        self.catalog = catalog

    async def of(self, identity: Identity) -> list[SavedReply]:
        """Return those that a person is offered, by title: everybody's and their own.

        Raises:
            NotAllowed: ``staff.only``.
        """
        _staff_only(identity)
        mine = saved_replies.c.owner_id == identity.person
        statement = (
            select(saved_replies)
            .where(or_(mine, saved_replies.c.owner_id.is_(None)))
            .order_by(saved_replies.c.title, saved_replies.c.id)
        )
        async with self.database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [
            SavedReply(row.id, row.title, row.text, row.line, row.owner_id is not None, row.version) for row in rows
        ]

    async def add(self, identity: Identity, *, title: str, text: str, line: str | None, for_all: bool) -> str:
        """Keep a reply; return its id.

        Raises:
            NotAllowed: ``staff.only``, or it is for everybody and this person may not.
            Invalid: title or text is empty or too long, or there is no such line.
        """
        _staff_only(identity)
        if for_all and not may_keep_for_all(identity):
            raise NotAllowed("not_allowed")
        values = self._checked(title, text, line)
        reply = new_id("sr")
        async with self.database.begin() as uow:
            await uow.execute(
                insert(saved_replies).values(
                    id=reply,
                    owner_id=None if for_all else identity.person,
                    changed_by=identity.person,
                    changed_at=uow.now,
                    version=1,
                    **values,
                )
            )
        return reply

    async def change(
        self, identity: Identity, reply: str, *, title: str, text: str, line: str | None, version: int
    ) -> None:
        """Change a reply.

        Raises:
            NotFound: there is none that this person may change.
            Conflict: somebody changed it since ``version`` was read.
            Invalid: as for ``add``.
        """
        values = self._checked(title, text, line)
        async with self.database.begin() as uow:
            seen = (await uow.execute(select(saved_replies.c.version).where(*_theirs(identity, reply)))).scalar()
            if seen is None:
                raise NotFound("reply.not_found")
            changed = await uow.changes_one(
                update(saved_replies)
                .where(*_theirs(identity, reply), saved_replies.c.version == version)
                .values(changed_by=identity.person, changed_at=uow.now, version=version + 1, **values)
            )
            if not changed:
                raise Conflict("conflict")

    async def remove(self, identity: Identity, reply: str) -> None:
        """Remove a reply; raises NotFound when there is none that this person may change."""
        async with self.database.begin() as uow:
            if not await uow.changes_one(delete(saved_replies).where(*_theirs(identity, reply))):
                raise NotFound("reply.not_found")

    def _checked(self, title: str, text: str, line: str | None) -> dict[str, str | None]:
        title, text = " ".join(title.split()), text.strip()
        for field, value, most in (("title", title, LONGEST_TITLE), ("text", text, LONGEST_TEXT)):
            if not value:
                raise Invalid("required", field=field)
            if len(value) > most:
                raise Invalid("too_long", field=field, limit=most)
        return {"title": title, "text": text, "line": self.catalog.line(line).key if line else None}


def _staff_only(identity: Identity) -> None:
    if not identity.is_staff:
        raise NotAllowed("staff.only")


def _theirs(identity: Identity, reply: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The reply, if this person may change it; as conditions of SQL."""
    _staff_only(identity)
    own = saved_replies.c.owner_id == identity.person
    mine = or_(own, saved_replies.c.owner_id.is_(None)) if may_keep_for_all(identity) else own
    return (saved_replies.c.id == reply, mine)
