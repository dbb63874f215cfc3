"""How many steps of a plan succeeded with warnings."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the count; of plans that are there already it is not known, and shown as before."""
    op.add_column("plans", sa.Column("warned", sa.Integer(), nullable=False, server_default="0"))
