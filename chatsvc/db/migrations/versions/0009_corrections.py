"""Remember by how much what a line's customers are told has to be changed to hold.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "line_corrections",
        sa.Column("line", sa.String(40), nullable=False),
        sa.Column("median", sa.Float(), nullable=False),
        sa.Column("bound", sa.Float(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_line_corrections")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("line_corrections")
