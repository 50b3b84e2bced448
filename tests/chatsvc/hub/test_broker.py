"""One contract for both brokers; then what only Redis can do: go away and come back (R16)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from chatsvc.db.uow import Bell
from chatsvc.hub.broker import Broker, Looked, News, Rung, Saw, Typed, as_news, joined
from chatsvc.hub.broker_local import LocalBroker, LocalExchange
from chatsvc.hub.broker_redis import LineRules, RedisBroker
from chatsvc.kernel.ids import LogId, PersonId
from tests import requirements_plugin, stores
from tests.chatsvc.hub.cast import an_entry, settled, until

LOG, PERSON = LogId("lg_a"), PersonId("pe_a")
TYPED = Typed(LOG, PERSON, "Claire")
LOOKED = Looked(LOG, PERSON, "Ravi")
QUICK = LineRules(alive_s=0.05, silent_s=5, first_wait_s=0.005, longest_wait_s=0.02)
# Says nothing by itself for longer than any test takes.
SILENT = replace(QUICK, alive_s=600, silent_s=1200)


class Ear:
    """What one process hears."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.parcels: list[tuple[News, ...]] = []
        self.backs = 0
        broker.on_news = self.hear
        broker.on_back = self.came_back

    def hear(self, news: Sequence[News]) -> None:
        self.parcels.append(tuple(news))

    def came_back(self) -> None:
        self.backs += 1

    @property
    def heard(self) -> list[News]:
        return [each for parcel in self.parcels for each in parcel]


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.redis)])
async def ears(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Ear, Ear, Ear]]:
    """Three processes that know each other."""
    make: Callable[[], Broker]
    if request.param == "local":
        exchange = LocalExchange()
        make = lambda: LocalBroker(exchange)  # noqa: E731 - two makers of one thing, side by side
    else:
        address = await redis_address_of(request)
        make = lambda: RedisBroker(address, "holdline:news:test", QUICK)  # noqa: E731
    brokers = make(), make(), make()
    ears = Ear(brokers[0]), Ear(brokers[1]), Ear(brokers[2])
    for broker in brokers:
        await broker.start()
    if request.param == "redis":
        await until(lambda: all(ear.backs for ear in ears))
        await until(lambda: all(broker.is_heard for broker in brokers if isinstance(broker, RedisBroker)))
    yield ears
    for broker in brokers:
        await broker.close()


async def redis_address_of(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue("redis_server")
    client = redis.asyncio.Redis.from_url(address)
    await client.flushall()
    await client.aclose()
    return address


async def test_news_reach_everybody_else_and_nobody_hears_themselves(ears: tuple[Ear, Ear, Ear]) -> None:
    one, two, three = ears

    one.broker.publish([Rung("log:lg_a", 3)])
    await until(lambda: two.heard and three.heard)
    await settled()

    assert two.heard == three.heard == [Rung("log:lg_a", 3)]
    assert one.heard == []


async def test_news_of_one_turn_travel_together_each_bell_once_at_its_highest(ears: tuple[Ear, Ear, Ear]) -> None:
    one, two, _ = ears

    for head in (1, 3, 2):
        one.broker.publish([Rung("log:lg_a", head), TYPED, LOOKED])
    one.broker.publish([Saw(LOG, PERSON, 1), Saw(LOG, PERSON, 2)])
    await until(lambda: two.heard)

    assert two.parcels == [(Rung("log:lg_a", 3), TYPED, LOOKED, Saw(LOG, PERSON, 2))]


async def test_publishing_nothing_and_publishing_after_the_end_is_nothing(ears: tuple[Ear, Ear, Ear]) -> None:
    one, two, _ = ears

    one.broker.publish([])
    await one.broker.close()
    one.broker.publish([TYPED])
    await settled()

    assert two.heard == []


async def test_entries_travel_with_their_bell_once_somebody_else_listens(ears: tuple[Ear, Ear, Ear]) -> None:
    one, two, _ = ears
    entries = tuple(an_entry(number) for number in (1, 2, 3))

    one.broker.publish([Rung("line:expense", 0)])
    await until(lambda: two.heard)
    await settled()
    for entry in entries:
        one.broker.publish([Rung("log:lg_a", entry.number, (entry,))])
    await until(lambda: len(two.heard) > 1)

    assert two.heard[1] == Rung("log:lg_a", 3, entries)


@pytest.mark.parametrize(
    ("bells", "joined_as"),
    [
        ([(1, (1,)), (2, (2,)), (3, (3,))], (3, (1, 2, 3))),
        ([(2, (2,)), (1, (1,))], (2, (1, 2))),
        ([(1, (1,)), (3, (3,))], (3, (3,))),
        ([(1, (1,)), (5, ())], (5, (1,))),
        ([(5, ()), (1, (1,))], (5, (1,))),
        ([(2, (2,)), (2, (2,))], (2, (2,))),
    ],
    ids=["in order", "turned round", "with a hole", "then without", "first without", "twice"],
)
def test_bells_of_one_log_become_one_with_the_entries_that_follow_one_another(
    bells: list[tuple[int, tuple[int, ...]]], joined_as: tuple[int, tuple[int, ...]]
) -> None:
    rung = [Rung("log:lg_a", head, tuple(map(an_entry, numbers))) for head, numbers in bells]

    [one] = joined(rung)

    assert isinstance(one, Rung)
    assert (one.head, tuple(entry.number for entry in one.entries)) == joined_as


def test_bells_become_news() -> None:
    assert as_news([Bell("visit:tk_a"), Bell("log:lg_a", 4)]) == (Rung("visit:tk_a", 0), Rung("log:lg_a", 4))


def test_joining_keeps_the_order_of_what_is_left() -> None:
    news = [Rung("a", 1), TYPED, Rung("b", 1), Rung("a", 0)]

    assert joined(news) == (Rung("a", 1), TYPED, Rung("b", 1))


# Redis alone.


class PrivateRedis(contextlib.AbstractAsyncContextManager["PrivateRedis"]):
    """A Redis that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "s"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"

    async def start(self) -> None:
        program = requirements_plugin.need_redis()
        self._process = await asyncio.create_subprocess_exec(
            program, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await asyncio.to_thread(stores.wait_for_ping, self.socket)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def __aexit__(self, *_: object) -> None:
        await self.kill()


@pytest.fixture
async def private_redis(tmp_path: Path) -> AsyncIterator[PrivateRedis]:
    """A running Redis of this test alone."""
    async with PrivateRedis(tmp_path) as server:
        await server.start()
        yield server


@pytest.fixture
async def pair(private_redis: PrivateRedis) -> AsyncIterator[tuple[Ear, Ear]]:
    """Two processes over it."""
    brokers = [RedisBroker(private_redis.address, "holdline:news:test", QUICK) for _ in range(2)]
    ears = Ear(brokers[0]), Ear(brokers[1])
    for broker in brokers:
        await broker.start()
    await until(lambda: all(ear.backs for ear in ears) and all(broker.is_heard for broker in brokers))
    yield ears
    for broker in brokers:
        await broker.close()


@pytest.mark.redis
async def test_after_a_restart_of_redis_everybody_is_told_to_compare_and_waiting_bells_arrive(
    pair: tuple[Ear, Ear], private_redis: PrivateRedis
) -> None:
    one, two = pair
    before = two.backs

    await private_redis.kill()
    for head in range(1, 50):
        one.broker.publish([Rung("log:lg_a", head), TYPED])
        await asyncio.sleep(0)
    await private_redis.start()
    await until(lambda: one.backs > 1 and two.backs > before)
    one.broker.publish([Rung("log:lg_b", 1)])
    await until(lambda: Rung("log:lg_b", 1) in two.heard)

    assert two.backs == before + 1


@pytest.mark.redis
async def test_broker_starts_without_redis_and_finds_it_later(tmp_path: Path) -> None:
    broker = RedisBroker(f"unix://{tmp_path / 's'}", "holdline:news:test", QUICK)
    ear = Ear(broker)
    await broker.start()
    broker.publish([Rung("log:lg_a", 1)])
    await settled()

    async with PrivateRedis(tmp_path) as server:
        await server.start()
        await until(lambda: ear.backs)
        await broker.close()

    assert ear.backs >= 1


@pytest.mark.redis
async def test_rubbish_in_the_channel_is_passed_over(pair: tuple[Ear, Ear], private_redis: PrivateRedis) -> None:
    one, two = pair
    client = redis.asyncio.Redis.from_url(private_redis.address)
    for rubbish in (b"", b"\xff", b"[]", b'["x",[["b"]]]', b'["x",[["z",1,2]]]'):
        await client.publish("holdline:news:test", rubbish)
    await client.aclose()

    one.broker.publish([TYPED])
    await until(lambda: two.heard)

    assert two.heard == [TYPED]


@pytest.mark.redis
async def test_listener_that_raises_does_not_stop_the_news(pair: tuple[Ear, Ear]) -> None:
    one, two = pair

    def fail(news: Sequence[News]) -> None:
        raise ValueError

    two.broker.on_news = fail
    one.broker.publish([TYPED])
    await settled()
    two.broker.on_news = two.hear
    one.broker.publish([Rung("log:lg_a", 1)])
    await until(lambda: two.heard)

    assert two.heard == [Rung("log:lg_a", 1)]


@pytest.fixture
async def alone(private_redis: PrivateRedis) -> AsyncIterator[Ear]:
    """A process that listens where nobody else does, and says by itself that it is alive only once."""
    broker = RedisBroker(private_redis.address, "holdline:news:test", SILENT)
    ear = Ear(broker)
    await broker.start()
    await until(lambda: ear.backs)
    yield ear
    await broker.close()


def parcels_told(server: PrivateRedis) -> int:
    """How often anything was published."""
    with redis.Redis.from_url(server.address) as client:
        commands: Any = client.info("commandstats")
    return int(commands.get("cmdstat_publish", {"calls": 0})["calls"])


@pytest.mark.redis
async def test_nobody_is_told_where_nobody_listens(alone: Ear, private_redis: PrivateRedis) -> None:
    await until(lambda: parcels_told(private_redis) == 1)

    for head in range(1, 50):
        alone.broker.publish([Rung("log:lg_a", head), TYPED])
        await settled()

    assert parcels_told(private_redis) == 1


@pytest.mark.redis
async def test_whoever_comes_hears_the_bells_that_rang_before_it_was_noticed(
    alone: Ear, private_redis: PrivateRedis
) -> None:
    await until(lambda: parcels_told(private_redis) == 1)
    for head in (1, 3, 2):
        alone.broker.publish([Rung("log:lg_a", head, (an_entry(head),)), TYPED])
    newcomer = RedisBroker(private_redis.address, "holdline:news:test", SILENT)
    ear = Ear(newcomer)

    await newcomer.start()
    await until(lambda: ear.heard)
    alone.broker.publish([TYPED])
    await until(lambda: len(ear.heard) > 1)
    await newcomer.close()

    assert ear.heard == [Rung("log:lg_a", 3), TYPED]


@pytest.mark.redis
async def test_bells_without_a_listener_are_told_when_too_many_wait(private_redis: PrivateRedis) -> None:
    broker = RedisBroker(private_redis.address, "holdline:news:test", replace(SILENT, most_waiting=5))
    ear = Ear(broker)
    await broker.start()
    await until(lambda: ear.backs)
    await until(lambda: parcels_told(private_redis) == 1)

    broker.publish([Rung(f"log:lg_{number}", 1) for number in range(6)])
    await until(lambda: parcels_told(private_redis) == 2)
    await broker.close()


@pytest.mark.redis
async def test_telling_ends_when_the_last_listener_has_gone(pair: tuple[Ear, Ear]) -> None:
    one, two = pair
    assert isinstance(one.broker, RedisBroker)

    await two.broker.close()
    one.broker.publish([Rung("log:lg_a", 1)])

    await until(lambda: isinstance(one.broker, RedisBroker) and not one.broker.is_heard)
