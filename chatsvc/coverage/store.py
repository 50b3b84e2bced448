"""Reads and writes calendars. What they mean is for ``model``; who may change them for ``actions``."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import companies, people
from chatsvc.coverage.model import DEFAULT_WEEK, Calendar, OwnDay, Period
from chatsvc.coverage.tables import calendar_changes, calendars, own_days
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.ids import CompanyId, PersonId


class Head(NamedTuple):
    """What tells whether a calendar that was read before is still the one: everything but its week and its days."""

    company: CompanyId
    company_zone: str
    country: str
    region: str | None
    # 0: never changed.
    version: int
    changed_at: datetime | None


class Change(NamedTuple):
    """One change of a calendar, as its list shows it."""

    version: int
    by: PersonId
    # None when the person is gone.
    by_name: str | None
    at: datetime


_HEAD: Final = (
    companies.c.id,
    companies.c.zone,
    companies.c.country,
    companies.c.region,
    calendars.c.version,
    calendars.c.changed_at,
)
_COMPANY: Final = companies.outerjoin(calendars, calendars.c.company_id == companies.c.id)


async def head(connection: AsyncConnection, company: CompanyId) -> Head | None:
    """Return the head of a company's calendar; None when there is no such company."""
    query = select(*_HEAD).select_from(_COMPANY).where(companies.c.id == company)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _head_of(row)


async def head_of_contact(connection: AsyncConnection, contact: PersonId) -> tuple[Head, str | None] | None:
    """Return the head of the calendar of a contact's company, and the contact's own zone if they have one; None for staff and nobody."""
    query = (
        select(*_HEAD, people.c.zone.label("own_zone"))
        .select_from(_COMPANY.join(people, people.c.company_id == companies.c.id))
        .where(people.c.id == contact)
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (_head_of(row), row.own_zone)


def _head_of(row: Any) -> Head:
    return Head(row.id, row.zone, row.country, row.region, row.version or 0, row.changed_at)


async def calendar(connection: AsyncConnection, of: Head) -> Calendar:
    """Return the calendar of a company, in its own zone."""
    query = select(calendars.c.week, calendars.c.always).where(calendars.c.company_id == of.company)
    row = (await connection.execute(query)).one_or_none()
    days = select(own_days.c.day, own_days.c.periods, own_days.c.name).where(own_days.c.company_id == of.company)
    own = [
        OwnDay(date.fromisoformat(day), _periods_of(periods), name)
        for day, periods, name in (await connection.execute(days.order_by(own_days.c.day))).all()
    ]
    week = DEFAULT_WEEK if row is None else tuple(_periods_of(day) for day in row.week)
    return Calendar(of.company_zone, of.country, of.region, week, row is not None and row.always, tuple(own))


async def save(uow: UnitOfWork, of: Head, before: Calendar, after: Calendar, *, by: PersonId) -> bool:
    """Write a changed calendar, and who changed it; return whether nobody else was quicker."""
    values = {
        "week": [_values_of(day) for day in after.week],
        "always": after.always,
        "version": of.version + 1,
        "changed_at": uow.now,
    }
    same = (calendars.c.company_id == of.company) & (calendars.c.version == of.version)
    if of.version == 0:
        # Of two first changes, the second one breaks the key of ``calendar_changes`` below, were it not for the lock on the company.
        lock = select(companies.c.id).where(companies.c.id == of.company).with_for_update()
        await uow.execute(lock)
        if (await uow.execute(select(calendars.c.version).where(calendars.c.company_id == of.company))).first():
            return False
        await uow.execute(insert(calendars).values(company_id=of.company, **values))
    elif not await uow.changes_one(update(calendars).where(same).values(**values)):
        return False
    place = {"zone": after.zone, "country": after.country, "region": after.region}
    await uow.execute(update(companies).where(companies.c.id == of.company).values(**place))
    await _save_own_days(uow, of.company, before.own_days, after.own_days)
    change = {"before": written(before), "after": written(after)}
    row = {"company_id": of.company, "version": of.version + 1, "by_id": by, "at": uow.now, "change": change}
    await uow.execute(insert(calendar_changes).values(row))
    return True


async def _save_own_days(
    uow: UnitOfWork, company: CompanyId, before: Sequence[OwnDay], after: Sequence[OwnDay]
) -> None:
    gone, new = set(before) - set(after), set(after) - set(before)
    for own in sorted(gone):
        await uow.execute(
            delete(own_days).where(own_days.c.company_id == company, own_days.c.day == own.day.isoformat())
        )
    rows = [
        {"company_id": company, "day": own.day.isoformat(), "periods": _values_of(own.periods), "name": own.name}
        for own in sorted(new)
    ]
    if rows:
        await uow.execute(insert(own_days), rows)


async def changes(connection: AsyncConnection, company: CompanyId, *, most: int) -> list[Change]:
    """Return the latest changes of a calendar, newest first."""
    query = (
        select(calendar_changes.c.version, calendar_changes.c.by_id, people.c.name, calendar_changes.c.at)
        .select_from(calendar_changes.outerjoin(people, people.c.id == calendar_changes.c.by_id))
        .where(calendar_changes.c.company_id == company)
        .order_by(calendar_changes.c.version.desc())
        .limit(most)
    )
    return [Change(*row) for row in (await connection.execute(query)).all()]


def written(calendar: Calendar) -> dict[str, Any]:
    """Return a calendar as JSON values."""
    values: dict[str, Any] = msgspec.to_builtins(calendar)
    return values


def _periods_of(values: Sequence[Sequence[int]]) -> tuple[Period, ...]:
    return tuple(Period(opens, closes) for opens, closes in values)


def _values_of(periods: Sequence[Period]) -> list[list[int]]:
    return [[period.opens, period.closes] for period in periods]
