"""The transcript of a conversation, for mail and download: numbers, both names, times in a named zone. Structure and plain text, no HTML.

It reads the ticket's shared log as it was when the conversation closed; internal notes are another log and cannot get in. What the words
of events are, in which language, is handed in by whoever renders it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chatsvc.accounts.tables import companies, people
from chatsvc.conversations.tables import conversations
from chatsvc.files.model import Attached
from chatsvc.kernel.errors import NotFound
from chatsvc.kernel.ids import ConversationId, LogId, PersonId, TicketId
from chatsvc.tickets import log_store
from chatsvc.tickets import store as ticket_store
from chatsvc.tickets.model import Entry, Role, Words
from chatsvc.tickets.tables import tickets

# Entries read at once; a transcript has all of them.
_AT_ONCE = 500
_words = msgspec.json.Decoder(Words)

# Kind, its facts and ``name`` -> the sentence that people read.
Sentence = Callable[[str, Mapping[str, Any]], str]


class Line(msgspec.Struct, frozen=True):
    """One entry of a transcript."""

    number: int
    # Aware, UTC.
    at: datetime
    # ``message`` for words; otherwise the name of an event.
    kind: str
    role: Role
    # Who said or did it; empty for the system.
    name: str
    # What was said; empty for events.
    text: str
    files: tuple[Attached, ...]
    # What an event says, as facts; empty for words.
    facts: dict[str, Any]


class Transcript(msgspec.Struct, frozen=True):
    """A whole conversation."""

    conversation: ConversationId
    ticket: TicketId
    number: int
    subject: str
    # Key of the catalogue.
    line: str
    customer_id: PersonId
    customer: str
    company: str
    # Everybody of support who wrote in it, in the order of their first word.
    representatives: tuple[str, ...]
    # IANA name of the customer's zone and code of their language.
    zone: str
    language: str
    # Aware, UTC; None while it lasts.
    closed_at: datetime | None
    lines: tuple[Line, ...]


async def read_transcript(connection: AsyncConnection, conversation: ConversationId) -> Transcript:
    """Return the transcript of a conversation: everything up to its close, or up to now while it lasts. Who may read it is asked before.

    Raises:
        NotFound: there is no such conversation.
    """
    row = (await connection.execute(_head(conversation))).one_or_none()
    if row is None:
        raise NotFound("conversation.not_found")
    log = await ticket_store.log_of(connection, row.ticket_id)
    lines = [_line(entry) for entry in await _entries(connection, log, row.closed_at)]
    staff = dict.fromkeys(line.name for line in lines if line.role is Role.STAFF and line.name)
    return Transcript(
        conversation=conversation,
        ticket=row.ticket_id,
        number=row.number,
        subject=row.subject,
        line=row.line,
        customer_id=row.contact_id,
        customer=row.customer,
        company=row.company,
        representatives=tuple(staff),
        zone=row.zone,
        language=row.language,
        closed_at=row.closed_at,
        lines=tuple(lines),
    )


def _head(conversation: ConversationId) -> Any:
    return (
        select(
            conversations.c.ticket_id,
            conversations.c.line,
            conversations.c.closed_at,
            conversations.c.contact_id,
            tickets.c.number,
            tickets.c.subject,
            people.c.name.label("customer"),
            people.c.language,
            companies.c.name.label("company"),
            func.coalesce(people.c.zone, companies.c.zone).label("zone"),
        )
        .select_from(
            conversations.join(tickets, tickets.c.id == conversations.c.ticket_id)
            .join(people, people.c.id == conversations.c.contact_id)
            .join(companies, companies.c.id == conversations.c.company_id)
        )
        .where(conversations.c.id == conversation)
    )


async def _entries(connection: AsyncConnection, log: LogId, until: datetime | None) -> list[Entry]:
    found: list[Entry] = []
    while True:
        more = await log_store.entries_after(connection, log, found[-1].number if found else 0, _AT_ONCE)
        found += [entry for entry in more if until is None or entry.at <= until]
        if len(more) < _AT_ONCE or found[-1].number != more[-1].number:
            return found


def _line(entry: Entry) -> Line:
    said = _words.decode(entry.body) if entry.kind == "message" else None
    return Line(
        number=entry.number,
        at=entry.at,
        kind=entry.kind,
        role=entry.role,
        name=entry.name,
        text="" if said is None else said.text,
        files=() if said is None else said.files,
        facts=msgspec.json.decode(entry.body) if said is None else {},
    )


def as_text(transcript: Transcript, sentence: Sentence, *, zone: str | None = None) -> str:
    """Return the entries as plain text, one below the other, each with its number and its time in a zone.

    Args:
        transcript: what ``read_transcript`` has returned.
        sentence: returns the words of an event in the reader's language.
        zone: IANA name; None: the customer's own. Days are written out, so that no reader has to guess an order of numbers.
    """
    there = ZoneInfo(zone or transcript.zone)
    blocks = []
    for line in transcript.lines:
        local = line.at.astimezone(there)
        when = f"#{line.number}  {local:%Y-%m-%d %H:%M:%S} ({there.key})"
        if line.kind != "message":
            blocks.append(f"{when}\n* {sentence(line.kind, {**line.facts, 'name': line.name})}")
            continue
        files = [f"[{file.name}]" for file in line.files]
        blocks.append("\n".join([f"{when}  {line.name}", *filter(None, [line.text]), *files]))
    return "\n\n".join(blocks) + "\n"
