"""A hostile client ends its own connection only: no text of an exception leaves the process, and others go on talking (T21 to T23, R18)."""

import asyncio
import re
import signal
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatsvc.client import Log, Refusal
from chatsvc.hub import codes
from tests.builders import a_contact
from tests.faults.campaign import Campaign, a_campaign
from tests.faults.hostile import BINARY, PING, TEXT, Hostile, frame, handshake, hang_up
from tests.people import a_session
from tests.system import System

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("faults"),
    pytest.mark.parametrize("dialect", ["sqlite"]),
]

# What an exception's text, a path of ours or a library's name would look like.
INSIDES = re.compile(rb"Traceback|Exception|\w+Error\b|\.py\b|msgspec|sqlalchemy|uvicorn", re.IGNORECASE)
DEEP = b'{"t":"open","ref":1,"log":' + b"[" * 30_000 + b"]" * 30_000 + b"}"

# What is sent -> the code with which the connection ends.
ENDS = {
    "not JSON": (frame(TEXT, b"hello"), codes.BAD_FRAME.code),
    "not an object, again and again": (frame(TEXT, b"[1, 2, 3]") * 30, codes.BAD_FRAME.code),
    "a kind that nobody knows, again and again": (frame(TEXT, b'{"t":"fire"}') * 30, codes.BAD_FRAME.code),
    "a field too many, again and again": (frame(TEXT, b'{"t":"beat","x":1}') * 30, codes.BAD_FRAME.code),
    "a text for a number, again and again": (
        frame(TEXT, b'{"t":"open","ref":"1","log":"lg_1","after":0}') * 30,
        codes.BAD_FRAME.code,
    ),
    "nested thirty thousand deep": (frame(TEXT, DEEP) * 30, codes.BAD_FRAME.code),
    "binary": (frame(BINARY, b'{"t":"beat"}'), codes.BAD_FRAME.code),
    "text that is not UTF-8": (frame(TEXT, b'{"t":"\xff\xfe"}'), 1007),
    "larger than a frame may be": (frame(TEXT, b"x" * 70_000), 1009),
    "larger in pieces": (
        frame(TEXT, b"x" * 40_000, final=False) + frame(0x0, b"x" * 40_000, final=False),
        1009,
    ),
    "compressed without having agreed on it": (
        frame(TEXT, zlib.compress(b"0" * 10_000_000), reserved=0x40),
        1002,
    ),
    "unmasked": (frame(TEXT, b'{"t":"beat"}', masked=False), 1002),
    "an opcode that nobody knows": (frame(0x5, b"x"), 1002),
    "a ping in pieces": (frame(PING, b"x", final=False), 1002),
    "a piece of nothing": (frame(0x0, b"x"), 1002),
}


@pytest.fixture
def system(database_address: str, tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path, database_address, hubs=2, settings={"HOLDLINE_HEARTBEAT_SECONDS": "5"})
    try:
        system.start()
        yield system
    finally:
        system.stop()


@pytest.fixture
async def campaign(system: System) -> AsyncIterator[Campaign]:
    async with a_campaign(system, seed=20260303) as campaign:
        await campaign.fill(reps=1, talks=2)
        yield campaign


async def keep_talking(log: Log, over: asyncio.Event) -> int:
    """Say something again and again; each word must be acknowledged within the time that a reader calls an answer."""
    said = 0
    while not over.is_set():
        async with asyncio.timeout(5):
            await log.say(f"still here {said}")
        said += 1
    return said


async def test_hostile_clients_end_their_own_connection_and_nothing_else(campaign: Campaign, system: System) -> None:
    address = system.address(0)
    mallory = await a_contact(campaign.database, name="Mallory")
    token = await a_session(campaign.database, mallory)
    over = asyncio.Event()
    talking = [asyncio.create_task(keep_talking(talk.customer_log, over)) for talk in campaign.talks]
    seen = b""

    for name, (attack, code) in ENDS.items():
        async with asyncio.timeout(20), Hostile(address, token) as hostile:
            await hostile.send(attack)
            assert await hostile.until_closed() == code, name
            seen += hostile.received

    # An extension that was offered is not taken, so a bomb stays the bytes it is.
    async with Hostile(address, token, more="Sec-WebSocket-Extensions: permessage-deflate\r\n") as hostile:
        assert b"permessage-deflate" not in hostile.received
        seen += hostile.received

    # A flood is closed.
    async with asyncio.timeout(20), Hostile(address, token) as hostile:
        await hostile.send(frame(TEXT, b'{"t":"beat"}') * 2_000)
        assert await hostile.until_closed() == codes.TOO_FAST.code
        seen += hostile.received

    # Half a request line, half a request, and nothing at all, two hundred at a time.
    async with AsyncExitStack() as stack:
        whole = handshake(address, token=token)
        for number in range(200):
            _, writer = await asyncio.open_connection("127.0.0.1", system.ports[0])
            stack.push_async_callback(hang_up, writer)
            writer.write(whole[: (0, 7, len(whole) - 2)[number % 3]])
        for talk in campaign.talks:
            async with asyncio.timeout(10):
                await talk.rep_log.say("among two hundred half sentences", epoch=talk.epoch)

    over.set()
    assert all(said > 0 for said in await asyncio.gather(*talking))
    truth = await campaign.truth()
    assert all([entry.number for entry in log] == list(range(1, len(log) + 1)) for log in truth.values())
    assert not INSIDES.search(seen), INSIDES.search(seen)
    assert "Traceback" not in system.logs()


async def test_line_that_is_dead_without_saying_so_is_found(campaign: Campaign) -> None:
    """R6: within two heartbeats, here of five seconds; then what was said meanwhile goes through, once."""
    talk = campaign.talks[0]
    line = campaign.customers_line
    dead = set(line.lines)
    line.is_black_hole = True
    waiting = asyncio.create_task(talk.customer_log.say("into the hole"))

    async with asyncio.timeout(3 * 5):
        while dead & line.lines:  # noqa: ASYNC110 - lines end in the proxy's own tasks; a look now and then is simpler than an event
            await asyncio.sleep(0.05)
    line.is_black_hole = False
    line.cut_all()

    async with asyncio.timeout(20):
        number = await waiting
        await talk.rep_log.until(lambda entry: entry.number >= number)
    assert talk.rep_log.texts.count("into the hole") == 1


async def test_frozen_hub_stores_nothing_for_a_conversation_that_went_elsewhere(
    database_address: str, tmp_path: Path
) -> None:
    """R9: what waits in a hub that stands still for longer than its leases is refused when it wakes up."""
    settings = {"HOLDLINE_PRESENCE_LEASE_SECONDS": "3", "HOLDLINE_REPRESENTATIVE_GRACE_SECONDS": "3"}
    system = System(tmp_path, database_address, hubs=2, settings=settings)
    system.start()
    try:
        async with a_campaign(system, seed=20260304) as campaign:
            await campaign.fill(reps=1, talks=1)
            talk = campaign.talks[0]
            system.webs[1].send(signal.SIGSTOP)
            stale = asyncio.create_task(talk.rep_log.say("too late", epoch=talk.epoch))
            _, colleague = await campaign.representative(hub=0)
            assert colleague.desk_picture is not None
            async with asyncio.timeout(60):
                desk = await colleague.desk_picture.until(lambda desk: bool(desk.conversations))
            assert desk.conversations[0].epoch > talk.epoch
            system.webs[1].send(signal.SIGCONT)

            with pytest.raises(Refusal):
                await stale
            [entries] = (await campaign.truth()).values()
            assert not any(b"too late" in bytes(entry.body) for entry in entries)
    finally:
        system.stop()
