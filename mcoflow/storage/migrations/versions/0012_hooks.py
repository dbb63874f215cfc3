"""Hooks on the states of plans: which actions have some, and which are still to be called."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("blueprints", sa.Column("hooks", sa.Text()))
    op.create_table(
        "hooks",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("world", sa.Uuid()),
    )
    op.create_index("hooks_by_id", "hooks", ["id"], unique=True)
    op.create_index("hooks_of_plan", "hooks", ["plan_id"])
