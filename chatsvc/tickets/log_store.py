"""SQL of the logs: many entries in one commit, on SQLite row by row, on PostgreSQL in one statement.

The head of a log is raised in the same statement that checks company, owner and seal; numbers come from nowhere else (promises, rule 2).
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import people
from chatsvc.db.columns import to_microseconds
from chatsvc.db.engine import SQLITE_PRAGMAS, Database, is_unavailable
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel import failpoints
from chatsvc.kernel.errors import Unavailable
from chatsvc.kernel.ids import SYSTEM, LogId, PersonId, new_id
from chatsvc.tickets.model import ENDED, Append, Audience, Entry, Kind, Role, State
from chatsvc.tickets.policy import TicketRules
from chatsvc.tickets.tables import entries, logs, reads, tickets

# Two processes that append to the same log at the same instant may meet in an index; the loser simply looks again.
_TRIES = 4


# Kind of the due row of comments that somebody is written to about; its subject is the log, its payload the first comment's number.
TELL: Final = "ticket.tell"
_TELL_AFTER_US: Final = TicketRules().tell_after // timedelta(microseconds=1)


def digest_of(kind: Kind, body: str) -> str:
    """Return what tells a repeat from another message under the same key."""
    return hashlib.sha256(f"{kind}\0{body}".encode()).hexdigest()[:32]


class Row(NamedTuple):
    """An append, ready for SQL."""

    append: Append
    # What will be stored: secrets masked.
    body: str
    # Tells a repeat from another message under the same key.
    digest: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What may be stored once only."""
        return self.append.log, self.append.sender, self.append.key

    @property
    def is_staff_s_word(self) -> bool:
        """Whether it needs the conversation's ownership: words of staff do, events were decided by their action."""
        return self.append.role is Role.STAFF and self.append.kind in (Kind.MESSAGE, Kind.NOTE)

    @property
    def is_customer_s_word(self) -> bool:
        """Whether it opens a ticket again that is solved or waits for its customer (T8, T9)."""
        return self.append.role is Role.CUSTOMER and self.append.kind is Kind.MESSAGE

    def as_reopened(self) -> "Row":
        """Return the event that says so, by the same person, under a key made of this one's."""
        append = msgspec.structs.replace(self.append, key=f"re-{self.append.key[:61]}", kind=Kind.REOPENED, body="{}")
        return Row(append, append.body, digest_of(append.kind, append.body))


class Found(StrEnum):
    """What came of an append."""

    STORED = "stored"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    MISSING = "missing"
    SEALED = "sealed"
    STALE = "stale"


class Outcome(NamedTuple):
    """What came of an append; ``number`` and ``at`` (microseconds) only when stored, now or before."""

    found: Found
    number: int = 0
    at: int = 0
    # Number of the entry that says that this word has opened a solved ticket again; None when it has not.
    reopened: int | None = None


class BatchWriter(Protocol):
    """Writes many appends in one transaction of its own."""

    async def write(self, rows: Sequence[Row]) -> list[Any]:
        """Return one ``Outcome`` for each row, in order, after the commit; raise Unavailable when nothing was stored."""
        ...

    async def close(self) -> None:
        """Give connections and threads back."""
        ...


def batch_writer(database: Database) -> BatchWriter:
    """Return the writer for this kind of store."""
    return SqliteBatches(database) if database.dialect == "sqlite" else PostgresqlBatches(database)


async def write_in(uow: UnitOfWork, rows: Sequence[Row]) -> list[Outcome]:
    """Write appends inside a unit of work."""
    at = to_microseconds(uow.now)
    if uow.dialect == "sqlite":
        return await uow.connection.run_sync(lambda connection: _write_rows(connection.exec_driver_sql, rows, at))
    # The lock comes first and alone: the next statement then sees what the holder before us has committed.
    held = sorted({row.append.log for row in rows})
    await uow.execute(select(logs.c.id).where(logs.c.id.in_(held)).order_by(logs.c.id).with_for_update())
    return await _write_statement(uow.connection, rows, at)


# SQLite ---------------------------------------------------------------------------------------------------------------------------------

_SAID = "select number, at, digest from entries where log_id = ? and sender = ? and client_key = ?"

_RAISE = """
update logs set head = head + 1, last_at = ?, customer_at = case when ? then ? else customer_at end
where id = ? and sealed = 0 and (seals_at is null or seals_at >= ?) and (? is null or company_id = ?) and (? is null or owner_epoch = ?)
  and (? or audience = 'staff' or owner_id is null or (owner_id = ? and ? is not null))
returning head, asleep, ticket_id, owner_id, audience
"""

# While nobody talks with the customer, those who are not there are written to a little later (R14). What is set already takes this with it.
_TELL = """
insert into due (id, kind, subject, payload, due_at, look_at, generation, failures) values (?, ?, ?, ?, ?, ?, 1, 0)
on conflict (kind, subject) do update set payload = excluded.payload, due_at = excluded.due_at, look_at = excluded.look_at,
    generation = due.generation + 1, failures = 0, done_at = null
where due.done_at is not null
"""

_STATE = "select state, version from tickets where id = ?"

_WAKE = """
update tickets set state = 'open', ended_at = null, updated_at = ?, version = version + 1
where id = ? and version = ?
"""

_INSERT = (
    "insert into entries (log_id, number, sender, client_key, kind, body, digest, at) values (?, ?, ?, ?, ?, ?, ?, ?)"
)

_LOOK = "select company_id, sealed or coalesce(seals_at < ?, 0) from logs where id = ?"


def _write_rows(execute: Callable[[str, tuple[Any, ...]], Any], rows: Iterable[Row], at: int) -> list[Outcome]:
    return [_write_row(execute, row, at) for row in rows]


def _write_row(execute: Callable[[str, tuple[Any, ...]], Any], row: Row, at: int) -> Outcome:
    append = row.append
    said = execute(_SAID, (append.log, append.sender, append.key)).fetchone()
    if said is not None and not _is_foreign(execute, append, at):
        return Outcome(Found.REPEATED, said[0], said[1]) if said[2] == row.digest else Outcome(Found.CONFLICT)
    customer = append.role is Role.CUSTOMER
    company, epoch = append.company, append.epoch
    anyone = not row.is_staff_s_word
    raised = execute(
        _RAISE, (at, customer, at, append.log, at, company, company, epoch, epoch, anyone, append.sender, epoch)
    ).fetchone()
    if raised is None:
        return Outcome(_why_not(execute, append, at))
    kind = append.kind.value
    execute(_INSERT, (append.log, raised[0], append.sender, append.key, kind, row.body, row.digest, at))
    # Compared here: SQLite 3.40 gets "is null" wrong in what an update returns.
    if append.kind is Kind.MESSAGE and raised[3] is None and raised[4] == Audience.SHARED:
        execute(_TELL, _telling(append.log, raised[0], at))
    if row.is_customer_s_word and raised[1]:
        return Outcome(Found.STORED, raised[0], at, reopened=_wake(execute, row, raised[2], at))
    return Outcome(Found.STORED, raised[0], at)


def _wake(execute: Callable[[str, tuple[Any, ...]], Any], row: Row, ticket: str, at: int) -> int | None:
    state, version = execute(_STATE, (ticket,)).fetchone()
    execute(_WAKE, (at, ticket, version))
    execute("update logs set asleep = 0, sealed = 0, seals_at = null where ticket_id = ?", (ticket,))
    return _write_row(execute, row.as_reopened(), at).number if state in ENDED else None


def _is_foreign(execute: Callable[[str, tuple[Any, ...]], Any], append: Append, at: int) -> bool:
    return append.company is not None and _why_not(execute, append, at) is Found.MISSING


def _why_not(execute: Callable[[str, tuple[Any, ...]], Any], append: Append, at: int) -> Found:
    log = execute(_LOOK, (at, append.log)).fetchone()
    if log is None or (append.company is not None and log[0] != append.company):
        return Found.MISSING
    return Found.SEALED if log[1] else Found.STALE


def _telling(log: LogId, number: int, at: int) -> tuple[Any, ...]:
    """Return the values of ``_TELL`` for the first comment that nobody has been written to about."""
    tell_at = at + _TELL_AFTER_US
    return new_id("du"), TELL, log, f'{{"first":{number}}}', tell_at, tell_at


class SqliteBatches:
    """One connection and one thread of its own; the database's write lock keeps it in turn with units of work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="logbook")
        self._connection: sqlite3.Connection | None = None

    async def write(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write rows in one transaction, in the writer's own thread."""
        async with self._database.write_lock:
            at = to_microseconds(self._database.clock.now())
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows, at)

    def _write(self, rows: Sequence[Row], at: int) -> list[Outcome]:
        try:
            connection = self._connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                outcomes = _write_rows(connection.execute, rows, at)
                failpoints.hit("append.before_commit")
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back already; asking is the only way to know (promises, rule 7).
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise Unavailable("store.unavailable") from error
        return outcomes

    def _connect(self) -> sqlite3.Connection:
        path = self._database.url.database
        assert path is not None
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=32)
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma).close()
        self._connection = connection
        return connection

    async def close(self) -> None:
        """Close the connection in its own thread, then end the thread."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()


# PostgreSQL -----------------------------------------------------------------------------------------------------------------------------

_STATEMENT = """
with wish as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[],
        $9::bool[], $10::bool[])
    with ordinality as w(log_id, sender, client_key, kind, body, digest, company, epoch, staff_s_word, customer, ord)
), locked as materialized (
    select id, ticket_id, company_id, audience, head, owner_epoch, owner_id, sealed or coalesce(seals_at < $11::bigint, false) as sealed,
        asleep, owner_id is null and audience = 'shared' as unattended
    from logs
    where id in (select log_id from wish) order by id for update
), judged as (
    select w.*, l.head, l.unattended, case when l.asleep then l.ticket_id end as asleep_ticket, e.number as said_number, e.at as said_at,
        case
            when l.id is null or w.company <> l.company_id then 'missing'
            when e.number is not null then case when e.digest = w.digest then 'repeated' else 'conflict' end
            when l.sealed then 'sealed'
            when w.epoch <> l.owner_epoch then 'stale'
            when w.staff_s_word and l.audience <> 'staff' and l.owner_id is not null
                and (l.owner_id <> w.sender or w.epoch is null) then 'stale'
            else 'stored'
        end as found
    from wish w
    left join locked l on l.id = w.log_id
    left join entries e on e.log_id = w.log_id and e.sender = w.sender and e.client_key = w.client_key
), numbered as (
    select ord, log_id, head + row_number() over (partition by log_id order by ord) as number from judged where found = 'stored'
), inserted as (
    insert into entries (log_id, number, sender, client_key, kind, body, digest, at)
    select j.log_id, n.number, j.sender, j.client_key, j.kind, j.body, j.digest, $11::bigint from judged j join numbered n using (ord)
), raised as (
    update logs set head = up.head, last_at = $11::bigint,
        customer_at = case when up.customer then $11::bigint else logs.customer_at end
    from (
        select n.log_id, max(n.number) as head, bool_or(j.customer) as customer
        from numbered n join judged j using (ord) group by n.log_id
    ) up
    where logs.id = up.log_id
)
select j.found, coalesce(n.number, j.said_number, 0), coalesce(j.said_at, $11::bigint), j.asleep_ticket, j.unattended
from judged j left join numbered n using (ord) order by j.ord
"""


_TELL_ON = """
insert into due (id, kind, subject, payload, due_at, look_at, generation, failures)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::int[], $8::int[])
on conflict (kind, subject) do update set payload = excluded.payload, due_at = excluded.due_at, look_at = excluded.look_at,
    generation = due.generation + 1, failures = 0, done_at = null
where due.done_at is not null
"""

_WAKE_ON = """
update tickets set state = 'open', ended_at = null, updated_at = $1, version = version + 1 where id = $2 and version = $3
"""


async def _write_statement(connection: AsyncConnection, rows: Sequence[Row], at: int) -> list[Outcome]:
    first: dict[tuple[str, str, str], int] = {}
    for index, row in enumerate(rows):
        first.setdefault(row.identity, index)
    if len(first) < len(rows):
        return await _write_with_twins(connection, rows, at, set(first.values()))
    wishes = [row.append for row in rows]
    columns: tuple[list[Any], ...] = (
        [wish.log for wish in wishes],
        [wish.sender for wish in wishes],
        [wish.key for wish in wishes],
        [wish.kind.value for wish in wishes],
        [row.body for row in rows],
        [row.digest for row in rows],
        [wish.company for wish in wishes],
        [wish.epoch for wish in wishes],
        [row.is_staff_s_word for row in rows],
        [wish.role is Role.CUSTOMER for wish in wishes],
    )
    result = await connection.exec_driver_sql(_STATEMENT, (*columns, at))
    found: Sequence[Any] = result.all()
    outcomes = [Outcome(Found(row[0]), row[1], row[2]) for row in found]
    await _tell_on(connection, rows, found, at)
    for index, row in enumerate(rows):
        ticket = found[index][3]
        if ticket is not None and row.is_customer_s_word and outcomes[index].found is Found.STORED:
            outcomes[index] = outcomes[index]._replace(reopened=await _wake_on(connection, row, ticket, at))
    return outcomes


async def _tell_on(connection: AsyncConnection, rows: Sequence[Row], found: Sequence[Any], at: int) -> None:
    """``_TELL`` on PostgreSQL, for the first comment of each log; the logs in order, as everywhere where rows are locked."""
    firsts: dict[LogId, int] = {}
    for row, (outcome, number, _, _, unattended) in zip(rows, found, strict=True):
        if unattended and outcome == Found.STORED and row.append.kind is Kind.MESSAGE:
            firsts.setdefault(row.append.log, number)
    if firsts:
        values = [(*_telling(log, number, at), 1, 0) for log, number in sorted(firsts.items())]
        await connection.exec_driver_sql(_TELL_ON, tuple(list(column) for column in zip(*values, strict=True)))


async def _wake_on(connection: AsyncConnection, row: Row, ticket: str, at: int) -> int | None:
    """``_wake`` on PostgreSQL; of several words in one commit the first wakes, and the others find an open ticket."""
    statement = select(tickets.c.state, tickets.c.version).where(tickets.c.id == ticket).with_for_update()
    state, version = (await connection.execute(statement)).one()
    if state == State.OPEN:
        return None
    await connection.exec_driver_sql(_WAKE_ON, (at, ticket, version))
    awake = {"asleep": False, "sealed": False, "seals_at": None}
    await connection.execute(update(logs).where(logs.c.ticket_id == ticket).values(awake))
    if state not in ENDED:
        return None
    [event] = await _write_statement(connection, [row.as_reopened()], at)
    return event.number


async def _write_with_twins(
    connection: AsyncConnection, rows: Sequence[Row], at: int, firsts: set[int]
) -> list[Outcome]:
    """Write a batch that holds the same key twice: the first of each, then the others, which find it said."""
    order = sorted(firsts), [index for index in range(len(rows)) if index not in firsts]
    outcomes: dict[int, Outcome] = {}
    for indexes in order:
        written = await _write_statement(connection, [rows[index] for index in indexes], at)
        outcomes.update(zip(indexes, written, strict=True))
    return [outcomes[index] for index in range(len(rows))]


class PostgresqlBatches:
    """One statement over arrays, on a connection of the pool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write rows in one transaction; look again when somebody stored the same key at the same instant."""
        for left in range(_TRIES - 1, -1, -1):
            try:
                return await self._write(rows)
            except IntegrityError as error:
                if not left:
                    raise Unavailable("store.unavailable") from error
            except DBAPIError as error:
                if not left or not _is_rolled_back(error):
                    if is_unavailable(error):
                        raise Unavailable("store.unavailable") from error
                    raise
            except (OSError, TimeoutError) as error:
                raise Unavailable("store.unavailable") from error
        raise AssertionError("the last try returns or raises")

    async def _write(self, rows: Sequence[Row]) -> list[Outcome]:
        at = to_microseconds(self._database.clock.now())
        async with self._database.engine.begin() as connection:
            outcomes = await _write_statement(connection, rows, at)
            failpoints.hit("append.before_commit")
        return outcomes

    async def close(self) -> None:
        """Nothing of its own to close: the pool is the database's."""


def _is_rolled_back(error: DBAPIError) -> bool:
    """Whether the server chose this transaction to give way (deadlock, serialisation)."""
    return getattr(error.orig, "sqlstate", None) in ("40001", "40P01")


# Reading --------------------------------------------------------------------------------------------------------------------------------


# Made once, because they are asked whenever a log is opened or a follower has to catch up.
_AFTER = (
    select(
        entries.c.number, entries.c.at, entries.c.kind, entries.c.sender, people.c.name, people.c.role,
        entries.c.client_key, entries.c.body,
    )
    .select_from(entries.outerjoin(people, people.c.id == entries.c.sender))
    .where(entries.c.log_id == bindparam("log"), entries.c.number > bindparam("after"))
    .order_by(entries.c.number)
    .limit(bindparam("limit"))
)  # fmt: skip
_HEADS = select(logs.c.id, logs.c.head).where(logs.c.id.in_(bindparam("ids", expanding=True)))
_SEEN = select(reads.c.person_id, reads.c.number).where(reads.c.log_id == bindparam("log"))


async def entries_after(connection: AsyncConnection, log: LogId, after: int, limit: int) -> tuple[Entry, ...]:
    """Return entries after a number, in order."""
    rows = await connection.execute(_AFTER, {"log": log, "after": after, "limit": limit})
    return tuple(
        Entry(number, at, kind, sender, name or "", role_of(sender, role), key, msgspec.Raw(body.encode()))
        for number, at, kind, sender, name, role, key, body in rows
    )


def role_of(sender: str, role: str | None) -> Role:
    """Return in which role somebody speaks.

    Args:
        sender: who, or ``SYSTEM``.
        role: the person's own; None when there is no such person.
    """
    if sender == SYSTEM or role is None:
        return Role.SYSTEM
    return Role.CUSTOMER if role == "contact" else Role.STAFF


async def heads(connection: AsyncConnection, ids: Sequence[LogId]) -> dict[LogId, int]:
    """Return each log's newest number."""
    rows = await connection.execute(_HEADS, {"ids": list(ids)})
    return {LogId(log): head for log, head in rows}


async def mark_seen(uow: UnitOfWork, marks: Mapping[tuple[LogId, PersonId], int]) -> None:
    """Raise reading marks; one that is already further stays."""
    insert = uow.insertion(reads)
    further = insert.excluded.number > reads.c.number
    statement = insert.on_conflict_do_update(
        index_elements=[reads.c.log_id, reads.c.person_id], set_={"number": insert.excluded.number}, where=further
    )
    rows = [{"log_id": log, "person_id": person, "number": number} for (log, person), number in sorted(marks.items())]
    await uow.execute(statement, rows)


async def seen(connection: AsyncConnection, log: LogId) -> dict[PersonId, int]:
    """Return how far each person has seen a log."""
    rows = await connection.execute(_SEEN, {"log": log})
    return {PersonId(person): number for person, number in rows}
