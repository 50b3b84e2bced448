"""Nothing acknowledged is lost, doubled or out of order, whatever is pulled: hubs, Redis, a thousand lines (R1 to R4, R9, R16, R19)."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign, a_campaign
from tests.system import System

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), pytest.mark.xdist_group("faults")]

SETTINGS = {
    # Short beats, so that lost news heals within the test; long graces, so that a slow machine does not move talks to others.
    "HOLDLINE_HEARTBEAT_SECONDS": "5",
    "HOLDLINE_REPRESENTATIVE_GRACE_SECONDS": "240",
}


@pytest.fixture
def system(database_address: str, tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path, database_address, hubs=2, settings=SETTINGS)
    try:
        system.start()
        yield system
    finally:
        system.stop()


@pytest.fixture
async def campaign(system: System) -> AsyncIterator[Campaign]:
    async with a_campaign(system, seed=20260302) as campaign:
        await campaign.fill(reps=4, talks=10)
        yield campaign


def report(campaign: Campaign, what: str) -> None:
    """Print the counts of a run, with its seed."""
    gaps = sum(log.gaps for client in campaign.clients for log in client.logs.values())
    print(  # noqa: T201 - the campaign's counts are its result
        f"{what}: {campaign.ledger.acknowledged} acknowledged, {campaign.cuts} cuts, {gaps} gaps repaired, "
        f"0 violations, seed {campaign.seed}"
    )


async def test_a_thousand_cut_lines_lose_and_double_nothing(campaign: Campaign) -> None:
    async def fire(campaign: Campaign) -> None:
        await campaign.burn_until(1_000)

    await campaign.run(fire, each=20)

    assert campaign.cuts >= 1_000
    report(campaign, "cut lines")


async def test_killed_hubs_lose_and_double_nothing(campaign: Campaign) -> None:
    async def fire(campaign: Campaign) -> None:
        for turn in range(4):
            web = campaign.system.webs[turn % 2]
            await asyncio.sleep(1.5)
            await asyncio.to_thread(web.kill)
            web.start()
            await asyncio.to_thread(campaign.system.wait_ready, turn % 2)

    await campaign.run(fire, each=20)

    report(campaign, "killed hubs")


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_emptied_and_killed_redis_loses_nothing(campaign: Campaign) -> None:
    async def fire(campaign: Campaign) -> None:
        import redis.asyncio

        for _ in range(3):
            client = redis.asyncio.Redis.from_url(f"unix://{campaign.system.redis_socket}")
            await asyncio.sleep(0.5)
            await client.flushall()
            await client.aclose()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(campaign.system.redis.kill)
            await asyncio.sleep(1.0)
            await asyncio.to_thread(campaign.system.restart_redis)

    await campaign.run(fire, each=20)

    report(campaign, "Redis emptied and killed")


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_graceful_restart_is_hardly_noticed(campaign: Campaign) -> None:
    async def fire(campaign: Campaign) -> None:
        for hub in (0, 1):
            web = campaign.system.webs[hub]
            await asyncio.sleep(1.0)
            web.send(signal.SIGTERM)
            await asyncio.to_thread(web.wait)
            web.start()
            await asyncio.to_thread(campaign.system.wait_ready, hub)

    await campaign.run(fire, each=20)

    codes = {code for client in campaign.clients for code, _ in client.closes}
    assert 1012 in codes
    report(campaign, "restarts")
