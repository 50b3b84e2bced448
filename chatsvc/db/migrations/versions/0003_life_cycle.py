"""Give tickets their whole life.

Revision: 0003, after 0002.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_COLUMNS = (
    ("needed", sa.Text()),
    ("asked_at", sa.BigInteger()),
    ("closes_at", sa.BigInteger()),
    ("solution", sa.Text()),
    ("solution_at", sa.BigInteger()),
    ("follows_id", sa.String(length=40)),
    ("merged_into_id", sa.String(length=40)),
    ("incident", sa.String(length=20)),
)
# Lists show what is not over yet: an index of its own keeps the years behind us out of them.
_OPEN: dict[str, Any] = {"sqlite_where": sa.text("ended_at is null"), "postgresql_where": sa.text("ended_at is null")}

# Tickets that are over are sealed seven days later, as those before them.
_SEALS = """
update logs set seals_at = (select ended_at + 604800000000 from tickets where tickets.id = logs.ticket_id)
where ticket_id in (select id from tickets where ended_at is not null)
"""


def upgrade() -> None:
    """Go forward: due moments, the facts of the life cycle, teams, companies' wishes, feeds, bulk changes, and the words to search in."""
    op.create_table(
        "due",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("look_at", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_due_kind_subject")),
    )
    op.create_index("ix_due_open", "due", ["done_at", "look_at"])
    for name, kind in _COLUMNS:
        op.add_column("tickets", sa.Column(name, kind, nullable=True))
    op.add_column("logs", sa.Column("seals_at", sa.BigInteger(), nullable=True))
    op.execute(_SEALS)
    unsealed: dict[str, Any] = {"sqlite_where": sa.text("sealed is 0"), "postgresql_where": sa.text("sealed is false")}
    op.create_index("ix_logs_sealing", "logs", ["seals_at"], **unsealed)
    following = sa.text("follows_id is not null")
    op.create_index("ix_tickets_follows", "tickets", ["follows_id"], sqlite_where=following, postgresql_where=following)
    op.create_index("ix_tickets_company_number", "tickets", ["company_id", "number"])
    op.create_index("ix_tickets_requester_number", "tickets", ["requester_id", "number"])
    op.create_index("ix_tickets_open_owner", "tickets", ["owner_id", "number"], **_OPEN)
    op.create_index("ix_tickets_open_team", "tickets", ["team", "number"], **_OPEN)
    op.create_table(
        "team_members",
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_team_members_person_id")),
        sa.PrimaryKeyConstraint("team", "person_id", name=op.f("pk_team_members")),
    )
    op.create_index("ix_team_members_person", "team_members", ["person_id"])
    op.create_table(
        "ticket_settings",
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("colleagues", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_ticket_settings_company_id")),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_ticket_settings")),
    )
    op.create_table(
        "muted",
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_muted_person_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_muted_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "person_id", name=op.f("pk_muted")),
    )
    op.create_table(
        "feeds",
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_feeds_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_feeds")),
    )
    op.create_table(
        "bulks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_bulks_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulks")),
    )
    if op.get_bind().dialect.name == "sqlite":
        # The row id is the ticket's number, so that matches come newest first without sorting.
        op.execute(
            "create virtual table ticket_words using fts5(company, words, tokenize = 'unicode61 remove_diacritics 2')"
        )
    else:
        op.create_table(
            "ticket_words",
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
            sa.PrimaryKeyConstraint("number", name=op.f("pk_ticket_words")),
        )
        op.create_index("ix_ticket_words_words", "ticket_words", ["words"], postgresql_using="gin")


def downgrade() -> None:
    """Take it away again."""
    for table in ("ticket_words", "bulks", "feeds", "muted", "ticket_settings", "team_members", "due"):
        op.execute(f"drop table {table}")
    for index in ("follows", "company_number", "requester_number", "open_owner", "open_team"):
        op.drop_index(f"ix_tickets_{index}", "tickets")
    op.drop_index("ix_logs_sealing", "logs")
    op.drop_column("logs", "seals_at")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("tickets", name)
