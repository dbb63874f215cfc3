"""The tables of what hosts print, beside `chunks`. `migrations/` makes the same ones."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, Table, Text, Uuid, text

from mcoflow.storage.tables import metadata

TO_ASK: Final = "ask_at IS NOT NULL"
"""The condition of a partial index, as those of `tables`."""

host_outputs = Table(
    "host_outputs",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("plan_id", Uuid, nullable=False),
    Column("step_id", Integer, nullable=False),
    Column("action_id", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("next_seq", Integer, nullable=False),
    Column("parked", Integer, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("kept", BigInteger, nullable=False),
    Column("ends", Text, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("cut", Boolean, nullable=False),
    Column("chunks", Integer),
    Column("printed", BigInteger),
    Column("truncated", Boolean, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("ask_at", Double),
    Index("host_outputs_of_step", "plan_id", "step_id"),
    Index("host_outputs_of_host", "plan_id", "host"),
    Index("host_outputs_to_ask", "ask_at", sqlite_where=text(TO_ASK), postgresql_where=text(TO_ASK)),
)
"""Requests with output. Chunks before `next_seq` can be read or are lost; `ends`: stream → bytes so far."""

parked_chunks = Table(
    "parked_chunks",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("plan_id", Uuid, nullable=False),
    Column("stream", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Double, nullable=False),
    Index("parked_chunks_of_plan", "plan_id"),
)
"""Chunks that came before others that are to be read first; mostly empty."""
