"""Two hubs, two log books, one real store of either kind: what is acknowledged is in the log, once, in one order, for both sides."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.files.actions import Files
from chatsvc.hub import metrics
from chatsvc.hub.broker import News
from chatsvc.hub.broker_local import LocalBroker, LocalExchange
from chatsvc.hub.broker_redis import RedisBroker
from chatsvc.hub.frames import CaughtUp, RefusedFrame, StoredFrame
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.ids import LogId
from chatsvc.tickets.actions import Tickets
from chatsvc.tickets.logbook import LogBook
from chatsvc.tickets.policy import TicketRules
from tests.builders import a_contact, a_representative, a_ticket
from tests.chatsvc.hub.cast import QUICK, Stage, World, a_message, until

TALKATIVE = replace(QUICK, entries_burst=100)


class StoreWorld(World):
    """Logs and reaches of a real store; what else the hub asks is played."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__()
        self.database = database
        self.book = LogBook(database)
        tickets = Tickets(database, self.book, Files(database, folder, most_bytes=1_000), TicketRules())
        self.logs = self.book  # type: ignore[assignment]  # the real one
        self.opening = self.book.opening  # type: ignore[method-assign]
        self.reach = tickets.reach  # type: ignore[method-assign]
        self.attached = tickets.attached  # type: ignore[method-assign]


class Company:
    """A customer, a representative, and the two logs of a ticket."""

    def __init__(self, claire: Identity, ravi: Identity, log: LogId, notes: LogId) -> None:
        self.claire = claire
        self.ravi = ravi
        self.log = log
        self.notes = notes


@pytest.fixture
async def people(database: Database) -> Company:
    """A ticket that somebody opened."""
    claire, ravi = await a_contact(database), await a_representative(database)
    opened = await a_ticket(database, claire)
    return Company(claire, ravi, opened.log, opened.notes_log)


@pytest.fixture
async def hubs(database: Database, database_address: str, tmp_path: Path) -> AsyncIterator[tuple[Stage, Stage]]:
    """Two processes' worth of hub on the same store."""
    exchange = LocalExchange()
    other = Database(database_address, ManualClock())
    stages = tuple(
        Stage(StoreWorld(each, tmp_path), exchange, broker=LocalBroker(exchange)) for each in (database, other)
    )
    for stage in stages:
        assert isinstance(stage.world, StoreWorld)
        stage.world.book.on_stored = stage.hub.stored
        stage.world.database.publish = stage.hub.ring
        stage.world.book.start()
        await stage.hub.start()
    yield stages[0], stages[1]
    for stage in stages:
        assert isinstance(stage.world, StoreWorld)
        await stage.closes()
        await stage.world.book.close()
    await other.close()


async def test_both_sides_see_one_order_over_two_hubs(hubs: tuple[Stage, Stage], people: Company) -> None:
    here, there = hubs
    customer, rep = await here.arrives(people.claire), await there.arrives(people.ravi)
    for talker in (customer, rep):
        await talker.gets(CaughtUp, ref=talker.opens(people.log))

    for number in range(10):
        customer.says(people.log, f"customer {number}")
        rep.says(people.log, f"representative {number}")
    await until(lambda: len(customer.frames(StoredFrame)) == len(rep.frames(StoredFrame)) == 10)

    await customer.has(people.log, *range(1, 21))
    await rep.has(people.log, *range(1, 21))
    acknowledged = {frame.number for talker in (customer, rep) for frame in talker.frames(StoredFrame)}
    assert acknowledged == set(range(1, 21))


async def test_same_key_from_two_sockets_on_two_hubs_is_stored_once(hubs: tuple[Stage, Stage], people: Company) -> None:
    here, there = hubs
    phone, laptop = await here.arrives(people.claire), await there.arrives(people.claire)
    for talker in (phone, laptop):
        await talker.gets(CaughtUp, ref=talker.opens(people.log))

    refs = phone.says(people.log, "once", key="key-00001"), laptop.says(people.log, "once", key="key-00001")
    first, second = await asyncio.gather(phone.gets(StoredFrame, ref=refs[0]), laptop.gets(StoredFrame, ref=refs[1]))

    assert first.number == second.number == 1
    await phone.has(people.log, 1)
    await laptop.has(people.log, 1)


async def test_all_bells_lost_heals_with_one_heartbeat(database: Database, people: Company, tmp_path: Path) -> None:
    stages = [Stage(StoreWorld(database, tmp_path)) for _ in range(2)]
    for stage in stages:
        stage.world.logs.on_stored = stage.hub.stored
        stage.world.logs.start()  # type: ignore[attr-defined]
        await stage.hub.start()
    customer, rep = await stages[0].arrives(people.claire), await stages[1].arrives(people.ravi)
    for talker in (customer, rep):
        await talker.gets(CaughtUp, ref=talker.opens(people.log))

    for number in range(5):
        await customer.gets(StoredFrame, ref=customer.says(people.log, f"word {number}"))
    assert rep.numbers(people.log) == []
    stages[1].time.advance(26)
    await stages[1].hub.beat()

    await rep.has(people.log, 1, 2, 3, 4, 5)
    for stage in stages:
        await stage.closes()
        await stage.world.logs.close()  # type: ignore[attr-defined]


def lossy(hear: Callable[[Sequence[News]], None], seed: int) -> Callable[[Sequence[News]], None]:
    """Let parcels be lost, come twice, or come one after the next one."""
    chance, kept = random.Random(seed), deque[Sequence[News]]()

    def hear_some(parcel: Sequence[News]) -> None:
        kept.append(parcel)
        if chance.random() < 0.4:
            return  # comes after the next one
        while kept:
            late = kept.pop()
            for _ in range(chance.choice((0, 1, 1, 2))):
                hear(late)

    return hear_some


@pytest.mark.redis
@pytest.mark.parametrize("seed", range(3))
async def test_parcels_that_are_lost_doubled_or_turned_round_cost_no_entry_and_no_order(
    database: Database, database_address: str, people: Company, tmp_path: Path, redis_server: str, seed: int
) -> None:
    channel = f"holdline:news:{tmp_path.name}"
    other = Database(database_address, ManualClock())
    stages = [
        Stage(StoreWorld(each, tmp_path), rules=TALKATIVE, broker=RedisBroker(redis_server, channel))
        for each in (database, other)
    ]
    for stage in stages:
        stage.world.logs.on_stored = stage.hub.stored
        stage.world.logs.start()  # type: ignore[attr-defined]
        await stage.hub.start()
        broker = stage.hub._broker
        broker.on_news = lossy(broker.on_news, seed)
    customer, rep = await stages[0].arrives(people.claire), await stages[1].arrives(people.ravi)
    for talker in (customer, rep):
        await talker.gets(CaughtUp, ref=talker.opens(people.log))

    for number in range(60):
        customer.says(people.log, f"customer {number}")
        rep.says(people.log, f"representative {number}" * (1 + 300 * (number % 20 == 7)))
        await asyncio.sleep(0)
    await until(lambda: len(customer.frames(StoredFrame)) + len(rep.frames(StoredFrame)) >= 120)
    for stage in stages:
        stage.time.advance(stage.hub.rules.beat_s + 1)
        await stage.hub.beat()

    last = max(frame.number for talker in (customer, rep) for frame in talker.frames(StoredFrame))
    await customer.has(people.log, *range(1, last + 1))
    await rep.has(people.log, *range(1, last + 1))
    for stage in stages:
        await stage.closes()
        await stage.world.logs.close()  # type: ignore[attr-defined]
    await other.close()


@pytest.mark.redis
async def test_entries_that_come_with_their_bell_need_no_read(hubs: tuple[Stage, Stage], people: Company) -> None:
    here, there = hubs
    customer, rep = await here.arrives(people.claire), await there.arrives(people.ravi)
    for talker in (customer, rep):
        await talker.gets(CaughtUp, ref=talker.opens(people.log))
    before = metrics.log_reads._value.get()

    for number in range(5):
        await customer.gets(StoredFrame, ref=customer.says(people.log, f"word {number}"))

    await rep.has(people.log, 1, 2, 3, 4, 5)
    assert metrics.log_reads._value.get() == before


async def test_customer_of_another_company_reaches_neither_log(
    hubs: tuple[Stage, Stage], people: Company, database: Database
) -> None:
    here, _ = hubs
    mallory = await here.arrives(await a_contact(database))
    rep = await here.arrives(people.ravi)
    await rep.gets(CaughtUp, ref=rep.opens(people.log))
    await rep.gets(CaughtUp, ref=rep.opens(people.notes))

    codes = [
        (await mallory.gets(RefusedFrame, ref=ref)).code
        for log in (people.log, people.notes)
        for ref in (mallory.opens(log), mallory.says(log, "let me in"))
    ]
    await rep.gets(StoredFrame, ref=rep.says(people.notes, "planted-marker", kind="note"))

    assert codes == ["log.not_found"] * 4
    assert not any(b"planted-marker" in data for data in mallory.wire.sent)


async def test_stale_epoch_is_refused_by_code(hubs: tuple[Stage, Stage], people: Company) -> None:
    here, _ = hubs
    rep = await here.arrives(people.ravi)

    refused = await rep.gets(RefusedFrame, ref=rep.says(people.log, "mine", epoch=7))

    assert refused.code == "entry.stale_epoch"
    assert refused.retry_after is None


async def test_resume_after_a_restart_of_the_hub_gives_what_follows(hubs: tuple[Stage, Stage], people: Company) -> None:
    here, there = hubs
    customer = await here.arrives(people.claire)
    await customer.gets(CaughtUp, ref=customer.opens(people.log))
    for number in range(1, 121):
        wish = a_message(people.log, f"word {number}", key=f"key-{number:05}", sender=people.claire)
        await here.world.logs.append(wish)  # type: ignore[attr-defined]
    await customer.has(people.log, *range(1, 121))
    await here.hub.drain()

    again = await there.arrives(people.claire)
    mark = await again.gets(CaughtUp, ref=again.opens(people.log, after=30))

    assert mark.head == 120
    await again.has(people.log, *range(31, 121))


async def test_long_poll_over_another_hub(hubs: tuple[Stage, Stage], people: Company) -> None:
    here, there = hubs
    customer = await here.arrives(people.claire)
    waiting = asyncio.create_task(there.hub.long_poll.wait_for(people.log, 0, 10))
    await until(lambda: there.hub._following.topic(people.log))

    customer.says(people.log, "hello")

    assert [entry.number for entry in await waiting] == [1]
