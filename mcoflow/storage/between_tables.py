"""The tables of what plans have to do with each other: locks, and the bells of those that call others."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Table, Text, Uuid, text

from mcoflow.storage.tables import NUMBER, metadata

NOT_HELD: Final = "NOT held"
"""The condition of a partial index, as those of `tables`."""

locks = Table(
    "locks",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("held", Boolean, nullable=False),
    Index("locks_of_plan", "plan_id"),
    Index("locks_by_name", "name", "number"),
    Index("locks_waited_for", "plan_id", sqlite_where=text(NOT_HELD), postgresql_where=text(NOT_HELD)),
)
"""Locks that plans hold or wait for; a plan at rest has none here. `number` is the order of arrival."""

bells = Table(
    "bells",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Index("bells_of_plan", "plan_id"),
)
"""A sub-plan of `plan_id` came to rest and was not counted yet."""
