"""A call from the wish to the ticket over SIP: the process of calls dials, SIPp is both telephones, and the store says what came of it.

``HOLDLINE_TEST_DEPTH`` above 1 calls fifty customers at once and waits for the dead process's lease instead of letting it pass:

    HOLDLINE_TEST_DEPTH=10 python -m pytest -s tests/callback/test_over_sip.py
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import redis.asyncio
from sqlalchemy import update

from callback import store
from callback.bootstrap import JOB
from callback.dialer import Dialer
from callback.model import ReservationId
from callback.tables import attempts
from callback.telephony.choice import maker_from
from chatsvc.accounts.model import Identity
from chatsvc.db.engine import Database
from chatsvc.kernel.clock import SystemClock
from chatsvc.kernel.ids import ConversationId
from chatsvc.keyspace import keys
from chatsvc.keyspace.doorbell import ring_worker
from tests.builders import a_zone_at_noon
from tests.callback.house import RULES, CallHouse, a_number
from tests.callback.telephony.sip import strangers
from tests.callback.test_worker import a_worker
from tests.chatsvc.conversations.house import DONE

DEPTH = float(os.environ.get("HOLDLINE_TEST_DEPTH", "1"))
AT_ONCE = 50 if DEPTH > 1 else 5
PATIENCE_S = 30 * float(os.environ.get("HOLDLINE_TEST_PATIENCE", "1"))
# A dead process's legs are up no longer than this (issue 4).
RELEASED_WITHIN_S = 60
pytestmark = [pytest.mark.redis, pytest.mark.faults, pytest.mark.timeout(0 if DEPTH > 1 else 120)]


class Floor:
    """Representatives with telephones, customers who want to be rung, and the bell of the process that dials."""

    def __init__(self, address: str, redis_address: str, folder: Path) -> None:
        self.database = Database(address, SystemClock())
        self.house = CallHouse(self.database, SystemClock(), folder)  # type: ignore[arg-type]
        self.house.calls.adapter = "sip"
        self.redis_address = redis_address
        self.client = redis.asyncio.Redis.from_url(redis_address)

    def system(self, folder: Path, trunk: int) -> dict[str, str]:
        """Write the file of the telephone system; return the setting that names it."""
        path = folder / f"telephony-{trunk}.toml"
        path.write_text(
            f'adapter = "sip"\n[sip]\ntrunk = "sip:127.0.0.1:{trunk}"\ncaller_id = "4989100"\nport = {strangers.free_port()}\n'
        )
        return {"HOLDLINE_TELEPHONY_PATH": str(path)}

    async def representative(self, telephone: int, name: str = "Ravi") -> Identity:
        """Add somebody who is ready, with a telephone at that port."""
        representative = await self.house.ready(name, capacity=1)
        async with self.database.begin() as uow:
            await store.set_telephone(uow, representative.person, f"sip:anna@127.0.0.1:{telephone}")
        return representative

    async def books(self, n: int = 0) -> ReservationId:
        """Let somebody new want to be rung."""
        contact = await self.house.contact(f"Contact {n}", zone=a_zone_at_noon())
        return await self.house.books(msgspec.structs.replace(contact, zone=a_zone_at_noon()), number=a_number(n))

    async def dials(self, representative: Identity) -> ConversationId:
        """Let a representative accept the call that is offered to them, and press *Call*."""
        [card] = (await self.house.see.desk(representative)).offers
        conversation = await self.house.act.accept(representative, card.id, card.epoch)
        await self.house.calls.sweep()
        begun = await self.house.calls.dial(representative, conversation)
        assert begun.attempt is not None, begun.refusal
        await ring_worker(self.client, keys.call_jobs(), JOB)
        return conversation

    async def comes_to(self, reservation: ReservationId, state: str) -> None:
        """Return when a reservation has come to a state."""
        await until(lambda: self._is(reservation, state))

    async def _is(self, reservation: ReservationId, state: str) -> bool:
        return await self.house.state(reservation) == state

    async def is_over(self) -> bool:
        """Whether no attempt runs any more."""
        return all(row.outcome is not None for row in await self.house.attempt_rows())

    async def is_quiet(self) -> bool:
        """Whether every ring of the bell was heard, and its round is over."""
        return not await self.client.zcard(keys.call_jobs())

    async def close(self) -> None:
        """Give everything back."""
        await self.client.aclose()
        await self.database.close()


async def until(is_so: Callable[[], Awaitable[bool]], within_s: float = PATIENCE_S) -> float:
    """Return after how many seconds it was so; fails when it takes too long."""
    began = time.monotonic()
    while not await is_so():
        assert time.monotonic() - began < within_s, "it did not come so far"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture
def dialect() -> str:
    """One kind of store: what differs between them is asked elsewhere."""
    return "sqlite"


@pytest.fixture
async def floor(database_address: str, redis_address: str, tmp_path: Path) -> AsyncIterator[Floor]:
    """An open floor."""
    floor = Floor(database_address, redis_address, tmp_path)
    yield floor
    await floor.close()


async def test_from_the_wish_to_the_ticket(
    floor: Floor, database_address: str, redis_address: str, tmp_path: Path
) -> None:
    """The representative's telephone first, then the customer's, a talk, and the customer's BYE is the end that the ticket knows."""
    async with (
        strangers.sipp(tmp_path, strangers.answers()) as rep,
        strangers.sipp(tmp_path, strangers.hangs_up(after=1.2)) as customer,
    ):
        ravi = await floor.representative(rep.port)
        reservation = await floor.books()
        await floor.house.act.match()
        with a_worker(database_address, redis_address, tmp_path, **floor.system(tmp_path, customer.port)):
            conversation = await floor.dials(ravi)
            await floor.comes_to(reservation, "wrap_up")
        assert [await rep.finished(), await customer.finished()] == [0, 0]
        [first], [second] = rep.requests("ACK").values(), customer.requests("INVITE").values()

    [attempt] = await floor.house.attempt_rows()
    assert first < second
    assert (attempt.adapter, attempt.outcome, attempt.sip_code, attempt.ended_by) == (
        "sip",
        "answered",
        200,
        "customer",
    )
    assert 1 <= attempt.talk_s < 3
    await floor.house.act.wrap_up(ravi, conversation, DONE)
    await floor.house.calls.sweep()
    ticket = (await floor.house.reservation(reservation)).ticket_id
    assert await floor.house.state(reservation) == "completed"
    assert (await floor.house.ticket_row(ticket)).state == "solved"
    assert [kind for kind in await floor.house.kinds_of(ticket) if kind.startswith("call")] == ["call_wanted", "called"]


async def test_every_row_of_the_outcome_table_has_its_consequence(floor: Floor, tmp_path: Path) -> None:
    """Each row with a trunk, a representative and a driver of its own, all of them at the same time; voicemail is a button."""
    answers, rings = strangers.answers(), strangers.rings()
    rows: dict[str, tuple[str | None, str | None, tuple[str, bool, str]]] = {
        "customer hangs up": (answers, strangers.hangs_up(), ("answered", False, "wrap_up")),
        "486": (answers, strangers.refuses(486), ("busy", True, "retry_wait")),
        "ring limit": (answers, rings, ("no_answer", True, "retry_wait")),
        "480": (answers, strangers.refuses(480), ("no_answer", True, "retry_wait")),
        "603": (answers, strangers.refuses(603), ("declined", True, "asked")),
        "404": (answers, strangers.refuses(404), ("invalid_number", False, "needs_number")),
        "503": (answers, strangers.refuses(503), ("trunk", False, "retry_wait")),
        "403": (answers, strangers.refuses(403), ("blocked", False, "blocked")),
        "rep 486": (strangers.refuses(486), None, ("rep_busy", False, "due")),
        "no rep": (None, None, ("rep_no_answer", False, "due")),
        "rep leaves": (strangers.hangs_up(after=0.6), rings, ("rep_hung_up", False, "due")),
        "488": (answers, strangers.refuses(488), ("media", False, "due")),
    }
    floor.house.calls.rules = replace(RULES, ring_limit=timedelta(seconds=4))

    async with AsyncExitStack() as stack:
        reps, wishes, trunks = [], [], []
        for n, (rep, customer, _) in enumerate(rows.values()):
            phones = [
                (await stack.enter_async_context(strangers.sipp(tmp_path, each))).port
                if each
                else strangers.free_port()
                for each in (rep, customer)
            ]
            reps.append(await floor.representative(phones[0], f"Representative {n}"))
            wishes.append(await floor.books(n))
            await floor.house.act.match()
            trunks.append(phones[1])
        for representative, trunk in zip(reps, trunks, strict=True):
            await floor.dials(representative)
            path = floor.system(tmp_path, trunk)["HOLDLINE_TELEPHONY_PATH"]
            make = maker_from(Path(path), clock=SystemClock())
            assert make is not None
            dialer = Dialer(floor.house.calls, make)
            stack.push_async_callback(dialer.close)
            await dialer.round()
        await until(floor.is_over)

    found = {}
    for name, wish in zip(rows, wishes, strict=True):
        async with floor.database.read() as connection:
            [attempt] = await store.attempts_of(connection, wish)
        found[name] = (attempt.outcome, attempt.counted, await floor.house.state(wish))
    assert found == {name: row[2] for name, row in rows.items()}


async def test_many_are_rung_at_once(floor: Floor, database_address: str, redis_address: str, tmp_path: Path) -> None:
    began = time.monotonic()
    async with (
        strangers.sipp(tmp_path, strangers.answers(), calls=AT_ONCE, lossy=True) as rep,
        strangers.sipp(tmp_path, strangers.hangs_up(after=1.5), calls=AT_ONCE, lossy=True) as customer,
    ):
        reps = [await floor.representative(rep.port, f"Representative {n}") for n in range(AT_ONCE)]
        wishes = [await floor.books(n) for n in range(AT_ONCE)]
        await floor.house.act.match()
        for each in reps:
            await floor.dials(each)
        with a_worker(database_address, redis_address, tmp_path, **floor.system(tmp_path, customer.port)):
            for wish in wishes:
                await floor.comes_to(wish, "wrap_up")
        codes = [await rep.finished(), await customer.finished()]

    ends = Counter((row.outcome, row.ended_by) for row in await floor.house.attempt_rows())
    print(f"{AT_ONCE} calls at once: {dict(ends)}, {time.monotonic() - began:.0f} s")  # noqa: T201 - the count is its result
    assert ends == {("answered", "customer"): AT_ONCE}
    assert codes == [0, 0]


@pytest.mark.parametrize("stage", ["customer_ringing", "talking"])
async def test_a_killed_process_leaves_nobody_hanging_and_dials_nobody_twice(
    stage: str, floor: Floor, database_address: str, redis_address: str, tmp_path: Path
) -> None:
    """``kill -9`` in mid-call: the next process releases both telephones, and the representative is asked how it went."""
    scenario = strangers.answers() if stage == "talking" else strangers.rings()
    async with (
        # They would take a second call, so that one would be seen.
        strangers.sipp(tmp_path, strangers.answers(), calls=2) as rep,
        strangers.sipp(tmp_path, scenario, calls=2) as customer,
    ):
        ravi = await floor.representative(rep.port)
        reservation = await floor.books()
        await floor.house.act.match()
        settings = floor.system(tmp_path, customer.port)

        async def is_at_stage() -> bool:
            [attempt] = await floor.house.attempt_rows()
            return bool(attempt.stage == stage)

        with a_worker(database_address, redis_address, tmp_path, **settings) as doomed:
            await floor.dials(ravi)
            await until(is_at_stage)
            os.kill(doomed.pid, signal.SIGKILL)
            doomed.wait()
        killed = time.monotonic()
        if DEPTH <= 1:
            async with floor.database.begin() as uow:
                await uow.execute(update(attempts).values(leased_until=uow.now - timedelta(seconds=1)))

        farewell = "BYE" if stage == "talking" else "CANCEL"

        async def are_released() -> bool:
            return bool(rep.requests("BYE") and customer.requests(farewell))

        with a_worker(database_address, redis_address, tmp_path, **settings):
            await until(are_released, RELEASED_WITHIN_S)
            took = time.monotonic() - killed
            await floor.comes_to(reservation, "wrap_up" if stage == "talking" else "unclear")
            # A round later nobody has been dialled again.
            await ring_worker(floor.client, keys.call_jobs(), JOB)
            await until(floor.is_quiet)
        dialled = [len(rep.requests("INVITE")), len(customer.requests("INVITE"))]

    print(f"killed while {stage}: both telephones released after {took:.1f} s")  # noqa: T201 - the time is its result
    [attempt] = await floor.house.attempt_rows()
    assert dialled == [1, 1]
    assert (attempt.outcome, attempt.counted) == (("answered", False) if stage == "talking" else ("unknown", False))
