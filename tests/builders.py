"""Makes the people and things that tests are about, straight in the store, with sensible values for what a test does not care about."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.accounts.tables import companies, people
from chatsvc.coverage.tables import calendars
from chatsvc.db.engine import Database
from chatsvc.kernel import ids
from chatsvc.kernel.ids import CompanyId, PersonId
from chatsvc.routing.tables import desk_lines, desks
from chatsvc.tickets import store
from chatsvc.tickets.store import Opened

LINES = ("expense", "travel", "invoice", "request")


def a_zone_at_noon() -> str:
    """Return a zone in which it is between twelve and one: nobody is rung at night, and a test may run at any hour."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"


async def a_company(
    database: Database, *, name: str = "Acme", zone: str = "Europe/Berlin", always: bool = True
) -> CompanyId:
    """Add a company. It is covered around the clock, so that a test may run at any hour; unless ``always`` is False: then by the usual hours."""
    company = ids.company_id()
    async with database.begin() as uow:
        row = {"id": company, "name": f"{name} {company[-6:]}", "zone": zone, "country": "DE", "created_at": uow.now}
        await uow.execute(insert(companies).values(row))
        if always:
            hours = {"company_id": company, "week": [[]] * 7, "always": True, "version": 1, "changed_at": uow.now}
            await uow.execute(insert(calendars).values(hours))
    return company


async def _a_person(
    database: Database, role: PersonRole, company: CompanyId | None, name: str, **more: Any
) -> Identity:
    person = ids.person_id()
    email = f"{person}@example.test"
    async with database.begin() as uow:
        row = {
            "id": person,
            "company_id": company,
            "role": role.value,
            "name": name,
            "email": email,
            "email_key": email,
            "credential_epoch": 0,
            "authorised": role is PersonRole.CONTACT,
            "company_admin": False,
            "language": "en",
            "created_at": uow.now,
        } | more
        await uow.execute(insert(people).values(row))
    return Identity(person, ids.session_id(), role, name, company, "en", "Europe/Berlin")


async def a_contact(
    database: Database, company: CompanyId | None = None, *, name: str = "Claire Martin", **more: Any
) -> Identity:
    """Add an authorised contact, with a company of their own unless one is given."""
    return await _a_person(database, PersonRole.CONTACT, company or await a_company(database), name, **more)


async def a_representative(
    database: Database,
    *,
    name: str = "Ravi Patel",
    lines: tuple[str, ...] = LINES,
    capacity: int = 3,
    role: PersonRole = PersonRole.REPRESENTATIVE,
    **more: Any,
) -> Identity:
    """Add a representative who serves these lines; away, with an empty desk."""
    identity = await _a_person(database, role, None, name, **more)
    async with database.begin() as uow:
        desk = {
            "person_id": identity.person,
            "state": "away",
            "reason": None,
            "capacity": capacity,
            "load": 0,
            "missed": 0,
            "idle_since_at": uow.now,
            "changed_at": uow.now,
        }
        await uow.execute(insert(desks).values(desk))
        rows = [{"person_id": identity.person, "line": line} for line in lines]
        if rows:
            await uow.execute(insert(desk_lines), rows)
    return identity


async def a_supervisor(database: Database, *, name: str = "Ines Costa") -> Identity:
    """Add a supervisor, who has a desk too."""
    return await a_representative(database, name=name, role=PersonRole.SUPERVISOR)


async def an_administrator(database: Database, *, name: str = "Ada Admin") -> Identity:
    """Add an administrator."""
    return await _a_person(database, PersonRole.ADMINISTRATOR, None, name)


async def a_ticket(
    database: Database, requester: Identity, *, subject: str = "Report does not open", **more: Any
) -> Opened:
    """Open a ticket as the form would."""
    assert requester.company is not None
    async with database.begin() as uow:
        values = {
            "company": requester.company,
            "requester": requester.person,
            "product": "expense",
            "subject": subject,
            "description": "It shows a blank page.",
            "impact": {},
            "source": "form",
            "source_id": ids.new_id("sx"),
        } | more
        return await store.open_ticket(uow, **values)


__all__ = [
    "LINES",
    "PersonId",
    "a_company",
    "a_contact",
    "a_representative",
    "a_supervisor",
    "a_ticket",
    "an_administrator",
]
