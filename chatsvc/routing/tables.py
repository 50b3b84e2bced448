"""Tables of places, offers, desks and planned staffing."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, text

from chatsvc.db.columns import Json, Moment, metadata

# States in which a place holds its contact's seat in the line's topic (R11), as SQL.
_LIVE = text("state in ('waiting', 'offered', 'taken')")

places = Table(
    "places",
    metadata,
    Column("id", String(40), primary_key=True),
    # Admission number: rises, breaks ties between equal ranks.
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("line", String(40), nullable=False),
    Column("ticket_id", String(40), ForeignKey("tickets.id"), nullable=False, unique=True),
    Column("company_id", String(40), nullable=False),
    Column("contact_id", String(40), ForeignKey("people.id"), nullable=False),
    # ``chat`` or ``call`` (C3): the only thing that changes when somebody prefers to be rung.
    Column("waiting_for", String(6), nullable=False),
    # ``waiting``, ``offered``, ``taken``, ``gone``.
    Column("state", String(10), nullable=False),
    # Microseconds: admitted_at minus the severity's credit; the lowest is next. Fixed for life, it only ever falls.
    Column("rank", BigInteger, nullable=False),
    # Raised by every grant (offer, return, hand-over); a decision carries the one it saw.
    Column("epoch", Integer, nullable=False, default=0),
    # Offers of one round go to different representatives; when all have declined the next round begins.
    Column("round", Integer, nullable=False, default=1),
    Column("admitted_at", Moment, nullable=False),
    # When the customer's page was last known to be there; renewed in batches by hubs.
    Column("seen_at", Moment, nullable=False),
    # When it was first given to a representative who accepted; None before.
    Column("taken_at", Moment),
    Column("gone_at", Moment),
    # What was told of the wait at first, in seconds, to be compared with what came; None when nothing was.
    Column("quoted_low_s", Integer),
    Column("quoted_high_s", Integer),
    # The median that stood behind it, from which the line's correction learns; None also for what was told before it was kept.
    Column("quoted_median_s", Integer),
    # What was told of the wait last, to compare the next word with: when, by when about half and by when nine of ten are served, and how
    # many representatives served the line; None: nothing was.
    Column("told_at", Moment),
    Column("told_about", Moment),
    Column("told_by", Moment),
    Column("told_serving", Integer),
    # Why it takes longer than had been told before that, and when that was said: ``fewer``, ``urgent``, ``talks``, ``unknown``; None: it does not.
    Column("longer", String(10)),
    Column("longer_at", Moment),
    # A person this place is reserved for after a hand-over; None: whoever serves the line.
    Column("reserved_for", String(40)),
    # Offered to nobody before this moment, and keeps its rank: the customer asked for later, or did not pick up. None: at once.
    Column("not_before_at", Moment),
    # When the hours that this place was admitted in are over (V4); None: they do not end (V3).
    Column("closes_at", Moment),
    Index("ix_places_next", "line", "state", "rank", "seq"),
    # Whose hours are over, for letting them go.
    Index("ix_places_closing", "state", "closes_at"),
    # The line's recent starts, for wait ranges.
    Index("ix_places_started", "line", "taken_at"),
    # Who came in a stretch of days, for how told waits have held.
    Index("ix_places_admitted", "admitted_at"),
    Index("uq_places_live_topic", "contact_id", "line", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

_OPEN = text("state = 'open'")

# Every offer ever made: "why me, why not me" can be answered.
offers = Table(
    "offers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("place_id", String(40), ForeignKey("places.id"), nullable=False),
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    # Units of the person's capacity that it holds: a chat one, a call the whole.
    Column("units", Integer, nullable=False, default=1, server_default="1"),
    # ``open``, ``accepted``, ``declined``, ``missed``, ``withdrawn``.
    Column("state", String(10), nullable=False),
    # A reason key of the catalogue when declined; None otherwise.
    Column("reason", String(40)),
    Column("made_at", Moment, nullable=False),
    Column("deadline_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Index("uq_offers_open_place", "place_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    # Who was asked already, in this round.
    Index("ix_offers_place", "place_id", "round"),
    Index("ix_offers_person", "person_id", "state"),
    Index("ix_offers_deadline", "state", "deadline_at"),
)

# One row per representative: what they chose, and whether they are there.
desks = Table(
    "desks",
    metadata,
    Column("person_id", String(40), ForeignKey("people.id"), primary_key=True),
    # ``ready``, ``away``, ``paused`` (after two missed offers). Being there at all is ``leased_until``.
    Column("state", String(10), nullable=False),
    # A reason key of the catalogue while away or paused; None while ready.
    Column("reason", String(40)),
    # Units: a chat takes 1, a call the whole.
    Column("capacity", Integer, nullable=False),
    # Units offered or in work; the compare-and-swap keeps it between 0 and capacity.
    Column("load", Integer, nullable=False),
    # Offers missed in a row.
    Column("missed", Integer, nullable=False),
    # Since when without work, for "longest idle first": from the end of the last wrap-up; declining does not reset it.
    Column("idle_since_at", Moment, nullable=False),
    # Present until this moment unless a hub renews it; None: signed off.
    Column("leased_until", Moment),
    Column("changed_at", Moment, nullable=False),
)

# Which lines a representative serves.
desk_lines = Table(
    "desk_lines",
    metadata,
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("line", String(40), nullable=False),
    PrimaryKeyConstraint("person_id", "line"),
    Index("ix_desk_lines_line", "line"),
)

# What happened in a line, in order: admitted, offered, passed by whom and why, left (R8).
line_events = Table(
    "line_events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("line", String(40), nullable=False),
    Column("place_id", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("facts", Json, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_line_events_line", "line", "seq"),
)

# Planned staffing: who is there, for which lines, when.
shifts = Table(
    "shifts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    # Keys of the catalogue.
    Column("lines", Json, nullable=False),
    Column("begins_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Index("ix_shifts_ends", "ends_at"),
    Index("ix_shifts_person", "person_id", "begins_at"),
)

# How far what a line's customers were told has to be changed to hold (callback.md, section 6), and how it held so far.
line_corrections = Table(
    "line_corrections",
    metadata,
    Column("line", String(40), primary_key=True),
    Column("median", Float, nullable=False),
    Column("bound", Float, nullable=False),
    # Waits that were told and have ended in a conversation, and how many of them lasted longer than the bound.
    Column("told", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
)
