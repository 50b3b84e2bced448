"""Table of saved replies."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from chatsvc.db.columns import Moment, metadata

saved_replies = Table(
    "saved_replies",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("title", String(100), nullable=False),
    # With ``{customer}``, ``{number}`` and ``{representative}``, filled in by plain replacement.
    Column("text", Text, nullable=False),
    # Offered in this line only; None: in all.
    Column("line", String(40)),
    # Whose own it is; None: everybody's.
    Column("owner_id", String(40), ForeignKey("people.id")),
    Column("changed_by", String(40), ForeignKey("people.id"), nullable=False),
    Column("changed_at", Moment, nullable=False),
    # Raised by every change; an update carries the one it read.
    Column("version", Integer, nullable=False),
    Index("ix_saved_replies_owner", "owner_id"),
)
