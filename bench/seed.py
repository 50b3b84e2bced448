"""Fill an empty store with people who talk and people who wait, and write down what the load generator needs of them.

    python bench/seed.py --pairs 200 --crowd 10000 --out FOLDER

Runs with Holdline's own Python and reads its settings from the environment. One conversation and one place in line are
made by the real actions (join, offer, accept); all others are copies of their rows under new ids, so that a store of
ten thousand is in the state that the actions would have left, and made in seconds. Writes ``pairs.tsv`` (customer_session,
rep_session, log, ticket, conversation), ``crowd.tsv`` (session, log, ticket) and ``free.tsv`` (session), one line for each pair, each
waiting customer, and each representative who serves a line in which people wait, and is away.

    python bench/seed.py --crowd 10000 --lines 100 --busy 1000 --free 100 --out FOLDER

What is not copied: mails in the outbox, so that no worker sends ten thousand of them during a measurement.
"""

import argparse
import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Table, TypeDecorator, column, insert, select, table, update

from chatsvc import bootstrap
from chatsvc.accounts import tokens
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.accounts.tables import companies, people, sessions
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.coverage.tables import calendars
from chatsvc.db import migrate
from chatsvc.db.columns import metadata
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import ids
from chatsvc.kernel.clock import SystemClock
from chatsvc.routing.tables import desk_lines, desks, places
from chatsvc.tickets.tables import ticket_numbers

# Pairs talk in one line, the crowd waits in another one that nobody serves, so that nobody is offered anything.
TALKING: Final = "expense"
WAITING: Final = "travel"
# Copies that are inserted in one transaction.
AT_ONCE: Final = 1_000

_ID: Final = re.compile(r"\b[a-z]{2}_[0-9a-z]{20}\b")
_EVERYWHERE: Final = (ticket_numbers.name, outbox.name, "alembic_version")

Row = dict[str, Any]
Rows = dict[str, list[Row]]


class Made(NamedTuple):
    """What the actions have made once, and what is to be replaced in a copy of it."""

    # Table -> its rows, as the driver gives them, in an order in which they can be inserted.
    rows: Rows
    # What a seat consists of, as ids of the original; sessions are named by their id.
    seat: Mapping[str, str]


async def main() -> None:
    """Fill the store."""
    options = _arguments()
    settings = Settings.from_environment(os.environ)
    await migrate.upgrade(settings.database_url)
    services = bootstrap.build(settings, SystemClock())
    try:
        untouched = await _rows(services.database)
        pair = await _a_pair(services, untouched)
        await _write(services.database, pair, options.pairs, options.out / "pairs.tsv")
        if options.crowd:
            waiting = await _a_waiting_customer(services, await _rows(services.database))
            await _write(services.database, waiting, options.crowd, options.out / "crowd.tsv", options.lines)
            if options.lines > 1:
                await _let_all_be_there(services.database)
        for count, name in ((options.busy, "busy"), (options.free, "free")):
            if count:
                before = await _rows(services.database)
                _, session = await _representative(services.database, WAITING, is_busy=name == "busy")
                made = Made(_new(before, await _rows(services.database)), {"session": session})
                await _write(services.database, made, count, options.out / f"{name}.tsv", options.lines)
    finally:
        await services.doorbell.close()
        await services.redis.aclose()
        await services.database.close()


# The originals.


async def _a_pair(services: Services, untouched: Rows) -> Made:
    contact, contact_session = await _contact(services.database)
    rep, rep_session = await _representative(services.database)
    act = services.conversations
    await act.set_desk(rep, "ready")
    visit = await act.join(
        contact, line=TALKING, subject="Report does not open", description="A blank page.", impact={}, key="original"
    )
    await act.match()
    [offer] = (await services.queries.desk(rep)).offers
    await act.accept(rep, offer.id, offer.epoch)
    seat = {
        "customer_session": contact_session,
        "rep_session": rep_session,
        "log": visit.log,
        "ticket": visit.ticket,
        "conversation": visit.conversation,
    }
    return Made(_new(untouched, await _rows(services.database)), seat)


async def _a_waiting_customer(services: Services, untouched: Rows) -> Made:
    contact, session = await _contact(services.database)
    visit = await services.conversations.join(
        contact, line=WAITING, subject="Booking is gone", description="It was there.", impact={}, key="original"
    )
    seat = {"session": session, "log": visit.log, "ticket": visit.ticket}
    return Made(_new(untouched, await _rows(services.database)), seat)


async def _contact(database: Database) -> tuple[Identity, str]:
    """Add a company and its authorised contact, signed in; return them and the session's id."""
    company = ids.company_id()
    async with database.begin() as uow:
        facts = {"id": company, "name": f"Acme {company}", "zone": "Europe/Berlin", "country": "DE"}
        await uow.execute(insert(companies).values(facts | {"created_at": uow.now}))
        # Covered around the clock, so that it can be measured at any hour.
        hours = {"company_id": company, "week": [[]] * 7, "always": True, "version": 1, "changed_at": uow.now}
        await uow.execute(insert(calendars).values(hours))
    return await _person(database, PersonRole.CONTACT, "Claire Martin", company_id=company, authorised=True)


async def _representative(database: Database, line: str = TALKING, *, is_busy: bool = False) -> tuple[Identity, str]:
    """Add a representative who serves a line and can take one; signed in, and away, or ready and there with as much as they can take."""
    identity, session = await _person(database, PersonRole.REPRESENTATIVE, "Ravi Patel")
    async with database.begin() as uow:
        desk = {"person_id": identity.person, "state": "away", "capacity": 1, "load": 0, "missed": 0}
        if is_busy:
            desk |= {"state": "ready", "load": 1, "leased_until": uow.now + timedelta(hours=1)}
        await uow.execute(insert(desks).values(desk | {"idle_since_at": uow.now, "changed_at": uow.now}))
        await uow.execute(insert(desk_lines).values(person_id=identity.person, line=line))
    return identity, session


async def _let_all_be_there(database: Database) -> None:
    """Let everybody who waits count as being on their page for an hour: nobody is offered whose page is gone."""
    async with database.begin() as uow:
        waiting = update(places).where(places.c.state == "waiting")
        await uow.execute(waiting.values(seen_at=uow.now + timedelta(hours=1)))


async def _person(database: Database, role: PersonRole, name: str, **more: Any) -> tuple[Identity, str]:
    person, session = ids.person_id(), ids.session_id()
    email = f"{person}@example.test"
    async with database.begin() as uow:
        row = {"id": person, "role": role.value, "name": name, "email": email, "email_key": email, "language": "en"}
        await uow.execute(insert(people).values({"authorised": False, "created_at": uow.now} | row | more))
        await _begin_session(uow, person, session)
    return Identity(person, session, role, name, more.get("company_id"), "en", "Europe/Berlin"), session


async def _begin_session(uow: UnitOfWork, person: str, session: str) -> None:
    # The token is the session's own id, so that a copy's token is known as soon as its id is.
    row = {"id": session, "token_hash": tokens.digest(session), "person_id": person, "device": "bench"}
    moments = {"created_at": uow.now, "seen_at": uow.now, "expires_at": uow.now + timedelta(hours=8)}
    await uow.execute(insert(sessions).values(row | moments))


# The copies.


async def _rows(database: Database) -> Rows:
    """Return every row of every table that is copied."""
    async with database.read() as connection:
        return {
            each.name: [dict(row) for row in (await connection.execute(select(_plain(each)))).mappings()]
            for each in metadata.sorted_tables
            if each.name not in _EVERYWHERE
        }


def _plain(original: Table) -> Any:
    """The table with what the driver gives and takes, nothing translated."""
    columns = [
        column(each.name, each.type.impl_instance if isinstance(each.type, TypeDecorator) else each.type)
        for each in original.columns
    ]
    return table(original.name, *columns)


def _new(before: Rows, after: Rows) -> Rows:
    known = {name: {repr(row) for row in rows} for name, rows in before.items()}
    return {name: [row for row in rows if repr(row) not in known[name]] for name, rows in after.items()}


async def _write(database: Database, made: Made, count: int, path: Path, lines: int = 1) -> None:
    """Add ``count - 1`` copies, and write a line for each and for the original."""
    renamed: list[Callable[[str], str]] = [str, *(_renamer() for _ in range(1, count))]
    for start in range(1, count, AT_ONCE):
        async with database.begin() as uow:
            for each in metadata.sorted_tables:
                copies = [
                    copy
                    for number in range(start, min(start + AT_ONCE, count))
                    for copy in _copies(made.rows.get(each.name, []), each.name, renamed[number], number, lines)
                ]
                if copies:
                    await uow.execute(insert(_plain(each)), copies)
    async with database.begin() as uow:
        for name in ("ticket", "place"):
            counter = update(ticket_numbers).where(ticket_numbers.c.name == name)
            await uow.execute(counter.values(last=ticket_numbers.c.last + count))
    lines = ["\t".join(made.seat), *("\t".join(rename(value) for value in made.seat.values()) for rename in renamed)]
    path.write_text("\n".join(lines) + "\n")  # noqa: ASYNC240 - nothing else runs here


def _renamer() -> Callable[[str], str]:
    """Return a function that gives every id in a text a new one, always the same for the same."""
    known: dict[str, str] = {}

    def rename(text: str) -> str:
        return _ID.sub(lambda found: known.setdefault(found[0], ids.new_id(found[0][:2])), text)

    return rename


def _copies(originals: list[Row], name: str, rename: Callable[[str], str], number: int, lines: int) -> Iterator[Row]:
    for original in originals:
        copy = dict(original)
        copy |= {key: rename(value) for key, value in original.items() if isinstance(value, str) and _ID.search(value)}
        if lines > 1 and copy.get("line") == WAITING:
            copy["line"] = f"line-{number % lines:03}"
        match name:
            case "sessions":
                copy["token_hash"] = tokens.digest(copy["id"])
            case "tickets":
                copy["number"] += number
                copy["source_id"] = f"{copy['source_id']}-{number}"
            case "places":
                copy["seq"] += number
                # Each came a moment after the one before.
                copy["rank"] += number
            case "entries":
                copy["digest"] = hashlib.sha256(f"{copy['kind']}\0{copy['body']}".encode()).hexdigest()[:32]
            case "line_events":
                del copy["seq"]
        yield copy


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--crowd", type=int, default=0)
    parser.add_argument(
        "--lines", type=int, default=1, help="lines over which the crowd is spread, with its representatives"
    )
    parser.add_argument(
        "--busy", type=int, default=0, help="representatives of these lines who have as much as they can take"
    )
    parser.add_argument("--free", type=int, default=0, help="representatives of these lines who are away")
    parser.add_argument("--out", type=Path, required=True, help="folder for pairs.tsv and crowd.tsv")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
