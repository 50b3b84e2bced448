"""Tables of reservations, seats, attempts, planned staffing and telephones."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
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

from callback.model import LIVE
from chatsvc.db.columns import Moment, metadata

# States in which a reservation holds its contact and its number (invariant 17), as SQL.
_LIVE = text("state in (" + ", ".join(f"'{state.value}'" for state in LIVE) + ")")
_RUNNING = text("outcome is null")

reservations = Table(
    "reservations",
    metadata,
    Column("id", String(40), primary_key=True),
    # Made once by the form; the same again gives back the same reservation (invariant 18).
    Column("key", String(64), nullable=False),
    Column("ticket_id", String(40), ForeignKey("tickets.id"), nullable=False),
    Column("company_id", String(40), ForeignKey("companies.id"), nullable=False),
    Column("contact_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("line", String(40), nullable=False),
    # ``asap`` or ``slot``.
    Column("manner", String(6), nullable=False),
    # A state of ``callback.model.LIFE``.
    Column("state", String(20), nullable=False),
    # E.164; masked wherever it is logged or listed.
    Column("number", String(20), nullable=False),
    # IANA name: in which zone courtesy hours are counted and times are shown.
    Column("zone", String(64), nullable=False),
    # May be rung outside of courtesy hours, if it is critical.
    Column("any_hour", Boolean, nullable=False),
    # What a person can read out: four letters and digits.
    Column("code", String(8), nullable=False),
    # When the booked slot begins; None for ``asap``.
    Column("slot_at", Moment),
    # The end of what was promised: of the slot, or of the range that was shown. None: nothing was promised.
    Column("promised_until", Moment),
    Column("apologised_at", Moment),
    # When the customer was told that they are next; None: not yet, or not needed.
    Column("next_told_at", Moment),
    # Not to be rung before; set while ``retry_wait``.
    Column("not_before_at", Moment),
    # Over by then at the latest.
    Column("expires_at", Moment, nullable=False),
    # The next moment at which time brings something; None when it brings nothing. A sweep finds it.
    Column("wake_at", Moment),
    # Reminders that have been sent.
    Column("reminded", Integer, nullable=False, default=0),
    Column("snoozes", Integer, nullable=False, default=0),
    # How often it was changed by the customer: the number of the calendar invitation.
    Column("sequence", Integer, nullable=False, default=0),
    # Raised by every change; a change carries the one it read.
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    UniqueConstraint("contact_id", "key"),
    Index("uq_reservations_live_contact", "contact_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    Index("uq_reservations_live_number", "number", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    Index("ix_reservations_ticket", "ticket_id"),
    Index("ix_reservations_company", "company_id", "created_at"),
    Index("ix_reservations_wake", "wake_at"),
)

# A seat in a slot is a row: no race can overbook it (invariant 16).
seats = Table(
    "callback_seats",
    metadata,
    Column("line", String(40), nullable=False),
    Column("begins_at", Moment, nullable=False),
    # 1, 2, 3 …
    Column("seat", Integer, nullable=False),
    Column("reservation_id", String(40), ForeignKey("reservations.id"), nullable=False),
    PrimaryKeyConstraint("line", "begins_at", "seat"),
    Index("ix_callback_seats_slot", "begins_at"),
    Index("ix_callback_seats_reservation", "reservation_id"),
)

attempts = Table(
    "callback_attempts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("reservation_id", String(40), ForeignKey("reservations.id"), nullable=False),
    # 1, 2, 3 …, per reservation.
    Column("n", Integer, nullable=False),
    Column("company_id", String(40), nullable=False),
    Column("rep_id", String(40), ForeignKey("people.id"), nullable=False),
    # The conversation's epoch under which it was dialled.
    Column("epoch", Integer, nullable=False),
    # E.164, as dialled.
    Column("number", String(20), nullable=False),
    # ``manual``, ``sip``, ``webhook``.
    Column("adapter", String(10), nullable=False),
    # The last stage that was told (``Stage``); None before the first.
    Column("stage", String(20)),
    Column("created_at", Moment, nullable=False),
    Column("talk_began_at", Moment),
    Column("ended_at", Moment),
    # None while it runs.
    Column("outcome", String(20)),
    Column("counted", Boolean, nullable=False, default=False),
    Column("sip_code", Integer),
    Column("ring_s", Float),
    Column("talk_s", Float),
    Column("ended_by", String(20)),
    # When a process took it over to dial it; None before, and for what is made by hand. Taken over once, it is never dialled again.
    Column("claimed_at", Moment),
    # When its representative asked to hang up; None before.
    Column("hang_up_at", Moment),
    # What the port needs to release the legs after a crash; dropped when it has ended.
    Column("trace", Text),
    # Until when the process that dials is known to live; renewed by it. None: no process holds it (``manual``).
    Column("leased_until", Moment),
    UniqueConstraint("reservation_id", "n"),
    # At most one at a time per reservation and per number (invariant 24).
    Index(
        "uq_callback_attempts_running", "reservation_id", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING
    ),
    Index("uq_callback_attempts_number", "number", unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING),
    Index("ix_callback_attempts_day", "created_at"),
    Index("ix_callback_attempts_dialled", "number", "company_id"),
)

# Regions, besides its own country, in which a company's people may be rung.
regions = Table(
    "callback_regions",
    metadata,
    Column("company_id", String(40), ForeignKey("companies.id"), nullable=False),
    # ISO 3166.
    Column("region", String(2), nullable=False),
    # Who allowed it, when and why; None of rows that are older than these columns.
    Column("reason", String(200)),
    Column("by_id", String(40)),
    Column("since_at", Moment),
    PrimaryKeyConstraint("company_id", "region"),
)

# Numbers that asked not to be rung.
silenced = Table(
    "callback_silenced",
    metadata,
    # E.164.
    Column("number", String(20), primary_key=True),
    Column("since_at", Moment, nullable=False),
    # Who wrote it down and why; None of rows that are older than these columns.
    Column("reason", String(200)),
    Column("by_id", String(40)),
)

# Where a representative's own telephone is, for telephony that rings it.
telephones = Table(
    "telephones",
    metadata,
    Column("person_id", String(40), ForeignKey("people.id"), primary_key=True),
    # ``sip:anna@10.0.0.5``, or what the telephone system understands.
    Column("address", String(255), nullable=False),
)
