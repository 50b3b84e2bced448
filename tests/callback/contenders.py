"""Real processes that book, cancel and dial at the same instant on one store, so that only the store can decide who wins."""

import asyncio
import multiprocessing
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from callback.dialer import Dialer
from callback.model import CallbackRules, ReservationId
from callback.telephony.port import AttemptId, Call, Ended, Facts, Ledger, Outcome
from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.kernel import failpoints
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Refused
from chatsvc.kernel.ids import ConversationId, OfferId
from tests.callback.house import CallHouse

# For how long one waits for another, in seconds; only a dead process makes anybody wait that long.
_PATIENCE_S = 60
_GENEROUS = CallbackRules(
    bookings_per_contact_day=1_000_000, live_per_company=1_000_000, attempts_per_number_day=1_000_000
)


class Recorder:
    """A telephone system that writes down what it is asked, and rings nobody."""

    name = "sip"
    holds_calls = True

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.rung: list[Call] = []
        self.released: list[AttemptId] = []

    async def dial(self, call: Call) -> None:
        self.rung.append(call)

    async def hang_up(self, attempt: AttemptId) -> None:
        """Nobody asks for it."""

    def is_up(self, attempt: AttemptId) -> bool:
        """Whether it was rung."""
        return any(call.attempt == attempt for call in self.rung)

    async def recover(self, attempt: AttemptId, trace: str | None) -> Ended:
        self.released.append(attempt)
        now = self.ledger.calls.database.clock.now()  # type: ignore[attr-defined]
        return Ended(attempt=attempt, outcome=Outcome.UNKNOWN, facts=Facts(), at=now)

    async def close(self) -> None:
        """Nothing is open."""


class Deeds:
    """What a contender can be asked to do; each returns something that can be sent back."""

    def __init__(self, house: CallHouse) -> None:
        self.house = house

    async def reserve(self, who: Identity, key: str, number: str, slot_at: datetime | None) -> str:
        """Book a seat; return the reservation."""
        return await self.house.books(who, key=key, number=number, slot_at=slot_at)

    async def cancel(self, reservation: ReservationId) -> str:
        """Cancel by the link."""
        await self.house.calls.cancel(None, reservation)
        return "cancelled"

    async def accept(self, rep: Identity, offer: OfferId, epoch: int) -> str:
        """Accept an offer; return the conversation."""
        return await self.house.act.accept(rep, offer, epoch)

    async def dial(self, rep: Identity, conversation: ConversationId) -> str | None:
        """Press *Call*; return the attempt."""
        return (await self.house.calls.dial(rep, conversation)).attempt

    async def take_over(self) -> int:
        """Go a round of the process of calls; return how many it dialled."""
        dialer = Dialer(self.house.calls, Recorder)
        await dialer.round()
        assert isinstance(dialer.telephony, Recorder)
        return len(dialer.telephony.rung)

    async def tell(self, attempt: AttemptId, outcome: Outcome) -> None:
        """Say for the telephone system how an attempt ended."""
        ended = Ended(attempt=attempt, outcome=outcome, facts=Facts(), at=self.house.clock.now())
        await self.house.calls.happened(ended, "sip")


def killed_at(address: str, point: str, name: str, *arguments: Any) -> None:
    """Let a process act on a wish and die at a named point, without any clean-up; fails when it gets past it."""
    process = multiprocessing.get_context("spawn").Process(target=_die, args=(address, point, name, *arguments))
    process.start()
    process.join(_PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL, f"it passed {point}"


def _die(address: str, point: str, name: str, *arguments: Any) -> None:
    failpoints.arm(point)
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        house = CallHouse(Database(address, clock), clock, Path(folder), _GENEROUS)
        house.calls.adapter = "sip"
        asyncio.run(getattr(Deeds(house), name)(*arguments))


def _contend(address: str, line: Connection, barrier: Barrier) -> None:
    """Take wishes from the line, wait until everybody has theirs, act, answer; until None comes."""
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        house = CallHouse(Database(address, clock), clock, Path(folder), _GENEROUS)
        house.calls.adapter = "sip"
        deeds = Deeds(house)
        line.send("ready")
        while (wish := line.recv()) is not None:
            name, *arguments = wish
            barrier.wait(_PATIENCE_S)
            try:
                line.send(("done", runner.run(getattr(deeds, name)(*arguments))))
            except Refused as refused:
                line.send((refused.key, None))
        runner.run(house.database.close())


class Contenders:
    """Processes that wait for wishes."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        self._lines = lines

    def all_at_once(self, *wishes: tuple[Any, ...]) -> list[tuple[str, Any]]:
        """Let every process act on its wish at the same instant; return what each has to say: ``done`` or a refusal's key, and a value."""
        for line, wish in zip(self._lines, wishes, strict=True):
            line.send(wish)
        return [_answer(line) for line in self._lines]


def _answer(line: Connection) -> Any:
    if not line.poll(_PATIENCE_S):
        raise TimeoutError("a contender does not answer")
    return line.recv()


@contextmanager
def contenders(address: str, count: int) -> Iterator[Contenders]:
    """Start so many processes on one store, and end them afterwards."""
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(count)
    ours, processes = [], []
    try:
        for _ in range(count):
            mine, theirs = spawn.Pipe()
            process = spawn.Process(target=_contend, args=(address, theirs, barrier), daemon=True)
            process.start()
            ours.append(mine)
            processes.append(process)
        for line in ours:
            assert _answer(line) == "ready"
        yield Contenders(ours)
        for line in ours:
            line.send(None)
        for process in processes:
            process.join(_PATIENCE_S)
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
