"""Turns outbox rows into mails: looks up who receives them and what they are about, and lets the composer write.

Everything is read when the mail goes out, not when its row was written: a row names people and tickets and quotes nothing.
"""

from typing import Protocol

import msgspec

from chatsvc.accounts import letters
from chatsvc.accounts.letters import SetPassword
from chatsvc.accounts.model import Person
from chatsvc.accounts.queries import AccountQueries
from chatsvc.db.outbox import Letter
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId, PersonId, TicketId
from chatsvc.notifications.compose import (
    CallNews,
    Composer,
    ConversationClosed,
    Envelope,
    PromiseDue,
    ReportReady,
    StaffingOver,
    TicketNews,
    TicketOpened,
    Transcript,
)
from chatsvc.notifications.mailer import Mail
from chatsvc.tickets.letters import Matter
from chatsvc.tickets.telling import PROMISE_DUE, News

# The kinds of rows that become mails.
SET_PASSWORD = letters.KIND
TICKET_CONFIRMATION = "mail.ticket_confirmation"
TRANSCRIPT = "mail.transcript"
NEWS = frozenset(news.value for news in News)
REPORT_READY = "mail.report_ready"
CALLBACK = "mail.callback"
STAFFING_OVER = "mail.staffing_over"


class Undeliverable(Exception):
    """This row can never become a mail; the text says why, without an address or a word of it."""


class ReadTranscript(Protocol):
    """How a conversation's transcript is read."""

    async def __call__(self, conversation: ConversationId, /) -> Transcript:
        """Return the whole of it.

        Raises:
            NotFound: there is no such conversation.
        """
        ...


class ReadTicket(Protocol):
    """How a ticket is read for its mails."""

    async def __call__(self, ticket: TicketId, to: Person, first: int, last: int, /) -> Matter:
        """Return it, with entries of its shared log by number.

        Raises:
            NotFound: there is no such ticket, or this person may not read it any more.
        """
        ...


class Clerk:
    """Writes the mail of a row."""

    def __init__(
        self,
        *,
        composer: Composer,
        accounts: AccountQueries,
        read_transcript: ReadTranscript,
        read_ticket: ReadTicket,
    ) -> None:
        self._read_ticket = read_ticket
        self._composer = composer
        self._accounts = accounts
        self._read_transcript = read_transcript

    async def write(self, letter: Letter) -> Mail:
        """Return the mail of a row; the same row gives the same mail.

        Raises:
            Undeliverable: the kind is unknown, the payload cannot be read, or the receiver is gone or may not enter any more.
            Unavailable: the store cannot be read now.
        """
        to = await self._accounts.person(PersonId(letter.recipient))
        if to is None:
            raise Undeliverable("the receiver does not exist")
        try:
            return await self._write(letter, to)
        except msgspec.ValidationError as error:
            raise Undeliverable("the payload cannot be read") from error
        except NotFound as error:
            raise Undeliverable(f"what it is about does not exist: {error.key}") from error

    async def _write(self, letter: Letter, to: Person) -> Mail:
        envelope = Envelope(letter.id, letter.created_at)
        if letter.kind == SET_PASSWORD:
            # Whoever was just added may set a password before the permission is granted; nobody may who is disabled.
            if to.disabled_at is not None:
                raise Undeliverable("the receiver is disabled")
            return self._composer.set_password(envelope, to, msgspec.convert(letter.payload, SetPassword))
        if not to.may_enter:
            raise Undeliverable("the receiver may not enter")
        if letter.kind == TICKET_CONFIRMATION:
            return self._composer.ticket_confirmation(envelope, to, msgspec.convert(letter.payload, TicketOpened))
        if letter.kind == REPORT_READY:
            return self._composer.report_ready(envelope, to, msgspec.convert(letter.payload, ReportReady))
        if letter.kind == CALLBACK:
            return self._composer.call_news(envelope, to, msgspec.convert(letter.payload, CallNews))
        if letter.kind == STAFFING_OVER:
            return self._composer.staffing_over(envelope, to, msgspec.convert(letter.payload, StaffingOver))
        if letter.kind == TRANSCRIPT:
            facts = msgspec.convert(letter.payload, ConversationClosed)
            return self._composer.transcript(envelope, to, await self._read_transcript(facts.conversation))
        if letter.kind == PROMISE_DUE:
            due = msgspec.convert(letter.payload, PromiseDue)
            return self._composer.promise_due(envelope, to, due, await self._read_ticket(due.ticket, to, 0, 0))
        if letter.kind in NEWS:
            news = msgspec.convert(letter.payload, TicketNews)
            matter = await self._read_ticket(news.ticket, to, news.first or news.entry, news.last or news.entry)
            return self._composer.ticket_news(envelope, to, News(letter.kind), news, matter)
        raise Undeliverable(f"no mail is known for {letter.kind}")
