"""The table of groups of hosts. `migrations/` makes the same one; a test compares the two."""

from sqlalchemy import Column, Double, Table, Text

from mcoflow.storage.tables import metadata

host_groups = Table(
    "host_groups",
    metadata,
    Column("name", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("at", Double, nullable=False),
)
