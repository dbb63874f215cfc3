"""What hosts print while they execute, in the order in which they print it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

OF_REQUEST = sa.text("request_id IS NOT NULL")
TO_ASK = sa.text("ask_at IS NOT NULL")


def upgrade() -> None:
    """Let chunks be of requests, and add what is known of those that have any."""
    for column in (
        sa.Column("request_id", sa.Uuid()),
        sa.Column("seq", sa.Integer()),
        sa.Column("offset", sa.BigInteger()),
        sa.Column("lost", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("left_out", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("chunks", column)
    op.create_index("chunks_of_plan", "chunks", ["plan_id", "number"])
    op.create_index(
        "chunks_of_request",
        "chunks",
        ["request_id", "seq"],
        unique=True,
        sqlite_where=OF_REQUEST,
        postgresql_where=OF_REQUEST,
    )
    _add_outputs()
    op.create_table(
        "parked_chunks",
        sa.Column("request_id", sa.Uuid(), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
    )
    op.create_index("parked_chunks_of_plan", "parked_chunks", ["plan_id"])


def _add_outputs() -> None:
    op.create_table(
        "host_outputs",
        sa.Column("request_id", sa.Uuid(), primary_key=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("next_seq", sa.Integer(), nullable=False),
        sa.Column("parked", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("chunks", sa.Integer()),
        sa.Column("printed", sa.BigInteger()),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("ask_at", sa.Double()),
    )
    op.create_index("host_outputs_of_step", "host_outputs", ["plan_id", "step_id"])
    op.create_index("host_outputs_of_host", "host_outputs", ["plan_id", "host"])
    op.create_index(
        "host_outputs_to_ask", "host_outputs", ["ask_at"], sqlite_where=TO_ASK, postgresql_where=TO_ASK
    )
