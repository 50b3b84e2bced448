"""The door of the hub, behind a real server: who is let in, with which code others are turned away, and what a restart says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Origin

from chatsvc.accounts.model import Identity
from chatsvc.hub import codes
from chatsvc.hub.frames import CaughtUp, Entries, RefusedFrame, ServerFrame, Welcome
from chatsvc.kernel.errors import Unavailable
from tests.chatsvc.hub.cast import ORIGIN, PATIENCE_S, QUICK, Stage, World, an_identity, until
from tests.chatsvc.hub.server import ASGI, DIRECT, Server, serving

frames = msgspec.json.Decoder(ServerFrame)
A_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture(params=[ASGI, DIRECT], ids=["asgi", "direct"])
async def server(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A hub behind a server, driven in either way."""
    async with serving(
        Stage(world, rules=replace(QUICK, most_per_person=2, farewell_s=1, send_s=2)), ws=request.param
    ) as server:
        yield server


def knocks(server: Server, token: str | None, *, origin: str | None = ORIGIN) -> connect:
    """Knock at the door, with this session and from this page."""
    headers = {"Cookie": f"holdline_session={token}"} if token is not None else {}
    return connect(
        server.socket_address, origin=Origin(origin) if origin is not None else None, additional_headers=headers,
        compression=None, proxy=None, close_timeout=1,
    )  # fmt: skip


async def closed_with(line: ClientConnection) -> tuple[int, str]:
    """Read to the end; return close code and reason."""
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionClosed) as cut:
            while True:
                await line.recv()
    assert cut.value.rcvd is not None
    return cut.value.rcvd.code, cut.value.rcvd.reason


async def test_signed_in_person_is_greeted(server: Server, world: World) -> None:
    claire = an_identity()

    async with knocks(server, world.signs_in(claire)) as line:
        welcome = frames.decode(await line.recv())

    assert isinstance(welcome, Welcome)
    assert (welcome.person, welcome.name, welcome.role) == (claire.person, "Claire", "contact")


@pytest.mark.parametrize(
    "origin",
    [
        None, "null", "", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:8001", "https://127.0.0.1:8000",
        "http://127.0.0.1:8000.evil.example", "http://evil.example/http://127.0.0.1:8000", "http://127.0.0.1:8000/",
        "HTTP://127.0.0.1:8000", "http://127.0.0.1:08000", "http://127.0.0.1:8000@evil.example", "http://localhost:8000",
        "http://[::1]:8000", "ws://127.0.0.1:8000", "file://", "chrome-extension://abcdef", "http://127.1:8000",
        "http://2130706433:8000", "http://0x7f.1:8000", "http://127.0.0.1:8000, http://evil.example", "*", "http://*",
        "http://a.127.0.0.1:8000", "http://127.0.0.1:8000#", "http://127.0.0.1:8000?", "127.0.0.1:8000", "//127.0.0.1:8000",
        "javascript:alert(1)",
    ],
)  # fmt: skip
async def test_page_of_somebody_else_is_refused_before_the_handshake(
    server: Server, world: World, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with knocks(server, world.signs_in(an_identity()), origin=origin):
            pass

    assert refused.value.response.status_code == 403
    assert world.asks("identify") == []


@pytest.mark.parametrize("token", [None, "", "guessed", "x" * 4_000])
async def test_stranger_learns_by_code_that_nobody_is_signed_in(server: Server, token: str | None) -> None:
    async with knocks(server, token) as line:
        assert await closed_with(line) == (codes.SIGNED_OUT.code, "signed_out")


async def test_store_that_cannot_tell_who_it_is_asks_to_come_again(server: Server, world: World) -> None:
    token = world.signs_in(an_identity())
    world.refuse["identify"] = Unavailable("store.unavailable")

    async with knocks(server, token) as line:
        code, reason = await closed_with(line)

    assert code == codes.TRY_LATER.code
    assert reason.startswith("retry_after=")


async def test_one_person_has_so_many_sockets_and_no_more(server: Server, world: World) -> None:
    token = world.signs_in(an_identity())

    async with knocks(server, token) as one, knocks(server, token) as two:
        await asyncio.gather(one.recv(), two.recv())
        async with knocks(server, token) as three:
            code, _ = await closed_with(three)
        async with knocks(server, world.signs_in(an_identity())) as other:
            assert isinstance(frames.decode(await other.recv()), Welcome)

    assert code == codes.TRY_LATER.code


async def test_binary_and_large_frames_end_in_a_close_code(server: Server, world: World) -> None:
    token = world.signs_in(an_identity())

    async with knocks(server, token) as line:
        await line.recv()
        await line.send(b"\x00\x01")
        answer = frames.decode(await line.recv())
        binary, _ = await closed_with(line)
    async with knocks(server, token) as line:
        await line.send("x" * 70_000)
        large, _ = await closed_with(line)

    assert isinstance(answer, RefusedFrame)
    assert (binary, large) == (codes.BAD_FRAME.code, 1009)


async def test_frame_that_is_too_large_has_one_code_whether_it_comes_whole_or_in_pieces(
    server: Server, world: World
) -> None:
    too_large = Frame(Opcode.TEXT, b"x" * 70_000).serialize(mask=True)
    codes_seen = set()
    for piece in (len(too_large), 1_000):
        async with knocks(server, world.signs_in(an_identity())) as line:
            await line.recv()
            for start in range(0, len(too_large), piece):
                server.receives(too_large[start : start + piece])
            codes_seen.add((await closed_with(line))[0])

    assert codes_seen == {1009}


async def test_text_that_is_no_text_closes_the_socket(server: Server, world: World) -> None:
    async with knocks(server, world.signs_in(an_identity())) as line:
        await line.recv()
        await line.send(b'{"t":"beat\xff"}', text=True)

        assert (await closed_with(line))[0] == 1007


async def test_message_in_pieces_is_one_message(server: Server, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    async with knocks(server, world.signs_in(claire)) as line:
        await line.recv()
        await line.send(['{"t":"open","ref":5,', f'"log":"{log}",', '"after":0}'])
        mark = frames.decode(await line.recv())

    assert isinstance(mark, CaughtUp)
    assert mark.ref == 5


@pytest.mark.parametrize("size", [10, 125, 126, 3_000, 65_535, 65_536, 200_000])
async def test_frames_of_any_size_arrive_whole(server: Server, world: World, size: int) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    world.logs.add(log, "x" * size, quietly=True)
    async with knocks(server, world.signs_in(claire)) as line:
        await line.recv()
        await line.send(f'{{"t":"open","ref":5,"log":"{log}","after":0}}')
        entries = frames.decode(await line.recv())

    assert isinstance(entries, Entries)
    assert len(bytes(entries.entries[0].body)) > size


@pytest.mark.parametrize("at_once", [1, 3, 7, 1_000_000])
async def test_frames_arrive_whole_however_the_network_cuts_them(server: Server, world: World, at_once: int) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    texts = ["short", "p" * 130, "", "ping", "long " * 200, "pieces", "last"]

    async with knocks(server, world.signs_in(claire)) as line:
        await line.recv()
        opening = Frame(Opcode.TEXT, msgspec.json.encode({"t": "open", "ref": 1, "log": log, "after": 0}))
        sent = opening.serialize(mask=True)
        for number, text in enumerate(filter(None, texts)):
            said = {
                "t": "append",
                "ref": 10 + number,
                "log": log,
                "key": f"key-{number:05}",
                "kind": "message",
                "text": text,
            }
            raw = msgspec.json.encode(said)
            if text == "pieces":
                sent += Frame(Opcode.TEXT, raw[:20], fin=False).serialize(mask=True)
                sent += Frame(Opcode.PING, b"between").serialize(mask=True)
                sent += Frame(Opcode.CONT, raw[20:]).serialize(mask=True)
            else:
                sent += Frame(Opcode.TEXT, raw).serialize(mask=True)
        for begin in range(0, len(sent), at_once):
            line.transport.write(sent[begin : begin + at_once])
            await asyncio.sleep(0)
        numbers: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(numbers) < 6:
                frame = frames.decode(await line.recv())
                numbers += [entry.number for entry in frame.entries] if isinstance(frame, Entries) else []

    assert numbers == [1, 2, 3, 4, 5, 6]
    said = [msgspec.json.decode(bytes(entry.body))["text"] for entry in world.logs.entries[log]]
    assert said == [text.strip() for text in texts if text]


async def test_deflate_bomb_finds_no_deflate(server: Server, world: World) -> None:
    token = world.signs_in(an_identity())
    headers = {"Cookie": f"holdline_session={token}"}

    async with connect(
        server.socket_address, origin=Origin(ORIGIN), additional_headers=headers, compression="deflate", proxy=None
    ) as line:
        await line.recv()

        assert line.protocol.extensions == []


async def test_restart_says_when_to_come_back(server: Server, world: World) -> None:
    async with knocks(server, world.signs_in(an_identity())) as line:
        await line.recv()
        await server.stage.hub.drain()
        code, reason = await closed_with(line)
    async with knocks(server, world.signs_in(an_identity())) as late:
        late_code, _ = await closed_with(late)

    assert code == late_code == codes.RESTART.code
    assert 0 <= float(reason.removeprefix("retry_after=")) <= 5


async def test_dead_reader_is_closed_and_others_are_not_slowed(server: Server, world: World) -> None:
    claire = an_identity()
    log = world.a_log(claire)
    token = world.signs_in(claire)

    async with knocks(server, token) as dead, knocks(server, token) as alive:
        for line in (dead, alive):
            await line.recv()
            await line.send(msgspec.json.encode({"t": "open", "ref": 1, "log": log, "after": 0}).decode())
            await line.recv()
        dead.transport.pause_reading()
        got = 0
        for _ in range(2_000):
            world.logs.add(log, "x" * 7_000)
            frame = frames.decode(await alive.recv())
            got += len(frame.entries) if isinstance(frame, Entries) else 0
            if server.stage.hub.connections == 1:
                break
        await until(lambda: server.stage.hub.connections == 1)
        assert got > 10
        if server.ws == DIRECT:
            # Not only forgotten but cut off: sockets of those who never read cannot pile up.
            await until(lambda: server.sockets == 1)
        dead.transport.abort()


async def test_revoked_session_s_socket_closes_within_a_second(server: Server, world: World) -> None:
    claire: Identity = an_identity()

    async with knocks(server, world.signs_in(claire)) as line:
        await line.recv()
        world.signs_out(claire)
        server.stage.rings(f"person:{claire.person}")
        async with asyncio.timeout(1):
            code, _ = await closed_with(line)

    assert code == codes.SIGNED_OUT.code


@pytest.mark.parametrize("ws", [ASGI, DIRECT], ids=["asgi", "direct"])
async def test_reader_who_stops_is_closed_at_the_deadline_long_before_the_queue_is_full(world: World, ws: str) -> None:
    rules = replace(QUICK, customer_queue_bytes=100_000_000, send_s=0.3, farewell_s=0.1)
    async with serving(Stage(world, rules=rules), ws=ws) as server:
        claire = an_identity()
        log = world.a_log(claire)
        async with knocks(server, world.signs_in(claire)) as line:
            await line.recv()
            await line.send(f'{{"t":"open","ref":5,"log":"{log}","after":0}}')
            await line.recv()
            line.transport.pause_reading()
            for _ in range(60):
                world.logs.add(log, "x" * 200_000)
                await asyncio.sleep(0)

            await until(lambda: server.stage.hub.connections == 0)
            line.transport.abort()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", f"Sec-WebSocket-Key: {A_KEY}\r\nSec-WebSocket-Version: 13\r\n", 405),
        ("GET", "Sec-WebSocket-Version: 13\r\n", 400),
        ("GET", "Sec-WebSocket-Key: too short\r\nSec-WebSocket-Version: 13\r\n", 400),
        ("GET", f"Sec-WebSocket-Key: {A_KEY[:-4]}\r\nSec-WebSocket-Version: 13\r\n", 400),
        ("GET", f"Sec-WebSocket-Key: {A_KEY}\r\nSec-WebSocket-Key: {A_KEY}\r\nSec-WebSocket-Version: 13\r\n", 400),
        ("GET", f"Sec-WebSocket-Key: {A_KEY}\r\n", 400),
        ("GET", f"Sec-WebSocket-Key: {A_KEY}\r\nSec-WebSocket-Version: 8\r\n", 400),
    ],
    ids=["method", "no key", "no base64", "short key", "two keys", "no version", "old version"],
)
async def test_request_that_is_no_handshake_is_refused(
    server: Server, world: World, method: str, headers: str, status: int
) -> None:
    cookie = f"Cookie: holdline_session={world.signs_in(an_identity())}\r\n"
    upgrade = f"Host: 127.0.0.1\r\nOrigin: {ORIGIN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"

    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"{method} /ws HTTP/1.1\r\n{upgrade}{headers}{cookie}\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert server.stage.hub.connections == 0
