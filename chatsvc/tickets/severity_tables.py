"""Tables of severity: what was proposed and judged, how a ticket's clocks stand, and which plan a company has."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, text

from chatsvc.db.columns import Json, Moment, metadata

_PROMISED = text("due_at is not null")

# One row per ticket about which something was proposed or judged; a ticket without one is P3 and nobody has said more.
triage = Table(
    "triage",
    metadata,
    Column("ticket_id", String(40), ForeignKey("tickets.id"), primary_key=True),
    # ``P1`` … ``P3``: what the answers of the interview propose.
    Column("proposed", String(2), nullable=False),
    # Keys of the catalogue's rules that applied.
    Column("reasons", Json, nullable=False),
    # ``none``, ``proposed``, ``judged``, ``appealed``, ``final`` (tickets.severity).
    Column("claim", String(10), nullable=False),
    # Who can be reached about a critical request, in English (V3); None when it is none.
    Column("contact_name", String(200)),
    Column("contact_phone", String(200)),
    # The last judgement: by whom, when, and the reason that the customer read; None before.
    Column("judged_by", String(40), ForeignKey("people.id")),
    Column("judged_at", Moment),
    Column("reason", String(1000)),
    Column("appealed_at", Moment),
    # What waits for a representative, oldest first.
    Index("ix_triage_claim", "claim", "ticket_id"),
)

# How the clocks of a ticket stand (V1), as far as its log has been read.
tracks = Table(
    "tracks",
    metadata,
    Column("ticket_id", String(40), ForeignKey("tickets.id"), primary_key=True),
    # The ticket's number: whatever has a higher one than any here is not tracked yet.
    Column("number", BigInteger, nullable=False, unique=True),
    # The last entry of the shared log that the clocks know of.
    Column("head", BigInteger, nullable=False),
    # Raised by every change; an update carries the one it read.
    Column("version", Integer, nullable=False),
    # State, severity and clocks (tickets.clocks.Track).
    Column("track", Json, nullable=False),
    # The ticket's ``updated_at`` that the clocks know of.
    Column("seen_at", Moment, nullable=False),
    # When this was computed: what was set later for the company, its calendar or its plan, has it computed again.
    Column("kept_at", Moment, nullable=False),
    # When a clock warns or is due next; None while none does.
    Column("look_at", Moment),
    # When the customer is owed the next word, and when the first of all promises is due; None while none is.
    Column("word_due_at", Moment),
    Column("due_at", Moment),
    # A promise that runs has been broken.
    Column("breached", Boolean, nullable=False),
    # False once the ticket can no longer change: its log is not looked at any more.
    Column("watched", Boolean, nullable=False),
    Index("ix_tracks_watched", "watched", "ticket_id"),
    Index("ix_tracks_look", "look_at"),
    # What is due next, and what is broken: most tickets have no promise any more, and the index none of them.
    Index("ix_tracks_promised", "due_at", "number", sqlite_where=_PROMISED, postgresql_where=_PROMISED),
    Index(
        "ix_tracks_breached",
        "due_at",
        "number",
        sqlite_where=text("due_at is not null and breached = 1"),
        postgresql_where=text("due_at is not null and breached"),
    ),
)

# Which response plan a company has; a company without a row has the first of the catalogue.
company_plans = Table(
    "company_plans",
    metadata,
    Column("company_id", String(40), ForeignKey("companies.id"), primary_key=True),
    # A plan key of the catalogue.
    Column("plan", String(40), nullable=False),
    Column("changed_at", Moment, nullable=False),
    # Who gave it; None in rows from before this was kept.
    Column("changed_by", String(40), ForeignKey("people.id"), nullable=True),
)
