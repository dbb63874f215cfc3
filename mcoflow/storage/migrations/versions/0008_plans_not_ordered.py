"""A plan may be stored without the order to run it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_UNOWNED = "owner IS NULL AND ordered AND state IN ('planned', 'running')"


def upgrade() -> None:
    """Add the column, and leave plans without an order out of what waits for an executor."""
    op.add_column("plans", sa.Column("ordered", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.drop_index("plans_unowned", "plans")
    op.create_index(
        "plans_unowned",
        "plans",
        ["owner", "created_at", "id"],
        sqlite_where=sa.text(_UNOWNED),
        postgresql_where=sa.text(_UNOWNED),
    )
