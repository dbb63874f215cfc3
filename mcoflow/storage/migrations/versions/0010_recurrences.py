"""Work that comes back."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ACTIVE = "state = 'active'"


def upgrade() -> None:
    """Add its table."""
    op.create_table(
        "recurrences",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("starts", sa.Double()),
        sa.Column("ends", sa.Double()),
        sa.Column("max_runs", sa.Integer()),
        sa.Column("overlap", sa.Text(), nullable=False),
        sa.Column("missed", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text()),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Double()),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("last_plan_id", sa.Uuid()),
        sa.Column("explanation", sa.Text(), nullable=False),
    )
    op.create_index(
        "recurrences_due",
        "recurrences",
        ["next_at"],
        sqlite_where=sa.text(_ACTIVE),
        postgresql_where=sa.text(_ACTIVE),
    )
    op.create_index(
        "recurrences_by_purpose",
        "recurrences",
        ["purpose"],
        unique=True,
        sqlite_where=sa.text(_ACTIVE),
        postgresql_where=sa.text(_ACTIVE),
    )
