"""Table of the reports that are made in the background. The files lie in the data folder under ``stored_as``."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from chatsvc.db.columns import Json, Moment, metadata

reports = Table(
    "reports",
    metadata,
    Column("id", String(40), primary_key=True),
    # Who asked for it; nobody else ever gets it.
    Column("person_id", String(40), ForeignKey("people.id"), nullable=False),
    Column("wish", Json, nullable=False),
    # ``waiting``, ``ready``, ``failed``.
    Column("state", String(10), nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    # Raised by whoever begins to make it; only they may say that it is done.
    Column("attempts", Integer, nullable=False),
    # Until when somebody is at work on it; None when nobody is.
    Column("leased_until", Moment),
    Column("asked_at", Moment, nullable=False),
    # When the file goes away; None until it is ready.
    Column("expires_at", Moment),
    # Random name in the data folder; None until it is ready.
    Column("stored_as", String(80)),
    Column("size_bytes", BigInteger),
    Index("ix_reports_person", "person_id", "asked_at"),
    Index("ix_reports_state", "state", "asked_at"),
)
