"""SQL of reports in the background: asking, leasing, marking. Only whoever made the latest attempt may say how it went."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.ids import PersonId, new_id
from chatsvc.reports.model import State, Wish
from chatsvc.reports.tables import reports


async def add(uow: UnitOfWork, person: PersonId, wish: Wish, *, total: int) -> str:
    """Write down that somebody wants a report; return its id."""
    report = new_id("rp")
    await uow.execute(
        insert(reports).values(
            id=report,
            person_id=person,
            wish=msgspec.to_builtins(wish),
            state=State.WAITING,
            done=0,
            total=total,
            attempts=0,
            asked_at=uow.now,
        )
    )
    return report


async def waiting(connection: AsyncConnection, person: PersonId) -> int:
    """Count a person's reports that are not finished."""
    statement = select(func.count()).where(reports.c.person_id == person, reports.c.state == State.WAITING)
    return int((await connection.execute(statement)).scalar_one())


async def load(connection: AsyncConnection, report: str, person: PersonId) -> Row[Any] | None:
    """Return a report of this person; None when there is none."""
    statement = select(reports).where(reports.c.id == report, reports.c.person_id == person)
    return (await connection.execute(statement)).one_or_none()


async def has_work(connection: AsyncConnection, *, at: datetime) -> bool:
    """Whether a report waits or one has expired: what a sweep asks before it writes anything."""
    due = or_(reports.c.state == State.WAITING, reports.c.expires_at <= at)
    return (await connection.execute(select(reports.c.id).where(due).limit(1))).first() is not None


async def lease(uow: UnitOfWork, *, until: datetime) -> Row[Any] | None:
    """Take the oldest report that waits and that nobody is at work on; None when there is none."""
    free = or_(reports.c.leased_until.is_(None), reports.c.leased_until <= uow.now)
    oldest = (
        select(reports.c.id)
        .where(reports.c.state == State.WAITING, free)
        .order_by(reports.c.asked_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(reports)
        .where(reports.c.id == oldest.scalar_subquery())
        .values(leased_until=until, attempts=reports.c.attempts + 1, done=0)
        .returning(reports)
    )
    row: Row[Any] | None = (await uow.execute(statement)).one_or_none()
    return row


async def advance(uow: UnitOfWork, report: Row[Any], *, done: int, total: int, until: datetime) -> bool:
    """Say how far it is and go on holding it; False when somebody else has taken it meanwhile."""
    return await uow.changes_one(_held(report).values(done=done, total=total, leased_until=until))


async def finish(
    uow: UnitOfWork, report: Row[Any], *, rows: int, stored_as: str, size_bytes: int, expires_at: datetime
) -> bool:
    """Say that the file lies ready; False when somebody else has taken it meanwhile."""
    return await uow.changes_one(
        _held(report).values(
            state=State.READY,
            done=rows,
            total=rows,
            leased_until=None,
            stored_as=stored_as,
            size_bytes=size_bytes,
            expires_at=expires_at,
        )
    )


async def fail(uow: UnitOfWork, report: Row[Any], *, most_attempts: int, expires_at: datetime) -> None:
    """Let go of it, to be tried again, or for good."""
    failed = {"state": State.FAILED, "expires_at": expires_at} if report.attempts >= most_attempts else {}
    await uow.execute(_held(report).values(leased_until=None, **failed))


def _held(report: Row[Any]) -> Any:
    mine = reports.c.attempts == report.attempts
    return update(reports).where(reports.c.id == report.id, mine, reports.c.state == State.WAITING)


async def take_expired(uow: UnitOfWork) -> list[str]:
    """Forget what has expired; return where the files lie."""
    gone = delete(reports).where(reports.c.expires_at <= uow.now).returning(reports.c.stored_as)
    return [name for name in (await uow.execute(gone)).scalars() if name]


async def stored(connection: AsyncConnection) -> frozenset[str]:
    """Return the names of all files that belong to a report."""
    names = await connection.execute(select(reports.c.stored_as).where(reports.c.stored_as.is_not(None)))
    return frozenset(names.scalars())
