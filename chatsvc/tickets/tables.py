"""Tables of tickets, their logs, entries and reading marks."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from chatsvc.db.columns import Json, Moment, metadata

# Lists show what is not over yet: an index of its own keeps the years behind us out of them.
_OPEN: Final[Any] = {"sqlite_where": text("ended_at is null"), "postgresql_where": text("ended_at is null")}

_FOLLOWING: Final[Any] = {
    "sqlite_where": text("follows_id is not null"),
    "postgresql_where": text("follows_id is not null"),
}

tickets = Table(
    "tickets",
    metadata,
    Column("id", String(40), primary_key=True),
    # What people say and write: 4812. Unique, rising, without meaning.
    Column("number", BigInteger, nullable=False, unique=True),
    Column("company_id", String(40), ForeignKey("companies.id"), nullable=False),
    Column("requester_id", String(40), ForeignKey("people.id"), nullable=False),
    # A product key of the catalogue.
    Column("product", String(40), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("description", Text, nullable=False),
    # Answers of the impact interview, question code -> answer code.
    Column("impact", Json, nullable=False),
    # ``P1`` … ``P4``; every ticket starts as P3 (V2).
    Column("severity", String(2), nullable=False),
    # ``open``, ``awaiting``, ``solved``, ``closed`` (T7, T8).
    Column("state", String(10), nullable=False),
    # A team key of the catalogue (T1).
    Column("team", String(40), nullable=False),
    # A reason key of the catalogue; None until the wrap-up names it.
    Column("reason", String(40)),
    # ``production`` or ``test``; None until somebody says.
    Column("environment", String(20)),
    # The representative who works on it (T2); None while nobody does.
    Column("owner_id", String(40), ForeignKey("people.id")),
    # How it came: ``chat``, ``callback``, ``form``; with ``source_id`` unique, so that one contact makes one ticket (R13).
    Column("source", String(10), nullable=False),
    Column("source_id", String(80), nullable=False),
    Column("created_at", Moment, nullable=False),
    # Changes of fields and state; the last word is the shared log's ``last_at``.
    Column("updated_at", Moment, nullable=False),
    # When it was solved or closed, the later; None while open or awaiting (T9).
    Column("ended_at", Moment),
    # What the customer was asked for, when, and when it closes without their answer: of meaning only while awaiting (T8).
    Column("needed", Text),
    Column("asked_at", Moment),
    Column("closes_at", Moment),
    # The solution given, and when (T1); None before. It stays when the ticket is opened again.
    Column("solution", Text),
    Column("solution_at", Moment),
    # The ticket that this one is the follow-up of (T9); None for most.
    Column("follows_id", String(40)),
    # The ticket that this duplicate was merged into; None for most. It is closed for good.
    Column("merged_into_id", String(40)),
    # The number of the incident it belongs to; None for most.
    Column("incident", String(20)),
    # Raised by every change; an update carries the one it read.
    Column("version", Integer, nullable=False, default=1),
    UniqueConstraint("source", "source_id"),
    Index("ix_tickets_requester", "requester_id", "created_at"),
    Index("ix_tickets_company", "company_id", "created_at"),
    Index("ix_tickets_company_number", "company_id", "number"),
    Index("ix_tickets_requester_number", "requester_id", "number"),
    # Without the many that follow nothing: an index full of them looks useless to a planner.
    Index("ix_tickets_follows", "follows_id", **_FOLLOWING),
    Index("ix_tickets_open_owner", "owner_id", "number", **_OPEN),
    Index("ix_tickets_open_team", "team", "number", **_OPEN),
    # With whom and where, so that lists and counts of what is not over need no ticket for it.
    Index("ix_tickets_open", "number", "owner_id", "team", **_OPEN),
    # Whatever a list is narrowed by, in the order of lists: a choice that hardly any ticket fits reads this and no tickets.
    Index("ix_tickets_narrowed", "number", "state", "severity", "team", "product"),
)

# One row per ticket number ever given: the numbering survives whatever happens to tickets.
ticket_numbers = Table(
    "ticket_numbers",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# Colleagues in copy (T6).
followers = Table(
    "followers",
    metadata,
    Column("ticket_id", String(40), ForeignKey("tickets.id"), nullable=False),
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("since_at", Moment, nullable=False),
    PrimaryKeyConstraint("ticket_id", "person_id"),
    Index("ix_followers_person", "person_id"),
)

logs = Table(
    "logs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("ticket_id", String(40), ForeignKey("tickets.id"), nullable=False),
    # The ticket's company: an append of a contact names it, and the update finds no row otherwise (R20).
    Column("company_id", String(40), nullable=False),
    # ``shared`` (both sides) or ``staff`` (internal notes, a log of their own).
    Column("audience", String(10), nullable=False),
    # The newest entry's number; 0 while empty. Only ``append`` raises it.
    Column("head", BigInteger, nullable=False, default=0),
    # Who may write as the live representative: raised by every grant, an older one is refused (R9).
    Column("owner_epoch", Integer, nullable=False, default=0),
    # The representative in the live conversation: no other member of staff may write; None while there is none.
    Column("owner_id", String(40)),
    # True when nothing can be added any more (T9).
    Column("sealed", Boolean, nullable=False, default=False),
    # Nothing can be added after this moment; None while the ticket is not over. ``sealed`` follows it, for those who only look.
    Column("seals_at", Moment),
    # True while the ticket is over or waits for its customer: their next word opens it again (T8, T9).
    Column("asleep", Boolean, nullable=False, default=False),
    Column("last_at", Moment),
    # The customer's last word; None before the first.
    Column("customer_at", Moment),
    UniqueConstraint("ticket_id", "audience"),
    # What is still to be sealed: few, however many there are.
    Index("ix_logs_sealing", "seals_at", sqlite_where=text("sealed is 0"), postgresql_where=text("sealed is false")),
)

entries = Table(
    "entries",
    metadata,
    Column("log_id", String(40), ForeignKey("logs.id"), nullable=False),
    # 1, 2, 3 … without holes.
    Column("number", BigInteger, nullable=False),
    # A person's id, or ``system``.
    Column("sender", String(40), nullable=False),
    # Made once by the sender's device; the same key again gives back the same number (R2).
    Column("client_key", String(64), nullable=False),
    # ``message``, ``note``, and the names of events.
    Column("kind", String(30), nullable=False),
    # JSON object, as text.
    Column("body", Text, nullable=False),
    # SHA-256 of kind and body, hex, first 32: tells a repeat from a different message under the same key.
    Column("digest", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("log_id", "number"),
    UniqueConstraint("log_id", "sender", "client_key"),
    sqlite_with_rowid=False,
)

# How far a person has seen a log.
reads = Table(
    "reads",
    metadata,
    Column("log_id", String(40), ForeignKey("logs.id"), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("number", BigInteger, nullable=False),
    PrimaryKeyConstraint("log_id", "person_id"),
)

# Who works in which team (T1). Keys of the catalogue's teams.
team_members = Table(
    "team_members",
    metadata,
    Column("team", String(40), nullable=False),
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    PrimaryKeyConstraint("team", "person_id"),
    Index("ix_team_members_person", "person_id"),
)

# What a company wishes about its tickets; without a row, the first of each.
ticket_settings = Table(
    "ticket_settings",
    metadata,
    Column("company_id", String(40), ForeignKey("companies.id"), primary_key=True),
    # True: every authorised contact reads all tickets of the company; False: their own and those they follow.
    Column("colleagues", Boolean, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

# Who wants no mail about a ticket beyond the necessary.
muted = Table(
    "muted",
    metadata,
    Column("ticket_id", String(40), ForeignKey("tickets.id"), nullable=False),
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("since_at", Moment, nullable=False),
    PrimaryKeyConstraint("ticket_id", "person_id"),
)

# Calendar feeds: one per person; an address of an older epoch is worth nothing.
feeds = Table(
    "feeds",
    metadata,
    Column("person_id", String(40), ForeignKey("people.id"), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("made_at", Moment, nullable=False),
    # None while it can be read.
    Column("revoked_at", Moment),
)

# What somebody did to many tickets at once, and how those were before, so that it can be taken back.
bulks = Table(
    "bulks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("at", Moment, nullable=False),
    # [{ticket, version, ...fields before}], in the order in which they were changed.
    Column("before", Json, nullable=False),
    Column("undone_at", Moment),
)
