"""Keep who silenced a number or allowed a country and why, and whether somebody was told that they are next.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Go forward: rows that are there already have no reason and nobody who gave one."""
    op.add_column("reservations", sa.Column("next_told_at", sa.BigInteger(), nullable=True))
    op.add_column("callback_regions", sa.Column("reason", sa.String(length=200), nullable=True))
    op.add_column("callback_regions", sa.Column("by_id", sa.String(length=40), nullable=True))
    op.add_column("callback_regions", sa.Column("since_at", sa.BigInteger(), nullable=True))
    op.add_column("callback_silenced", sa.Column("reason", sa.String(length=200), nullable=True))
    op.add_column("callback_silenced", sa.Column("by_id", sa.String(length=40), nullable=True))
