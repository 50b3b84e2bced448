"""Writes the file of a report; of a large one in a process of its own, ``python -m chatsvc.reports.making``, with an ``Order`` on its standard input.

Such a process gives way to everything else of the machine and shares no interpreter with anybody who holds the store's lock: it only reads.
After each piece it says in a line of its output how many rows are written, and of how many; when nobody listens any more, it ends. What it
does not know: leases, mails, and who else waits.
"""

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.giving_way import give_way, stay_on_one_processor
from chatsvc.kernel.clock import SystemClock
from chatsvc.reports import queries
from chatsvc.reports.book import Book
from chatsvc.reports.model import REPORTS, Wish


class Pace(NamedTuple):
    """How a report goes through the store."""

    # Rows that are read and written in one go: short enough for everything else of the process to breathe in between.
    rows: int
    # Seconds of rest after each piece.
    rest_s: float


WITHOUT_REST: Final = Pace(500, 0.0)
# Where a server reads, in a process with everybody's rank, standing back is of no use; small pieces and long rests are: about 2,000 rows a second.
_BESIDE_A_SERVER: Final = Pace(50, 0.02)
# How far it stands back: beside one busy process it still has a quarter of a core.
NICENESS: Final = 5

# Takes how many rows are written, and of how many.
Tell = Callable[[int, int], None]


class Order(msgspec.Struct, frozen=True):
    """What a process of its own has to know."""

    # The database's, with its password: therefore it comes through a pipe, and not as an argument that everybody can read.
    address: str
    path: str
    identity: Identity
    wish: Wish
    # The moment by which ages are told.
    at: datetime


async def write(
    database: Database,
    identity: Identity,
    wish: Wish,
    path: Path,
    *,
    at: datetime,
    tell: Tell = lambda done, total: None,
    pace: Pace = WITHOUT_REST,
) -> int:
    """Write a report's file; return its rows."""
    async with database.read() as connection:
        extent = await queries.extent(connection, identity, wish)
    columns = REPORTS[wish.report].columns
    book = await asyncio.to_thread(partial(Book, path, columns=columns, labels=wish.labels, zone=wish.zone))
    done, after = 0, 0 if extent.rows else None
    try:
        while after is not None:
            async with database.read() as connection:
                piece = await queries.piece(
                    connection, identity, wish, after=after, last=extent.last, limit=pace.rows, at=at
                )
            await asyncio.to_thread(book.add, piece.rows)
            done, after = done + len(piece.rows), piece.after
            tell(done, max(done, extent.rows))
            if after is not None:
                await asyncio.sleep(pace.rest_s)
    finally:
        # Also when it breaks off: what a book has open it closes.
        await asyncio.to_thread(book.close)
    return done


async def _carry_out(order: Order) -> None:
    # Planning the question of a piece costs PostgreSQL more than answering it.
    database = Database(order.address, SystemClock(), repeats=True)
    pace = WITHOUT_REST if database.dialect == "sqlite" else _BESIDE_A_SERVER
    path, tell = Path(order.path), partial(print, flush=True)
    await write(database, order.identity, order.wish, path, at=order.at, tell=tell, pace=pace)
    await database.close()


if __name__ == "__main__":
    give_way(NICENESS)
    stay_on_one_processor()
    asyncio.run(_carry_out(msgspec.json.decode(sys.stdin.buffer.read(), type=Order)))
