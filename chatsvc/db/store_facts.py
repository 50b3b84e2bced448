"""Facts about the store itself: one random epoch, changed by every restore, so that no client mixes two histories (R22)."""

from sqlalchemy import Column, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.db.columns import metadata
from chatsvc.db.engine import Database
from chatsvc.kernel.ids import new_id

store_facts = Table(
    "store_facts",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)


async def _read(connection: AsyncConnection) -> str | None:
    return (
        await connection.execute(select(store_facts.c.value).where(store_facts.c.name == "epoch"))
    ).scalar_one_or_none()


async def epoch(database: Database) -> str:
    """Return the store's epoch (``st_…``); a new store gets one."""
    async with database.read() as connection:
        value = await _read(connection)
    if value is not None:
        return value
    async with database.begin() as uow:
        value = await _read(uow.connection)
        if value is None:
            value = new_id("st")
            await uow.execute(insert(store_facts).values(name="epoch", value=value))
    return value


async def prove_commit(database: Database) -> None:
    """Commit something small, for readiness: reading alone would not notice a full disk or a lock (R17).

    Raises:
        Unavailable: the store cannot commit now.
    """
    async with database.begin() as uow:
        value = uow.now.isoformat()
        changed = await uow.changes_one(update(store_facts).where(store_facts.c.name == "ready").values(value=value))
        if not changed:
            await uow.execute(insert(store_facts).values(name="ready", value=value))
