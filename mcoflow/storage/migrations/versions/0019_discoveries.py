"""Discoveries: who was asked, and who answered; and who else calls itself like a host."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Add the tables, and the columns; no host has a rival yet."""
    op.create_table(
        "discoveries",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("window", sa.Double(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("executor", sa.Uuid()),
        sa.Column("begun_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("foreign", sa.Integer(), nullable=False),
    )
    op.create_index(
        "discoveries_open", "discoveries", ["asked_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table(
        "discovery_hosts",
        sa.Column("discovery_id", sa.Uuid(), primary_key=True),
        sa.Column("identity", sa.Text(), primary_key=True),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("answered_at", sa.Double()),
    )
    op.add_column("hosts", sa.Column("rival", sa.Uuid()))
    op.add_column("hosts", sa.Column("conflict_at", sa.Double()))
