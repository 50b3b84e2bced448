"""What a process without sockets commits is news to every hub at once, and not only when somebody looks (design, section 3)."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from callback import bootstrap as telephone
from chatsvc import bootstrap
from chatsvc.bootstrap import Services
from chatsvc.config import Settings
from chatsvc.db import store_facts
from chatsvc.hub.broker import News, Rung
from chatsvc.hub.broker_redis import RedisBroker
from chatsvc.kernel.ids import SYSTEM, new_id
from chatsvc.keyspace import keys
from chatsvc.tickets.model import Append, Kind, Role, words
from tests import builders

pytestmark = [pytest.mark.redis, pytest.mark.parametrize("dialect", ["sqlite"])]


async def a_worker(settings: Settings) -> Services:
    """Start what the worker starts."""
    return await bootstrap.start(settings, sockets=False)


async def a_telephone(settings: Settings) -> Services:
    """Start what the process of calls starts."""
    return (await telephone.start(settings)).services


@pytest.mark.parametrize("start", [a_worker, a_telephone])
async def test_every_hub_hears_what_a_process_without_sockets_commits(
    settings: Settings, start: Callable[[Settings], Awaitable[Services]]
) -> None:
    services = await start(settings)
    hub = RedisBroker(settings.redis_url, keys.news(await store_facts.epoch(services.database)))
    heard: asyncio.Queue[News] = asyncio.Queue()
    listens = asyncio.Event()
    hub.on_news = lambda news: [heard.put_nowait(each) for each in news] and None
    hub.on_back = listens.set
    await hub.start()
    await listens.wait()
    ticket = await builders.a_ticket(services.database, await builders.a_contact(services.database))

    async with services.database.begin() as uow:
        uow.ring("desk:pe_a")
    assert await heard.get() == Rung("desk:pe_a", 0)

    said = Append(ticket.log, SYSTEM, "", Role.SYSTEM, new_id("ky"), Kind.MESSAGE, words("Good morning."))
    stored = await services.logbook.append(said)
    while not isinstance(news := await heard.get(), Rung) or news.topic != f"log:{ticket.log}":
        pass
    assert (news.head, [msgspec.json.decode(entry.body)["text"] for entry in news.entries]) == (
        stored.number,
        ["Good morning."],
    )

    assert not hub.is_heard  # who only tells need not be told anything
    await hub.close()
    await services.close()
