"""Keep what forms, views and reports need.

Revision: 0005, after 0004.
"""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go forward."""
