"""A client for customers and representatives: signs in, stands in line, talks, and comes back after every cut without losing a word.

It speaks the frames of ``docs/reference/frames.md`` and a few REST routes, and keeps the rules that any client should: a key per message, kept
in an outbox until it is acknowledged; entries taken only in order, a gap opens the log again; waits with full jitter, or as long as the server
asks. What it does not do: show anything, or keep anything on disk.

    async with Client("http://127.0.0.1:8000") as claire:
        await claire.sign_in("claire@acme.example", "…")
        visit = await claire.join("expense", subject="Blank page", description="After the update")
        log = await claire.open(visit.log)
        await log.say("hello")
        await log.sees("How can I help?")
"""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Literal, TypeVar

import httpx2
import msgspec
from websockets.asyncio import client as socket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin

from chatsvc.conversations.views import Desk, OfferCard, Visit
from chatsvc.hub import codes
from chatsvc.hub import frames as f
from chatsvc.tickets.model import Entry, Words

logger = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 20.0
# How often a REST call that carries a key is repeated when nobody answers.
TRIES: Final = 6

_frames: Final = msgspec.json.Decoder(f.ServerFrame)
_words: Final = msgspec.json.Decoder(Words)
T = TypeVar("T")


class ClientError(Exception):
    """Something could not be done."""


class Refusal(ClientError):
    """The server said no. ``code`` is one of the published table; ``correlation`` finds it in the server's log."""

    def __init__(self, code: str, correlation: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{code} ({correlation})")
        self.code = code
        self.correlation = correlation
        # Seconds; None when trying again makes no sense.
        self.retry_after = retry_after


class Unknown(ClientError):
    """The line was cut before the answer came: it may have been done, or not."""


class Ended(ClientError):
    """The server closed for good: signed out, a foreign Origin, or a protocol that it does not speak."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class Picture(Generic[T]):
    """The newest state of something watched; ``now`` is None before the first."""

    def __init__(self) -> None:
        self.now: T | None = None
        self._changed = asyncio.Event()

    async def until(self, is_so: Callable[[T], bool]) -> T:
        """Return the picture as soon as it is as wanted."""
        while self.now is None or not is_so(self.now):
            self._changed.clear()
            await self._changed.wait()
        return self.now

    def show(self, picture: T) -> None:
        """Take a newer one in."""
        self.now = picture
        self._changed.set()


class Log:
    """A followed log: everything in it, in order, and what was said but is not acknowledged yet."""

    def __init__(self, client: "Client", log: str) -> None:
        self.id = log
        self.entries: list[Entry] = []
        # How far each person has seen it; who typed last.
        self.seen: dict[str, int] = {}
        self.typing: str | None = None
        # What was acknowledged to this client: key -> number.
        self.stored: dict[str, int] = {}
        # How often something was missing, and how often the server said to begin anew.
        self.gaps = 0
        self.resets = 0
        # Key -> what was said, and who waits for its number.
        self.outbox: dict[str, tuple[f.AppendFrame, asyncio.Future[int]]] = {}
        self._client = client
        self._changed = asyncio.Event()

    @property
    def last(self) -> int:
        """The last number that was taken."""
        return len(self.entries)

    @property
    def texts(self) -> list[str]:
        """The words in it, events left out."""
        return [text_of(entry) for entry in self.entries if entry.kind in ("message", "note")]

    async def say(
        self,
        text: str,
        *,
        kind: Literal["message", "note"] = "message",
        key: str | None = None,
        files: Iterable[str] = (),
        epoch: int | None = None,
    ) -> int:
        """Say something; return its number once it is committed, however often the line is cut until then.

        Raises:
            Refusal: it will not be stored.
            Ended: the server closed for good before it was acknowledged.
        """
        frame = f.AppendFrame(
            self._client.next_ref(), self.id, key or secrets.token_urlsafe(16), kind, text, tuple(files), epoch
        )
        number: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.outbox[frame.key] = (frame, number)
        try:
            await self._client.send(frame)
            return await number
        finally:
            self.outbox.pop(frame.key, None)

    async def sees(self, text: str) -> Entry:
        """Return the first entry whose words contain this text, as soon as there is one."""
        return await self.until(lambda entry: entry.kind in ("message", "note") and text in text_of(entry))

    async def until(self, is_so: Callable[[Entry], bool]) -> Entry:
        """Return the first entry that is as wanted, as soon as there is one."""
        while (found := next(filter(is_so, self.entries), None)) is None:
            self._changed.clear()
            await self._changed.wait()
        return found

    async def mark_seen(self) -> None:
        """Say that everything so far was on the screen."""
        await self._client.send(f.SeenFrame(self.id, self.last))

    async def type(self) -> None:
        """Say that somebody is typing."""
        await self._client.send(f.TypingFrame(self.id))

    def take(self, entries: Sequence[Entry]) -> bool:
        """Take what comes next; return False when something is missing before it."""
        for entry in entries:
            if entry.number > self.last + 1:
                self.gaps += 1
                return False
            if entry.number == self.last + 1:
                self.entries.append(entry)
        self._changed.set()
        return True

    def begin_anew(self) -> None:
        """Throw away what does not belong to this store."""
        self.resets += 1
        self.entries.clear()
        self.seen.clear()

    def acknowledge(self, stored: f.StoredFrame) -> None:
        """Note that something is committed."""
        self.stored[stored.key] = stored.number
        _settle(self.outbox.get(stored.key, (None, None))[1], stored.number)


class Client:
    """One signed-in person."""

    def __init__(
        self,
        address: str,
        *,
        socket_address: str | None = None,
        origin: str | None = None,
        wait_s: Callable[[int], float] | None = None,
    ) -> None:
        """Make a client.

        Args:
            address: of the pages, ``http://host:port``.
            socket_address: of the hub, where it is reached another way; None: ``/ws`` under ``address``.
            origin: what to name as Origin; the server compares it with its own base address. None: ``address``.
            wait_s: how long to wait before a try, by its number; None for ``jitter``.
        """
        self._wait_s = wait_s or jitter
        self._origin = origin or address.rstrip("/")
        self._socket = socket_address or address.rstrip("/").replace("http", "ws", 1) + "/ws"
        self._http = httpx2.AsyncClient(base_url=address, headers={"Origin": self._origin}, timeout=30)
        # The store's epoch, from the last greeting.
        self.store = ""
        # Why the line was cut, each time: code and reason.
        self.closes: list[tuple[int, str]] = []
        self.logs: dict[str, Log] = {}
        self.visits: dict[str, Picture[Visit]] = {}
        self.desk_picture: Picture[Desk] | None = None
        self._ref = 0
        self._awaiting: dict[int, asyncio.Future[None]] = {}
        self._line: socket.ClientConnection | None = None
        self._beat_s = 25.0
        self._greeted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: Ended | None = None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up and give everything back; what waits for an answer learns that there will be none."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._end(Ended(1000, "hung up"))
        await self._http.aclose()

    # REST.

    async def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None, gives: Any = None
    ) -> Any:
        """Call a REST route; one with a key is repeated until somebody answers.

        Raises:
            Refusal: the answer is no.
            Unknown: nobody answered.
        """
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        content = None if body is None else msgspec.json.encode(body)
        for attempt in range(TRIES if key else 1):
            await asyncio.sleep(self._wait_s(attempt) if attempt else 0)
            try:
                response = await self._http.request(method, path, content=content, headers=headers)
            except httpx2.TransportError:
                continue
            if response.status_code not in (502, 503, 504) or attempt == TRIES - 1:
                return _answer_in(response, gives)
        raise Unknown(f"{method} {path}")

    async def sign_in(self, email: str, password: str) -> dict[str, Any]:
        """Begin a session; return who that is."""
        body = {"email": email, "password": password}
        return dict(await self.call("POST", "/api/v1/session", body, gives=dict[str, Any]))

    def enter(self, token: str) -> None:
        """Use a session that was begun elsewhere, by its token."""
        secure = self._origin.startswith("https:")
        self._http.cookies.set("__Host-holdline_session" if secure else "holdline_session", token)

    async def sign_out(self) -> None:
        """End the session, and with it every socket that it opened."""
        await self.call("DELETE", "/api/v1/session")

    async def join(
        self,
        line: str,
        *,
        subject: str,
        description: str,
        impact: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Visit:
        """Open a ticket and stand in its line; the same key gives the same visit."""
        body = {"line": line, "subject": subject, "description": description, "impact": impact or {}}
        visit: Visit = await self.call(
            "POST", "/api/v1/visits", body, key=key or secrets.token_urlsafe(16), gives=Visit
        )
        return visit

    async def end(self, conversation: str) -> None:
        """End a conversation; for a few seconds that can be undone."""
        await self.call("POST", f"/api/v1/conversations/{conversation}/end")

    async def wrap_up(self, conversation: str, **changes: object) -> None:
        """Complete the ticket: the prefilled wrap-up with these changes."""
        path = f"/api/v1/conversations/{conversation}/wrap_up"
        await self.call("POST", path, await self.call("GET", path, gives=dict[str, Any]) | changes)

    # The socket.

    async def open(self, log: str) -> Log:
        """Follow a log; everything in it so far is there when this returns."""
        followed = self.logs.setdefault(log, Log(self, log))
        await self.ask(self._open_frame(followed))
        return followed

    async def visit(self, ticket: str) -> Picture[Visit]:
        """Watch the person's own visit."""
        picture = self.visits.setdefault(ticket, Picture())
        await self._watch(f.Watch(self.next_ref(), "visit", ticket), picture)
        return picture

    async def desk(self) -> Picture[Desk]:
        """Watch the person's own desk; whoever does is present."""
        picture = self.desk_picture = self.desk_picture or Picture()
        await self._watch(f.Watch(self.next_ref(), "desk"), picture)
        return picture

    async def ready(self) -> None:
        """Be ready for offers."""
        await self.ask(f.SetDesk(self.next_ref(), "ready"))

    async def away(self, reason: str) -> None:
        """Take no offers, for a reason of the catalogue."""
        await self.ask(f.SetDesk(self.next_ref(), "away", reason))

    async def accept(self, offer: OfferCard) -> None:
        """Take an offer; ``Refusal`` when somebody else was quicker."""
        await self.ask(f.Accept(self.next_ref(), offer.id, offer.epoch))

    async def decline(self, offer: OfferCard, reason: str) -> None:
        """Leave an offer to somebody else."""
        await self.ask(f.Decline(self.next_ref(), offer.id, offer.epoch, reason))

    async def connect(self) -> None:
        """Connect, and stay connected until ``close``; returns once greeted. Whatever needs it calls it."""
        if not self._tasks and self._ended is None:
            self._later(self._stay_connected())
        await self._greeted.wait()
        if self._ended is not None:
            raise self._ended

    def next_ref(self) -> int:
        """Return a new number for a frame."""
        self._ref += 1
        return self._ref

    async def ask(self, frame: Any) -> None:
        """Send a wish and wait for its answer; ``Unknown`` when the line is cut before it comes."""
        await self.connect()
        answer = self._awaiting[frame.ref] = asyncio.get_running_loop().create_future()
        await self.send(frame)
        await answer

    async def send(self, frame: f.FromClient) -> None:
        """Send a frame when there is a line; what must not be lost waits in an outbox beside."""
        if self._ended is not None:
            raise self._ended
        if not self._tasks:
            await self.connect()
        if self._line is not None and self._greeted.is_set():
            try:
                await self._line.send(msgspec.json.encode(frame), text=True)
            except ConnectionClosed:
                logger.debug("frame_waits")

    async def _watch(self, frame: f.Watch, picture: Picture[Any]) -> None:
        await self.connect()
        answer = self._awaiting[frame.ref] = asyncio.get_running_loop().create_future()
        await self.send(frame)
        shown = asyncio.ensure_future(picture.until(lambda _: True))
        await asyncio.wait((answer, shown), return_when=asyncio.FIRST_COMPLETED)
        shown.cancel()
        if answer.done() and picture.now is None:
            answer.result()
        self._awaiting.pop(frame.ref, None)

    def _open_frame(self, log: Log) -> f.Open:
        return f.Open(self.next_ref(), log.id, log.last, self.store if log.last else None)

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stay_connected(self) -> None:
        attempt = 0
        while self._ended is None:
            hint_s: float | None = None
            try:
                async with self._dial() as self._line:
                    await self._talk()
            except ConnectionClosed as cut:
                code, reason = (cut.rcvd.code, cut.rcvd.reason) if cut.rcvd else (1006, "")
                self.closes.append((code, reason))
                hint_s = _hint_in(reason)
                if not codes.may_return(code):
                    self._end(Ended(code, reason))
            except InvalidStatus as refused:
                if refused.response.status_code < 500:
                    self._end(Ended(refused.response.status_code, "handshake refused"))
            except (OSError, TimeoutError, InvalidHandshake) as error:
                logger.debug("not_connected", extra={"error": type(error).__name__})
            attempt = 0 if self._greeted.is_set() else attempt + 1
            self._hang_up()
            if self._ended is None:
                await asyncio.sleep(self._wait_s(attempt) if hint_s is None else hint_s)

    def _dial(self) -> socket.connect:
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._http.cookies.jar)
        return socket.connect(
            self._socket,
            origin=Origin(self._origin),
            additional_headers={"Cookie": cookies},
            compression=None,
            ping_interval=None,  # heartbeats are frames of the protocol
            close_timeout=1,
            max_size=4 * 1024 * 1024,
            proxy=None,
        )

    def _hang_up(self) -> None:
        """The line is cut: nobody knows what became of the wishes that were not answered."""
        self._line = None
        if self._ended is None:
            self._greeted.clear()
        awaiting, self._awaiting = self._awaiting, {}
        for answer in awaiting.values():
            _settle(answer, self._ended or Unknown("the line was cut"))

    def _end(self, ended: Ended) -> None:
        self._ended = self._ended or ended
        self._hang_up()
        for log in self.logs.values():
            for _, number in log.outbox.values():
                _settle(number, ended)
        self._greeted.set()

    async def _talk(self) -> None:
        """Read until the line is cut, or silent for two heartbeats."""
        assert self._line is not None
        while True:
            async with asyncio.timeout(2 * self._beat_s + 1):
                data = await self._line.recv(decode=False)
            for reply in self._take_in(_frames.decode(data)):
                await self._line.send(msgspec.json.encode(reply), text=True)

    def _take_in(self, frame: f.ServerFrame) -> list[f.FromClient]:
        """Take a frame in; return what is to be sent because of it."""
        match frame:
            case f.Welcome():
                return self._resume(frame)
            case f.ServerBeat():
                behind = [
                    self.logs[log]
                    for log, head in frame.heads.items()
                    if log in self.logs and head > self.logs[log].last
                ]
                return [f.ClientBeat(), *map(self._open_frame, behind)]
            case f.Entries() if frame.log in self.logs and not self.logs[frame.log].take(frame.entries):
                return [self._open_frame(self.logs[frame.log])]
            case f.Reset() if frame.log in self.logs:
                self.logs[frame.log].begin_anew()
                return [f.Open(frame.ref, frame.log, 0)]
            case f.CaughtUp() if frame.log in self.logs:
                self.logs[frame.log].seen.update(frame.seen)
                _settle(self._awaiting.pop(frame.ref, None), None)
            case f.StoredFrame() if frame.log in self.logs:
                self.logs[frame.log].acknowledge(frame)
            case f.Done():
                _settle(self._awaiting.pop(frame.ref, None), None)
            case f.RefusedFrame():
                self._take_refusal(frame)
            case f.VisitFrame():
                self.visits.setdefault(frame.visit.ticket, Picture()).show(frame.visit)
            case f.DeskFrame() if self.desk_picture is not None:
                self.desk_picture.show(frame.desk)
            case f.SeenMark() if frame.log in self.logs:
                self.logs[frame.log].seen[frame.person] = frame.number
            case f.TypingMark() if frame.log in self.logs:
                self.logs[frame.log].typing = frame.name
        return []

    def _resume(self, welcome: f.Welcome) -> list[f.FromClient]:
        """Greeted: ask for what follows, watch again, and say again what was not acknowledged, in the order in which it was said."""
        for log in self.logs.values():
            if log.entries and welcome.store != self.store:
                log.begin_anew()
        self.store, self._beat_s = welcome.store, welcome.beat_s
        self._greeted.set()
        visits = [f.Watch(self.next_ref(), "visit", ticket) for ticket in self.visits]
        desk = [f.Watch(self.next_ref(), "desk")] if self.desk_picture is not None else []
        unsaid = [frame for log in self.logs.values() for frame, _ in log.outbox.values()]
        return [*map(self._open_frame, self.logs.values()), *visits, *desk, *unsaid]

    def _take_refusal(self, refused: f.RefusedFrame) -> None:
        error = Refusal(refused.code, refused.correlation, refused.retry_after)
        if refused.ref is not None:
            _settle(self._awaiting.pop(refused.ref, None), error)
        for frame, number in (said for log in self.logs.values() for said in log.outbox.values()):
            if frame.ref == refused.ref and refused.retry_after is None:
                _settle(number, error)
            elif frame.ref == refused.ref and refused.retry_after is not None:
                self._later(self._say_again(frame, refused.retry_after))

    async def _say_again(self, frame: f.AppendFrame, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self.send(frame)


def jitter(attempt: int) -> float:
    """Return how long to wait before a try, in seconds: full jitter, twice as wide each time, from 0.5 to 20."""
    return random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt, 10)))


def text_of(entry: Entry) -> str:
    """Return the words of a message or note."""
    return _words.decode(entry.body).text


def _settle(answer: "asyncio.Future[Any] | None", result: object) -> None:
    """Give an answer, unless nobody waits for it; an error is raised at whoever waits."""
    if answer is None or answer.done():
        return
    if isinstance(result, ClientError):
        answer.set_exception(result)
    else:
        answer.set_result(result)


def _hint_in(reason: str) -> float | None:
    """Return the server's hint in seconds; None when there is none that makes sense."""
    name, _, value = reason.partition("=")
    try:
        return min(max(float(value), 0.0), 60.0) if name == "retry_after" else None
    except ValueError:
        return None


def _answer_in(response: httpx2.Response, gives: Any) -> Any:
    if response.is_success:
        return None if gives is None else msgspec.json.decode(response.content, type=gives)
    try:
        problem = msgspec.json.decode(response.content)
        raise Refusal(problem["code"], problem.get("correlation", ""), problem.get("retry_after"))
    except (msgspec.DecodeError, KeyError, TypeError):
        raise Refusal(f"http.{response.status_code}") from None
