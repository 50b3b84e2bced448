"""Keep the median behind what somebody was told of their wait.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Go forward: of earlier words only what was said is known."""
    op.add_column("places", sa.Column("quoted_median_s", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("places", "quoted_median_s")
