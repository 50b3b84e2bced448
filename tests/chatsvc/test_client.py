"""The client comes back after every cut, says nothing twice, loses nothing, and tells refusals from cut lines."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest

from chatsvc import client as module
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.client import Client, Ended, Refusal, Unknown, jitter
from chatsvc.conversations.views import OfferCard
from chatsvc.hub import codes
from chatsvc.hub.frames import CaughtUp, Entries, Reset, StoredFrame, Welcome
from chatsvc.kernel.errors import Conflict
from tests.chatsvc.hub.cast import ORIGIN, PATIENCE_S, QUICK, STORE, Stage, World, an_entry, an_identity, until
from tests.chatsvc.hub.server import Server, serving

REP = PersonRole.REPRESENTATIVE


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A hub behind a server."""
    async with serving(Stage(World(), rules=replace(QUICK, farewell_s=1, send_s=5, spread_s=0.05))) as server:
        yield server


async def signed_in(server: Server, identity: Identity) -> Client:
    client = Client(server.address, origin=ORIGIN, wait_s=lambda _: 0.01)
    await client.sign_in(server.world.signs_in(identity), "secret")
    return client


def cut(server: Server) -> None:
    """Cut every line, as a network does that says nothing."""
    for connection in tuple(server.stage.hub._connections):
        connection.close(codes.SLOW_READER, flush=False)


async def test_two_sides_talk_see_and_type(server: Server) -> None:
    identity, ravi = an_identity(), an_identity(REP)
    log = server.world.a_log(identity)
    async with await signed_in(server, identity) as claire, await signed_in(server, ravi) as rep:
        hers, his = await claire.open(log), await rep.open(log)

        assert await hers.say("It is blank") == 1
        await his.sees("blank")
        await his.type()
        await his.say("Let me look", epoch=0)
        await hers.sees("look")
        await hers.mark_seen()
        async with asyncio.timeout(PATIENCE_S):
            await until(lambda: his.seen.get(identity.person) == 2 and hers.typing == ravi.name)

        assert hers.texts == his.texts == ["It is blank", "Let me look"]
        assert (hers.gaps, his.gaps) == (0, 0)


async def test_words_said_while_the_line_is_cut_arrive_once_and_in_order(server: Server) -> None:
    identity = an_identity()
    log = server.world.a_log(identity)
    async with await signed_in(server, identity) as claire, await signed_in(server, an_identity(REP)) as rep:
        hers, his = await claire.open(log), await rep.open(log)

        for number in range(1, 21):
            saying = asyncio.create_task(hers.say(f"word {number}"))
            if number % 7 == 0:
                await asyncio.sleep(0)
                cut(server)
            assert await saying == number
        async with asyncio.timeout(PATIENCE_S):
            await his.sees("word 20")

        assert hers.texts == his.texts == [f"word {number}" for number in range(1, 21)]
        assert len(claire.closes) == 2
        assert len(server.world.logs.entries[log]) == 20


async def test_refused_words_raise_the_code(server: Server) -> None:
    identity = an_identity()
    log = server.world.a_log(identity)
    async with await signed_in(server, identity) as claire:
        hers = await claire.open(log)
        await hers.say("once", key="key-00001")

        with pytest.raises(Refusal, match=r"entry\.key_reused"):
            await hers.say("twice", key="key-00001")
        with pytest.raises(Refusal, match=r"message\.empty"):
            await hers.say("")


async def test_words_that_the_store_cannot_take_now_are_said_again(server: Server) -> None:
    identity = an_identity()
    log = server.world.a_log(identity)
    async with await signed_in(server, identity) as claire:
        hers = await claire.open(log)
        server.world.logs.available = False
        saying = asyncio.create_task(hers.say("patience"))
        await until(lambda: claire._tasks and len(claire._tasks) > 1)
        server.world.logs.available = True

        assert await saying == 1


async def test_log_that_does_not_exist_is_a_refusal(server: Server) -> None:
    async with await signed_in(server, an_identity()) as claire:
        with pytest.raises(Refusal, match=r"log\.not_found"):
            await claire.open("lg_abcdefgh")


async def test_desk_wishes_and_pictures(server: Server) -> None:
    ravi = an_identity(REP)
    desk = server.world.a_desk(ravi, "expense")
    async with await signed_in(server, ravi) as rep:
        picture = await rep.desk()
        await rep.ready()
        offer = msgspec.convert(
            {"id": "of_abcd", "epoch": 1, "deadline_at": "2026-03-02T09:00:00Z", "line": "expense", "ticket": "tk_a",
             "number": 1, "subject": "s", "description": "d", "severity": "P3", "customer": "c", "company": "co",
             "admitted_at": "2026-03-02T09:00:00Z"}, OfferCard,
        )  # fmt: skip
        server.world.all_desks[ravi.person] = msgspec.structs.replace(desk, offers=(offer,))
        server.stage.rings(f"desk:{ravi.person}")
        seen = await picture.until(lambda now: bool(now.offers))
        await rep.accept(seen.offers[0])
        server.world.refuse["accept"] = Conflict("offer.taken")
        with pytest.raises(Refusal) as refused:
            await rep.accept(seen.offers[0])
        await rep.decline(offer, "busy")
        await rep.away("lunch")

    assert refused.value.correlation
    assert [asked[0] for asked in server.world.asked if asked[0] in ("set_desk", "accept", "decline")] == [
        "set_desk", "accept", "accept", "decline", "set_desk",
    ]  # fmt: skip


async def test_visit_of_somebody_else_is_a_refusal_and_ones_own_a_picture(server: Server) -> None:
    identity = an_identity()
    own, foreign = server.world.a_visit(identity), server.world.a_visit(an_identity())
    async with await signed_in(server, identity) as claire:
        picture = await claire.visit(own.ticket)
        with pytest.raises(Refusal):
            await claire.visit(foreign.ticket)

    assert picture.now == own


async def test_signed_out_ends_it_for_good(server: Server) -> None:
    identity = an_identity()
    log = server.world.a_log(identity)
    async with await signed_in(server, identity) as claire:
        hers = await claire.open(log)
        server.world.signs_out(identity)
        server.stage.rings(f"person:{identity.person}")

        async with asyncio.timeout(PATIENCE_S):
            await until(lambda: claire._ended)
        with pytest.raises(Ended) as ended:
            await claire.open(log)
        with pytest.raises(Ended):
            await hers.say("anybody?")

    assert ended.value.code == codes.SIGNED_OUT.code


async def test_foreign_origin_ends_it_for_good(server: Server) -> None:
    async with Client(server.address, origin="http://evil.example") as mallory:
        with pytest.raises(Ended) as ended:
            await mallory.connect()

    assert ended.value.code == 403


async def test_wish_whose_answer_was_cut_off_is_unknown(server: Server) -> None:
    ravi = an_identity(REP)
    waiting, go_on = asyncio.Event(), asyncio.Event()
    world = server.world

    async def slow(*_: object) -> None:
        waiting.set()
        await go_on.wait()

    world.set_desk = slow  # type: ignore[method-assign]  # a room that takes its time
    async with await signed_in(server, ravi) as rep:
        await rep.connect()
        wish = asyncio.create_task(rep.ready())
        await waiting.wait()
        cut(server)
        with pytest.raises(Unknown):
            await wish
        go_on.set()


async def test_refused_rest_call_raises_the_published_code(server: Server) -> None:
    async with Client(server.address) as claire:
        with pytest.raises(Refusal) as refused:
            await claire.call("POST", "/api/v1/refuse", {})

    assert (refused.value.code, refused.value.correlation) == ("offer.taken", "abc")


async def test_server_that_is_away_is_unknown() -> None:
    async with Client("http://127.0.0.1:9", wait_s=lambda _: 0.001) as claire:
        with pytest.raises(Unknown):
            await claire.call("POST", "/api/v1/visits", {}, key="key-00001")


# Frames that a well server never sends, and frames that it seldom sends.


@pytest.fixture
def claire() -> Client:
    """A client without a line, which was greeted."""
    client = Client("http://127.0.0.1:9")
    client._take_in(a_greeting(STORE))
    return client


def a_greeting(store: str) -> Welcome:
    return msgspec.convert(
        {"t": "welcome", "person": "pe_a", "name": "C", "role": "contact", "store": store, "beat_s": 25, "at": "2026-03-02T09:00:00Z"},
        Welcome,
    )  # fmt: skip


async def test_gap_opens_the_log_again_from_the_last_number(claire: Client) -> None:
    log = claire.logs["lg_a"] = module.Log(claire, "lg_a")
    claire._take_in(Entries("lg_a", (an_entry(1),)))  # type: ignore[arg-type]

    [opened] = claire._take_in(Entries("lg_a", (an_entry(3),)))  # type: ignore[arg-type]

    assert (opened.after, opened.store) == (1, STORE)  # type: ignore[attr-defined]
    assert (log.last, log.gaps) == (1, 1)
    await claire.close()


async def test_entries_that_come_again_are_taken_once(claire: Client) -> None:
    log = claire.logs["lg_a"] = module.Log(claire, "lg_a")
    for entries in ((1, 2), (1, 2), (2, 3)):
        claire._take_in(Entries("lg_a", tuple(an_entry(number) for number in entries)))  # type: ignore[arg-type]

    assert [entry.number for entry in log.entries] == [1, 2, 3]
    await claire.close()


async def test_heartbeat_ahead_of_the_log_opens_it_again(claire: Client) -> None:
    claire.logs["lg_a"] = module.Log(claire, "lg_a")

    beat, opened = claire._take_in(module.f.ServerBeat({"lg_a": 4, "lg_other": 9}))

    assert isinstance(beat, module.f.ClientBeat)
    assert opened.after == 0  # type: ignore[attr-defined]
    await claire.close()


async def test_reset_and_another_store_begin_anew(claire: Client) -> None:
    log = claire.logs["lg_a"] = module.Log(claire, "lg_a")
    claire._take_in(Entries("lg_a", (an_entry(1),)))  # type: ignore[arg-type]

    [opened] = claire._take_in(Reset(7, "lg_a", STORE))  # type: ignore[arg-type]
    claire._take_in(Entries("lg_a", (an_entry(1),)))  # type: ignore[arg-type]
    [again] = claire._take_in(a_greeting("st_restored"))

    assert (opened.ref, opened.after, again.after, again.store) == (7, 0, 0, None)  # type: ignore[attr-defined]
    assert (log.last, log.resets) == (0, 2)
    await claire.close()


async def test_frames_of_logs_that_are_not_followed_are_passed_over(claire: Client) -> None:
    at = an_entry(1).at
    for frame in (
        Entries("lg_x", (an_entry(1),)), CaughtUp(1, "lg_x", 1, {}), StoredFrame(1, "lg_x", "key-00001", 1, at), Reset(1, "lg_x", STORE),  # type: ignore[arg-type]
    ):  # fmt: skip
        assert claire._take_in(frame) == []
    await claire.close()


@pytest.mark.parametrize(
    ("reason", "hint_s"),
    [("retry_after=1.5", 1.5), ("retry_after=0", 0.0), ("retry_after=9999", 60.0), ("retry_after=soon", None), ("slow_reader", None), ("", None)],
)  # fmt: skip
def test_hint_of_the_server_is_obeyed_within_reason(reason: str, hint_s: float | None) -> None:
    assert module._hint_in(reason) == hint_s


def test_waits_are_spread_and_grow_to_twenty_seconds() -> None:
    waits = [[jitter(attempt) for _ in range(200)] for attempt in range(12)]

    assert max(waits[0]) <= 0.5
    assert 10 < max(waits[11]) <= 20
    assert min(waits[11]) < 5
