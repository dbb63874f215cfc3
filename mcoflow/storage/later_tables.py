"""The tables of plans that are planned later. `migrations/` makes the same ones; a test compares the two."""

from typing import Final

from sqlalchemy import Boolean, Column, Double, Index, Integer, Table, Text, Uuid, text

from mcoflow.storage.tables import metadata

DUE: Final = "due_at IS NOT NULL"
BEING_PLANNED: Final = "planner IS NOT NULL"
ACTIVE: Final = "state = 'active'"
"""Conditions of partial indexes. A query has to repeat them letter by letter to be served by the index."""

schedules = Table(
    "schedules",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("start_at", Double),
    Column("start_before", Double),
    Column("frozen", Boolean, nullable=False),
    Column("unmet", Integer, nullable=False),
    Column("broken", Boolean, nullable=False),
    Column("planner", Uuid),
    Column("due_at", Double),
    Column("input", Text, nullable=False),
    Index("schedules_due", "due_at", sqlite_where=text(DUE), postgresql_where=text(DUE)),
    Index(
        "schedules_being_planned",
        "planner",
        sqlite_where=text(BEING_PLANNED),
        postgresql_where=text(BEING_PLANNED),
    ),
)
"""Plans that have not been planned yet. `due_at`: when there is something to do, be it to stop the plan."""

prerequisites = Table(
    "prerequisites",
    metadata,
    Column("after_id", Uuid, primary_key=True),
    Column("plan_id", Uuid, primary_key=True),
    Column("lenient", Boolean, nullable=False),
    Column("failed", Boolean, nullable=False),
    Index("prerequisites_of_plan", "plan_id"),
)
"""`plan_id` waits for `after_id`. A lenient one only waits for its rest, however it ended."""

recurrences = Table(
    "recurrences",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("action", Text, nullable=False),
    Column("args", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("starts", Double),
    Column("ends", Double),
    Column("max_runs", Integer),
    Column("overlap", Text, nullable=False),
    Column("missed", Text, nullable=False),
    Column("purpose", Text),
    Column("user", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_at", Double),
    Column("runs", Integer, nullable=False),
    Column("last_plan_id", Uuid),
    Column("explanation", Text, nullable=False),
    Index("recurrences_due", "next_at", sqlite_where=text(ACTIVE), postgresql_where=text(ACTIVE)),
    Index(
        "recurrences_by_purpose",
        "purpose",
        unique=True,
        sqlite_where=text(ACTIVE),
        postgresql_where=text(ACTIVE),
    ),
)
"""What comes back. Its columns are the fields of RecurrenceRecord."""
