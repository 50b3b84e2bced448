"""Table of uploaded files. The bytes lie in the data folder under ``stored_as``."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table

from chatsvc.db.columns import Moment, metadata

files = Table(
    "files",
    metadata,
    # Also the unguessable part of its address; access is checked each time all the same.
    Column("id", String(40), primary_key=True),
    # None while it is uploaded but not sent. Who may read it is decided by this ticket, each time.
    Column("ticket_id", String(40), ForeignKey("tickets.id")),
    Column("uploader_id", String(40), nullable=False),
    # True for a file of an internal note: contacts never get it.
    Column("staff_only", Boolean, nullable=False, default=False),
    # As shown: normalised, without paths and invisible characters.
    Column("name", String(200), nullable=False),
    # Told from its first bytes, never from what the browser said.
    Column("media_type", String(100), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    # Random name in the data folder.
    Column("stored_as", String(80), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Index("ix_files_ticket", "ticket_id"),
)
