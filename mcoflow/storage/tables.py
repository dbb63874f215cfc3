"""The tables. `migrations/` makes the same ones; a test compares the two.

There are no foreign keys: a plan and all of its rows are written, and one day deleted, in one transaction by
this room alone, and a check per row would cost more than the row. The state columns hold the values of the
enums of `mcoflow.domain`; texts that hold JSON are never looked into by SQL, but for the hosts of a plan.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    false,
    text,
    true,
)

metadata = MetaData()

UNSTOPPED: Final = "state IN ('planned', 'running')"
OWNED: Final = "owner IS NOT NULL"
UNOWNED: Final = f"owner IS NULL AND ordered AND {UNSTOPPED}"
NAMED: Final = "name IS NOT NULL"
MALFORMED: Final = "why = 'malformed'"
OF_REQUEST: Final = "request_id IS NOT NULL"
UNANSWERED: Final = "result IS NULL"
ENDED: Final = "ended_at IS NOT NULL"
CALLED: Final = "caller_plan_id IS NOT NULL"
"""Conditions of partial indexes. A query has to repeat them letter by letter to be served by the index."""

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""Counts up by itself; SQLite does so only for INTEGER."""

plans = Table(
    "plans",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("label", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("user_name", Text, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("owner", Uuid),
    Column("epoch", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("pause_requested", Boolean, nullable=False, server_default=false()),
    Column("abort_requested", Boolean, nullable=False, server_default=false()),
    Column("reverted", Boolean, nullable=False, server_default=false()),
    Column("name", Text),
    Column("chained", Boolean, nullable=False, server_default=false()),
    Column("ordered", Boolean, nullable=False, server_default=true()),
    Index("plans_named", "name", unique=True, sqlite_where=text(NAMED), postgresql_where=text(NAMED)),
    Column("caller_plan_id", Uuid),
    Column("caller_action_id", Integer),
    Column("progress", Double, nullable=False, server_default="0"),
    Column("rollout", Text),
    Column("warned", Integer, nullable=False, server_default="0"),
    Index("plans_ended", "ended_at", "id", sqlite_where=text(ENDED), postgresql_where=text(ENDED)),
    Index("plans_newest", "created_at", "id"),
    Index("plans_of_state", "state", "created_at", "id"),
    Index("plans_counted", "state", "result"),
    Index(
        "plans_unowned",
        "owner",  # the same in all of it, but without it SQLite prefers another index
        "created_at",
        "id",
        sqlite_where=text(UNOWNED),
        postgresql_where=text(UNOWNED),
    ),
    Index(
        "plans_owned",
        "owner",
        sqlite_where=text(OWNED),
        postgresql_where=text(OWNED),
    ),
    Index(
        "plans_called",
        "caller_plan_id",
        "caller_action_id",
        "state",
        "result",
        sqlite_where=text(CALLED),
        postgresql_where=text(CALLED),
    ),
)

blueprints = Table(
    "blueprints",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("args", Text, nullable=False),
    Column("hosts", Text, nullable=False),
    Column("graph", Text, nullable=False),
    Column("locks", Text),
    Column("hooks", Text),
)
"""What never changes of a plan and may be long, apart so that a commit does not write it again."""

actions = Table(
    "actions",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Integer),
    Column("plan_step_id", Integer, nullable=False),
    Column("run_step_id", Integer),
    Column("finalize_step_id", Integer),
    Column("input", Text, nullable=False),
    Column("output", Text, nullable=False),
    sqlite_with_rowid=False,
)

steps = Table(
    "steps",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("action_id", Integer, nullable=False),
    Column("phase", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("host", Text),
    Column("queue", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Text),
    Column("reason", Text, nullable=False),
    Column("error", Text),
    Column("warnings", Text),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("execution_time", Double, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("progress", Double),
    Column("weight", Double, nullable=False, server_default="1"),
    sqlite_with_rowid=False,
)

requests = Table(
    "requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("step_id", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("body", LargeBinary),
    Column("created_at", Double, nullable=False),
    Column("wait", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("run_limit", Double, nullable=False),
    Column("grace", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("executing", Boolean, nullable=False),
    Column("run_due_at", Double),
    Column("cancel", Text, nullable=False),
    Column("outcome", Text),
    Column("reason", Text, nullable=False),
    Column("ended_at", Double),
    Index("requests_of_step", "plan_id", "step_id"),
)
"""`body` is emptied when the request ends: nobody sends it again. That a request is open is not indexed, so
that PostgreSQL can update it in place; the few ended ones of an unfinished plan are passed over."""

timers = Table(
    "timers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("step_id", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Index("timers_of_plan", "plan_id"),
)

events = Table(
    "events",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("step_id", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("optional", Boolean, nullable=False),
    Index("events_by_id", "id", unique=True),
    Index("events_of_plan", "plan_id"),
)

dropped_events = Table(
    "dropped_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("at", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Index("dropped_events_of_plan", "plan_id"),
)
"""Events that were stored and never delivered. One that is neither here nor in `events` was."""

chunks = Table(
    "chunks",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("action_id", Integer, nullable=False),
    Column("stream", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("request_id", Uuid),
    Column("seq", Integer),
    Column("offset", BigInteger),
    Column("lost", Integer, nullable=False, server_default="0"),
    Column("left_out", BigInteger, nullable=False, server_default="0"),
    Index("chunks_of_action", "plan_id", "action_id", "number"),
    Index("chunks_of_plan", "plan_id", "number"),
    Index(
        "chunks_of_request",
        "request_id",
        "seq",
        unique=True,
        sqlite_where=text(OF_REQUEST),
        postgresql_where=text(OF_REQUEST),
    ),
)
"""What actions say, and what hosts print: that has a `request_id`. `number` is the order of reading."""

hooks = Table(
    "hooks",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("at", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("world", Uuid),
    Index("hooks_by_id", "id", unique=True),
    Index("hooks_of_plan", "plan_id"),
)
"""States of plans whose hooks are still to be called; mostly empty."""

history = Table(
    "history",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("at", Double, nullable=False),
    Column("name", Text, nullable=False),
    Column("world", Uuid),
    Column("actor", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("history_of_plan", "plan_id"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("at", Double, nullable=False),
    Column("why", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("request_id", Uuid),
    Column("plan_id", Uuid),
    Column("body", LargeBinary, nullable=False),
    Column("detail", Text, nullable=False),
    Index("evidence_of_plan", "plan_id"),
    Index(
        "evidence_malformed",
        "number",
        sqlite_where=text(MALFORMED),
        postgresql_where=text(MALFORMED),
    ),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("args", Text, nullable=False),
    Column("result", Text),
    Column("code", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index(
        "commands_waiting",
        "at",
        sqlite_where=text(UNANSWERED),
        postgresql_where=text(UNANSWERED),
    ),
)
"""A command without `result` waits for its answer."""

worlds = Table(
    "worlds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("meta", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)
"""The times are the database's."""

declarations = Table(
    "declarations",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("operations", Text, nullable=False),
)

hosts = Table(
    "hosts",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("admitted", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("collectives", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("wire_max", Integer, nullable=False),
    Column("journal", Uuid),
    Column("daemon", Uuid),
    Column("executing", Integer, nullable=False),
    Column("interval", Double, nullable=False),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("clock_difference", Double, nullable=False),
    Column("facts", Text),
    Column("facts_digest", Text, nullable=False),
    Column("operations_digest", Text, nullable=False),
    Column("rival", Uuid),
    Column("conflict_at", Double),
)
