"""When plans ended, in order: for those who count the newest, and who clean the oldest away."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    """Add the index; a plan gets into it once, as it ends."""
    op.create_index("plans_ended", "plans", ["ended_at", "id"], sqlite_where=_ENDED, postgresql_where=_ENDED)
