"""The store's own time: leases and due moments of all machines are measured by one clock (promises, rule 23)."""

from datetime import UTC, datetime

from sqlalchemy import text

from chatsvc.db.engine import Database


async def now(database: Database) -> datetime | None:
    """Return the store's present moment, aware, UTC; None where the store has no clock of its own (SQLite lives by this machine's)."""
    if database.dialect == "sqlite":
        return None
    async with database.read() as connection:
        moment = (await connection.execute(text("select clock_timestamp()"))).scalar_one()
    return moment.astimezone(UTC) if isinstance(moment, datetime) else None
