"""Lay the tables of calendars.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "calendars",
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("always", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_calendars_company_id")),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_calendars")),
    )
    op.create_table(
        "own_days",
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("periods", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_own_days_company_id")),
        sa.PrimaryKeyConstraint("company_id", "day", name=op.f("pk_own_days")),
    )
    op.create_table(
        "calendar_changes",
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_calendar_changes_company_id")),
        sa.PrimaryKeyConstraint("company_id", "version", name=op.f("pk_calendar_changes")),
    )


def downgrade() -> None:
    """Go back: every company has the default week again."""
    op.drop_table("calendar_changes")
    op.drop_table("own_days")
    op.drop_table("calendars")
