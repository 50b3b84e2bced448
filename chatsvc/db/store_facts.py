"""Facts about the store itself: one random epoch, changed by every restore, so that no client mixes two histories (R22)."""

from sqlalchemy import Column, String, Table, select
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
        # Several processes meet a new store at one moment: the first of them names it for all.
        await uow.execute(uow.insertion(store_facts).values(name="epoch", value=new_id("st")).on_conflict_do_nothing())
        value = await _read(uow.connection)
    assert value is not None
    return value


async def prove_commit(database: Database) -> None:
    """Commit something small, for readiness: reading alone would not notice a full disk or a lock (R17).

    Raises:
        Unavailable: the store cannot commit now.
    """
    async with database.begin() as uow:
        value = uow.now.isoformat()
        await uow.execute(
            uow.insertion(store_facts)
            .values(name="ready", value=value)
            .on_conflict_do_update(index_elements=[store_facts.c.name], set_={"value": value})
        )
