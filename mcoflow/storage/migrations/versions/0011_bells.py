"""Bells: sub-plans that came to rest and were not counted yet."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "bells",
        sa.Column("number", number, primary_key=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
    )
    op.create_index("bells_of_plan", "bells", ["plan_id"])
