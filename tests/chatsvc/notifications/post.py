"""A small post office for tests: a real store, one company with Anna in it, a composer, a clerk, and mail servers of both kinds."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from chatsvc.accounts.administration import Administration
from chatsvc.accounts.limits import Limits
from chatsvc.accounts.links import Links
from chatsvc.accounts.passwords import CHEAP, Passwords
from chatsvc.accounts.policy import OPERATOR
from chatsvc.accounts.queries import AccountQueries
from chatsvc.db.engine import Database
from chatsvc.db.outbox import outbox
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId, PersonId
from chatsvc.keyspace.counters import LocalCounters
from chatsvc.notifications.clerk import Clerk
from chatsvc.notifications.compose import Composer
from chatsvc.notifications.mailer import Mailer
from chatsvc.notifications.quiet import QuietLinks
from chatsvc.notifications.sender import OutboxSender
from chatsvc.tickets.letters import TicketLetters
from chatsvc.tickets.model import Attached, Entry, Kind, Role, facts, words
from chatsvc.tickets.policy import TicketRules

BASE_URL = "https://support.holdline.example"
MAIL_FROM = "Holdline <support@holdline.example>"
LINKS = Links("a secret of the tests, long enough for all of them")
QUIET = QuietLinks("a secret of the tests, long enough for all of them")


@dataclass(frozen=True)
class Conversation:
    """A transcript as the room of conversations gives it."""

    number: int = 4812
    subject: str = "Receipt is upside down"
    entries: tuple[Entry, ...] = ()


def composer(**options: Any) -> Composer:
    return Composer(
        base_url=BASE_URL, mail_from=MAIL_FROM, links=LINKS, quiet=QUIET, **{"lines": {"expense": "Expense"}, **options}
    )


class PostOffice:
    """Everything between a row and a mail server."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = database.clock
        limits = Limits(LocalCounters(database.clock), database.clock)
        self.administration = Administration(database=database, passwords=Passwords(CHEAP), limits=limits)
        self.conversations: dict[str, Conversation] = {}
        self.clerk = Clerk(
            composer=composer(),
            accounts=AccountQueries(database),
            read_transcript=self._read,
            read_ticket=TicketLetters(database, TicketRules()).read,
        )

    async def _read(self, conversation: ConversationId) -> Conversation:
        try:
            return self.conversations[conversation]
        except KeyError:
            raise NotFound("conversation.not_found") from None

    def sender(self, mailer: Mailer | None) -> OutboxSender:
        return OutboxSender(database=self.database, clerk=self.clerk, mailer=mailer)

    async def anna(self, **details: Any) -> PersonId:
        """A new authorised contact in Berlin; her first mail is in the outbox."""
        company = await self.administration.create_company(OPERATOR, name="Acme", zone="Europe/Berlin", country="DE")
        details = {"name": "Anna", "email": "anna@acme.example", "authorised": True, **details}
        return await self.administration.add_contact(OPERATOR, company, **details)

    async def record(self, kind: str, to: str, cause: str = "cause", **payload: Any) -> None:
        async with self.database.begin() as uow:
            await uow.record(kind, cause=cause, recipient=to, payload=payload)

    async def rows(self) -> list[Any]:
        async with self.database.read() as connection:
            return list((await connection.execute(select(outbox).order_by(outbox.c.kind, outbox.c.cause))).all())


def entry(number: int, kind: Kind, name: str = "", *, clock: Any, text: str | None = None, **body: Any) -> Entry:
    """A line of a log, said by a customer unless it is the system's."""
    said = words(text, body.pop("files", ())) if text is not None else facts(**body)
    role = Role.CUSTOMER if name else Role.SYSTEM
    return Entry(number, clock.now(), kind, "pe_x", name, role, f"key-{number:04}", msgspec.Raw(said.encode()))


def picture(name: str) -> Attached:
    from chatsvc.kernel.ids import FileId

    return Attached(FileId("fi_x"), name, "image/png", 10)


@dataclass
class Sink:
    """A real mail server that keeps what it takes."""

    url: str = ""
    taken: list[EmailMessage] = field(default_factory=list)
    # What it answers to the next mails; "250 OK" when nothing is left.
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
        return answer


@asynccontextmanager
async def mail_server() -> AsyncIterator[Sink]:
    """A mail server on a free port of the loopback."""
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(sink, hostname="sink.example", enable_SMTPUTF8=False), "127.0.0.1", 0, family=socket.AF_INET
    )
    sink.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
