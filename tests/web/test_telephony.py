"""The door of a telephone system behind a webhook: a whole call over real HTTP in both directions, and what is not believed there."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from callback import store
from callback.bootstrap import believed
from callback.dialer import LEASE, Dialer
from callback.model import ReservationId
from callback.telephony import signing
from callback.telephony.choice import maker_from
from callback.telephony.port import AttemptId, Outcome
from callback.telephony.signing import Secret
from callback.telephony.webhook import HTTPPoster
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.ids import ConversationId
from tests import builders
from tests.callback.telephony.test_webhook import Switchboard, a_switchboard
from tests.web.desk import BASE, Desk

OURS, THEIRS = "whsec_b3VycyBpcyBsb25nIGVub3VnaCBmb3IgdGhpcw==", "whsec_dGhlaXJzIGlzIGxvbmcgZW5vdWdoIGZvciB0aGlz"
DOOR = "/api/telephony"


@pytest.fixture
async def switchboard() -> AsyncIterator[Switchboard]:
    """The other telephone system, which listens."""
    async with a_switchboard() as switchboard:
        yield switchboard


@pytest.fixture
def environment(tmp_path: Path, switchboard: Switchboard) -> dict[str, str]:
    """A desk whose calls go through it."""
    (tmp_path / "ours").write_text(OURS)
    (tmp_path / "theirs").write_text(THEIRS)
    file = tmp_path / "telephony.toml"
    file.write_text(
        f'adapter = "webhook"\n[webhook]\nurl = "{switchboard.url}"\nsecret_file = "ours"\nincoming_file = "theirs"\n'
    )
    return {"HOLDLINE_TELEPHONY_PATH": str(file)}


class Exchange:
    """A customer whom a representative rings through the other system, which answers over the desk's own socket."""

    def __init__(self, desk: Desk, switchboard: Switchboard, clock: ManualClock) -> None:
        self.desk = desk
        self.switchboard = switchboard
        self.clock = clock
        self.calls = desk.app.state.site.calls
        self.dialer = self.opens()
        self.address = ""
        self.ravi: Identity
        self.reservation: ReservationId
        self.conversation: ConversationId
        self.attempt: AttemptId
        self._posted = 0

    def opens(self) -> Dialer:
        """Return what drives the telephone in another process of calls."""
        make = maker_from(self.desk.services.settings.telephony_path, clock=self.clock)
        assert make is not None
        return Dialer(self.calls, make)

    async def dials(self) -> None:
        """Let somebody wait for a call, and a representative press *Call*."""
        services = self.desk.services
        contact, _ = await self.desk.somebody(PersonRole.CONTACT)
        self.ravi = await builders.a_representative(services.database)
        async with services.database.begin() as uow:
            await store.set_telephone(uow, self.ravi.person, "1001")
        await services.conversations.set_desk(self.ravi, "ready")
        self.reservation = await self.calls.reserve(
            contact, line="expense", number="+4930123456", region=None, key="form-0001", slot_at=None, subject="s",
            description="d",
        )  # fmt: skip
        await services.conversations.match()
        [card] = (await services.queries.desk(self.ravi)).offers
        self.conversation = await services.conversations.accept(self.ravi, card.id, card.epoch)
        await self.calls.sweep()
        begun = await self.calls.dial(self.ravi, self.conversation)
        assert begun.attempt is not None
        self.attempt = begun.attempt

    async def posts(
        self,
        status: str,
        *,
        attempt: str | None = None,
        secret: str = THEIRS,
        late: timedelta = timedelta(),
        **data: Any,
    ) -> int:
        """Post what the other system has to say over a real connection, as a program that knows no origin; return the answer's status."""
        self._posted += 1
        said = {"attempt": attempt or self.attempt, "status": status, **data}
        body = json.dumps({"type": "call.status", "data": said}).encode()
        headers = signing.headers_of(f"msg_{self._posted}", self.clock.now() - late, body, Secret.parse(secret))
        return await self.sends(body, headers)

    async def sends(self, body: bytes, headers: dict[str, str]) -> int:
        """Post bytes; return the answer's status."""
        poster = HTTPPoster(10.0)
        try:
            return await poster.post(self.address + DOOR, body, {"host": BASE.removeprefix("http://"), **headers})
        finally:
            await poster.close()

    async def state(self) -> tuple[str, str | None]:
        """Where the reservation is, and how the attempt ended."""
        async with self.desk.services.database.read() as connection:
            reservation = await store.by_id(connection, self.reservation)
            return reservation.state, (await store.attempt(connection, self.attempt)).outcome


@pytest.fixture
async def exchange(desk: Desk, switchboard: Switchboard, clock: ManualClock) -> AsyncIterator[Exchange]:
    """The desk on a socket of its own, and a call that is about to be made."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(desk.app, ws="none", log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    exchange = Exchange(desk, switchboard, clock)
    exchange.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    await exchange.dials()
    yield exchange
    await exchange.dialer.close()
    server.should_exit = True
    await serving


async def test_a_call_goes_out_signed_and_comes_back_in_posts(exchange: Exchange) -> None:
    await exchange.dialer.round()
    [(headers, body)] = exchange.switchboard.posts
    assert signing.verify(headers, body, secrets=[Secret.parse(OURS)], now=exchange.clock.now())
    assert json.loads(body)["data"]["representative"] == "1001"
    assert json.loads(body)["data"]["customer"] == "+4930123456"
    await exchange.dialer.round()
    assert len(exchange.switchboard.posts) == 1

    told = [await exchange.posts(status) for status in ("rep_ringing", "rep_up", "customer_ringing", "talking")]
    assert (told, await exchange.state()) == ([204] * 4, ("talking", None))
    # Late, twice, out of order, and a word that nobody knows.
    late = [await exchange.posts(status) for status in ("rep_up", "talking", "finished")]
    assert (late, await exchange.state()) == ([204] * 3, ("talking", None))
    ends = [await exchange.posts("answered", talk_s=61, ended_by="customer") for _ in range(2)]
    assert (ends, await exchange.state()) == ([204] * 2, ("wrap_up", "answered"))

    assert await exchange.posts("busy") == 204
    assert await exchange.state() == ("wrap_up", "answered")


async def test_what_is_not_genuine_changes_nothing(exchange: Exchange) -> None:
    await exchange.dialer.round()
    body = b'{"type": "call.status", "data": {}}'
    genuine = signing.headers_of("msg_0", exchange.clock.now(), body, Secret.parse(THEIRS))

    refused = {
        "our own secret": await exchange.posts("busy", secret=OURS),
        "kept and played again": await exchange.posts("busy", late=timedelta(minutes=6)),
        "unsigned": await exchange.sends(body, {}),
        "another body": await exchange.sends(body + b" ", genuine),
        "another attempt": await exchange.posts("busy", attempt="at_nobody"),
        "no post": await exchange.sends(body, genuine),
        "too much": await exchange.sends(b" " * 2_000_000, genuine),
    }

    assert refused == {
        "our own secret": 401,
        "kept and played again": 401,
        "unsigned": 401,
        "another body": 401,
        "another attempt": 404,
        "no post": 422,
        "too much": 413,
    }
    assert await exchange.state() == ("dialing", None)


async def test_who_forges_too_many_posts_is_not_read_for_a_while_and_genuine_ones_never_count(
    exchange: Exchange,
) -> None:
    await exchange.dialer.round()
    genuine = [await exchange.posts("rep_ringing") for _ in range(40)]
    forged = [await exchange.posts("busy", secret=OURS) for _ in range(31)]
    refused = await exchange.posts("rep_up")
    exchange.clock.advance(timedelta(minutes=1))

    assert set(genuine) == {204}
    assert forged == [401] * 30 + [429]
    assert refused == 429
    assert await exchange.posts("rep_up") == 204
    assert await exchange.state() == ("dialing", None)


async def test_the_telephone_system_says_nothing_about_calls_that_it_does_not_make(exchange: Exchange) -> None:
    """A call by hand is its representative's alone."""
    await exchange.dialer.round()
    await exchange.posts("busy")
    exchange.calls.adapter = "manual"
    exchange.clock.advance(timedelta(minutes=4))
    await exchange.desk.services.conversations.renew_desks([exchange.ravi.person])
    await exchange.calls.sweep()
    await exchange.desk.services.conversations.match()
    [card] = (await exchange.desk.services.queries.desk(exchange.ravi)).offers
    conversation = await exchange.desk.services.conversations.accept(exchange.ravi, card.id, card.epoch)
    await exchange.calls.sweep()
    by_hand = (await exchange.calls.dial(exchange.ravi, conversation)).attempt

    assert await exchange.posts("busy", attempt=by_hand) == 404
    assert (await exchange.state())[0] == "dialing"


async def test_a_process_that_dies_while_it_asks_leaves_nobody_ringing(exchange: Exchange) -> None:
    """Another one asks to hang up, the representative is asked, nobody is dialled again; what is posted afterwards still counts."""

    class Killed(BaseException):
        """The process is gone before anybody has answered."""

    async def dies(*_: object) -> None:
        raise Killed

    exchange.dialer.telephony.dial = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await exchange.dialer.round()
    successor = exchange.opens()
    await successor.round()
    assert exchange.switchboard.posts == []

    exchange.clock.advance(LEASE)
    await exchange.desk.services.conversations.renew_desks([exchange.ravi.person])
    await successor.round()
    await successor.round()
    await successor.close()

    assert [json.loads(body)["type"] for _, body in exchange.switchboard.posts] == ["call.hang_up"]
    assert await exchange.state() == ("unclear", "unknown")
    assert await exchange.posts("busy") == 204
    assert await exchange.state() == ("retry_wait", "busy")


async def test_an_answer_that_gets_lost_does_not_end_a_call_that_is_under_way(exchange: Exchange) -> None:
    exchange.switchboard.answers = [500]
    await exchange.posts("rep_ringing")

    await exchange.dialer.round()

    assert await exchange.state() == ("dialing", None)


async def test_a_dial_of_which_nothing_is_heard_is_asked_about(exchange: Exchange) -> None:
    await exchange.dialer.round()
    for _ in range(11):
        exchange.clock.advance(timedelta(seconds=29))
        await exchange.desk.services.conversations.renew_desks([exchange.ravi.person])
        await exchange.calls.sweep()

    assert await exchange.state() == ("unclear", Outcome.UNKNOWN)


async def test_only_this_door_asks_for_no_origin(exchange: Exchange) -> None:
    async with httpx2.AsyncClient(base_url=exchange.address, headers={"host": BASE.removeprefix("http://")}) as anybody:
        answers = [
            await anybody.post("/api/v1/session", json={"email": "a@example.test", "password": "p"}),
            await anybody.post(DOOR + "/"),
            await anybody.put(DOOR),
        ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


class TestWithoutAWebhook:
    """A desk whose calls are made by hand."""

    @pytest.fixture
    def environment(self) -> dict[str, str]:
        """No telephone system."""
        return {}

    async def test_there_is_no_such_door(self, desk: Desk) -> None:
        assert believed(desk.services.settings) == ()
        assert (await desk.visitor().post(DOOR)).status_code == 404
