"""Due moments as rows: never early, after downtime once, in the transaction of their effect (R15)."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from chatsvc.db import due as rows
from chatsvc.db.due import BACKOFF, Agenda, Due
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.db.uow import UnitOfWork
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, Unavailable

DAY = timedelta(days=1)


class Book:
    """Writes down what happened, in the store, so that it stands or falls with its row."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.agenda = Agenda(database, {"ring": self.ring, "fail": self.fail, "again": self.again})
        # What the next calls of ``fail`` end with.
        self.errors: list[Exception] = []

    async def ring(self, uow: UnitOfWork, due: Due) -> None:
        cause = f"{due.subject}:{due.generation}"
        await uow.record("event.rang", cause=cause, recipient="nobody", payload={"due_at": due.due_at})

    async def fail(self, uow: UnitOfWork, due: Due) -> None:
        await self.ring(uow, due)
        if self.errors:
            raise self.errors.pop(0)

    async def again(self, uow: UnitOfWork, due: Due) -> None:
        await self.ring(uow, due)
        await rows.set_due(uow, "again", due.subject, due.due_at + DAY)

    async def set(self, at: datetime, kind: str = "ring", subject: str = "a") -> None:
        async with self.database.begin() as uow:
            await rows.set_due(uow, kind, subject, at)

    async def rang(self) -> list[str]:
        async with self.database.read() as connection:
            return sorted((await connection.execute(select(outbox.c.cause))).scalars())


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


async def test_what_is_due_happens_at_its_moment_and_not_before(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now() + DAY)

    clock.advance(DAY - timedelta(microseconds=1))
    early = await book.agenda.sweep()
    clock.advance(timedelta(microseconds=1))
    on_time, again = await book.agenda.sweep(), await book.agenda.sweep()

    assert (early, on_time, again) == (0, 1, 0)
    assert await book.rang() == ["a:1"]


async def test_downtime_over_a_moment_makes_it_happen_once(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now() + DAY)

    clock.advance(400 * DAY)
    await asyncio.gather(*(book.agenda.sweep() for _ in range(4)))

    assert await book.rang() == ["a:1"]


async def test_clock_that_is_set_back_makes_nothing_happen_early_or_twice(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now() + DAY)
    await book.set(clock.now() + 3 * DAY, subject="b")
    clock.advance(2 * DAY)
    await book.agenda.sweep()

    clock.advance(-2 * DAY)
    await book.agenda.sweep()
    clock.advance(2 * DAY)
    await book.agenda.sweep()

    assert await book.rang() == ["a:1"]


async def test_setting_it_again_moves_it(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now() + DAY)
    await book.set(clock.now() + 3 * DAY)

    clock.advance(2 * DAY)
    await book.agenda.sweep()
    before = await book.rang()
    clock.advance(DAY)
    await book.agenda.sweep()

    assert (before, await book.rang()) == ([], ["a:2"])


async def test_move_and_cancel_say_whether_there_was_something(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now() + DAY)
    async with book.database.begin() as uow:
        assert await rows.move(uow, "ring", "a", clock.now() + 2 * DAY)
        assert await rows.when(uow.connection, "ring", "a") == clock.now() + 2 * DAY
        assert not await rows.move(uow, "ring", "nobody", clock.now())
        assert await rows.cancel(uow, "ring", "a")
        assert not await rows.cancel(uow, "ring", "a")
        assert await rows.when(uow.connection, "ring", "a") is None

    clock.advance(3 * DAY)

    assert await book.agenda.sweep() == 0


async def test_handler_may_set_the_same_again(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now() + DAY, kind="again")

    for _ in range(3):
        clock.advance(DAY)
        await book.agenda.sweep()

    assert await book.rang() == ["a:1", "a:2", "a:3"]


async def test_effect_that_fails_leaves_nothing_and_is_tried_again(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now(), kind="fail")
    await book.set(clock.now(), subject="z")
    book.errors = [RuntimeError("no"), RuntimeError("no")]

    await book.agenda.sweep()
    others = await book.rang()
    clock.advance(BACKOFF[0])
    await book.agenda.sweep()
    too_soon = await book.agenda.sweep()
    clock.advance(BACKOFF[1])
    await book.agenda.sweep()

    assert others == ["z:1"]
    assert too_soon == 0
    assert await book.rang() == ["a:1", "z:1"]


async def test_conflict_is_looked_at_again_by_the_next_sweep(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now(), kind="fail")
    book.errors = [Conflict("ticket.changed")]

    assert (await book.agenda.sweep(), await book.agenda.sweep()) == (0, 1)


async def test_store_that_cannot_ends_the_sweep_and_everything_stays_due(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now(), kind="fail")
    book.errors = [Unavailable("store.unavailable")]

    with pytest.raises(Unavailable):
        await book.agenda.sweep()

    assert await book.agenda.sweep() == 1


async def test_kinds_of_others_are_left_to_them(book: Book, clock: ManualClock) -> None:
    await book.set(clock.now(), kind="callback.remind")

    assert await book.agenda.sweep() == 0
    async with book.database.read() as connection:
        assert await rows.when(connection, "callback.remind", "a") == clock.now()
