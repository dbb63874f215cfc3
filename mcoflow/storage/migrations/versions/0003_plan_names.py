"""Plans may have a name, unique among all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NAMED = "name IS NOT NULL"


def upgrade() -> None:
    """Add the column and its index."""
    op.add_column("plans", sa.Column("name", sa.Text()))
    op.create_index(
        "plans_named",
        "plans",
        ["name"],
        unique=True,
        sqlite_where=sa.text(_NAMED),
        postgresql_where=sa.text(_NAMED),
    )
