"""How long lists, filters, searches and opening take with 100,000 tickets, on SQLite and on PostgreSQL.

    python bench/tickets.py                    100,000 tickets, 60 of each question; needs PostgreSQL's programs for the second half
    python bench/tickets.py --tickets N --store sqlite

Questions go through the same actions that pages call, one at a time, with another customer or word each time. Tickets are written
straight into the tables: 400 companies of different sizes, four contacts each, a fifth of the tickets not over yet. Times are wall clock,
connection included; the 95th of a hundred counts.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import insert, text

import chatsvc.bootstrap  # noqa: F401 - registers every table
from chatsvc.accounts.model import Identity
from chatsvc.accounts.tables import companies, people
from chatsvc.coverage.tables import calendars
from chatsvc.db import migrate
from chatsvc.db.engine import Database
from chatsvc.files.actions import Files
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.tickets import search_store
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.model import Filters, State, View
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.search import searchable
from chatsvc.tickets.severity_tables import tracks
from chatsvc.tickets.tables import logs, team_members, ticket_numbers, ticket_settings, tickets
from tests import stores
from tests.builders import a_representative

WANTED_MS: Final = 50.0
COMPANIES: Final = 400
STAFF: Final = 20
TEAMS: Final = ("support", "configuration", "engineering", "implementation")
WORDS: Final = [
    "report",
    "receipt",
    "export",
    "booking",
    "invoice",
    "approval",
    "login",
    "policy",
    "itinerary",
    "supplier",
    "payment",
    "error",
    "blank",
    "slow",
    "missing",
    "wrong",
    "duplicate",
    "报销单",
    "登录",
    "提出",
    "報告書",
    "보고서",
    "reservation",
    "überweisung",
    "relatório",
]
# What people write is mostly rare words; each of the common ones stands in some per cent of the tickets.
RARE: Final = tuple(f"word{n}" for n in range(5_000))
_AT_ONCE: Final = 2_000


class Filled:
    """A store with many tickets, and who asks."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.act = Tickets(database, LogBook(database), Files(database, folder, most_bytes=1_000), TicketRules())
        self.chance = random.Random(7)
        self.contacts: list[Identity] = []
        self.staff: list[Identity] = []
        self.number = 0

    async def fill(self, number: int) -> None:
        """Write people and tickets."""
        self.number = number
        self.staff = [await a_representative(self.database, name=f"Rep {n}") for n in range(STAFF)]
        async with self.database.begin() as uow:
            for n in range(COMPANIES):
                company = ids.company_id()
                row = {"id": company, "name": f"Company {n}", "zone": "Europe/Berlin", "country": "DE"}
                await uow.execute(insert(companies).values(**row, created_at=uow.now))
                hours = {"company_id": company, "week": [[]] * 7, "always": True, "version": 1, "changed_at": uow.now}
                await uow.execute(insert(calendars).values(hours))
                for each in range(4):
                    await uow.execute(insert(people).values(self._contact(company, n, each, uow.now)))
                if n % 2:  # in every second company everybody reads everything
                    wish = {"company_id": company, "colleagues": True, "changed_at": uow.now}
                    await uow.execute(insert(ticket_settings).values(wish))
            for n, rep in enumerate(self.staff):
                team = {"team": TEAMS[n % len(TEAMS)], "person_id": rep.person}
                await uow.execute(insert(team_members).values(team))
            await uow.execute(insert(ticket_numbers).values(name="ticket", last=1000 + number))
        for begin in range(0, number, _AT_ONCE):
            await self._write(range(1001 + begin, 1001 + min(begin + _AT_ONCE, number)))
        async with self.database.begin() as uow:
            await uow.execute(text("analyze"))

    def _contact(self, company: Any, n: int, each: int, at: Any) -> dict[str, Any]:
        person = ids.person_id()
        self.contacts.append(Identity(person, ids.session_id(), "contact", "Claire", company, "en", "Europe/Berlin"))
        email = f"c{n}-{each}@example.test"
        return {
            "id": person, "company_id": company, "role": "contact", "name": f"Contact {n}-{each}", "email": email,
            "email_key": email, "credential_epoch": 0, "authorised": True, "company_admin": False, "language": "en",
            "created_at": at,
        }  # fmt: skip

    async def _write(self, numbers: range) -> None:
        chance, rows, log_rows, track_rows, words = self.chance, [], [], [], []
        now = self.database.clock.now()
        for number in numbers:
            # Companies are of different sizes: the first has many times the tickets of the last.
            contact = self.contacts[int(len(self.contacts) * chance.random() ** 2)]
            ticket, is_open = ids.ticket_id(), chance.random() < 0.2
            at = now - timedelta(minutes=(numbers.stop - number) + chance.randrange(500_000))
            subject = " ".join([chance.choice(WORDS), *chance.choices(RARE, k=3)]) + f" {number}"
            description = " ".join([*chance.choices(RARE, k=38), *chance.choices(WORDS, k=2)])
            rows.append({
                "id": ticket, "number": number, "company_id": contact.company, "requester_id": contact.person,
                "product": chance.choice(("expense", "travel", "invoice", "request")), "subject": subject,
                "description": description, "impact": {}, "severity": chance.choice(("P2", "P3", "P3", "P4")),
                "state": chance.choice(("open", "awaiting")) if is_open else chance.choice(("solved", "closed")),
                "team": chance.choice(TEAMS), "source": "form", "source_id": ticket, "created_at": at,
                "owner_id": chance.choice(self.staff).person if chance.random() < 0.7 else None,
                "updated_at": at, "ended_at": None if is_open else at, "version": 1,
            })  # fmt: skip
            for audience in ("shared", "staff"):
                log_rows.append({
                    "id": ids.log_id(), "ticket_id": ticket, "company_id": contact.company, "audience": audience,
                    "head": 0, "owner_epoch": 0, "sealed": not is_open, "asleep": False, "last_at": at,
                })  # fmt: skip
            track_rows.append({
                "ticket_id": ticket, "number": number, "head": 0, "version": 1, "track": {}, "seen_at": at,
                "kept_at": at, "due_at": at + timedelta(days=chance.randrange(400)) if is_open else None,
                "breached": is_open and chance.random() < 0.1, "watched": is_open,
            })  # fmt: skip
            words.append((number, contact.company, searchable(number, subject, description, *self._said())))
        async with self.database.begin() as uow:
            await uow.execute(insert(tickets), rows)
            await uow.execute(insert(logs), log_rows)
            await uow.execute(insert(tracks), track_rows)
            for number, company, found in words:
                await search_store.put(uow, number, company, found)

    def _said(self) -> list[str]:
        """Up to a dozen comments of twenty words each; one word in twenty is a common one."""
        chance = self.chance
        return [" ".join([*chance.choices(RARE, k=19), chance.choice(WORDS)]) for _ in range(chance.randrange(13))]

    def questions(self, last: int) -> dict[str, Callable[[], Awaitable[Any]]]:
        """Return what is asked, by name; each call asks about something else."""
        act, chance = self.act, self.chance

        def contact() -> Identity:
            # The people of the two biggest companies ask as often as everybody else's together: that is the hard case.
            return chance.choice(self.contacts[:8] if chance.random() < 0.5 else self.contacts)

        def rep() -> Identity:
            return chance.choice(self.staff)

        def states() -> tuple[State, ...]:
            return (chance.choice(list(State)),)

        asked: dict[str, Callable[[], Awaitable[Any]]] = {
            "contact: list": lambda: act.requests(contact()),
            "contact: later page": lambda: act.requests(contact(), before=last - chance.randrange(self.number // 2)),
            "contact: filter": lambda: act.requests(
                contact(), filters=Filters(states=states(), products=(chance.choice(("expense", "travel")),))
            ),
            "contact: search": lambda: act.requests(contact(), filters=Filters(text=chance.choice(WORDS))),
            "contact: counts": lambda: act.counts(contact()),
            "staff: search, a common word": lambda: act.requests(rep(), filters=Filters(text=chance.choice(WORDS))),
            "staff: search, a rarer word": lambda: act.requests(rep(), filters=Filters(text=chance.choice(RARE))),
            "staff: search, two words": lambda: act.requests(
                rep(), filters=Filters(text=" ".join(chance.choices(WORDS, k=2)))
            ),
            "staff: search, a number": lambda: act.requests(
                rep(), filters=Filters(text=str(last - chance.randrange(self.number)))
            ),
            "staff: search with a filter": lambda: act.requests(
                rep(), filters=Filters(text=chance.choice(WORDS), states=states(), teams=(chance.choice(TEAMS),))
            ),
            "staff: open a ticket": lambda: act.view(rep(), last - chance.randrange(self.number)),
            "staff: filter": lambda: act.requests(
                rep(), filters=Filters(severities=("P2",), states=states(), teams=(chance.choice(TEAMS),))
            ),
        }  # fmt: skip
        asked["staff: filter that hardly anything fits"] = lambda: act.requests(
            rep(), filters=Filters(severities=("P1",), states=states(), teams=(chance.choice(TEAMS),))
        )
        asked["staff: search, no such word"] = lambda: act.requests(rep(), filters=Filters(text="nowhere"))
        for view in View:
            asked[f"staff: view {view}"] = lambda view=view: act.listed(rep(), view)
        asked["staff: all counts"] = lambda: act.view_counts(rep())
        return asked


async def measure(name: str, address: str, number: int, times: int, folder: Path) -> bool:
    """Fill a store, ask, print; return whether everything was quick enough."""
    await migrate.upgrade(address)
    database = Database(address, ManualClock())
    filled = Filled(database, folder)
    begun = time.perf_counter()
    await filled.fill(number)
    print(f"{name}: {number:,} tickets written in {time.perf_counter() - begun:.0f} s", flush=True)
    quick = True
    for question, ask in filled.questions(1000 + number).items():
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            await ask()
            took.append((time.perf_counter() - begun) * 1_000)
        took.sort()
        p95 = took[int(0.95 * (len(took) - 1))]
        quick &= p95 <= WANTED_MS
        mark = "" if p95 <= WANTED_MS else "  TOO SLOW"
        print(f"  {question:38} p50 {took[len(took) // 2]:7.1f} ms   p95 {p95:7.1f} ms{mark}", flush=True)
    await database.close()
    return quick


def main() -> int:
    """Measure what was asked for; 0 when everything was quick enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    wish = parser.parse_args()
    quick = True
    with tempfile.TemporaryDirectory() as folder:
        if wish.store != "postgresql":
            address = f"sqlite:///{folder}/holdline.db"
            quick &= asyncio.run(measure("SQLite", address, wish.tickets, wish.times, Path(folder)))
        programs = stores.postgres_programs()
        if wish.store != "sqlite" and programs is not None:
            with stores.running_cluster(programs) as cluster:
                address = f"{cluster.address}/migrated"
                quick &= asyncio.run(measure("PostgreSQL", address, wish.tickets, wish.times, Path(folder)))
    return 0 if quick else 1


if __name__ == "__main__":
    sys.exit(main())
