"""SQL of drafts, details and subscriptions."""

from datetime import datetime

from sqlalchemy import delete, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import people
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.ids import CompanyId, PersonId, TicketId
from chatsvc.requests.model import Details, Draft
from chatsvc.requests.tables import request_details, request_drafts, subscriptions
from chatsvc.tickets.tables import tickets


async def keep_draft(uow: UnitOfWork, person: PersonId, key: str, texts: dict[str, str], *, most: int) -> None:
    """Store a draft in place of what was there under its key; of too many the oldest go."""
    values = {"person_id": person, "key": key, "texts": texts, "updated_at": uow.now}
    await uow.execute(
        uow.insertion(request_drafts)
        .values(values)
        .on_conflict_do_update(
            index_elements=[request_drafts.c.person_id, request_drafts.c.key],
            set_={"texts": texts, "updated_at": uow.now},
        )
    )
    mine = request_drafts.c.person_id == person
    newest = select(request_drafts.c.key).where(mine).order_by(request_drafts.c.updated_at.desc()).limit(most)
    await uow.execute(delete(request_drafts).where(mine, request_drafts.c.key.not_in(newest.scalar_subquery())))


async def drafts(connection: AsyncConnection, person: PersonId, *, since: datetime) -> list[Draft]:
    """Return a person's drafts that were touched since, the latest first."""
    statement = (
        select(request_drafts.c.key, request_drafts.c.texts, request_drafts.c.updated_at)
        .where(request_drafts.c.person_id == person, request_drafts.c.updated_at >= since)
        .order_by(request_drafts.c.updated_at.desc())
    )
    return [Draft(*row) for row in (await connection.execute(statement)).all()]


async def draft(connection: AsyncConnection, person: PersonId, key: str) -> Draft | None:
    """Return one draft of a person; None when there is none."""
    mine = request_drafts.c.person_id == person, request_drafts.c.key == key
    statement = select(request_drafts.c.key, request_drafts.c.texts, request_drafts.c.updated_at).where(*mine)
    row = (await connection.execute(statement)).one_or_none()
    return Draft(*row) if row else None


async def drop_draft(uow: UnitOfWork, person: PersonId, key: str) -> None:
    """Forget a draft."""
    await uow.execute(delete(request_drafts).where(request_drafts.c.person_id == person, request_drafts.c.key == key))


async def drop_old_drafts(uow: UnitOfWork, *, before: datetime) -> int:
    """Forget what was not touched since; return how many."""
    return int((await uow.execute(delete(request_drafts).where(request_drafts.c.updated_at < before))).rowcount)


async def add_details(uow: UnitOfWork, ticket: TicketId, details: Details) -> None:
    """Store what a ticket's form said; once."""
    values = {"ticket_id": ticket, "language": details.language, "answers": details.answers}
    await uow.execute(uow.insertion(request_details).values(values).on_conflict_do_nothing())


async def details(connection: AsyncConnection, ticket: TicketId) -> Details | None:
    """Return what a ticket's form said, for a follow-up that of the ticket where it began (T9); None for tickets that came another way."""
    own = select(tickets.c.id, tickets.c.follows_id, literal(0).label("back")).where(tickets.c.id == ticket)
    chain = own.cte("chain", recursive=True)
    before = select(tickets.c.id, tickets.c.follows_id, chain.c.back + 1)
    chain = chain.union_all(before.join(chain, tickets.c.id == chain.c.follows_id))
    statement = select(request_details.c.language, request_details.c.answers)
    statement = statement.join(chain, chain.c.id == request_details.c.ticket_id).order_by(chain.c.back).limit(1)
    row = (await connection.execute(statement)).one_or_none()
    return Details(*row) if row else None


async def services(connection: AsyncConnection, company: CompanyId) -> frozenset[str]:
    """Return what a company is subscribed to."""
    statement = select(subscriptions.c.service).where(subscriptions.c.company_id == company)
    return frozenset((await connection.execute(statement)).scalars())


async def subscribe(uow: UnitOfWork, company: CompanyId, service: str) -> None:
    """Say that a company has a service."""
    values = {"company_id": company, "service": service, "since_at": uow.now}
    await uow.execute(uow.insertion(subscriptions).values(values).on_conflict_do_nothing())


async def unsubscribe(uow: UnitOfWork, company: CompanyId, service: str) -> None:
    """Say that it no longer has it."""
    mine = subscriptions.c.company_id == company, subscriptions.c.service == service
    await uow.execute(delete(subscriptions).where(*mine))


async def sent(connection: AsyncConnection, source: str) -> int | None:
    """Return the number of the ticket that a form has made; None when it has not been sent."""
    statement = select(tickets.c.number).where(tickets.c.source == "form", tickets.c.source_id == source)
    return (await connection.execute(statement)).scalar_one_or_none()


async def may_ask(connection: AsyncConnection, person: PersonId) -> bool:
    """Whether a contact is authorised and enabled just now (P1)."""
    statement = select(people.c.id).where(
        people.c.id == person, people.c.role == "contact", people.c.authorised, people.c.disabled_at.is_(None)
    )
    return (await connection.execute(statement)).one_or_none() is not None


async def colleagues(connection: AsyncConnection, identity: Identity) -> list[tuple[PersonId, str]]:
    """Return the other authorised contacts of a contact's company, by name."""
    statement = (
        select(people.c.id, people.c.name)
        .where(people.c.company_id == identity.company, people.c.id != identity.person)
        .where(people.c.authorised, people.c.disabled_at.is_(None))
        .order_by(people.c.name, people.c.id)
    )
    return [(PersonId(row.id), row.name) for row in (await connection.execute(statement)).all()]
