"""Give lists and counts of tickets indexes that have all they ask for.

Revision: 0008, after 0007.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_OPEN: dict[str, Any] = {"sqlite_where": sa.text("ended_at is null"), "postgresql_where": sa.text("ended_at is null")}
_PROMISED = sa.text("due_at is not null")


def upgrade() -> None:
    """Go forward: what is not over, what is narrowed, what is due and what is broken; the last two replace an index of every promise."""
    op.create_index("ix_tickets_open", "tickets", ["number", "owner_id", "team"], **_OPEN)
    op.create_index("ix_tickets_narrowed", "tickets", ["number", "state", "severity", "team", "product"])
    op.create_index(
        "ix_tracks_promised", "tracks", ["due_at", "number"], sqlite_where=_PROMISED, postgresql_where=_PROMISED
    )
    op.create_index(
        "ix_tracks_breached",
        "tracks",
        ["due_at", "number"],
        sqlite_where=sa.text("due_at is not null and breached = 1"),
        postgresql_where=sa.text("due_at is not null and breached"),
    )
    op.drop_index("ix_tracks_due", "tracks")


def downgrade() -> None:
    """Take them away again."""
    op.create_index("ix_tracks_due", "tracks", ["due_at"])
    op.drop_index("ix_tracks_breached", "tracks")
    op.drop_index("ix_tracks_promised", "tracks")
    op.drop_index("ix_tickets_narrowed", "tickets")
    op.drop_index("ix_tickets_open", "tickets")
