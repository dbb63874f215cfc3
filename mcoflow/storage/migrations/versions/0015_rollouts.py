"""How far a rollout over many hosts is."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the column; plans that are there take no turns."""
    op.add_column("plans", sa.Column("rollout", sa.Text()))
