"""Remember what each customer in line was last told of their wait, and find the places of a stretch of days.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Go forward: whoever is in line is told anew within a second."""
    op.add_column("places", sa.Column("told_at", sa.BigInteger(), nullable=True))
    op.add_column("places", sa.Column("told_about", sa.BigInteger(), nullable=True))
    op.add_column("places", sa.Column("told_by", sa.BigInteger(), nullable=True))
    op.add_column("places", sa.Column("told_serving", sa.Integer(), nullable=True))
    op.add_column("places", sa.Column("longer", sa.String(length=10), nullable=True))
    op.add_column("places", sa.Column("longer_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_places_admitted", "places", ["admitted_at"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("ix_places_admitted", "places")
    for name in ("longer_at", "longer", "told_serving", "told_by", "told_about", "told_at"):
        op.drop_column("places", name)
