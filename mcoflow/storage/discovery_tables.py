"""The tables of discoveries. `migrations/` makes the same ones; a test compares the two."""

from typing import Final

from sqlalchemy import Boolean, Column, Double, Index, Integer, Table, Text, Uuid, text

from mcoflow.storage.tables import metadata

OPEN: Final = "ended_at IS NULL"
"""The condition of a partial index. A query has to repeat it letter by letter to be served by the index."""

discoveries = Table(
    "discoveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("target", Text, nullable=False),
    Column("filter", Text, nullable=False),
    Column("window", Double, nullable=False),
    Column("user", Text, nullable=False),
    Column("asked_at", Double, nullable=False),
    Column("executor", Uuid),
    Column("begun_at", Double),
    Column("ended_at", Double),
    Column("problem", Text, nullable=False),
    Column("foreign", Integer, nullable=False),
    Index("discoveries_open", "asked_at", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
)

discovery_hosts = Table(
    "discovery_hosts",
    metadata,
    Column("discovery_id", Uuid, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("known", Boolean, nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("answered_at", Double),
)
