"""How many failed tries of a step were borne."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the count; steps of older releases were never tried again."""
    op.add_column("steps", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
