"""The `chunks` table, as far as actions fill it: what they say of themselves, append-only."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, and_, delete, select

from mcoflow.domain.chunks import Chunk
from mcoflow.ports.output import NewChunks
from mcoflow.ports.store import ActionKey
from mcoflow.storage.many import Many, Row, Values, fields_of
from mcoflow.storage.tables import chunks
from mcoflow.storage.texts import clean


def _drop(row: Values) -> Any:
    of_action = and_(chunks.c.plan_id == row["plan_id"], chunks.c.action_id == row["action_id"])
    return delete(chunks).where(of_action, chunks.c.request_id.is_(None))


INSERT_CHUNKS: Final = Many.insert(chunks, "number", "request_id", "seq", "offset", "lost", "left_out")
DROP_CHUNKS: Final = Many(fields_of(chunks.c.plan_id, chunks.c.action_id), _drop)


def new_chunks(new: Iterable[NewChunks]) -> list[Row]:
    """Return the rows of chunks for INSERT_CHUNKS, in the order in which they were made."""
    return [
        (each.plan_id.hex, each.action_id, clean(chunk.stream), clean(chunk.text), _time(chunk, each.at))
        for each in new
        for chunk in each.chunks
    ]


def dropped(keys: Iterable[ActionKey]) -> list[Row]:
    """Return the rows of actions for DROP_CHUNKS."""
    return [(plan_id.hex, action_id) for plan_id, action_id in keys]


def chunks_after(
    connection: Connection, plan_id: UUID, action_id: int, *, after: int, limit: int
) -> Sequence[Chunk]:
    """Return chunks of an action in order, from the first after `after`."""
    of_action = and_(chunks.c.plan_id == plan_id, chunks.c.action_id == action_id, chunks.c.number > after)
    its_own = select(chunks).where(of_action, chunks.c.request_id.is_(None))
    found = connection.execute(its_own.order_by(chunks.c.number).limit(limit))
    return [Chunk(row.text, row.stream, datetime.fromtimestamp(row.at, UTC), row.number) for row in found]


def _time(chunk: Chunk, stored_at: float) -> float:
    return stored_at if chunk.at is None else chunk.at.timestamp()
