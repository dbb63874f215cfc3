"""Plans that are stored before they are planned, and what they wait for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_DUE = "due_at IS NOT NULL"
_BEING_PLANNED = "planner IS NOT NULL"


def upgrade() -> None:
    """Add their tables; no plan of an older release is followed by another."""
    op.add_column("plans", sa.Column("chained", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "schedules",
        sa.Column("plan_id", sa.Uuid(), primary_key=True),
        sa.Column("start_at", sa.Double()),
        sa.Column("start_before", sa.Double()),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("unmet", sa.Integer(), nullable=False),
        sa.Column("broken", sa.Boolean(), nullable=False),
        sa.Column("planner", sa.Uuid()),
        sa.Column("due_at", sa.Double()),
        sa.Column("input", sa.Text(), nullable=False),
    )
    op.create_index(
        "schedules_due", "schedules", ["due_at"], sqlite_where=sa.text(_DUE), postgresql_where=sa.text(_DUE)
    )
    op.create_index(
        "schedules_being_planned",
        "schedules",
        ["planner"],
        sqlite_where=sa.text(_BEING_PLANNED),
        postgresql_where=sa.text(_BEING_PLANNED),
    )
    op.create_table(
        "prerequisites",
        sa.Column("after_id", sa.Uuid(), primary_key=True),
        sa.Column("plan_id", sa.Uuid(), primary_key=True),
        sa.Column("lenient", sa.Boolean(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
    )
    op.create_index("prerequisites_of_plan", "prerequisites", ["plan_id"])
