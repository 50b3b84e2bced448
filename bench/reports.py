"""What a large report costs, and what it costs those who talk meanwhile: on SQLite and on PostgreSQL.

    python bench/reports.py                    a report of 100,000 tickets; needs PostgreSQL's programs for the second half
    python bench/reports.py --tickets N --store sqlite --rate 200

Live messages are appended at random moments through the log book, as the hub does it, and each counts from the moment it was due until it
is acknowledged: for a while without a report, then while another process makes one, as the worker does, and so on in turn. What counts is
the ratio of the two, over all rounds together: in the seconds that a report takes, one in a hundred is a handful. The other process stands
back as the worker does, and is there before anything is measured. The report's time is wall clock, so that it means something only on a
machine that has a core to spare.
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
from chatsvc.giving_way import give_way
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
# What HOLDLINE_WORKER_NICENESS is unless somebody changes it.
WORKER_NICENESS: Final = 10


async def make(address: str, folder: Path) -> bool:
    """Make the report that waits, and say what it took."""
    database = Database(address, SystemClock())
    reports = Reports(database, folder, AccountQueries(database))
    begun = time.perf_counter()
    made = await reports.make_next()
    took_s = time.perf_counter() - begun
    # The writing is a process of its own; the largest of all is what counts.
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s, memory_mb = sum(each.ru_utime + each.ru_stime for each in used), max(each.ru_maxrss for each in used) / 1024
    await database.close()
    well = made and took_s <= MOST_S and memory_mb <= MOST_MB
    mark = "" if well else "  TOO MUCH"
    print(f"  report: {took_s:5.1f} s, {cpu_s:5.1f} s of CPU, {memory_mb:.0f} MB{mark}", flush=True)
    return well


class Worker:
    """A process that makes reports when it is told to, as the worker does."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, address: str, folder: Path) -> "Worker":
        """Start it; it is there when this returns."""
        command = (sys.executable, __file__, "--make", address, "--folder", str(folder))
        pipe = asyncio.subprocess.PIPE
        started = cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe))
        await started.says()
        return started

    async def says(self) -> str:
        """Return what it says next."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode()

    async def makes(self) -> bool:
        """Let it make the report that waits; print what it says, and return whether that was as wanted."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        said = await self.says()
        print(said, end="", flush=True)
        return said != "" and "TOO MUCH" not in said

    async def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()


def work(address: str, folder: Path) -> None:
    """Make a report for every line that comes."""
    give_way(WORKER_NICENESS)
    print("ready", flush=True)
    for _ in sys.stdin:
        asyncio.run(make(address, folder))


class Talk:
    """People who write at random moments."""

    def __init__(self, logbook: LogBook, logs: list[LogId], who: Identity, rate: float) -> None:
        self.logbook, self.logs, self.who, self.rate = logbook, logs, who, rate
        self.chance = random.Random(7)

    async def until(self, over: asyncio.Event) -> list[float]:
        """Write until told to stop; return how long each message took from its moment, in milliseconds."""
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
        return took


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
    worker = await Worker.start(address, folder)
    without, beside, well = [], [], True
    for _ in range(rounds):
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(QUIET_S, over.set)
        without += await talk.until(over)
        await reports.ask(filled.staff[0], Wish(report="tickets", zone="Europe/Berlin", labels={"title": "All"}))
        over = asyncio.Event()
        talking = asyncio.create_task(talk.until(over))
        well &= await worker.makes()
        over.set()
        beside += await talking
    await worker.close()
    await logbook.close()
    await database.close()
    for label, took in (("without", without), ("with", beside)):
        print(
            f"  {label:8} {len(took):6} messages   p50 {_p(took, 0.5):6.1f} ms   p99 {_p(took, 0.99):6.1f} ms",
            flush=True,
        )
    ratio = _p(beside, 0.99) / _p(without, 0.99)
    print(f"  p99 with a report: {ratio:.2f} times that without", flush=True)
    return well and ratio <= MOST_SLOWER


def _p(took: list[float], part: float) -> float:
    return sorted(took)[int(part * (len(took) - 1))]


def main() -> int:
    """Measure what was asked for; 0 when everything was as wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.make:
        work(wish.make, wish.folder)
        return 0
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
