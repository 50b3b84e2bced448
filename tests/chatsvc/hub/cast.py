"""The people, logs and lines that hub tests are about: ports played by small honest objects, and clients that speak frames."""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.conversations.views import Desk, LineCount, Visit, Waiting
from chatsvc.db.uow import Bell
from chatsvc.files.model import Attached
from chatsvc.hub.broker import Broker
from chatsvc.hub.broker_local import LocalBroker, LocalExchange
from chatsvc.hub.connection import Connection, serve
from chatsvc.hub.doors import Doors
from chatsvc.hub.frames import ServerFrame, Welcome
from chatsvc.hub.handshake import Gate
from chatsvc.hub.hub import Hub
from chatsvc.hub.rules import Rules
from chatsvc.kernel import ids
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Conflict, NotFound, Refused, Unavailable
from chatsvc.kernel.ids import CompanyId, FileId, LogId, OfferId, PersonId, SessionId, TicketId
from chatsvc.tickets.logbook import Opening, Written
from chatsvc.tickets.model import Append, Audience, Entry, Kind, Role, Stored, words
from chatsvc.tickets.queries import LogReach

F = TypeVar("F")

PATIENCE_S = 10 * float(os.environ.get("HOLDLINE_TEST_PATIENCE", "1"))
STORE = "st_test"
ORIGIN = "http://127.0.0.1:8000"
ACME = CompanyId("co_acme")
# Nothing waits in tests that need not: gaps are as short as they can be while they still are gaps.
QUICK = Rules(read_gap_s=0.001, line_gap_s=0.002, picture_gap_s=0.001, retry_s=0.005, farewell_s=0.05, send_s=0.05)

_frames = msgspec.json.Decoder(ServerFrame)


def an_identity(
    role: PersonRole = PersonRole.CONTACT, *, name: str = "Claire", company: CompanyId | None = ACME
) -> Identity:
    """Return a signed-in person."""
    theirs = company if role is PersonRole.CONTACT else None
    return Identity(ids.person_id(), ids.session_id(), role, name, theirs, "en", "UTC")


def an_entry(number: int, text: str = "hello", *, kind: str = "message") -> Entry:
    """Return an entry with this number."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    body = msgspec.Raw(words(f"{text} {number}").encode())
    return Entry(number, at, kind, "pe_somebody", "Somebody", Role.CUSTOMER, f"key-{number:06}", body)


class Time:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds


class PlainLogs:
    """Logs as lists: what the log book promises, without a store. Several hubs may stand on the same one."""

    def __init__(self) -> None:
        self.entries: dict[LogId, list[Entry]] = {}
        self.keys: dict[tuple[LogId, str, str], tuple[int, str]] = {}
        self.marks: dict[tuple[LogId, PersonId], int] = {}
        self.reads: list[tuple[LogId, int]] = []
        self.on_stored: Callable[[Sequence[Written]], None] = lambda written: None
        self.available = True
        # Reads wait for this, when a test has set one.
        self.gate: asyncio.Event | None = None

    def add(self, log: LogId, *texts: str, kind: str = "message", quietly: bool = False) -> None:
        """Write as another process would: nobody here is told."""
        for text in texts:
            entries = self.entries.setdefault(log, [])
            entries.append(an_entry(len(entries) + 1, text, kind=kind))
            if not quietly:
                self.on_stored([Written(log, entries[-1])])

    def submit(self, append: Append, done: Callable[[Stored | Refused], None]) -> None:
        """Store in the next turn of the loop, as a commit would."""
        asyncio.get_running_loop().call_soon(self._commit, append, done)

    def _commit(self, append: Append, done: Callable[[Stored | Refused], None]) -> None:
        if not self.available:
            done(Unavailable("store.unavailable"))
            return
        entries = self.entries.setdefault(append.log, [])
        said = self.keys.get((append.log, append.sender, append.key))
        if said is not None:
            same = said[1] == append.body
            done(Stored(said[0], entries[said[0] - 1].at, True) if same else Conflict("entry.key_reused"))
            return
        at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        body = msgspec.Raw(append.body.encode())
        entry = Entry(
            len(entries) + 1, at, append.kind.value, append.sender, append.name, append.role, append.key, body
        )
        entries.append(entry)
        self.keys[append.log, append.sender, append.key] = (entry.number, append.body)
        done(Stored(entry.number, at))
        self.on_stored([Written(append.log, entry)])

    async def since(self, log: LogId, after: int, limit: int = 500) -> tuple[Entry, ...]:
        """Return entries after a number."""
        self.reads.append((log, after))
        if self.gate is not None:
            await self.gate.wait()
        if not self.available:
            raise Unavailable("store.unavailable")
        return tuple(self.entries.get(log, ())[after : after + limit])

    async def heads(self, logs: Sequence[LogId]) -> dict[LogId, int]:
        """Return how far logs are."""
        if not self.available:
            raise Unavailable("store.unavailable")
        return {log: len(self.entries[log]) for log in logs if log in self.entries}

    async def mark_seen(self, marks: Mapping[tuple[LogId, PersonId], int]) -> None:
        """Store seen marks."""
        if not self.available:
            raise Unavailable("store.unavailable")
        self.marks.update(marks)

    async def seen(self, log: LogId) -> dict[PersonId, int]:
        """Return seen marks."""
        return {person: number for (each, person), number in self.marks.items() if each == log}


class World:
    """What the rooms below the hub know, and how it can be changed."""

    def __init__(self) -> None:
        self.logs = PlainLogs()
        self.reaches: dict[LogId, LogReach] = {}
        self.owners: dict[TicketId, PersonId] = {}
        self.tokens: dict[str, Identity] = {}
        self.all_visits: dict[TicketId, Visit] = {}
        self.all_desks: dict[PersonId, Desk] = {}
        self.files: dict[str, Attached] = {}
        # What was asked of the rooms, in order: name and the arguments that matter.
        self.asked: list[tuple[Any, ...]] = []
        self.refuse: dict[str, Exception] = {}
        # For each visit that was asked for, the lines of which its asker had a picture.
        self.known_lines: list[dict[str, Mapping[TicketId, Waiting]]] = []

    @property
    def doors(self) -> Doors:
        """The ports, all played by this object."""
        return Doors(self, self.logs, self, self)

    def asks(self, name: str) -> list[tuple[Any, ...]]:
        """Return what was asked under this name."""
        return [each[1:] for each in self.asked if each[0] == name]

    def _note(self, name: str, *facts: Any) -> None:
        self.asked.append((name, *facts))
        if name in self.refuse:
            raise self.refuse[name]

    def signs_in(self, identity: Identity) -> str:
        """Give somebody a session; return its token."""
        token = f"token-{identity.session}"
        self.tokens[token] = identity
        return token

    def signs_out(self, identity: Identity) -> None:
        """End somebody's session."""
        self.tokens = {token: each for token, each in self.tokens.items() if each.session != identity.session}

    def a_log(self, owner: Identity, *, audience: Audience = Audience.SHARED) -> LogId:
        """Open a log of a ticket of this person."""
        log, ticket = ids.log_id(), ids.ticket_id()
        self.owners[ticket] = owner.person
        self.reaches[log] = LogReach(log, ticket, owner.company or ACME, audience, 0, 0, None, False)
        self.logs.entries[log] = []
        return log

    def a_visit(self, owner: Identity, *, position: int = 1, line: str = "expense") -> Visit:
        """Let somebody stand in line."""
        log = self.a_log(owner)
        reach = self.reaches[log]
        at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        place = Waiting(position, 1, None, None, False, at)
        conversation = ids.conversation_id()
        visit = Visit(
            ticket=reach.ticket, number=4812, subject="Blank page", line=line, ticket_state="open", log=log,
            conversation=conversation, state="waiting", waiting=place, representative=None, representative_id=None,
            representative_there=None, undo_until=None, ended_by_customer=None, rating=None,
        )  # fmt: skip
        self.all_visits[reach.ticket] = visit
        return visit

    def a_desk(self, owner: Identity, *lines: str) -> Desk:
        """Give a representative a desk."""
        counts = tuple(LineCount(line, 0, 1, None) for line in lines)
        self.all_desks[owner.person] = Desk("away", None, 3, 0, counts, (), ())
        return self.all_desks[owner.person]

    # Sessions.

    async def identify_all(self, held: Collection[str]) -> dict[str, Identity]:
        """Return whose sessions these are."""
        self._note("identify")
        return {token: self.tokens[token] for token in held if token in self.tokens}

    async def still_in_all(self, wanted: Mapping[SessionId, bool]) -> dict[str, Identity]:
        """Return people as they are now."""
        for session, in_use in wanted.items():
            self._note("still_in", session, in_use)
        return {each.session: each for each in self.tokens.values() if each.session in wanted}

    # Reading.

    async def reach(self, identity: Identity, log: LogId) -> LogReach:
        """Return a log that this person may read."""
        self._note("reach", identity.person, log)
        reach = self.reaches.get(log)
        if reach is None or (
            not identity.is_staff and (reach.audience is Audience.STAFF or self.owners[reach.ticket] != identity.person)
        ):
            raise NotFound("log.not_found")
        return msgspec.structs.replace(reach, head=len(self.logs.entries[log]))

    async def opening(self, identity: Identity, log: LogId, after: int) -> Opening:
        """Return a log that this person may read, as it stands when the read ends."""
        reach = await self.reach(identity, log)
        entries = await self.logs.since(log, after)
        head = len(self.logs.entries[log])
        return Opening(msgspec.structs.replace(reach, head=head), entries, await self.logs.seen(log))

    async def attached(self, identity: Identity, files: Sequence[FileId], reach: LogReach) -> tuple[Attached, ...]:
        """Return files of this ticket."""
        self._note("attached", tuple(files))
        if not all(file in self.files for file in files):
            raise NotFound("file.not_found")
        return tuple(self.files[file] for file in files)

    async def visits(
        self, wanted: Collection[tuple[PersonId, TicketId]], known: Mapping[str, Mapping[TicketId, Waiting]]
    ) -> dict[tuple[PersonId, TicketId], Visit]:
        """Return visits."""
        for _, ticket in wanted:
            self._note("visit", ticket)
            self.known_lines.append(dict(known))
        return {
            (person, ticket): self.all_visits[ticket]
            for person, ticket in wanted
            if ticket in self.all_visits and self.owners[ticket] == person
        }

    async def desks(self, persons: Collection[PersonId]) -> dict[PersonId, Desk]:
        """Return desks."""
        for person in persons:
            self._note("desk", person)
        return {person: self.all_desks[person] for person in persons if person in self.all_desks}

    async def whole_line(self, line: str) -> Mapping[TicketId, Waiting]:
        """Return who waits in a line."""
        self._note("whole_line", line)
        return {v.ticket: v.waiting for v in self.all_visits.values() if v.line == line and v.waiting is not None}

    async def line_counts(self) -> Mapping[str, LineCount]:
        """Return all lines, counted."""
        self._note("line_counts")
        lines: dict[str, int] = {}
        for visit in self.all_visits.values():
            lines[visit.line] = lines.get(visit.line, 0) + (visit.waiting is not None)
        return {line: LineCount(line, waiting, 1, None) for line, waiting in lines.items()}

    # Deeds.

    async def set_desk(self, identity: Identity, state: str, reason: str | None = None) -> None:
        """Choose ready or away."""
        self._note("set_desk", identity.person, state, reason)

    async def accept(self, identity: Identity, offer: OfferId, epoch: int) -> None:
        """Take an offer."""
        self._note("accept", identity.person, offer, epoch)

    async def decline(self, identity: Identity, offer: OfferId, epoch: int, reason: str) -> None:
        """Leave an offer."""
        self._note("decline", identity.person, offer, epoch, reason)

    async def renew_desks(self, persons: Collection[PersonId]) -> None:
        """Note who is there."""
        self._note("renew_desks", frozenset(persons))

    async def renew_places(self, tickets: Collection[TicketId]) -> None:
        """Note whose customer is there."""
        self._note("renew_places", frozenset(tickets))


class MemoryWire:
    """A socket without a network: frames lie in lists until the test looks at them."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.sent: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        # Cleared by a client that stops reading.
        self.reading = asyncio.Event()
        self.reading.set()
        self.changed = asyncio.Event()

    async def receive(self) -> str | bytes | None:
        """Return the next frame."""
        return await self.incoming.get()

    async def send(self, data: bytes) -> None:
        """Take a frame, when the client reads."""
        await self.reading.wait()
        self.sent.append(data)
        self.changed.set()

    async def close(self, code: int, reason: str) -> None:
        """Note the close."""
        self.closed = (code, reason)
        self.changed.set()


class Talker:
    """A client of one hub, in the words of the story."""

    def __init__(self, hub: Hub, identity: Identity) -> None:
        self.identity = identity
        self.wire = MemoryWire()
        self.connection: Connection = hub.admit(identity)
        self._hub = hub
        self._ref = 0
        # How many frames were decoded, and those of them that no story has asked for.
        self._decoded = 0
        self._unread: list[Any] = []
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        try:
            await serve(self.connection, self.wire)
        finally:
            self._hub.leave(self.connection)
            self.wire.changed.set()

    def sends(self, frame: str, /, **fields: Any) -> int:
        """Send a frame; return its ref."""
        self._ref += 1
        numbered = {"ref": self._ref} if frame not in ("close", "seen", "typing", "looking", "unwatch", "beat") else {}
        self.wire.incoming.put_nowait(msgspec.json.encode({"t": frame, **numbered, **fields}).decode())
        return self._ref

    def opens(self, log: LogId, after: int = 0, *, store: str | None = None) -> int:
        """Follow a log."""
        named = {"store": store or STORE} if after else {}
        return self.sends("open", log=log, after=after, **named)

    def says(self, log: LogId, text: str, *, key: str | None = None, kind: str = "message", **more: Any) -> int:
        """Append to a log."""
        return self.sends(
            "append",
            log=log,
            key=key or f"key-{self.identity.person[-6:]}-{self._ref:04}",
            kind=kind,
            text=text,
            **more,
        )

    async def gets(self, kind: type[F], **fields: Any) -> F:
        """Wait for the next frame of this kind with these values; answers may come in any order, others stay for later."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self._unread += map(_frames.decode, self.wire.sent[self._decoded :])
                self._decoded = len(self.wire.sent)
                for frame in self._unread:
                    if isinstance(frame, kind) and all(getattr(frame, name) == value for name, value in fields.items()):
                        self._unread.remove(frame)
                        return frame
                self.wire.changed.clear()
                if self._serving.done():
                    raise AssertionError(f"closed with {self.wire.closed} before {kind.__name__} came")
                await self.wire.changed.wait()

    async def is_closed(self) -> tuple[int, str]:
        """Wait for the close; return code and reason."""
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait((self._serving,))
        assert self.wire.closed is not None
        return self.wire.closed

    def frames(self, kind: type[F]) -> list[F]:
        """Return every frame of this kind that has come so far."""
        decoded = (_frames.decode(data) for data in self.wire.sent)
        return [frame for frame in decoded if isinstance(frame, kind)]

    def numbers(self, log: LogId) -> list[int]:
        """Return the numbers of all entries of a log that have come so far, in order of coming."""
        from_frames = (frame for frame in map(_frames.decode, self.wire.sent) if type(frame).__name__ == "Entries")
        return [entry.number for frame in from_frames if frame.log == log for entry in frame.entries]

    async def has(self, log: LogId, *numbers: int) -> None:
        """Wait until exactly these numbers have come, in this order."""
        await until(lambda: len(self.numbers(log)) >= len(numbers))
        assert self.numbers(log) == list(numbers)

    async def goes(self) -> None:
        """Leave without a word."""
        self.wire.incoming.put_nowait(None)
        await asyncio.wait((self._serving,))


async def until(is_so: Callable[[], Any]) -> None:
    """Let the loop turn until something is so."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + PATIENCE_S
    while not is_so():
        assert loop.time() < ends_at, "it never came to be so"
        await asyncio.sleep(0.001)


async def settled() -> None:
    """Let everything that is under way come to rest, where nothing tells that it has."""
    for _ in range(20):
        await asyncio.sleep(0.001)


class Stage:
    """A started hub on a world."""

    def __init__(
        self, world: World, exchange: LocalExchange | None = None, *, rules: Rules = QUICK, broker: Broker | None = None
    ) -> None:
        self.world = world
        self.time = Time()
        self.hub = Hub(
            world.doors, broker or LocalBroker(exchange), store=STORE, clock=ManualClock(),
            gate=Gate(origins=frozenset({ORIGIN})), rules=rules, now=self.time,
        )  # fmt: skip
        self._talkers: list[Talker] = []

    async def arrives(self, identity: Identity) -> Talker:
        """Let somebody connect, and be greeted."""
        if identity not in self.world.tokens.values():
            self.world.signs_in(identity)
        talker = Talker(self.hub, identity)
        self._talkers.append(talker)
        await talker.gets(Welcome)
        return talker

    def rings(self, topic: str, head: int = 0) -> None:
        """Ring a bell as a commit of this process would."""
        self.hub.ring([Bell(topic, head)])

    async def closes(self) -> None:
        """End the hub and everybody in it."""
        await asyncio.gather(*(talker.goes() for talker in self._talkers))
        await self.hub.close()


def a_message(log: LogId, text: str, *, key: str, sender: Identity) -> Append:
    """Return a customer's wish to add a message."""
    return Append(log, sender.person, sender.name, Role.CUSTOMER, key, Kind.MESSAGE, words(text), sender.company)
