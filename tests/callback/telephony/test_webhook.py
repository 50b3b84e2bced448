"""Another telephone system over signed posts: what it is asked, and what is believed of what it says."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.telephony import signing
from callback.telephony.port import AllLinesBusy, AlreadyDialled, AttemptId, Call, Ended, EndedBy, Event, Outcome, Stage
from callback.telephony.signing import Forged, Secret
from callback.telephony.webhook import Webhook, WebhookRules, event_in, received
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Invalid
from tests.callback.telephony.notebook import Notebook

OURS = Secret(b"what goes out is signed with this")
THEIRS = Secret(b"what comes in is signed with this")
FORMER = Secret(b"what was used before the last change")
ATTEMPT = AttemptId("ca_1")
CALL = Call(attempt=ATTEMPT, representative="1001", customer="+4930123456")


class Switchboard:
    """A telephone system that is posted to over real HTTP and answers as it is told."""

    def __init__(self) -> None:
        # Answers in their order; the last one stays. None: the line is cut without one.
        self.answers: list[int | None] = [202]
        # Headers (names in lower case) and bodies that came.
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one post for each connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        self.posts.append((headers, await reader.readexactly(int(headers["content-length"]))))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            elsewhere = "location: http://127.0.0.1:1/\r\n" if answer == 307 else ""
            writer.write(f"HTTP/1.1 {answer} X\r\n{elsewhere}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def a_switchboard() -> AsyncIterator[Switchboard]:
    switchboard = Switchboard()
    server = await asyncio.start_server(switchboard.serve, "127.0.0.1", 0)
    switchboard.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/calls"
    async with server:
        yield switchboard


def a_webhook(url: str, notebook: Notebook, clock: ManualClock) -> Webhook:
    rules = WebhookRules(url=url, secret=OURS, retry_after_s=(0.01, 0.01), answer_within_s=2.0)
    return Webhook(rules, ledger=notebook, clock=clock)


async def takes(notebook: Notebook, headers: Mapping[str, str], body: bytes, clock: ManualClock) -> Event | None:
    """Do with a post what the door does."""
    event = received(headers, body, secrets=(THEIRS, FORMER), now=clock.now())
    if event is not None:
        await notebook.happened(event)
    return event


def a_post(status: str, **data: Any) -> bytes:
    return json.dumps({"type": "call.status", "data": {"attempt": ATTEMPT, "status": status, **data}}).encode()


def signed(body: bytes, clock: ManualClock, *, secret: Secret = THEIRS, post: str = "msg_1") -> dict[str, str]:
    return signing.headers_of(post, clock.now(), body, secret)


async def test_dialling_posts_a_signed_request(clock: ManualClock) -> None:
    notebook = Notebook()
    async with a_switchboard() as switchboard:
        webhook = a_webhook(switchboard.url, notebook, clock)

        await webhook.dial(CALL)
        await webhook.hang_up(ATTEMPT)
        await webhook.close()

    (headers, body), (_, farewell) = switchboard.posts
    assert signing.verify(headers, body, secrets=[OURS], now=clock.now()) == "ca_1-dial"
    assert json.loads(body)["type"] == "call.dial"
    assert json.loads(body)["data"] == {
        "attempt": "ca_1",
        "representative": "1001",
        "customer": "+4930123456",
        "ring_limit_s": 25.0,
        "max_length_s": 3600.0,
    }
    assert json.loads(farewell)["type"] == "call.hang_up"
    assert notebook.events == []


@pytest.mark.parametrize(
    ("answers", "outcomes", "posts"),
    [
        ([202], [], 1),
        ([400], ["trunk"], 1),
        ([401], ["trunk"], 1),
        # Never followed: the number would go to somebody whom nobody has named.
        ([307], ["trunk"], 1),
        # It may ring already, so nobody dials again by themselves.
        ([500], ["unknown"], 1),
        ([None], ["unknown"], 3),
        ([502, 504, 502], ["unknown"], 3),
        ([None, 202], [], 2),
    ],
    ids=str,
)
async def test_what_the_other_system_answers_decides(
    answers: list[int | None], outcomes: list[str], posts: int, clock: ManualClock
) -> None:
    notebook = Notebook()
    async with a_switchboard() as switchboard:
        switchboard.answers = answers
        webhook = a_webhook(switchboard.url, notebook, clock)

        await webhook.dial(CALL)
        await webhook.close()

    assert notebook.outcomes == outcomes
    assert {headers["webhook-id"] for headers, _ in switchboard.posts} == {"ca_1-dial"}
    assert len(switchboard.posts) == posts


async def test_a_system_that_is_not_there_dials_nobody(clock: ManualClock) -> None:
    notebook = Notebook()
    async with a_switchboard() as switchboard:
        url = switchboard.url
    webhook = a_webhook(url, notebook, clock)

    await webhook.dial(CALL)
    await webhook.close()

    assert notebook.outcomes == ["trunk"]


async def test_full_lines_leave_the_attempt_to_be_tried_later_and_no_attempt_is_posted_twice(
    clock: ManualClock,
) -> None:
    async with a_switchboard() as switchboard:
        switchboard.answers = [503, 202]
        webhook = a_webhook(switchboard.url, Notebook(), clock)

        with pytest.raises(AllLinesBusy):
            await webhook.dial(CALL)
        await webhook.dial(CALL)
        with pytest.raises(AlreadyDialled):
            await webhook.dial(CALL)
        await webhook.close()


async def test_posts_carry_a_call_from_the_first_ring_to_its_end(clock: ManualClock) -> None:
    notebook = Notebook()

    for status in ("rep_ringing", "rep_up", "customer_ringing", "talking"):
        body = a_post(status)
        await takes(notebook, signed(body, clock), body, clock)
    body = a_post("answered", sip_code=200, ring_s=4.5, talk_s=61, ended_by="customer", extra="ignored")
    await takes(notebook, signed(body, clock, post="msg_5"), body, clock)

    assert notebook.stages == ["rep_ringing", "rep_up", "customer_ringing", "talking"]
    ended = await notebook.ended(ATTEMPT)
    assert (ended.facts.talk_s, ended.facts.ended_by) == (61, EndedBy.CUSTOMER)


@pytest.mark.parametrize("order", ["duplicate", "late", "out of order"])
async def test_posts_that_come_twice_late_or_in_the_wrong_order_change_nothing(order: str, clock: ManualClock) -> None:
    stories = {
        "duplicate": ["talking", "talking", "answered", "answered"],
        "late": ["talking", "answered", "busy", "rep_ringing", "unknown"],
        "out of order": ["talking", "customer_ringing", "rep_up", "answered", "talking"],
    }
    notebook = Notebook()

    for status in stories[order]:
        body = a_post(status)
        await takes(notebook, signed(body, clock), body, clock)

    assert (notebook.stages, notebook.outcomes) == (["talking"], ["answered"])


async def test_the_truth_about_an_unknown_attempt_is_taken_when_it_comes(clock: ManualClock) -> None:
    notebook = Notebook()
    async with a_switchboard() as switchboard:
        webhook = a_webhook(switchboard.url, notebook, clock)
        await notebook.happened(await webhook.recover(ATTEMPT, None))
        body = a_post("answered", talk_s=10)
        await takes(notebook, signed(body, clock), body, clock)
        await webhook.close()

    assert json.loads(switchboard.posts[0][1])["type"] == "call.hang_up"
    assert notebook.outcomes == ["unknown", "answered"]


@pytest.mark.parametrize("status", ["ended", "completed", "failed", "", "ANSWERED", "answered ", "in-progress", "null"])
async def test_a_status_that_nobody_knows_never_ends_a_call(status: str, clock: ManualClock) -> None:
    notebook = Notebook()
    body = a_post(status)

    assert await takes(notebook, signed(body, clock), body, clock) is None
    assert notebook.told == 0


GENUINE = a_post("answered")


def forgeries(clock: ManualClock) -> dict[str, tuple[Mapping[str, str], bytes]]:
    good = signed(GENUINE, clock)
    other = a_post("busy")
    old = ManualClock(clock.now() - timedelta(minutes=5, seconds=1))
    early = ManualClock(clock.now() + timedelta(minutes=5, seconds=1))
    stranger = Secret(b"a secret of somebody else entirely")
    flipped = bytearray(base64.b64decode(good["webhook-signature"].removeprefix("v1,")))
    flipped[0] ^= 1
    return {
        "no headers": ({}, GENUINE),
        "no signature": ({**good, "webhook-signature": ""}, GENUINE),
        "no id": ({**good, "webhook-id": ""}, GENUINE),
        "no time": ({**good, "webhook-timestamp": ""}, GENUINE),
        "another body": (good, other),
        "a space more": (good, GENUINE + b" "),
        "another id": ({**good, "webhook-id": "msg_2"}, GENUINE),
        "another time": ({**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}, GENUINE),
        "another secret": (signed(GENUINE, clock, secret=stranger), GENUINE),
        "our own secret": (signed(GENUINE, clock, secret=OURS), GENUINE),
        "kept and played again": (signed(GENUINE, old), GENUINE),
        "from the future": (signed(GENUINE, early), GENUINE),
        "one bit": ({**good, "webhook-signature": "v1," + base64.b64encode(bytes(flipped)).decode()}, GENUINE),
        "shortened": ({**good, "webhook-signature": good["webhook-signature"][:-4]}, GENUINE),
        "another version": ({**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, GENUINE),
        "no version": ({**good, "webhook-signature": good["webhook-signature"].removeprefix("v1,")}, GENUINE),
        "signature of nothing": ({**good, "webhook-signature": THEIRS.signature("", clock.now(), b"")}, GENUINE),
        "a moved dot": ({**good, "webhook-id": f"msg_1.{good['webhook-timestamp']}"}, GENUINE),
        "a huge time": ({**good, "webhook-timestamp": "9" * 40}, GENUINE),
        "a negative time": ({**good, "webhook-timestamp": "-" + good["webhook-timestamp"]}, GENUINE),
        "other digits": ({**good, "webhook-timestamp": "\u0661" * 10}, GENUINE),
        "a long body": (signed(b" " * 70_000, clock), b" " * 70_000),
        "letters beyond ASCII": ({**good, "webhook-signature": "v1,ü"}, GENUINE),
        "too many signatures": ({**good, "webhook-signature": "v1,x " * 10 + good["webhook-signature"]}, GENUINE),
    }


@pytest.mark.parametrize("name", sorted(forgeries(ManualClock())))
async def test_a_forged_post_is_refused_and_its_content_is_not_read(name: str, clock: ManualClock) -> None:
    notebook = Notebook()
    headers, body = forgeries(clock)[name]

    with pytest.raises(Forged):
        await takes(notebook, headers, body, clock)

    assert notebook.told == 0


async def test_the_former_secret_is_believed_while_it_is_being_changed(clock: ManualClock) -> None:
    notebook = Notebook()
    headers = signed(GENUINE, clock, secret=FORMER)
    both = {name.upper(): value for name, value in headers.items()}
    both["WEBHOOK-SIGNATURE"] = f"v1a,else v1,AAAA {headers['webhook-signature']}"

    await takes(notebook, both, GENUINE, clock)

    assert notebook.outcomes == ["answered"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"type":"call.status"}',
        b'{"type":"call.status","data":{}}',
        b'{"type":"call.status","data":{"attempt":1,"status":"busy"}}',
        b'{"type":"call.status","data":{"attempt":"ca_1\\n","status":"busy"}}',
        b'{"type":"call.status","data":{"attempt":"ca_1","status":"busy","talk_s":-1}}',
        b'{"type":"call.status","data":{"attempt":"ca_1","status":"busy","talk_s":1e300}}',
        b'{"type":"call.status","data":{"attempt":"ca_1","status":"busy","sip_code":"486"}}',
        b"[" * 5_000,
    ],
)
async def test_a_genuine_post_that_cannot_be_understood_is_told_apart(body: bytes, clock: ManualClock) -> None:
    notebook = Notebook()

    with pytest.raises(Invalid):
        await takes(notebook, signed(body, clock), body, clock)

    assert notebook.told == 0


@given(st.sampled_from([*Stage, *Outcome]), st.one_of(st.none(), st.floats(0, 86_400)), st.text(max_size=20))
def test_every_word_of_the_port_can_be_posted(status: Stage | Outcome, talk_s: float | None, by: str) -> None:
    body = json.dumps(
        {"type": "call.status", "data": {"attempt": "ca_1", "status": status, "talk_s": talk_s, "ended_by": by}}
    ).encode()

    event = event_in(body, at=datetime(2026, 3, 2, tzinfo=UTC))

    assert event is not None
    assert (event.outcome if isinstance(event, Ended) else event.stage) == status


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "c2VjcmV0", "whsec_!!!!", OURS.key.decode()])
def test_a_weak_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        Secret.parse(text)


def test_the_signature_is_the_one_of_the_public_scheme() -> None:
    """The example of the Standard Webhooks libraries."""
    secret = Secret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1_614_265_330, UTC)

    assert secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}') == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize("url", ["", "ftp://x", "https://", "https://user:word@pbx.example/", "javascript:1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        WebhookRules(url=url, secret=OURS)
