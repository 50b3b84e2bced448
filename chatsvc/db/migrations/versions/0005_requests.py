"""Keep what forms, views and reports need.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go forward: drafts and details of forms, subscriptions, saved replies, reports in the background."""
    op.create_table(
        "request_drafts",
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_request_drafts_person_id")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_request_drafts")),
    )
    op.create_index("ix_request_drafts_updated", "request_drafts", ["updated_at"])
    op.create_table(
        "request_details",
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_request_details_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_request_details")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_subscriptions_company_id")),
        sa.PrimaryKeyConstraint("company_id", "service", name=op.f("pk_subscriptions")),
    )
    op.create_table(
        "saved_replies",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=True),
        sa.Column("owner_id", sa.String(length=40), nullable=True),
        sa.Column("changed_by", sa.String(length=40), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["people.id"], name=op.f("fk_saved_replies_changed_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_saved_replies_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_replies")),
    )
    op.create_index("ix_saved_replies_owner", "saved_replies", ["owner_id"])
    op.create_table(
        "reports",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("stored_as", sa.String(length=80), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reports_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    op.create_index("ix_reports_person", "reports", ["person_id", "asked_at"])
    op.create_index("ix_reports_state", "reports", ["state", "asked_at"])


def downgrade() -> None:
    """Take them away again."""
    for table in ("reports", "saved_replies", "subscriptions", "request_details", "request_drafts"):
        op.drop_table(table)
