"""That somebody asked for a pause or an abort, and that what had run was undone: marks of a plan."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the marks; no plan of an older release has one."""
    for mark in ("pause_requested", "abort_requested", "reverted"):
        op.add_column("plans", sa.Column(mark, sa.Boolean(), nullable=False, server_default=sa.false()))
