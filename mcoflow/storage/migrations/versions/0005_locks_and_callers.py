"""Locks of plans, and which plan called which."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CALLED = "caller_plan_id IS NOT NULL"
_NOT_HELD = "NOT held"


def upgrade() -> None:
    """Add what plans say of their locks and callers, and the locks themselves."""
    op.add_column("plans", sa.Column("caller_plan_id", sa.Uuid()))
    op.add_column("plans", sa.Column("caller_action_id", sa.Integer()))
    op.create_index(
        "plans_called",
        "plans",
        ["caller_plan_id", "caller_action_id", "state", "result"],
        sqlite_where=sa.text(_CALLED),
        postgresql_where=sa.text(_CALLED),
    )
    op.add_column("blueprints", sa.Column("locks", sa.Text()))
    op.create_table(
        "locks",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
    )
    op.create_index("locks_of_plan", "locks", ["plan_id"])
    op.create_index("locks_by_name", "locks", ["name", "number"])
    op.create_index(
        "locks_waited_for",
        "locks",
        ["plan_id"],
        sqlite_where=sa.text(_NOT_HELD),
        postgresql_where=sa.text(_NOT_HELD),
    )
