"""Give tickets their whole life.

Revision: 0003, after 0002.
"""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward."""
