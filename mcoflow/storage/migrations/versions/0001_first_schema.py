"""The first schema.

A migration is never edited after its release, so it repeats what `tables.py` said then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OWNED = "owner IS NOT NULL"
_UNOWNED = "owner IS NULL AND state IN ('planned', 'running')"
_MALFORMED = "why = 'malformed'"
_UNANSWERED = "result IS NULL"


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Uuid()),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_index("plans_newest", "plans", ["created_at", "id"])
    op.create_index("plans_of_state", "plans", ["state", "created_at", "id"])
    op.create_index("plans_counted", "plans", ["state", "result"])
    op.create_index(
        "plans_unowned",
        "plans",
        ["owner", "created_at", "id"],
        sqlite_where=sa.text(_UNOWNED),
        postgresql_where=sa.text(_UNOWNED),
    )
    op.create_index(
        "plans_owned", "plans", ["owner"], sqlite_where=sa.text(_OWNED), postgresql_where=sa.text(_OWNED)
    )
    op.create_table(
        "blueprints",
        sa.Column("plan_id", sa.Uuid(), primary_key=True),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("hosts", sa.Text(), nullable=False),
        sa.Column("graph", sa.Text(), nullable=False),
    )
    op.create_table(
        "actions",
        sa.Column("plan_id", sa.Uuid(), primary_key=True),
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Integer()),
        sa.Column("plan_step_id", sa.Integer(), nullable=False),
        sa.Column("run_step_id", sa.Integer()),
        sa.Column("finalize_step_id", sa.Integer()),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "steps",
        sa.Column("plan_id", sa.Uuid(), primary_key=True),
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("host", sa.Text()),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("warnings", sa.Text()),
        sa.Column("started_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("execution_time", sa.Double(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("wait", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("run_limit", sa.Double(), nullable=False),
        sa.Column("grace", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("executing", sa.Boolean(), nullable=False),
        sa.Column("run_due_at", sa.Double()),
        sa.Column("cancel", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Double()),
    )
    op.create_index("requests_of_step", "requests", ["plan_id", "step_id"])
    op.create_table(
        "timers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_index("timers_of_plan", "timers", ["plan_id"])
    op.create_table(
        "events",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("optional", sa.Boolean(), nullable=False),
    )
    op.create_index("events_by_id", "events", ["id"], unique=True)
    op.create_index("events_of_plan", "events", ["plan_id"])
    op.create_table(
        "history",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("world", sa.Uuid()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
    )
    op.create_index("history_of_plan", "history", ["plan_id"])
    op.create_table(
        "evidence",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid()),
        sa.Column("plan_id", sa.Uuid()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
    )
    op.create_index("evidence_of_plan", "evidence", ["plan_id"])
    op.create_index(
        "evidence_malformed",
        "evidence",
        ["number"],
        sqlite_where=sa.text(_MALFORMED),
        postgresql_where=sa.text(_MALFORMED),
    )
    op.create_table(
        "commands",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
    )
    op.create_index(
        "commands_waiting",
        "commands",
        ["at"],
        sqlite_where=sa.text(_UNANSWERED),
        postgresql_where=sa.text(_UNANSWERED),
    )
    op.create_table(
        "worlds",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("meta", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.create_table(
        "hosts",
        sa.Column("identity", sa.Text(), primary_key=True),
        sa.Column("admitted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("collectives", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("wire_max", sa.Integer(), nullable=False),
        sa.Column("journal", sa.Uuid()),
        sa.Column("daemon", sa.Uuid()),
        sa.Column("executing", sa.Integer(), nullable=False),
        sa.Column("interval", sa.Double(), nullable=False),
        sa.Column("first_seen", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
        sa.Column("clock_difference", sa.Double(), nullable=False),
        sa.Column("facts", sa.Text()),
        sa.Column("facts_digest", sa.Text(), nullable=False),
        sa.Column("operations", sa.Text()),
        sa.Column("operations_digest", sa.Text(), nullable=False),
    )
