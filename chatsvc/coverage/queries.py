"""Whose hours are which: the calendar of a contact, for every door that asks for coverage, and of a company, for administrators.

A calendar that has been read is kept until its company's next change: each question costs one small look for the version, inside the
transaction that asks, and so nobody is judged by hours that were changed before.
"""

from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts import policy as accounts
from chatsvc.accounts.model import Identity
from chatsvc.coverage import store
from chatsvc.coverage.model import Calendar
from chatsvc.coverage.store import Change, Head
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import CompanyId, PersonId

# Calendars that are kept; when there are more, all of them are read anew.
KEPT: Final = 4096
# Changes that an administrator is shown.
CHANGES_SHOWN: Final = 10


class Sheet(msgspec.Struct, frozen=True):
    """A company's calendar, as an administrator sees it."""

    company: CompanyId
    calendar: Calendar
    # What a change must name; 0: never changed.
    version: int
    # Newest first.
    changes: tuple[Change, ...]


class CoverageQueries:
    """Calendars, kept while they are good."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Company and zone -> the head that was read, and the calendar.
        self._kept: dict[tuple[CompanyId, str], tuple[Head, Calendar]] = {}

    async def calendar_of(self, connection: AsyncConnection, contact: PersonId) -> Calendar:
        """Return a contact's calendar: their company's, in their own zone where their administrator has set one (V4).

        Raises:
            NotFound: it is nobody's contact.
        """
        found = await store.head_of_contact(connection, contact)
        if found is None:
            raise NotFound("not_found")
        head, own_zone = found
        return await self._calendar(connection, head, own_zone or head.company_zone)

    async def calendar_of_company(self, connection: AsyncConnection, company: CompanyId) -> Calendar:
        """Return a company's calendar.

        Raises:
            NotFound: there is no such company.
        """
        head = await store.head(connection, company)
        if head is None:
            raise NotFound("not_found")
        return await self._calendar(connection, head, head.company_zone)

    async def calendar(self, contact: PersonId) -> Calendar:
        """Return a contact's calendar outside of any transaction.

        Raises:
            NotFound: it is nobody's contact.
        """
        async with self._database.read() as connection:
            return await self.calendar_of(connection, contact)

    async def sheet(self, who: Identity, company: CompanyId) -> Sheet:
        """Return a company's calendar and its latest changes, for administrators.

        Raises:
            NotAllowed, NotFound: ``who`` is no administrator; there is no such company.
        """
        accounts.require_administrator(who)
        async with self._database.read() as connection:
            head = await store.head(connection, company)
            if head is None:
                raise NotFound("not_found")
            calendar = await self._calendar(connection, head, head.company_zone)
            changes = await store.changes(connection, company, most=CHANGES_SHOWN)
        return Sheet(company, calendar, head.version, tuple(changes))

    async def _calendar(self, connection: AsyncConnection, head: Head, zone: str) -> Calendar:
        kept = self._kept.get((head.company, zone))
        if kept is not None and kept[0] == head:
            return kept[1]
        calendar = await store.calendar(connection, head)
        if zone != calendar.zone:
            calendar = msgspec.structs.replace(calendar, zone=zone)
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[head.company, zone] = head, calendar
        return calendar
