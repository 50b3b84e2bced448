"""Real processes that do the same thing at the same instant on one store, so that only the store can decide who wins."""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import LogId, OfferId, TicketId
from chatsvc.tickets.model import Append, Kind, Role, words
from tests.chatsvc.conversations.house import House

# For how long one waits for another, in seconds; only a dead process makes anybody wait that long.
_PATIENCE_S = 60


class Deeds:
    """What a contender can be asked to do; each returns something that can be sent back."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def match(self) -> int:
        """Match all lines; return how many offers were made."""
        return await self.house.act.match()

    async def accept(self, identity: Identity, offer: OfferId, epoch: int) -> str:
        """Accept an offer; return the conversation."""
        return await self.house.act.accept(identity, offer, epoch)

    async def join(self, identity: Identity, key: str) -> str:
        """Stand in line; return the ticket."""
        return (await self.house.joins(identity, key=key)).ticket

    async def leave(self, identity: Identity, ticket: TicketId) -> str:
        """Give up a place."""
        await self.house.act.leave(identity, ticket)
        return "left"

    async def append(self, identity: Identity, log: LogId, key: str) -> int:
        """Write a message by the batching path, as sockets do; return its number."""
        append = Append(
            log, identity.person, identity.name, Role.CUSTOMER, key, Kind.MESSAGE, words("hello"), identity.company
        )
        return (await self.house.logbook.append(append)).number


def _contend(address: str, line: Connection, barrier: Barrier) -> None:
    """Take wishes from the line, wait until everybody has theirs, act, answer; until None comes."""
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        house = House(Database(address, ManualClock()), ManualClock(), Path(folder))
        deeds = Deeds(house)

        async def act(name: str, arguments: Sequence[Any]) -> Any:
            house.logbook.start() if house.logbook._committer is None else None
            return await getattr(deeds, name)(*arguments)

        async def close() -> None:
            await house.logbook.close()
            await house.database.close()

        while (wish := line.recv()) is not None:
            name, arguments = wish
            barrier.wait(_PATIENCE_S)
            try:
                line.send(("done", runner.run(act(name, arguments))))
            except Refused as refused:
                line.send((refused.key, refused.facts))
        runner.run(close())


class Contenders:
    """Processes that stand ready."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        self.lines = lines

    def all_at_once(self, *wishes: tuple[Any, ...]) -> list[tuple[str, Any]]:
        """Let every process do one thing at the same instant; return what came of each: ``("done", result)`` or ``(key, facts)``.

        Wishes are ``(name of the deed, arguments …)``; there are as many as processes.
        """
        assert len(wishes) == len(self.lines)
        for line, (name, *arguments) in zip(self.lines, wishes, strict=True):
            line.send((name, arguments))
        return [line.recv() for line in self.lines]


@contextmanager
def contenders(address: str, count: int) -> Iterator[Contenders]:
    """Start processes on a store, and end them."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count)
    ends = [context.Pipe() for _ in range(count)]
    processes = [context.Process(target=_contend, args=(address, theirs, barrier), daemon=True) for _, theirs in ends]
    for process in processes:
        process.start()
    try:
        yield Contenders([ours for ours, _ in ends])
    finally:
        for ours, theirs in ends:
            ours.send(None)
            theirs.close()
        for process in processes:
            process.join(_PATIENCE_S)
            if process.is_alive():
                process.kill()
                process.join()
        for ours, _ in ends:
            ours.close()
