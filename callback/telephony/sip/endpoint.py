"""One SIP endpoint: transactions over a transport, and which dialog a request belongs to (RFC 3261, sections 8, 9 and 17).

Of the timers, A, B, E and F drive what we ask; G, H and J what we are asked; D and I are the time for which finished transactions are
remembered; C is a proxy's, and K needs nothing, for an answer that nobody waits for is dropped. What an answer means is for ``leg`` and
``live_call``.
"""

import asyncio
import hmac
import ipaddress
import logging
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from callback.telephony.sip.message import Malformed, Request, Response, parse, response_to
from callback.telephony.sip.transport import USUAL_PORT, Place, Transport

logger = logging.getLogger(__name__)

ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE"
# Requests of our calls that are remembered at a time; beyond it new ones are dropped, and come again by themselves.
_MOST_SERVED: Final = 4_096
_COOKIE: Final = "z9hG4bK"


@dataclass(frozen=True, slots=True)
class Timers:
    """The protocol's times in seconds (RFC 3261, table 4)."""

    # Guess of a round trip; the first repetition comes after it.
    t1: float = 0.5
    # Longest pause between repetitions.
    t2: float = 4.0

    @property
    def patience(self) -> float:
        """64 T1: how long a transaction tries, and how long its end is remembered."""
        return 64 * self.t1


class NoAnswer(Exception):
    """A request was not answered in time, or there is no way to where it should go."""


class Party(Protocol):
    """Who takes the requests of one dialog."""

    def receive(self, request: Request) -> None:
        """Take a request of the dialog, ACK among them; answers go through ``Endpoint.respond``. Never blocks."""
        ...


@dataclass(slots=True)
class _Served:
    """A request from the other side, remembered so that its repetition gets the same answer."""

    source: Place
    answer: bytes | None = None


class Invitation:
    """One INVITE of ours, until nothing of it can come any more (RFC 3261, 13.2.2 and 17.1.1)."""

    def __init__(self, endpoint: "Endpoint", request: Request, to: Place) -> None:
        self.request = request
        self.to = to
        # Every provisional answer and the first final one, in their order.
        self.answers: asyncio.Queue[Response] = asyncio.Queue()
        # Called with every 2xx that nobody waits for: late, or from a second telephone.
        self.on_unwanted: Callable[[Response], None] | None = None
        # Called once, when the first provisional answer comes after ``abandon``.
        self.on_late_ringing: Callable[[], None] | None = None
        self.has_rung = False
        self._endpoint = endpoint
        self._final: Response | None = None
        self._acks: dict[str, tuple[Request, Place]] = {}
        self._is_abandoned = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_decided(self) -> bool:
        """Whether a final answer has come."""
        return self._final is not None

    def begin(self) -> None:
        """Send it, and again until something is heard (timer A)."""
        self._endpoint.post(self.request.encoded(), self.to)
        self._repeat(self._endpoint.timers.t1)

    def _repeat(self, interval: float) -> None:
        if self._endpoint.is_reliable:
            return
        self._timer = asyncio.get_running_loop().call_later(interval, self._again, interval)

    def _again(self, interval: float) -> None:
        self._endpoint.post(self.request.encoded(), self.to)
        self._repeat(2 * interval)

    def abandon(self) -> None:
        """Say that nobody waits any more. What still comes is ended politely."""
        self._is_abandoned = True
        self._hush()

    def acknowledged(self, answer: Response, ack: Request, to: Place) -> None:
        """Remember the ACK of a 2xx: every repetition of that 2xx gets one, a request of its own each (RFC 3261, 13.2.2.4)."""
        self._acks[answer.recipient.tag or ""] = (ack, to)

    def take(self, response: Response) -> None:
        """Take an answer; called by the endpoint."""
        self._hush()
        if not response.is_final:
            if self._is_abandoned and not self.has_rung and self.on_late_ringing is not None:
                self.on_late_ringing()
            self.has_rung = True
            self.answers.put_nowait(response)
        elif response.is_success:
            self._take_success(response)
        else:
            self._endpoint.post(_ack_of_refusal(self.request, response).encoded(), self.to)
            self._decide(response)

    def _take_success(self, response: Response) -> None:
        tag = response.recipient.tag or ""
        if tag in self._acks:
            ack, to = self._acks[tag]
            headers = (
                ("Via", self._endpoint.new_via()),
                *((name, value) for name, value in ack.headers if name != "Via"),
            )
            self._endpoint.post(replace(ack, headers=headers).encoded(), to)
        elif self._final is None and not self._is_abandoned:
            self._decide(response)
        elif self.on_unwanted is not None and (self._final is None or self._final.recipient.tag != tag):
            self.on_unwanted(response)

    def _decide(self, response: Response) -> None:
        if self._final is None:
            self._final = response
            self.answers.put_nowait(response)
            self._endpoint.forget_later(self)

    def _hush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Endpoint:
    """The process's place in the world of SIP."""

    def __init__(
        self,
        transport: Transport,
        *,
        timers: Timers,
        advertised: str | None = None,
        allowed: Iterable[str] = (),
    ) -> None:
        """Prepare an endpoint; ``open`` begins it.

        Args:
            transport: the way out and in.
            timers: the protocol's times.
            advertised: host in our headers; None: the one that the transport listens on.
            allowed: networks whose requests outside a dialog are answered; others meet silence, so that a scanner learns nothing.
        """
        self.timers = timers
        self.is_reliable = transport.is_reliable
        self._transport = transport
        self._advertised = advertised
        self._allowed = tuple(ipaddress.ip_network(each) for each in allowed)
        self._asked: dict[tuple[str, str], asyncio.Future[Response]] = {}
        self._invitations: dict[str, Invitation] = {}
        self._served: dict[tuple[str, ...], _Served] = {}
        self._parties: dict[tuple[str, str], Party] = {}
        # Final answers to an INVITE whose ACK has not come: (Call-ID, number) -> how to stop repeating.
        self._unacknowledged: dict[tuple[str, int], asyncio.TimerHandle] = {}
        self._key = secrets.token_bytes(16)
        self._tasks: set[asyncio.Task[object]] = set()
        self._handles: set[asyncio.TimerHandle] = set()

    async def open(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the address cannot be had.
        """
        await self._transport.open(self._received)

    async def close(self) -> None:
        """Stop at once; what should be ended has been ended before."""
        for handle in (*self._handles, *self._unacknowledged.values()):
            handle.cancel()
        for invitation in self._invitations.values():
            invitation.abandon()
        # What was posted a moment ago, the last ACK among it, still goes out.
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.timers.t1)
        for task in tuple(self._tasks):
            task.cancel()
        await self._transport.close()

    @property
    def place(self) -> Place:
        """The host and port that stand in our headers."""
        host, port = self._transport.place
        return self._advertised or (f"[{host}]" if ":" in host else host), port

    @property
    def remembered(self) -> int:
        """How many requests of the other side are remembered for the sake of their repetitions."""
        return len(self._served)

    @property
    def contact(self) -> str:
        """Where the other end reaches us within a dialog."""
        transport = ";transport=tcp" if self.is_reliable else ""
        return "<sip:holdline@{}:{}{}>".format(*self.place, transport)

    def new_via(self) -> str:
        """Return the Via of a new transaction of ours."""
        host, port = self.place
        return f"SIP/2.0/{self._transport.name} {host}:{port};branch={_COOKIE}{secrets.token_hex(12)};rport"

    def enter(self, call_id: str, tag: str, party: Party) -> None:
        """Deliver requests of the dialog with this Call-ID and our tag to the party."""
        self._parties[call_id, tag] = party

    def leave(self, call_id: str, tag: str) -> None:
        """Forget a dialog; later requests of it get 481."""
        self._parties.pop((call_id, tag), None)

    def post(self, data: bytes, to: Place) -> None:
        """Send without waiting. What cannot be sent is lost like any datagram: the timers above know what to do."""
        self.spawn(self._send(data, to))

    def spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """Run something beside everything else, until it is done or the endpoint closes."""
        task: asyncio.Task[object] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send(self, data: bytes, to: Place) -> None:
        try:
            await self._transport.send(data, to)
        except OSError as error:
            logger.info("sip_not_sent", extra={"peer": to[0], "error": type(error).__name__})

    async def ask(self, request: Request, to: Place, *, within: float | None = None) -> Response:
        """Send a request that is neither INVITE nor ACK and return its final answer (RFC 3261, 17.1.2).

        Args:
            request: with a Via of ``new_via``, or of the INVITE that it cancels.
            to: where it goes.
            within: seconds; None: as long as the protocol tries.

        Raises:
            NoAnswer: none came in time.
        """
        key = (request.via.branch, request.method)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._asked[key] = answer
        limit = self.timers.patience if within is None else min(within, self.timers.patience)
        data = request.encoded()
        try:
            async with asyncio.timeout(limit):
                await self._transport.send(data, to)
                interval = self.timers.t1
                while not self.is_reliable:
                    await asyncio.wait({answer}, timeout=interval)
                    if answer.done():
                        break
                    await self._transport.send(data, to)
                    interval = min(2 * interval, self.timers.t2)
                return await answer
        except (TimeoutError, OSError) as error:
            raise NoAnswer(request.method) from error
        finally:
            del self._asked[key]

    def invite(self, request: Request, to: Place, *, is_sent: bool = True) -> Invitation:
        """Send an INVITE and return what its answers come to.

        ``is_sent`` False takes over the INVITE of a dead process: nothing is sent, what still comes is taken.
        """
        invitation = Invitation(self, request, to)
        self._invitations[request.via.branch] = invitation
        if is_sent:
            invitation.begin()
        return invitation

    def forget_later(self, invitation: Invitation) -> None:
        """Remember an invitation for as long as repetitions of its answer may come (timer D), then forget it."""
        self._later(self._invitations.pop, invitation.request.via.branch, None)

    def _later(self, deed: Callable[..., object], *arguments: object) -> None:
        def due() -> None:
            self._handles.discard(handle)
            deed(*arguments)

        handle = asyncio.get_running_loop().call_later(self.timers.patience, due)
        self._handles.add(handle)

    def respond(
        self,
        request: Request,
        code: int,
        reason: str,
        *,
        tag: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        """Answer a request of the other side; a final answer to an INVITE is repeated until its ACK comes (timers G and H)."""
        served = self._served.get(_served_key(request))
        if served is None:
            return  # so late that the other side has given up
        served.answer = _routed_back(
            response_to(request, code, reason, tag=tag, headers=headers, body=body), served.source
        )
        to = _way_back(request, served.source)
        self.post(served.answer, to)
        if request.method == "INVITE" and code >= 200:
            until = asyncio.get_running_loop().time() + self.timers.patience
            self._repeat_until_acknowledged(
                (request.call_id, request.cseq[0]), served.answer, to, self.timers.t1, until
            )

    def _repeat_until_acknowledged(
        self, key: tuple[str, int], data: bytes, to: Place, interval: float, until: float
    ) -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            del self._unacknowledged[key]
            if loop.time() < until:
                self.post(data, to)
                self._repeat_until_acknowledged(key, data, to, min(2 * interval, self.timers.t2), until)

        self._unacknowledged[key] = loop.call_later(interval, again)

    def _received(self, data: bytes, source: Place) -> None:
        try:
            message = parse(data)
        except Malformed as error:
            logger.info("sip_malformed", extra={"peer": source[0], "rule": str(error)})
            return
        if isinstance(message, Response):
            self._take_answer(message)
        else:
            self._take_request(message, source)

    def _take_answer(self, response: Response) -> None:
        branch, method = response.via.branch, response.cseq[1]
        if method == "INVITE":
            invitation = self._invitations.get(branch)
            if invitation is not None:
                invitation.take(response)
            return
        answer = self._asked.get((branch, method))
        if answer is not None and response.is_final and not answer.done():
            answer.set_result(response)

    def _take_request(self, request: Request, source: Place) -> None:
        if request.method == "ACK":
            self._take_ack(request)
            return
        key = _served_key(request)
        served = self._served.get(key)
        if served is not None:
            if served.answer is not None:
                self.post(served.answer, _way_back(request, source))
            return
        party = self._party_of(request)
        if party is None:
            self._answer_stranger(request, source)
        elif len(self._served) < _MOST_SERVED:
            self._served[key] = _Served(source)
            self._later(self._served.pop, key, None)
            party.receive(request)

    def _party_of(self, request: Request) -> Party | None:
        return self._parties.get((request.call_id, request.recipient.tag or ""))

    def _take_ack(self, request: Request) -> None:
        handle = self._unacknowledged.pop((request.call_id, request.cseq[0]), None)
        if handle is not None:
            handle.cancel()
        party = self._party_of(request)
        if handle is not None and party is not None:
            party.receive(request)

    def _may_ask(self, request: Request, source: Place) -> bool:
        """Whether a request outside our dialogs is answered: one that ends a call we have forgotten, or one from a known network."""
        if request.recipient.tag is not None:
            return True
        address = ipaddress.ip_address(source[0])
        return any(address in network for network in self._allowed)

    def _answer_stranger(self, request: Request, source: Place) -> None:
        """Answer outside our dialogs and keep nothing of it (RFC 3261, 8.2.7), so that strangers cannot fill our memory."""
        if not self._may_ask(request, source):
            return
        allow = [("Allow", ALLOW)]
        if request.recipient.tag is not None or request.method == "CANCEL":
            answer = response_to(request, 481, "Call/Transaction Does Not Exist", tag=self._tag_for(request))
        elif request.method == "OPTIONS":
            answer = response_to(request, 200, "OK", tag=self._tag_for(request), headers=allow)
        elif request.method == "INVITE":
            # Holdline calls and is not called.
            answer = response_to(request, 403, "Forbidden", tag=self._tag_for(request))
        else:
            answer = response_to(request, 405, "Method Not Allowed", tag=self._tag_for(request), headers=allow)
        self.post(_routed_back(answer, source), _way_back(request, source))

    def _tag_for(self, request: Request) -> str:
        """The same tag for the same request, without remembering it."""
        return hmac.new(self._key, f"{request.call_id} {request.via.branch}".encode(), "sha256").hexdigest()[:12]


def _served_key(request: Request) -> tuple[str, ...]:
    """What makes two requests the same (RFC 3261, 17.2.3; for hops without the cookie, by call and number)."""
    via = request.via
    name = via.branch if via.branch.startswith(_COOKIE) else f"{request.call_id} {request.cseq[0]} {request.sender.tag}"
    return (name, via.host, str(via.port), request.method)


def _ack_of_refusal(invite: Request, response: Response) -> Request:
    """The ACK of a final answer that is no 2xx: same hop, same number (RFC 3261, 17.1.1.3)."""
    kept = ("Via", "Route", "Max-Forwards", "From", "Call-ID")
    headers = [(name, value) for name, value in invite.headers if name in kept]
    headers += [("To", response.get("To") or ""), ("CSeq", f"{invite.cseq[0]} ACK")]
    return Request(method="ACK", uri=invite.uri, headers=tuple(headers))


def _way_back(request: Request, source: Place) -> Place:
    """Where answers go: to where the request came from; to the port it names unless it asks for the same (RFC 3581)."""
    via = request.via
    if via.asks_for_port or via.transport != "UDP":
        return source
    return source[0], via.port or USUAL_PORT


def _routed_back(response: Response, source: Place) -> bytes:
    """The answer with the place that the request was seen to come from in its nearest hop (RFC 3261, 18.2.1; RFC 3581)."""
    headers = list(response.headers)
    for index, (name, value) in enumerate(headers):
        if name == "Via":
            first, comma, others = value.partition(",")
            marked = f"{_without(first)};received={source[0]}" + (
                f";rport={source[1]}" if response.via.asks_for_port else ""
            )
            headers[index] = (name, marked + comma + others)
            break
    return replace(response, headers=tuple(headers)).encoded()


def _without(via: str) -> str:
    """A hop without what only its receiver may say."""
    kept = (part for part in via.split(";") if part.strip().partition("=")[0].lower() not in ("received", "rport"))
    return ";".join(kept).rstrip()
