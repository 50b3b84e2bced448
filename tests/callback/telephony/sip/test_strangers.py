"""Against telephones and a trunk that others wrote: SIPp on both legs, Kamailio in between, real sockets, real time."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from callback.telephony.port import AttemptId, Call, Ended, EndedBy, Outcome
from callback.telephony.sip.adapter import SIPTelephony
from callback.telephony.sip.digest import Login
from callback.telephony.sip.endpoint import Timers
from callback.telephony.sip.message import uri_of
from callback.telephony.sip.rules import SIPRules
from callback.telephony.sip.transport import Bind, Place, Transport, UDPTransport
from chatsvc.kernel.clock import SystemClock
from tests.callback.telephony.notebook import Notebook
from tests.callback.telephony.sip import strangers

ROOT: Final = Path(__file__).parents[4]
TALKED: Final = (Outcome.ANSWERED, 200)


def a_call(number: int, rep_port: int, **changes: Any) -> Call:
    given = {
        "attempt": AttemptId(f"ca_{number}"),
        "representative": f"sip:anna@127.0.0.1:{rep_port}",
        "customer": "+4930123456",
        "ring_limit": timedelta(seconds=5),
        **changes,
    }
    return Call(**given)


@asynccontextmanager
async def telephony(
    trunk_port: int, notebook: Notebook, *, transport: Transport | None = None, kind: str = "udp", **changes: Any
) -> AsyncIterator[SIPTelephony]:
    given: dict[str, Any] = {
        "trunk": uri_of(f"sip:127.0.0.1:{trunk_port}"),
        "caller_id": "4989100",
        "bind": Bind(kind, port=0),
        "representative_sign": timedelta(seconds=1.5),
        "trunk_sign": timedelta(seconds=1.5),
        # SIPp gives a call up when it is asked the same a third time, so nothing is repeated sooner than the protocol says.
        "timers": Timers(),
        **changes,
    }
    adapter = SIPTelephony(SIPRules(**given), ledger=notebook, clock=SystemClock(), transport=transport)
    await adapter.open()
    try:
        yield adapter
    finally:
        await adapter.close()


async def one_call(
    folder: Path, rep: str | None, customer: str | None, *, kind: str = "udp", **call: Any
) -> tuple[Ended, list[int]]:
    """How one call between two scenarios ended, and SIPp's exit codes; None: there is no such telephone.

    Over datagrams a message that is repeated, because this machine was busy for a moment, ends nothing.
    """
    is_tcp = kind == "tcp"
    notebook = Notebook()
    async with AsyncExitStack() as stack:
        phones = [
            await stack.enter_async_context(strangers.sipp(folder, scenario, tcp=is_tcp, lossy=not is_tcp))
            if scenario
            else None
            for scenario in (rep, customer)
        ]
        ports = [phone.port if phone is not None else strangers.free_port() for phone in phones]
        async with telephony(ports[1], notebook, kind=kind) as adapter:
            await adapter.dial(a_call(1, ports[0], **call))
            ended = await asyncio.wait_for(notebook.ended(AttemptId("ca_1")), 20)
            codes = [await phone.finished() for phone in phones if phone is not None]
    return ended, codes


async def test_every_row_of_the_outcome_table(tmp_path: Path) -> None:
    """Voicemail is a button and ``unknown`` a dead process; every other row is here, all of them at the same time."""
    short, talk = {"ring_limit": timedelta(seconds=1)}, {"max_length": timedelta(seconds=0.5)}
    answers, hangs_up = strangers.answers(), strangers.hangs_up()
    bridged, rings = strangers.is_bridged_and_hangs_up(), strangers.rings()
    busy, by_trunk = EndedBy.CUSTOMER, EndedBy.TRUNK
    representative, holdline = EndedBy.REPRESENTATIVE, EndedBy.HOLDLINE
    rows: dict[str, tuple[str | None, str | None, dict[str, Any], tuple[Outcome, int | None, EndedBy]]] = {
        "customer hangs up": (answers, hangs_up, {}, (*TALKED, EndedBy.CUSTOMER)),
        "representative hangs up": (bridged, answers, {}, (*TALKED, representative)),
        "the longest talk": (answers, answers, talk, (*TALKED, holdline)),
        "crossed": (answers, strangers.crosses(), short, (*TALKED, EndedBy.CUSTOMER)),
        "486": (answers, strangers.refuses(486), {}, (Outcome.BUSY, 486, busy)),
        "600": (answers, strangers.refuses(600), {}, (Outcome.BUSY, 600, busy)),
        "ring limit": (answers, rings, short, (Outcome.NO_ANSWER, 487, holdline)),
        "480": (answers, strangers.refuses(480), {}, (Outcome.NO_ANSWER, 480, by_trunk)),
        "408": (answers, strangers.refuses(408), {}, (Outcome.NO_ANSWER, 408, by_trunk)),
        "603": (answers, strangers.refuses(603), {}, (Outcome.DECLINED, 603, busy)),
        "404": (answers, strangers.refuses(404), {}, (Outcome.INVALID_NUMBER, 404, by_trunk)),
        "484": (answers, strangers.refuses(484), {}, (Outcome.INVALID_NUMBER, 484, by_trunk)),
        "604": (answers, strangers.refuses(604), {}, (Outcome.INVALID_NUMBER, 604, by_trunk)),
        "410": (answers, strangers.refuses(410), {}, (Outcome.INVALID_NUMBER, 410, by_trunk)),
        "503": (answers, strangers.refuses(503), {}, (Outcome.TRUNK, 503, by_trunk)),
        "500": (answers, strangers.refuses(500), {}, (Outcome.TRUNK, 500, by_trunk)),
        "no trunk": (answers, None, {}, (Outcome.TRUNK, None, by_trunk)),
        "403": (answers, strangers.refuses(403), {}, (Outcome.BLOCKED, 403, by_trunk)),
        "rep 486": (strangers.refuses(486), None, {}, (Outcome.REP_BUSY, 486, representative)),
        "rep rings on": (rings, None, short, (Outcome.REP_NO_ANSWER, 487, representative)),
        "no rep": (None, None, {}, (Outcome.REP_NO_ANSWER, None, representative)),
        "rep leaves": (strangers.hangs_up(after=0.6), rings, {}, (Outcome.REP_HUNG_UP, 487, representative)),
        "488": (answers, strangers.refuses(488), {}, (Outcome.MEDIA, 488, by_trunk)),
        "no bridge": (strangers.refuses_the_bridge(), answers, {}, (Outcome.MEDIA, 488, representative)),
    }

    done = await asyncio.gather(
        *(one_call(tmp_path, rep, customer, **call) for rep, customer, call, _ in rows.values())
    )

    found = {
        name: (ended.outcome, ended.facts.sip_code, ended.facts.ended_by)
        for name, (ended, _) in zip(rows, done, strict=True)
    }
    assert found == {name: row[3] for name, row in rows.items()}
    assert {name: codes for name, (_, codes) in zip(rows, done, strict=True) if any(codes)} == {}


async def test_a_call_over_tcp(tmp_path: Path) -> None:
    ended, codes = await one_call(tmp_path, strangers.answers(), strangers.hangs_up(), kind="tcp")

    assert (ended.outcome, ended.facts.ended_by, codes) == (Outcome.ANSWERED, EndedBy.CUSTOMER, [0, 0])
    assert ended.facts.talk_s is not None
    assert 0.3 < ended.facts.talk_s < 2


async def test_fifty_calls_at_once(tmp_path: Path) -> None:
    notebook = Notebook()
    async with (
        strangers.sipp(tmp_path, strangers.answers(), calls=50, lossy=True) as rep,
        strangers.sipp(tmp_path, strangers.hangs_up(after=1.5), calls=50, lossy=True) as customer,
        telephony(
            customer.port, notebook, representative_sign=timedelta(seconds=6), trunk_sign=timedelta(seconds=6)
        ) as adapter,
    ):
        for number in range(50):
            await adapter.dial(a_call(number, rep.port, ring_limit=timedelta(seconds=15)))
        ends = [await asyncio.wait_for(notebook.ended(AttemptId(f"ca_{number}")), 40) for number in range(50)]
        codes = [await rep.finished(), await customer.finished()]

    assert [(each.outcome, each.facts.ended_by) for each in ends] == [(Outcome.ANSWERED, EndedBy.CUSTOMER)] * 50
    assert codes == [0, 0]


@pytest.mark.faults
@pytest.mark.parametrize("stage", ["customer_ringing", "talking"])
async def test_a_killed_process_leaves_nobody_hanging(stage: str, tmp_path: Path) -> None:
    """``kill -9`` in mid-call; another process, at the same place, releases both legs from what was stored, and dials nobody."""
    customer_scenario = strangers.answers() if stage == "talking" else strangers.rings()
    async with (
        strangers.sipp(tmp_path, strangers.answers()) as rep,
        strangers.sipp(tmp_path, customer_scenario) as customer,
    ):
        port, trace = strangers.free_port(), tmp_path / "trace.json"
        arguments = (
            "-m",
            "tests.callback.telephony.sip.doomed",
            str(port),
            str(rep.port),
            str(customer.port),
            str(trace),
        )
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while (line := await process.stdout.readline()).decode().strip() != stage:
                assert line, "it ended before it came so far"
        process.kill()
        await process.wait()

        begun = asyncio.get_running_loop().time()
        async with telephony(customer.port, Notebook(), bind=Bind("udp", port=port)) as successor:
            ended = await successor.recover(AttemptId("ca_1"), trace.read_text())
            codes = [await rep.finished(), await customer.finished()]
        took = asyncio.get_running_loop().time() - begun

    assert (ended.outcome, codes) == (Outcome.UNKNOWN, [0, 0])
    assert took < 10


class LossyTransport(UDPTransport):
    """A socket that loses a share of what goes out and of what comes in."""

    def __init__(self, bind: Bind, *, loss: float, seed: int) -> None:
        super().__init__(bind)
        self.lost = 0
        self._loss = loss
        self._chance = random.Random(seed)

    def _loses(self) -> bool:
        is_lost = self._chance.random() < self._loss
        self.lost += is_lost
        return is_lost

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self._loses():
            super().datagram_received(data, addr)

    async def send(self, data: bytes, to: Place) -> None:
        if not self._loses():
            await super().send(data, to)


async def test_thirty_of_thirty_with_a_tenth_of_all_packets_lost(tmp_path: Path) -> None:
    notebook = Notebook()
    transport = LossyTransport(Bind(port=0), loss=0.10, seed=20)
    async with (
        strangers.sipp(tmp_path, strangers.answers(), calls=30, lossy=True) as rep,
        strangers.sipp(tmp_path, strangers.hangs_up(after=1.0), calls=30, lossy=True) as customer,
        telephony(
            customer.port,
            notebook,
            transport=transport,
            timers=Timers(t1=0.1),
            representative_sign=timedelta(seconds=7),
            trunk_sign=timedelta(seconds=7),
        ) as adapter,
    ):
        for number in range(30):
            await adapter.dial(a_call(number, rep.port, ring_limit=timedelta(seconds=15)))
        ends = [await asyncio.wait_for(notebook.ended(AttemptId(f"ca_{number}")), 40) for number in range(30)]

    assert transport.lost > 30
    assert [(each.outcome, each.facts) for each in ends if each.outcome is not Outcome.ANSWERED] == []


async def test_a_trunk_that_asks_for_a_login(tmp_path: Path) -> None:
    """Kamailio wants a digest with qop, stays on the way of every request (Record-Route), and knows which numbers exist."""

    async def outcome(password: str, number: str) -> tuple[Outcome, int | None, EndedBy | None, float | None]:
        notebook = Notebook()
        async with (
            strangers.sipp(tmp_path, strangers.answers()) as rep,
            telephony(trunk, notebook, login=Login("holdline", password)) as adapter,
        ):
            await adapter.dial(a_call(1, rep.port, customer=number))
            ended = await asyncio.wait_for(notebook.ended(AttemptId("ca_1")), 20)
            assert await rep.finished() == 0
        return ended.outcome, ended.facts.sip_code, ended.facts.ended_by, ended.facts.talk_s

    async with (
        strangers.sipp(tmp_path, strangers.hangs_up()) as customer,
        strangers.kamailio(tmp_path, customer.port) as trunk,
    ):
        talked = await outcome("secret", "+4930123456")
        unknown = await outcome("secret", "+999123456")
        wrong = await outcome("guess", "+4930123456")
        assert await customer.finished() == 0

    assert talked[:3] == (Outcome.ANSWERED, 200, EndedBy.CUSTOMER)
    assert unknown[:2] == (Outcome.INVALID_NUMBER, 404)
    assert wrong[:2] == (Outcome.TRUNK, 407)


async def test_holdline_ends_a_talk_through_the_trunk_without_delay(tmp_path: Path) -> None:
    notebook = Notebook()
    async with (
        strangers.sipp(tmp_path, strangers.answers()) as customer,
        strangers.kamailio(tmp_path, customer.port) as trunk,
        strangers.sipp(tmp_path, strangers.answers()) as rep,
        telephony(trunk, notebook, login=Login("holdline", "secret")) as adapter,
    ):
        await adapter.dial(a_call(1, rep.port))
        await asyncio.wait_for(notebook.comes_to("talking"), 20)
        begun = asyncio.get_running_loop().time()
        await adapter.hang_up(AttemptId("ca_1"))
        ended = await asyncio.wait_for(notebook.ended(AttemptId("ca_1")), 20)
        codes = [await rep.finished(), await customer.finished()]
        took = asyncio.get_running_loop().time() - begun

    assert (ended.outcome, ended.facts.ended_by, codes) == (Outcome.ANSWERED, EndedBy.HOLDLINE, [0, 0])
    assert took < 3
