"""The words of the telephone tests: a network in memory that can lose datagrams, and telephones that do as they are told.

The telephones speak SIP by plain text of their own, not by the code under test; only reading uses its parser, which has tests of
its own.
"""

import asyncio
import random
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from callback.telephony.port import AttemptId, Call, Ended
from callback.telephony.sip.adapter import SIPTelephony
from callback.telephony.sip.digest import Login
from callback.telephony.sip.endpoint import Timers
from callback.telephony.sip.message import Request, Response, parse, uri_of
from callback.telephony.sip.rules import SIPRules
from callback.telephony.sip.transport import Bind, Place, Receiver
from tests.callback.telephony.notebook import Notebook
from tests.callback.telephony.virtual_time import LoopClock

HOLDLINE: Place = ("10.0.0.1", 5060)
REP: Place = ("10.0.0.2", 5060)
TRUNK: Place = ("10.0.0.3", 5060)
NUMBER = "+4930123456"


class Network:
    """Carries datagrams after 10 ms, or loses them."""

    def __init__(self, *, loss: float = 0.0, seed: int = 0) -> None:
        self.loss = loss
        # What was sent, as (from, to, first line), lost ones too.
        self.seen: list[tuple[Place, Place, str]] = []
        # Decides about each datagram besides chance: True loses it.
        self.loses: Callable[[Place, Place, bytes], bool] = lambda *_: False
        self._chance = random.Random(seed)
        self._receivers: dict[Place, Receiver] = {}

    def join(self, place: Place, receiver: Receiver) -> None:
        """Deliver what is sent to this place."""
        self._receivers[place] = receiver

    def leave(self, place: Place) -> None:
        """Deliver nothing more there."""
        self._receivers.pop(place, None)

    def carry(self, data: bytes, source: Place, to: Place) -> None:
        """Send a datagram."""
        self.seen.append((source, to, data.partition(b"\r\n")[0].decode(errors="replace")))
        if self.loses(source, to, data) or self._chance.random() < self.loss:
            return
        asyncio.get_running_loop().call_later(0.01, self._deliver, data, source, to)

    def _deliver(self, data: bytes, source: Place, to: Place) -> None:
        if to in self._receivers:
            self._receivers[to](data, source)

    def lines(self, source: Place, to: Place) -> list[str]:
        """Methods and codes that went from one place to the other, each once, in order."""
        lines: list[str] = []
        for start, end, line in self.seen:
            short = line.split(" ")[1] if line.startswith("SIP/2.0") else line.split(" ")[0]
            if (start, end) == (source, to) and (not lines or lines[-1] != short):
                lines.append(short)
        return lines


class MemoryTransport:
    """The network's end for the code under test."""

    name = "UDP"
    is_reliable = False

    def __init__(self, network: Network, place: Place) -> None:
        self._network = network
        self.place = place

    async def open(self, receiver: Receiver) -> None:
        self._network.join(self.place, receiver)

    async def send(self, data: bytes, to: Place) -> None:
        self._network.carry(data, self.place, to)

    async def close(self) -> None:
        self._network.leave(self.place)


def description(host: str, port: int, *, direction: str = "sendrecv", formats: str = "0 101", version: int = 1) -> str:
    """A telephone's session description."""
    return (
        f"v=0\r\no=phone 77 {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {formats}\r\na={direction}\r\n"
    )


@dataclass
class Manners:
    """What a telephone does when it rings."""

    # Final answer; None: rings for ever, until it is cancelled.
    final: int | None = 200
    # Seconds until 180, None: none is sent; until the final answer, from the INVITE on.
    rings_after: float | None = 0.1
    answers_after: float = 1.0
    # Seconds after its ACK until it hangs up; None: never by itself.
    hangs_up_after: float | None = None
    # Final answer to re-INVITEs, one after the other; the last one stays.
    to_changes: list[int] = field(default_factory=lambda: [200])
    # Whether nothing is ever answered.
    is_dead: bool = False
    # Answers 200 to an INVITE although a CANCEL has come just before: the answer that crosses.
    crosses: bool = False
    # Tag and SDP port of a second telephone that answers the same INVITE a little later (forking).
    fork: bool = False
    # Whether the description comes with 183 alone.
    describes_early: bool = False
    # The challenge it sends first: "WWW-Authenticate" or "Proxy-Authenticate".
    challenge: tuple[int, str] | None = None
    sdp_port: int = 4000
    # A 200's description to a re-INVITE has this port; None: the same.
    moves_to: int | None = None


class Phone:
    """A telephone at a place of the network."""

    def __init__(self, network: Network, place: Place, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()
        self.place = place
        # Requests that came, each once.
        self.requests: list[Request] = []
        # Codes of the answers to its own requests.
        self.answers: list[Response] = []
        self.offers: list[str] = []
        self._network = network
        self._answered: dict[tuple[str, str], list[str]] = {}
        self._invite: tuple[Request, Place] | None = None
        self._acks: dict[int, asyncio.Future[None]] = {}
        self._is_cancelled = False
        self._number = 0
        self._waiting: dict[str, asyncio.Future[Response]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        network.join(place, self._receive)

    @property
    def methods(self) -> list[str]:
        """Methods that it was sent, in order."""
        return [each.method for each in self.requests]

    def _receive(self, data: bytes, source: Place) -> None:
        if self.manners.is_dead:
            return
        message = parse(data)
        if isinstance(message, Response):
            self._take_answer(message)
            return
        key = (message.via.branch, message.method)
        if key in self._answered:
            for text in self._answered[key][-1:]:
                self._send(text, source)
            return
        if message.method != "ACK":
            self._answered[key] = []
        self.requests.append(message)
        getattr(self, "_on_" + message.method.lower(), self._on_other)(message, source)

    def _on_invite(self, request: Request, source: Place) -> None:
        if request.sdp:
            self.offers.append(request.sdp.decode())
        challenged = self.manners.challenge
        if challenged is not None and not (request.get("Authorization") or request.get("Proxy-Authorization")):
            code, header = challenged
            line = f'{header}: Digest realm="trunk", nonce="abc", qop="auth", algorithm=MD5\r\n'
            self._answer(request, source, code, extra=line)
            return
        if request.recipient.tag is not None:
            code = self.manners.to_changes.pop(0) if len(self.manners.to_changes) > 1 else self.manners.to_changes[0]
            port = self.manners.moves_to or self.manners.sdp_port
            self._answer(request, source, code, body=description(self.place[0], port) if code == 200 else "")
            if code == 200:
                self._begin(self._repeat_until_acked(request, source))
            return
        self._invite = (request, source)
        self._begin(self._ring(request, source))

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ring(self, request: Request, source: Place) -> None:
        manners = self.manners
        if manners.rings_after is not None:
            await asyncio.sleep(manners.rings_after)
            body = description(self.place[0], manners.sdp_port) if manners.describes_early else ""
            self._answer(request, source, 183 if manners.describes_early else 180, body=body)
        if manners.final is None:
            return
        await asyncio.sleep(manners.answers_after - (manners.rings_after or 0))
        if self._is_cancelled and not manners.crosses:
            return
        await self._decide(request, source)

    async def _decide(self, request: Request, source: Place) -> None:
        assert self.manners.final is not None
        if self.manners.final != 200:
            self._answer(request, source, self.manners.final)
            return
        body = "" if self.manners.describes_early else description(self.place[0], self.manners.sdp_port)
        self._answer(request, source, 200, body=body)
        if self.manners.fork:
            self._answer(request, source, 200, body=description(self.place[0], 4444), tag="second")
        await self._repeat_until_acked(request, source)
        if self.manners.hangs_up_after is not None:
            await asyncio.sleep(self.manners.hangs_up_after)
            await self.hang_up()

    async def _repeat_until_acked(self, request: Request, source: Place) -> None:
        """A 200 is repeated until its ACK has come (RFC 3261, 13.3.1.4)."""
        pause = 0.5
        for _ in range(10):
            await asyncio.wait({self._ack(request.cseq[0])}, timeout=pause)
            if self._ack(request.cseq[0]).done():
                return
            pause = min(2 * pause, 4.0)
            for text in self._answered[request.via.branch, "INVITE"][-1:]:
                self._send(text, source)

    def _ack(self, number: int) -> asyncio.Future[None]:
        return self._acks.setdefault(number, asyncio.get_running_loop().create_future())

    def _on_cancel(self, request: Request, source: Place) -> None:
        self._answer(request, source, 200)
        self._is_cancelled = True
        if self._invite is None or self.manners.crosses:
            return
        self._answer(*self._invite, 487)

    def _on_ack(self, request: Request, source: Place) -> None:
        if not self._ack(request.cseq[0]).done():
            self._ack(request.cseq[0]).set_result(None)

    def _on_other(self, request: Request, source: Place) -> None:
        self._answer(request, source, 200)

    def _answer(
        self, request: Request, source: Place, code: int, *, body: str = "", extra: str = "", tag: str = "phone"
    ) -> None:
        to = request.get("To") or ""
        tagged = to if request.recipient.tag else f"{to};tag={tag}"
        vias = "".join(f"Via: {value}\r\n" for name, value in request.headers if name == "Via")
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = (
            f"SIP/2.0 {code} Said\r\n{vias}From: {request.get('From')}\r\nTo: {tagged}\r\nCall-ID: {request.call_id}\r\n"
            f"CSeq: {request.get('CSeq')}\r\nContact: <sip:me@{self.place[0]}:{self.place[1]}>\r\n{extra}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._answered.setdefault((request.via.branch, request.method), []).append(text)
        self._send(text, source)

    def _send(self, text: str, to: Place) -> None:
        if not self.manners.is_dead:
            self._network.carry(text.encode(), self.place, to)

    def _take_answer(self, response: Response) -> None:
        waiting = self._waiting.get(response.via.branch)
        if response.is_final and waiting is not None and not waiting.done():
            self.answers.append(response)
            waiting.set_result(response)
        if response.is_final and response.cseq[1] == "INVITE":
            self._send(self._request("ACK", number=response.cseq[0]), HOLDLINE)

    async def hang_up(self) -> Response:
        """Send BYE."""
        return await self.asks("BYE")

    async def asks(self, method: str, *, body: str = "", extra: str = "") -> Response:
        """Send a request within the dialog, repeatedly, and return its final answer."""
        self._number += 1
        text = self._request(method, number=self._number, body=body, extra=extra)
        branch = re.search(r"branch=([^;\r]+)", text)
        assert branch is not None
        waiting = self._waiting[branch[1]] = asyncio.get_running_loop().create_future()
        for _ in range(10):
            self._send(text, HOLDLINE)
            await asyncio.wait({waiting}, timeout=0.5)
            if waiting.done():
                break
        return await asyncio.wait_for(waiting, 30)

    def _request(self, method: str, *, number: int, body: str = "", extra: str = "") -> str:
        assert self._invite is not None
        invite = self._invite[0]
        assert invite.contact is not None
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} {invite.contact.uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.place[0]}:{self.place[1]};branch=z9hG4bKphone{id(self)}{method}{number}\r\n"
            f"From: {invite.get('To')};tag=phone\r\nTo: {invite.get('From')}\r\nCall-ID: {invite.call_id}\r\n"
            f"CSeq: {number} {method}\r\nMax-Forwards: 70\r\nContact: <sip:me@{self.place[0]}:{self.place[1]}>\r\n"
            f"{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )


class Exchange:
    """Holdline between a representative's telephone and a trunk, all on one network."""

    def __init__(
        self,
        *,
        rep: Manners | None = None,
        customer: Manners | None = None,
        login: Login | None = None,
        network: Network | None = None,
        **rules: Any,
    ) -> None:
        self.network = network or Network()
        self.rep = Phone(self.network, REP, rep or Manners(answers_after=0.5))
        self.customer = Phone(self.network, TRUNK, customer)
        self.notebook = Notebook()
        self.rules = a_rules(login=login, **rules)
        self.telephony = self.another()

    def another(self) -> SIPTelephony:
        """A second process at the same place, with nothing in its memory."""
        return SIPTelephony(
            self.rules, ledger=self.notebook, clock=LoopClock(), transport=MemoryTransport(self.network, HOLDLINE)
        )

    async def dials(self, **call: Any) -> Ended:
        """Dial and return how it ended; nothing is left open."""
        await self.begins(**call)
        ended = await self.notebook.ended(AttemptId("ca_1"))
        await self.telephony.close()
        return ended

    async def begins(self, **call: Any) -> None:
        """Dial, and return at once."""
        await self.telephony.open()
        await self.telephony.dial(a_call(**call))


def a_call(**changes: Any) -> Call:
    """A call to a number in Berlin."""
    given = {"attempt": AttemptId("ca_1"), "representative": f"sip:anna@{REP[0]}", "customer": NUMBER, **changes}
    return Call(**given)


def a_rules(**changes: Any) -> SIPRules:
    """Rules with the protocol's usual times."""
    given: dict[str, Any] = {
        "trunk": uri_of(f"sip:{TRUNK[0]}"),
        "caller_id": "4989100",
        "bind": Bind(host="127.0.0.1", port=0),
        "timers": Timers(),
        "farewell": timedelta(seconds=2),
        **changes,
    }
    return SIPRules(**given)
