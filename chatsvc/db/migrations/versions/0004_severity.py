"""Let severity be judged and answers be due.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

import chatsvc.db.columns

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add what was proposed and judged, the clocks, the companies' plans, and when a place's hours are over."""
    moment, json = chatsvc.db.columns.Moment, chatsvc.db.columns.Json
    op.create_table(
        "triage",
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("proposed", sa.String(length=2), nullable=False),
        sa.Column("reasons", json(), nullable=False),
        sa.Column("claim", sa.String(length=10), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=True),
        sa.Column("contact_phone", sa.String(length=200), nullable=True),
        sa.Column("judged_by", sa.String(length=40), nullable=True),
        sa.Column("judged_at", moment(), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("appealed_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["judged_by"], ["people.id"], name=op.f("fk_triage_judged_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_triage_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_triage")),
    )
    op.create_index("ix_triage_claim", "triage", ["claim", "ticket_id"])
    op.create_table(
        "tracks",
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("track", json(), nullable=False),
        sa.Column("seen_at", moment(), nullable=False),
        sa.Column("kept_at", moment(), nullable=False),
        sa.Column("look_at", moment(), nullable=True),
        sa.Column("word_due_at", moment(), nullable=True),
        sa.Column("due_at", moment(), nullable=True),
        sa.Column("breached", sa.Boolean(), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_tracks_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_tracks")),
        sa.UniqueConstraint("number", name=op.f("uq_tracks_number")),
    )
    op.create_index("ix_tracks_watched", "tracks", ["watched", "ticket_id"])
    op.create_index("ix_tracks_look", "tracks", ["look_at"])
    op.create_index("ix_tracks_due", "tracks", ["due_at"])
    op.create_table(
        "company_plans",
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("plan", sa.String(length=40), nullable=False),
        sa.Column("changed_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_company_plans_company_id")),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_company_plans")),
    )
    op.add_column("places", sa.Column("closes_at", moment(), nullable=True))
    op.create_index("ix_places_closing", "places", ["state", "closes_at"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("ix_places_closing", "places")
    op.drop_column("places", "closes_at")
    for table in ("company_plans", "tracks", "triage"):
        op.drop_table(table)
