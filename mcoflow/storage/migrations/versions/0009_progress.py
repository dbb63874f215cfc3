"""How far plans and steps are, and what each step counts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns; plans of older releases that have stopped are done."""
    op.add_column("plans", sa.Column("progress", sa.Double(), nullable=False, server_default="0"))
    op.add_column("steps", sa.Column("progress", sa.Double()))
    op.add_column("steps", sa.Column("weight", sa.Double(), nullable=False, server_default="1"))
    op.execute("UPDATE plans SET progress = 1 WHERE state = 'stopped' AND result IN ('success', 'warning')")
