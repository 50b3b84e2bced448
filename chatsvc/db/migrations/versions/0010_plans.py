"""Keep who gave a company its response plan.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Go forward: nobody is known to have given the plans that are there already."""
    with op.batch_alter_table("company_plans") as table:
        table.add_column(sa.Column("changed_by", sa.String(length=40), nullable=True))
        table.create_foreign_key("fk_company_plans_changed_by", "people", ["changed_by"], ["id"])


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("company_plans") as table:
        table.drop_column("changed_by")
