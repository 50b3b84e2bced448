"""What the pages that manage accounts show. Reading only; who may read what is asked of ``policy`` first."""

from sqlalchemy import select

from chatsvc.accounts import policy, store
from chatsvc.accounts.model import Company, Identity, Person
from chatsvc.accounts.tables import companies, people
from chatsvc.db.engine import Database
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import CompanyId, PersonId


class AccountQueries:
    """Lists of companies and people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def companies(self, who: Identity) -> list[Company]:
        """Return all companies by name.

        Raises:
            NotAllowed: ``who`` is no administrator.
        """
        policy.require_administrator(who)
        async with self._database.read() as connection:
            rows = (await connection.execute(store.companies_query().order_by(companies.c.name))).all()
        return [store.company_of(row) for row in rows]

    async def company(self, who: Identity, company: CompanyId) -> Company:
        """Return one company.

        Raises:
            NotFound, NotAllowed: there is none, or ``who`` may not manage its contacts.
        """
        policy.require_contact_management(who, company)
        async with self._database.read() as connection:
            row = (await connection.execute(store.companies_query().where(companies.c.id == company))).one_or_none()
        if row is None:
            raise NotFound("not_found")
        return store.company_of(row)

    async def contacts(self, who: Identity, company: CompanyId) -> list[Person]:
        """Return a company's contacts by name, those who may not enter as well.

        Raises:
            NotFound, NotAllowed: ``who`` may not manage them.
        """
        policy.require_contact_management(who, company)
        async with self._database.read() as connection:
            query = store.people_query().where(people.c.company_id == company).order_by(people.c.name, people.c.id)
            return [store.person_of(row) for row in (await connection.execute(query)).all()]

    async def staff(self, who: Identity) -> list[Person]:
        """Return all who work here, by name.

        Raises:
            NotAllowed: ``who`` is no administrator.
        """
        policy.require_administrator(who)
        async with self._database.read() as connection:
            query = store.people_query().where(people.c.company_id.is_(None)).order_by(people.c.name, people.c.id)
            return [store.person_of(row) for row in (await connection.execute(query)).all()]

    async def person(self, person: PersonId) -> Person | None:
        """Return somebody by id, for the rooms above: a mail's receiver. Asks for no permission; no door may pass an id from outside."""
        async with self._database.read() as connection:
            row = (await connection.execute(store.people_query().where(people.c.id == person))).one_or_none()
        return None if row is None else store.person_of(row)

    async def company_name(self, who: Identity) -> str | None:
        """Return the name of the person's own company; None for staff."""
        if who.company is None:
            return None
        async with self._database.read() as connection:
            name = await connection.execute(select(companies.c.name).where(companies.c.id == who.company))
        return str(name.scalar_one())

    async def is_empty(self) -> bool:
        """Whether nobody has an account yet: a new store, to be set up or filled with the demonstration."""
        async with self._database.read() as connection:
            return (await connection.execute(select(people.c.id).limit(1))).first() is None
