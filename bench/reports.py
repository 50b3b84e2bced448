"""What a large report costs, and what it costs those who talk meanwhile: on SQLite and on PostgreSQL.

    python bench/reports.py                    a report of 100,000 tickets; needs PostgreSQL's programs for the second half
    python bench/reports.py --tickets N --store sqlite --rate 200

Live messages are appended at random moments through the log book, as the hub does it, and each counts from the moment it was due until it
is acknowledged: for a while without a report, then while another process makes one, as the worker does, and so on in turn. What counts is
the ratio of the two. The report's time is wall clock, so that it means something only on a machine that has a core to spare.
"""

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.tickets import Filled

from chatsvc.accounts.model import Identity
from chatsvc.accounts.queries import AccountQueries
from chatsvc.db import migrate
from chatsvc.db.engine import Database
from chatsvc.kernel import ids
from chatsvc.kernel.clock import SystemClock
from chatsvc.kernel.ids import LogId
from chatsvc.reports.actions import Reports
from chatsvc.reports.model import Wish
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Append, Kind, Role, words
from tests import builders, stores

MOST_S: Final = 60.0
MOST_MB: Final = 300.0
MOST_SLOWER: Final = 1.2
# Of talking without a report, before each one.
QUIET_S: Final = 15.0


async def make(address: str, folder: Path) -> bool:
    """Make the report that waits, and print what it took."""
    database = Database(address, SystemClock())
    reports = Reports(database, folder, AccountQueries(database))
    begun = time.perf_counter()
    made = await reports.make_next()
    took_s = time.perf_counter() - begun
    # The writing is a process of its own; the largest of all is what counts.
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s, memory_mb = sum(each.ru_utime + each.ru_stime for each in used), max(each.ru_maxrss for each in used) / 1024
    await database.close()
    print(f"  report: {took_s:5.1f} s, {cpu_s:5.1f} s of CPU, {memory_mb:.0f} MB", flush=True)
    return made and took_s <= MOST_S and memory_mb <= MOST_MB


class Talk:
    """People who write at random moments."""

    def __init__(self, logbook: LogBook, logs: list[LogId], who: Identity, rate: float) -> None:
        self.logbook, self.logs, self.who, self.rate = logbook, logs, who, rate
        self.chance = random.Random(7)

    async def until(self, over: asyncio.Event) -> list[float]:
        """Write until told to stop; return how long each message took from its moment, in milliseconds, in order of length."""
        loop, took, under_way = asyncio.get_running_loop(), [], set()

        async def say(due_s: float) -> None:
            text = words("A message of some length, as people write them, about a report that does not open.")
            await self.logbook.append(
                Append(
                    self.chance.choice(self.logs), self.who.person, self.who.name, Role.STAFF, ids.new_id("ky"),
                    Kind.MESSAGE, text,
                )
            )  # fmt: skip
            took.append((loop.time() - due_s) * 1_000)

        due_s = loop.time()
        while not over.is_set():
            due_s += self.chance.expovariate(self.rate)
            await asyncio.sleep(due_s - loop.time())
            task = asyncio.create_task(say(due_s))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        return sorted(took)


async def measure(name: str, address: str, *, number: int, rate: float, rounds: int, folder: Path) -> bool:
    """Fill a store, talk with and without a report, print; return whether all was as wanted."""
    await migrate.upgrade(address)
    database = Database(address, SystemClock())
    filled = Filled(database, folder)
    await filled.fill(number)
    contact = await builders.a_contact(database)
    opened = [await builders.a_ticket(database, contact) for _ in range(100)]
    logbook = LogBook(database)
    logbook.start()
    talk = Talk(logbook, [each.log for each in opened], filled.staff[0], rate)
    reports = Reports(database, folder, AccountQueries(database))
    print(f"{name}: {number:,} tickets, {rate:.0f} messages a second", flush=True)
    ratios, well = [], True
    for _ in range(rounds):
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(QUIET_S, over.set)
        quiet = await talk.until(over)
        await reports.ask(filled.staff[0], Wish(report="tickets", zone="Europe/Berlin", labels={"title": "All"}))
        over = asyncio.Event()
        talking = asyncio.create_task(talk.until(over))
        maker = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--make", address, "--folder", str(folder)
        )
        well &= await maker.wait() == 0
        over.set()
        busy = await talking
        ratios.append(_p(busy, 0.99) / _p(quiet, 0.99))
        for label, took in (("without", quiet), ("with", busy)):
            print(f"  {label:8} p50 {_p(took, 0.5):6.1f} ms   p99 {_p(took, 0.99):6.1f} ms", flush=True)
    await logbook.close()
    await database.close()
    ratio = sorted(ratios)[len(ratios) // 2]
    print(f"  p99 with a report: {ratio:.2f} times that without", flush=True)
    return well and ratio <= MOST_SLOWER


def _p(took: list[float], part: float) -> float:
    return took[int(part * (len(took) - 1))]


def main() -> int:
    """Measure what was asked for; 0 when everything was as wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.make:
        return 0 if asyncio.run(make(wish.make, wish.folder)) else 1
    well = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = {"number": wish.tickets, "rate": wish.rate, "rounds": wish.rounds, "folder": folder}
        if wish.store != "postgresql":
            well &= asyncio.run(measure("SQLite", f"sqlite:///{folder}/holdline.db", **options))
        programs = stores.postgres_programs()
        if wish.store != "sqlite" and programs is not None:
            with stores.running_cluster(programs, durable=True) as cluster:
                well &= asyncio.run(measure("PostgreSQL", f"{cluster.address}/migrated", **options))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
