"""Lay the tables of the telephone.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add reservations, seats, attempts and planned staffing; let places wait for a call, and offers take more than a unit."""
    op.add_column("places", sa.Column("not_before_at", sa.BigInteger(), nullable=True))
    op.add_column("offers", sa.Column("units", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("conversations", sa.Column("units", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("conversations", sa.Column("call", sa.String(length=10), nullable=True))
    op.create_table(
        "reservations",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("ticket_id", sa.String(length=40), nullable=False),
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("contact_id", sa.String(length=40), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("manner", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("any_hour", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=True),
        sa.Column("promised_until", sa.BigInteger(), nullable=True),
        sa.Column("apologised_at", sa.BigInteger(), nullable=True),
        sa.Column("not_before_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=False),
        sa.Column("snoozes", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_reservations_company_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["people.id"], name=op.f("fk_reservations_contact_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_reservations_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint("contact_id", "key", name=op.f("uq_reservations_contact_id_key")),
    )
    op.create_index("ix_reservations_company", "reservations", ["company_id", "created_at"], unique=False)
    op.create_index("ix_reservations_ticket", "reservations", ["ticket_id"], unique=False)
    op.create_index("ix_reservations_wake", "reservations", ["wake_at"], unique=False)
    op.create_index(
        "uq_reservations_live_contact",
        "reservations",
        ["contact_id"],
        unique=True,
        sqlite_where=sa.text(
            "state in ('booked', 'due', 'offered', 'preview', 'dialing', 'talking', 'unclear', 'retry_wait', 'needs_number', 'asked')"
        ),
        postgresql_where=sa.text(
            "state in ('booked', 'due', 'offered', 'preview', 'dialing', 'talking', 'unclear', 'retry_wait', 'needs_number', 'asked')"
        ),
    )
    op.create_index(
        "uq_reservations_live_number",
        "reservations",
        ["number"],
        unique=True,
        sqlite_where=sa.text(
            "state in ('booked', 'due', 'offered', 'preview', 'dialing', 'talking', 'unclear', 'retry_wait', 'needs_number', 'asked')"
        ),
        postgresql_where=sa.text(
            "state in ('booked', 'due', 'offered', 'preview', 'dialing', 'talking', 'unclear', 'retry_wait', 'needs_number', 'asked')"
        ),
    )
    op.create_table(
        "callback_seats",
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("reservation_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservations.id"], name=op.f("fk_callback_seats_reservation_id")),
        sa.PrimaryKeyConstraint("line", "begins_at", "seat", name=op.f("pk_callback_seats")),
    )
    op.create_index("ix_callback_seats_reservation", "callback_seats", ["reservation_id"], unique=False)
    op.create_index("ix_callback_seats_slot", "callback_seats", ["begins_at"], unique=False)
    op.create_table(
        "callback_attempts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("reservation_id", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("rep_id", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("adapter", sa.String(length=10), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("talk_began_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("sip_code", sa.Integer(), nullable=True),
        sa.Column("ring_s", sa.Float(), nullable=True),
        sa.Column("talk_s", sa.Float(), nullable=True),
        sa.Column("ended_by", sa.String(length=20), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("hang_up_at", sa.BigInteger(), nullable=True),
        sa.Column("trace", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["rep_id"], ["people.id"], name=op.f("fk_callback_attempts_rep_id")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_callback_attempts_reservation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_attempts")),
        sa.UniqueConstraint("reservation_id", "n", name=op.f("uq_callback_attempts_reservation_id_n")),
    )
    op.create_index("ix_callback_attempts_day", "callback_attempts", ["created_at"], unique=False)
    op.create_index("ix_callback_attempts_dialled", "callback_attempts", ["number", "company_id"], unique=False)
    op.create_index(
        "uq_callback_attempts_number",
        "callback_attempts",
        ["number"],
        unique=True,
        sqlite_where=sa.text("outcome is null"),
        postgresql_where=sa.text("outcome is null"),
    )
    op.create_index(
        "uq_callback_attempts_running",
        "callback_attempts",
        ["reservation_id"],
        unique=True,
        sqlite_where=sa.text("outcome is null"),
        postgresql_where=sa.text("outcome is null"),
    )
    op.create_table(
        "shifts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_shifts_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_index("ix_shifts_ends", "shifts", ["ends_at"], unique=False)
    op.create_index("ix_shifts_person", "shifts", ["person_id", "begins_at"], unique=False)
    op.create_table(
        "callback_regions",
        sa.Column("company_id", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=2), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_callback_regions_company_id")),
        sa.PrimaryKeyConstraint("company_id", "region", name=op.f("pk_callback_regions")),
    )
    op.create_table(
        "callback_silenced",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_callback_silenced")),
    )
    op.create_table(
        "telephones",
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_telephones_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_telephones")),
    )


def downgrade() -> None:
    """Take them away again."""
    for table in (
        "telephones",
        "callback_silenced",
        "callback_regions",
        "shifts",
        "callback_attempts",
        "callback_seats",
        "reservations",
    ):
        op.drop_table(table)
    op.drop_column("conversations", "call")
    op.drop_column("conversations", "units")
    op.drop_column("offers", "units")
    op.drop_column("places", "not_before_at")
