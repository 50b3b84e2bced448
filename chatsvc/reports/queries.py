"""Reads the rows of a report, in pieces and in the order of their numbers, for the person who asked: what they may not read is not there (R20)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import companies, people
from chatsvc.reports.model import REPORTS, Column, Progress, State, Wish
from chatsvc.reports.tables import reports
from chatsvc.tickets.model import Audience
from chatsvc.tickets.queries import readable
from chatsvc.tickets.tables import logs, tickets

_requester = people.alias("requester")
_owner = people.alias("owner")
_shared = logs.alias("shared")

# A column's key -> where its value stands; the others are computed of these.
_PLAIN: Final[dict[str, Any]] = {
    "number": tickets.c.number,
    "subject": tickets.c.subject,
    "company": companies.c.name,
    "requester": _requester.c.name,
    "product": tickets.c.product,
    "reason": tickets.c.reason,
    "environment": tickets.c.environment,
    "severity": tickets.c.severity,
    "state": tickets.c.state,
    "team": tickets.c.team,
    "owner": _owner.c.name,
    "source": tickets.c.source,
    "created_at": tickets.c.created_at,
    "changed_at": tickets.c.updated_at,
    "last_at": _shared.c.last_at,
    "ended_at": tickets.c.ended_at,
}


class Extent(NamedTuple):
    """How much a report holds at the moment it is begun."""

    rows: int
    # The highest number among them: what comes later is not in it.
    last: int


class Piece(NamedTuple):
    """Some rows, and the number to go on after; None means that was all."""

    rows: list[list[Any]]
    after: int | None


async def wanted(connection: AsyncConnection, identity: Identity, wish: Wish) -> list[ColumnElement[bool]]:
    """Return the conditions of a report: what the person may read now, and what they asked for."""
    states = REPORTS[wish.report].states or wish.states
    conditions: list[ColumnElement[bool]] = [await readable(connection, identity)]
    if states:
        conditions.append(tickets.c.state.in_(states))
    if wish.products:
        conditions.append(tickets.c.product.in_(wish.products))
    if wish.company is not None:
        conditions.append(tickets.c.company_id == wish.company)
    if wish.since is not None:
        conditions.append(tickets.c.created_at >= wish.since)
    if wish.before is not None:
        conditions.append(tickets.c.created_at < wish.before)
    return conditions


async def extent(connection: AsyncConnection, identity: Identity, wish: Wish) -> Extent:
    """Count what a report would hold now."""
    conditions = await wanted(connection, identity, wish)
    statement = select(func.count(), func.max(tickets.c.number)).where(*conditions)
    rows, last = (await connection.execute(statement)).one()
    return Extent(rows, last or 0)


def _values_of(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    source = (
        tickets.join(companies, companies.c.id == tickets.c.company_id)
        .join(_requester, _requester.c.id == tickets.c.requester_id)
        .outerjoin(_owner, _owner.c.id == tickets.c.owner_id)
        .join(_shared, and_(_shared.c.ticket_id == tickets.c.id, _shared.c.audience == Audience.SHARED))
    )
    columns = [column.label(f"v_{key}") for key, column in _PLAIN.items()]
    return select(*columns).select_from(source).where(*conditions).order_by(tickets.c.number)


async def piece(
    connection: AsyncConnection, identity: Identity, wish: Wish, *, after: int, last: int, limit: int, at: datetime
) -> Piece:
    """Return rows with numbers above ``after`` and up to ``last``, values in the order of the report's columns.

    ``at`` is the moment by which ages are told.
    """
    conditions = *await wanted(connection, identity, wish), tickets.c.number > after, tickets.c.number <= last
    found = (await connection.execute(_values_of(conditions).limit(limit))).all()
    columns = REPORTS[wish.report].columns
    rows = [_values(columns, row, at) for row in found]
    return Piece(rows, found[-1].v_number if len(found) == limit else None)


def _values(columns: Sequence[Column], row: Any, at: datetime) -> list[Any]:
    plain = row._mapping
    touched = max(plain["v_changed_at"], plain["v_last_at"] or plain["v_changed_at"])
    computed = {
        "updated_at": touched,
        "age": at - plain["v_created_at"],
        "silence": at - touched,
        "lasted": plain["v_ended_at"] and plain["v_ended_at"] - plain["v_created_at"],
    }
    return [computed[column.key] if column.key in computed else plain[f"v_{column.key}"] for column in columns]


async def company_names(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Return every company's id and name, by name."""
    rows = await connection.execute(select(companies.c.id, companies.c.name).order_by(companies.c.name))
    return [(row.id, row.name) for row in rows]


async def of_person(connection: AsyncConnection, identity: Identity, *, at: datetime) -> list[Progress]:
    """Return a person's reports that are being made, lie ready, or failed; the latest first."""
    statement = (
        select(reports)
        .where(reports.c.person_id == identity.person, (reports.c.expires_at.is_(None)) | (reports.c.expires_at > at))
        .order_by(reports.c.asked_at.desc())
        .limit(20)
    )
    return [progress_of(row) for row in (await connection.execute(statement)).all()]


def progress_of(row: Any) -> Progress:
    """Return how far a row of ``reports`` is."""
    wish = msgspec.convert(row.wish, Wish)
    return Progress(
        id=row.id,
        report=wish.report,
        title=wish.labels.get("title", wish.report),
        state=State(row.state),
        done=row.done,
        total=row.total,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        size_bytes=row.size_bytes,
    )
