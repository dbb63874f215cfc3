"""What hosts declare, once for all hosts that declare the same: 10,000 hosts held 10,000 copies."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Move each set of operations out of the hosts."""
    op.create_table(
        "declarations",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("operations", sa.Text, nullable=False),
    )
    op.execute(
        "INSERT INTO declarations (digest, operations) "
        "SELECT operations_digest, MIN(operations) FROM hosts "
        "WHERE operations IS NOT NULL AND operations_digest <> '' GROUP BY operations_digest"
    )
    op.drop_column("hosts", "operations")
