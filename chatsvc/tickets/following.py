"""Who reads along: followers of one's own company, what the company wishes about its tickets, and who wants quiet (T6).

A contact can only ever bring in colleagues, and only those who may open tickets themselves (P1); nobody of another company can follow.
"""

from typing import Any, NamedTuple

from sqlalchemy import Row, delete, select

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.accounts.tables import people
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import NotAllowed, NotFound
from chatsvc.kernel.ids import CompanyId, PersonId, TicketId
from chatsvc.tickets import queries, store, telling
from chatsvc.tickets.life import Life
from chatsvc.tickets.model import Kind
from chatsvc.tickets.tables import followers, muted, ticket_settings
from chatsvc.tickets.telling import News


class Colleague(NamedTuple):
    """A contact of the ticket's company."""

    person: PersonId
    name: str


class Quiet(NamedTuple):
    """Whether somebody wants quiet about a ticket."""

    number: int
    # Whether they opened it: then what they must know reaches them all the same.
    requester: bool
    asked: bool


class Following(Life):
    """Followers, a company's wishes, quiet."""

    async def followers(self, identity: Identity, ticket: TicketId) -> tuple[Colleague, ...]:
        """Return who follows a ticket, by name; raises NotFound for whoever may not read it."""
        async with self.database.read() as connection:
            await queries.require(connection, identity, ticket)
            statement = (
                select(people.c.id, people.c.name)
                .join(followers, followers.c.person_id == people.c.id)
                .where(followers.c.ticket_id == ticket)
                .order_by(people.c.name, people.c.id)
            )
            return tuple(Colleague(*row) for row in (await connection.execute(statement)).all())

    async def candidates(self, identity: Identity, ticket: TicketId) -> tuple[Colleague, ...]:
        """Return who could follow a ticket: authorised contacts of its company who do not read along yet, by name.

        Raises:
            NotFound: no such ticket for this person.
        """
        async with self.database.read() as connection:
            await queries.require(connection, identity, ticket)
            row = await store.load(connection, ticket)
            already = select(followers.c.person_id).where(followers.c.ticket_id == ticket)
            statement = (
                select(people.c.id, people.c.name)
                .where(people.c.company_id == row.company_id, people.c.authorised, people.c.disabled_at.is_(None))
                .where(people.c.id != row.requester_id, people.c.id.not_in(already))
                .order_by(people.c.name, people.c.id)
            )
            return tuple(Colleague(*each) for each in (await connection.execute(statement)).all())

    async def follow(self, identity: Identity, ticket: TicketId, person: PersonId | None = None) -> None:
        """Let somebody read along: a colleague, or, with None, the one who asks; who does already stays so.

        Raises:
            NotFound: no such ticket for who asks, or no authorised contact of its company (R20).
        """
        async with self.database.begin() as uow:
            row = await self.load(uow, identity, ticket)
            person = person or identity.person
            name = await self._colleague(uow, row, person)
            if person == row.requester_id:
                return
            values = {"ticket_id": ticket, "person_id": person, "since_at": uow.now}
            added = await uow.execute(uow.insertion(followers).values(values).on_conflict_do_nothing())
            if added.rowcount != 1:
                return
            await store.put(uow, row)
            await self.enter(uow, row, identity, Kind.FOLLOWED, who=name)
            if person != identity.person:
                await telling.write_to(uow, row, News.FOLLOWED, person, cause=f"followed:{row.version}")

    async def unfollow(self, identity: Identity, ticket: TicketId, person: PersonId | None = None) -> None:
        """Let somebody no longer read along: who asks; or somebody else, as the requester or as somebody who works here.

        Raises:
            NotFound: no such ticket for who asks.
            NotAllowed: neither their own following nor their own ticket.
        """
        async with self.database.begin() as uow:
            row = await self.load(uow, identity, ticket)
            person = person or identity.person
            if person != identity.person and not identity.is_staff and row.requester_id != identity.person:
                raise NotAllowed("not_allowed")
            mine = followers.c.ticket_id == ticket, followers.c.person_id == person
            if (await uow.execute(delete(followers).where(*mine))).rowcount == 1:
                name = (await uow.execute(select(people.c.name).where(people.c.id == person))).scalar_one()
                await store.put(uow, row)
                await self.enter(uow, row, identity, Kind.UNFOLLOWED, who=name)

    async def _colleague(self, uow: UnitOfWork, row: Row[Any], person: PersonId) -> str:
        """Return the name of an authorised contact of the ticket's company; raises NotFound for everybody else."""
        statement = select(people.c.name).where(
            people.c.id == person,
            people.c.company_id == row.company_id,
            people.c.authorised,
            people.c.disabled_at.is_(None),
        )
        name: str | None = (await uow.execute(statement)).scalar_one_or_none()
        if name is None:
            raise NotFound("person.not_found")
        return name

    # A company's wishes -----------------------------------------------------------------------------------------------

    async def shows_colleagues(self, company: CompanyId) -> bool:
        """Whether the authorised contacts of a company read all its tickets, not only their own."""
        async with self.database.read() as connection:
            statement = select(ticket_settings.c.colleagues).where(ticket_settings.c.company_id == company)
            return bool((await connection.execute(statement)).scalar_one_or_none())

    async def show_colleagues(self, identity: Identity, company: CompanyId, *, shown: bool) -> None:
        """Say whether the authorised contacts of a company read all its tickets.

        Raises:
            NotAllowed: neither an administrator of this company nor one of the desk.
        """
        own = identity.company_admin and identity.company == company
        if not own and identity.role is not PersonRole.ADMINISTRATOR:
            raise NotAllowed("not_allowed")
        async with self.database.begin() as uow:
            values = {"colleagues": shown, "changed_at": uow.now}
            await uow.execute(
                uow.insertion(ticket_settings)
                .values(company_id=company, **values)
                .on_conflict_do_update(index_elements=[ticket_settings.c.company_id], set_=values)
            )

    # Quiet ------------------------------------------------------------------------------------------------------------

    async def mute(self, ticket: TicketId, person: PersonId, *, muted_: bool = True) -> None:
        """Write to somebody about a ticket only what they must know, or everything again; repeating it changes nothing.

        The caller has made sure that it is that person: by their session, or by the signed link in a mail (RFC 8058).

        Raises:
            NotFound: there is no such ticket.
        """
        async with self.database.begin() as uow:
            await store.load(uow.connection, ticket)
            if muted_:
                values = {"ticket_id": ticket, "person_id": person, "since_at": uow.now}
                await uow.execute(uow.insertion(muted).values(values).on_conflict_do_nothing())
            else:
                await uow.execute(delete(muted).where(muted.c.ticket_id == ticket, muted.c.person_id == person))

    async def quiet(self, ticket: TicketId, person: PersonId) -> Quiet:
        """Return how somebody's wish for quiet about a ticket stands, for the page behind a signed link; raises NotFound."""
        async with self.database.read() as connection:
            row = await store.load(connection, ticket)
            mine = muted.c.ticket_id == ticket, muted.c.person_id == person
            asked = (await connection.execute(select(muted.c.since_at).where(*mine))).scalar_one_or_none()
        return Quiet(row.number, row.requester_id == person, asked is not None)
