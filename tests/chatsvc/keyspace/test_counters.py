"""Counters that forget by themselves: both twins, and the way from one to the other."""

import asyncio
from datetime import timedelta

import pytest

from chatsvc.kernel.clock import ManualClock
from chatsvc.keyspace.counters import LocalCounters, RedisCounters
from chatsvc.keyspace.redis import connect

MINUTE = timedelta(minutes=1)


@pytest.mark.redis
async def test_redis_counts_every_one_of_many_at_once(redis_address: str, clock: ManualClock) -> None:
    client = connect(redis_address)
    counters = RedisCounters(client, clock)

    values = await asyncio.gather(*(counters.add("holdline:test", ttl=MINUTE) for _ in range(50)))

    assert sorted(values) == list(range(1, 51))
    assert await counters.add("holdline:test", -1, ttl=MINUTE) == 49
    assert 0 < await client.ttl("holdline:test") <= 60
    await client.aclose()


async def test_local_counters_forget_at_their_end(clock: ManualClock) -> None:
    counters = LocalCounters(clock)
    await counters.add("a", ttl=MINUTE)
    clock.advance(59)
    before = await counters.add("a", ttl=MINUTE)
    clock.advance(60)

    assert (before, await counters.add("a", ttl=MINUTE)) == (2, 1)


async def test_local_counters_do_not_grow_for_ever(clock: ManualClock) -> None:
    counters = LocalCounters(clock)
    for number in range(10_001):
        await counters.add(str(number), ttl=MINUTE)
    clock.advance(MINUTE)

    await counters.add("one more", ttl=MINUTE)

    assert len(counters) == 1


async def test_without_redis_the_process_counts_on_its_own(clock: ManualClock) -> None:
    client = connect("unix:///nowhere/redis.sock")
    counters = RedisCounters(client, clock)

    assert [await counters.add("a", ttl=MINUTE) for _ in range(3)] == [1, 2, 3]
    clock.advance(6)
    assert await counters.add("a", ttl=MINUTE) == 4
    await client.aclose()


@pytest.mark.redis
async def test_cancelled_command_leaves_no_reply_to_the_next_one(redis_address: str) -> None:
    client, other = connect(redis_address), connect(redis_address)
    waiting = asyncio.ensure_future(client.blpop(["holdline:test:list"], timeout=0))
    while not any(each["cmd"] == "blpop" for each in await other.client_list()):
        assert not waiting.done()

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await other.rpush("holdline:test:list", "a reply that nobody waits for any more")

    assert await client.echo("mine") == b"mine"
    await client.aclose()
    await other.aclose()
