"""Tables of companies, people and sessions."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table

from chatsvc.db.columns import Moment, metadata

companies = Table(
    "companies",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    # IANA name, for example ``Europe/Berlin``: the company's local time (V4).
    Column("zone", String(64), nullable=False),
    # ISO 3166 country and, where it matters for holidays, region; region None means nationwide days only.
    Column("country", String(2), nullable=False),
    Column("region", String(8)),
    Column("created_at", Moment, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", String(40), primary_key=True),
    # None for staff.
    Column("company_id", String(40), ForeignKey("companies.id")),
    # ``contact``, ``representative``, ``supervisor``, ``administrator``.
    Column("role", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    # As written, for mails; ``email_key`` is what is compared (lower case, normalised).
    Column("email", String(320), nullable=False),
    Column("email_key", String(320), nullable=False, unique=True),
    # argon2; None until the first password is set through the link in a mail (P3).
    Column("password_hash", String(200)),
    # Raised by every change of password: links mailed before are void.
    Column("credential_epoch", Integer, nullable=False, default=0),
    # The authorised-contact permission (P1); staff: False.
    Column("authorised", Boolean, nullable=False, default=False),
    # May grant and withdraw that permission within the company (P2).
    Column("company_admin", Boolean, nullable=False, default=False),
    # A code of ``kernel.languages``.
    Column("language", String(10), nullable=False),
    # Another zone than the company's, set by its administrator; None: the company's. For staff their own zone.
    Column("zone", String(64)),
    # None while the person may sign in.
    Column("disabled_at", Moment),
    Column("created_at", Moment, nullable=False),
    Index("ix_people_company", "company_id"),
)

sessions = Table(
    "sessions",
    metadata,
    # Names the session in lists and logs.
    Column("id", String(40), primary_key=True),
    # SHA-256 of the opaque token, hex; the token itself is only in the person's cookie.
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("created_at", Moment, nullable=False),
    # Written at most once a minute.
    Column("seen_at", Moment, nullable=False),
    # Whatever happens, over at this moment.
    Column("expires_at", Moment, nullable=False),
    # None while it lasts.
    Column("revoked_at", Moment),
    # What the browser called itself, shortened, for the person's own list of sessions.
    Column("device", String(120), nullable=False, default=""),
    Index("ix_sessions_person", "person_id"),
)
