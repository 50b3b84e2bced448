"""A whole desk under fire: customers on one hub, representatives on the other, bad lines between, and somebody who pulls plugs.

Everybody talks until the fire is over and everything they wanted to say is acknowledged; then the ledger is compared with the store.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from chatsvc.accounts.model import Identity
from chatsvc.client import Client, Log, Refusal, Unknown
from chatsvc.conversations.views import Desk, DeskConversation
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import SystemClock
from chatsvc.kernel.ids import LogId
from chatsvc.tickets import log_store
from chatsvc.tickets.model import Entry
from tests.builders import a_contact, a_representative
from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy
from tests.people import a_client
from tests.system import System

T = TypeVar("T")

# Seconds in which everybody must be back and everything acknowledged after the fire.
BACK_WITHIN_S = 60.0


@dataclass
class Talk:
    """One conversation: both logs as both sides follow them."""

    contact: Identity
    rep: Identity
    customer_log: Log
    rep_log: Log
    epoch: int


@dataclass
class Campaign:
    """Two hubs, bad lines, people who talk."""

    system: System
    database: Database
    customers_line: Proxy
    reps_line: Proxy
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    talks: list[Talk] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    async def fill(self, *, reps: int, talks: int) -> None:
        """Let representatives come, customers stand in line, and every conversation begin."""
        desks = [await self.representative() for _ in range(reps)]
        await asyncio.gather(*(self._customer(desks, number) for number in range(talks)))

    async def representative(self, hub: int = 1) -> tuple[Identity, Client]:
        """Let a representative come, be ready, and accept whatever is offered."""
        rep = await a_representative(self.database, lines=("expense",))
        client = await self._client(rep, (self.customers_line, self.reps_line)[hub], hub=hub)
        await client.desk()
        await _surely(client.ready)
        client_accepts = asyncio.create_task(_accept_all(client))
        client._tasks.add(client_accepts)
        return rep, client

    async def _customer(self, desks: list[tuple[Identity, Client]], number: int) -> None:
        contact = await a_contact(self.database, name=f"Customer {number}")
        client = await self._client(contact, self.customers_line, hub=0)
        visit = await client.join("expense", subject=f"Talk {number}", description="Under fire")
        picture = await client.visit(visit.ticket)
        shown = await picture.until(lambda visit: visit.state == "active")
        rep, rep_client = next(desk for desk in desks if desk[0].person == shown.representative_id)
        assert rep_client.desk_picture is not None
        desk = await rep_client.desk_picture.until(lambda desk: _of(desk, visit.number) is not None)
        conversation = _of(desk, visit.number)
        assert conversation is not None
        log = await _surely(lambda: client.open(visit.log))
        rep_log = await _surely(lambda: rep_client.open(visit.log))
        self.talks.append(Talk(contact, rep, log, rep_log, conversation.epoch))

    async def _client(self, who: Identity, line: Proxy, *, hub: int) -> Client:
        address = self.system.address(hub)
        through = f"ws://127.0.0.1:{line.port}/ws"
        client = await a_client(self.database, who, address, through=through, origin=self.system.address(0))
        self.clients.append(client)
        return client

    async def run(self, fire: Callable[["Campaign"], Awaitable[None]], *, each: int) -> None:
        """Let everybody say at least ``each`` messages while the fire burns, then wait until all is acknowledged and seen."""
        over = asyncio.Event()
        speakers = [
            asyncio.create_task(self._speak(who, log, epoch, each, over, random.Random(self.seed * 1000 + number)))
            for number, (who, log, epoch) in enumerate(self._sides())
        ]
        await fire(self)
        over.set()
        self.customers_line.fuse = self.reps_line.fuse = None
        async with asyncio.timeout(BACK_WITHIN_S):
            await asyncio.gather(*speakers)
            truth = await self.truth()
            await asyncio.gather(*(_caught_up(log, len(truth[LogId(log.id)])) for _, log, _ in self._sides()))
        for who, log, _ in self._sides():
            self.ledger.see(LogId(log.id), who.person, log.entries)
        self.ledger.check(truth)

    def _sides(self) -> list[tuple[Identity, Log, int | None]]:
        sides: list[tuple[Identity, Log, int | None]] = []
        for talk in self.talks:
            sides += [(talk.contact, talk.customer_log, None), (talk.rep, talk.rep_log, talk.epoch)]
        return sides

    async def _speak(
        self, who: Identity, log: Log, epoch: int | None, each: int, over: asyncio.Event, chance: random.Random
    ) -> None:
        number = 0
        while number < each or not over.is_set():
            key = f"{who.person[-8:]}-{log.id[-6:]}-{number:05}"
            said = self.ledger.say(LogId(log.id), who.person, key)
            said.acked(await log.say(f"{who.name} {number}", key=key, epoch=epoch))
            number += 1
            await asyncio.sleep(chance.uniform(0.0, 0.3))

    async def truth(self) -> dict[LogId, list[Entry]]:
        """Read what the store holds of every talk."""
        logs: dict[LogId, list[Entry]] = {}
        async with self.database.read() as connection:
            for talk in self.talks:
                log, entries = LogId(talk.customer_log.id), list[Entry]()
                while more := await log_store.entries_after(connection, log, len(entries), 500):
                    entries += more
                logs[log] = entries
        return logs

    @property
    def cuts(self) -> int:
        """How many lines were cut so far."""
        return self.customers_line.cuts + self.reps_line.cuts

    async def burn_until(self, cuts: int, *, lowest: int = 1_000, highest: int = 4_000) -> None:
        """Make every new line break after a random number of bytes, and wait for so many cuts."""
        for line in (self.customers_line, self.reps_line):
            line.fuse = (lowest, highest)
            line.cut_all()
        while self.cuts < cuts:  # noqa: ASYNC110 - cuts come from both proxies; a look now and then is simpler than an event
            await asyncio.sleep(0.05)


def _of(desk: Desk, number: int) -> DeskConversation | None:
    return next((each for each in desk.conversations if each.number == number), None)


async def _accept_all(client: Client) -> None:
    assert client.desk_picture is not None
    while True:
        desk = await client.desk_picture.until(lambda desk: bool(desk.offers))
        for offer in desk.offers:
            with contextlib.suppress(Refusal, Unknown):
                await client.accept(offer)
        await client.desk_picture.until(lambda later, desk=desk: later.offers != desk.offers)  # type: ignore[misc]


async def _surely(act: Callable[[], Awaitable[T]]) -> T:
    """Do something that may be done twice, again whenever the line is cut before the answer."""
    while True:
        with contextlib.suppress(Unknown):
            return await act()


async def _caught_up(log: Log, head: int) -> None:
    if log.last < head:
        await log.until(lambda entry: entry.number >= head)


@asynccontextmanager
async def a_campaign(system: System, *, seed: int) -> AsyncIterator[Campaign]:
    """Put bad lines in front of a running system of two hubs."""
    database = Database(system.store, SystemClock())
    async with (
        Proxy(("127.0.0.1", system.ports[0]), seed=seed) as customers_line,
        Proxy(("127.0.0.1", system.ports[1]), seed=seed + 1) as reps_line,
    ):
        campaign = Campaign(system, database, customers_line, reps_line, seed)
        try:
            yield campaign
        finally:
            await asyncio.gather(*(client.close() for client in campaign.clients), return_exceptions=True)
            await database.close()
