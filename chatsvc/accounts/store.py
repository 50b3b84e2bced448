"""SQL of companies, people and sessions: what actions read and write inside their unit of work. No rule stands here."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Company, Identity, Person, PersonRole, Session
from chatsvc.accounts.tables import companies, people, sessions
from chatsvc.db.outbox import outbox
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.errors import Conflict
from chatsvc.kernel.ids import CompanyId, OutboxId, PersonId, SessionId


class Account(NamedTuple):
    """A person together with what only a sign-in may see."""

    person: Person
    # argon2; None until the first password.
    password_hash: str | None
    # Raised by every change of password.
    credential_epoch: int


class NewPerson(NamedTuple):
    """A person about to be stored; the fields are those of the table."""

    id: PersonId
    company: CompanyId | None
    role: PersonRole
    name: str
    email: str
    email_key: str
    language: str
    zone: str | None
    authorised: bool = False
    company_admin: bool = False


class SessionRow(NamedTuple):
    """A session with the person it belongs to."""

    identity: Identity
    may_enter: bool
    seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


_ZONE = func.coalesce(people.c.zone, companies.c.zone, "UTC")
_WITH_COMPANY = people.outerjoin(companies, companies.c.id == people.c.company_id)

PERSON_COLUMNS: tuple[ColumnElement[Any], ...] = (
    people.c.id,
    people.c.company_id,
    people.c.role,
    people.c.name,
    people.c.email,
    people.c.authorised,
    people.c.company_admin,
    people.c.language,
    _ZONE.label("zone"),
    people.c.password_hash.is_not(None).label("has_password"),
    people.c.disabled_at,
)


def people_query() -> Select[Any]:
    """Return the query of people that ``person_of`` reads."""
    return select(*PERSON_COLUMNS).select_from(_WITH_COMPANY)


def person_of(row: Any) -> Person:
    """Return the person in a row of ``people_query``."""
    identifier, company, role, *rest = row[: len(PERSON_COLUMNS)]
    return Person(identifier, company, PersonRole(role), *rest)


async def _account(connection: AsyncConnection, condition: ColumnElement[bool], *, lock: bool) -> Account | None:
    statement = (
        select(*PERSON_COLUMNS, people.c.password_hash, people.c.credential_epoch)
        .select_from(_WITH_COMPANY)
        .where(condition)
    )
    if lock:
        statement = statement.with_for_update(of=people)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else Account(person_of(row), row.password_hash, row.credential_epoch)


async def account_by_email(connection: AsyncConnection, email_key: str) -> Account | None:
    """Return the account with this normalised address; None when there is none."""
    return await _account(connection, people.c.email_key == email_key, lock=False)


async def account(connection: AsyncConnection, person: PersonId) -> Account | None:
    """Return somebody's account; None when there is none."""
    return await _account(connection, people.c.id == person, lock=False)


async def account_to_change(uow: UnitOfWork, person: PersonId) -> Account | None:
    """Return somebody's account and keep others from changing it until this unit of work ends."""
    return await _account(uow.connection, people.c.id == person, lock=True)


async def add_company(
    uow: UnitOfWork, company: CompanyId, *, name: str, zone: str, country: str, region: str | None
) -> None:
    """Store a new company.

    Raises:
        Conflict: ``company.name_taken``.
    """
    values = {"id": company, "name": name, "zone": zone, "country": country, "region": region, "created_at": uow.now}
    try:
        await uow.execute(insert(companies).values(values))
    except IntegrityError:
        raise Conflict("company.name_taken", name=name) from None


async def add_person(uow: UnitOfWork, person: NewPerson) -> None:
    """Store a new person without a password.

    Raises:
        Conflict: ``email.taken``.
    """
    values = {
        "id": person.id,
        "company_id": person.company,
        "role": person.role.value,
        "name": person.name,
        "email": person.email,
        "email_key": person.email_key,
        "credential_epoch": 0,
        "authorised": person.authorised,
        "company_admin": person.company_admin,
        "language": person.language,
        "zone": person.zone,
        "created_at": uow.now,
    }
    try:
        await uow.execute(insert(people).values(values))
    except IntegrityError:
        raise Conflict("email.taken", field="email") from None


async def change_person(uow: UnitOfWork, person: PersonId, values: Mapping[str, Any]) -> bool:
    """Set columns of a person; whether there is such a person."""
    return await uow.changes_one(update(people).where(people.c.id == person).values(**values))


async def set_password(uow: UnitOfWork, person: PersonId, password_hash: str, *, epoch: int) -> bool:
    """Set a password and raise the epoch; False, and nothing is changed, when the epoch is no longer the given one."""
    return await uow.changes_one(
        update(people)
        .where(people.c.id == person, people.c.credential_epoch == epoch)
        .values(password_hash=password_hash, credential_epoch=epoch + 1)
    )


async def renew_hash(uow: UnitOfWork, person: PersonId, password_hash: str, *, epoch: int) -> None:
    """Store the same password's hash under today's profile; links and sessions stay good."""
    await uow.execute(
        update(people)
        .where(people.c.id == person, people.c.credential_epoch == epoch)
        .values(password_hash=password_hash)
    )


async def authorised_contacts(uow: UnitOfWork, company: CompanyId) -> int | None:
    """Return how many contacts a company has who may enter; None when there is no such company.

    Others who ask for the same company wait until this unit of work ends, so that two who count at once cannot both add the fifth.
    """
    lock = select(companies.c.id).where(companies.c.id == company).with_for_update()
    if (await uow.execute(lock)).one_or_none() is None:
        return None
    counted = select(func.count()).where(
        people.c.company_id == company, people.c.authorised.is_(True), people.c.disabled_at.is_(None)
    )
    return int((await uow.execute(counted)).scalar_one())


async def has_administrator(uow: UnitOfWork) -> bool:
    """Whether there is any administrator, enabled or not."""
    query = select(people.c.id).where(people.c.role == PersonRole.ADMINISTRATOR.value).limit(1)
    return (await uow.execute(query)).first() is not None


async def add_session(
    uow: UnitOfWork, session: SessionId, *, person: PersonId, token_hash: str, expires_at: datetime, device: str
) -> None:
    """Store a new session."""
    await uow.execute(
        insert(sessions).values(
            id=session,
            token_hash=token_hash,
            person_id=person,
            created_at=uow.now,
            seen_at=uow.now,
            expires_at=expires_at,
            device=device,
        )
    )


# Made once, because they are asked with every request and every connection.
_SESSION = select(
    *PERSON_COLUMNS,
    sessions.c.id.label("session_id"),
    sessions.c.seen_at,
    sessions.c.expires_at,
    sessions.c.revoked_at,
).select_from(_WITH_COMPANY.join(sessions, sessions.c.person_id == people.c.id))
_BY_TOKENS = _SESSION.add_columns(sessions.c.token_hash).where(
    sessions.c.token_hash.in_(bindparam("names", expanding=True))
)
_BY_IDS = _SESSION.add_columns(sessions.c.id).where(sessions.c.id.in_(bindparam("names", expanding=True)))


async def _sessions(connection: AsyncConnection, query: Select[Any], names: Collection[str]) -> dict[str, SessionRow]:
    """Return the sessions that a query finds by these names, which are its last column; what is none is missing."""
    found: dict[str, SessionRow] = {}
    for row in (await connection.execute(query, {"names": list(names)})).all():
        person = person_of(row)
        identity = identity_of(person, row.session_id)
        found[row[-1]] = SessionRow(identity, person.may_enter, row.seen_at, row.expires_at, row.revoked_at)
    return found


async def sessions_by_tokens(connection: AsyncConnection, token_hashes: Collection[str]) -> dict[str, SessionRow]:
    """Return the sessions with these tokens, over or not: hash -> session; what is none is missing."""
    return await _sessions(connection, _BY_TOKENS, token_hashes)


async def sessions_by_ids(connection: AsyncConnection, wanted: Collection[SessionId]) -> dict[str, SessionRow]:
    """Return these sessions, over or not: id -> session; what is none is missing."""
    return await _sessions(connection, _BY_IDS, wanted)


async def session_by_id(connection: AsyncConnection, session: SessionId) -> SessionRow | None:
    """Return the session with this id, over or not; None when there is none."""
    return (await sessions_by_ids(connection, (session,))).get(session)


def identity_of(person: Person, session: SessionId) -> Identity:
    """Return who a person is while signed in."""
    return Identity(
        person=person.id,
        session=session,
        role=person.role,
        name=person.name,
        company=person.company,
        language=person.language,
        zone=person.zone,
        company_admin=person.company_admin,
    )


async def seen(uow: UnitOfWork, used: Collection[SessionId]) -> None:
    """Note that sessions are used now."""
    await uow.execute(update(sessions).where(sessions.c.id.in_(sorted(used))).values(seen_at=uow.now))


async def open_sessions(
    connection: AsyncConnection, person: PersonId, *, asking: SessionId, seen_after: datetime, at: datetime
) -> list[Session]:
    """Return somebody's sessions that nobody revoked, that end later than ``at`` and were used after ``seen_after``; last used first."""
    query = (
        select(sessions.c.id, sessions.c.created_at, sessions.c.seen_at, sessions.c.device)
        .where(
            sessions.c.person_id == person,
            sessions.c.revoked_at.is_(None),
            sessions.c.expires_at > at,
            sessions.c.seen_at > seen_after,
        )
        .order_by(sessions.c.seen_at.desc(), sessions.c.id)
    )
    return [Session(*row, row.id == asking) for row in (await connection.execute(query)).all()]


async def sign_out(
    uow: UnitOfWork, person: PersonId, *, only: SessionId | None = None, but: SessionId | None = None
) -> None:
    """End sessions of a person, all, one, or all but one, and ring for their sockets: no ending can forget its bell (R21)."""
    statement = update(sessions).where(sessions.c.person_id == person, sessions.c.revoked_at.is_(None))
    if only is not None:
        statement = statement.where(sessions.c.id == only)
    if but is not None:
        statement = statement.where(sessions.c.id != but)
    await uow.execute(statement.values(revoked_at=uow.now))
    uow.ring(f"person:{person}")


async def forget_row(uow: UnitOfWork, row: OutboxId | None) -> None:
    """Take back an outbox row that this unit of work wrote; None takes nothing back, at the same price."""
    await uow.execute(delete(outbox).where(outbox.c.id == (row or "")))


def companies_query() -> Select[Any]:
    """Return the query of companies that ``Company(*row)`` takes, with their contacts counted."""
    enters = people.c.authorised.is_(True) & people.c.disabled_at.is_(None)
    return (
        select(
            companies.c.id,
            companies.c.name,
            companies.c.zone,
            companies.c.country,
            companies.c.region,
            func.count(people.c.id).filter(enters).label("authorised"),
            func.count(people.c.id).label("contacts"),
        )
        .select_from(companies.outerjoin(people, people.c.company_id == companies.c.id))
        .group_by(companies.c.id)
    )


def company_of(row: Any) -> Company:
    """Return the company in a row of ``companies_query``."""
    return Company(*row)
