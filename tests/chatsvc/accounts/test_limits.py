"""How often something may be tried; counted in a real Redis."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from chatsvc.accounts.limits import LimitRules, Limits, Rate, origin_of
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import TooMany
from chatsvc.keyspace.counters import LocalCounters, RedisCounters
from chatsvc.keyspace.redis import connect


@pytest.mark.redis
async def test_limits_hold_over_several_processes(redis_address: str, clock: ManualClock) -> None:
    clients = [connect(redis_address) for _ in range(3)]
    processes = [Limits(RedisCounters(client, clock), clock) for client in clients]

    for number in range(8):
        await processes[number % 3].sign_in("anna", address="192.0.2.1", device=None)
    with pytest.raises(TooMany):
        await processes[2].sign_in("anna", address="192.0.2.1", device=None)

    for client in clients:
        await client.aclose()


@pytest.mark.redis
async def test_nothing_that_names_a_person_or_a_place_is_written(redis_address: str, clock: ManualClock) -> None:
    client: Redis = connect(redis_address)
    limits = Limits(RedisCounters(client, clock), clock)

    await limits.sign_in("0f" * 16, address="192.0.2.1", device=None)

    keys = [key.decode() for key in await client.keys("*")]
    assert len(keys) == 3
    assert all(key.startswith("holdline:attempts:sign_in.") for key in keys)
    assert not any("192.0.2.1" in key for key in keys)
    assert all([await client.ttl(key) > 0 for key in keys])
    await client.aclose()


async def test_window_keeps_its_end_however_often_somebody_tries(clock: ManualClock) -> None:
    limits = Limits(LocalCounters(clock), clock, LimitRules(old_password=Rate(2, timedelta(minutes=10))))
    waits = []
    for _ in range(9):
        try:
            await limits.old_password_typed("pe_anna")
        except TooMany as refusal:
            waits.append(refusal.retry_after)
        clock.advance(60)

    assert waits == [480, 420, 360, 300, 240, 180, 120]
    clock.advance(60)
    await limits.old_password_typed("pe_anna")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_whole_lines_are_counted_not_single_addresses(address: str, origin: str) -> None:
    assert origin_of(address) == origin
