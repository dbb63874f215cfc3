"""The `history` and `evidence` tables: what happened to a plan, and what came and changed nothing."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Table, delete, select, text

from mcoflow.domain.records import HistoryRecord
from mcoflow.domain.requests import EvidenceRecord
from mcoflow.storage.many import Many, Row
from mcoflow.storage.tables import MALFORMED, evidence, history
from mcoflow.storage.texts import clean, hex_or_none

MALFORMED_KEPT: Final = 1_000
"""Rows. Anybody who reaches the broker can send malformed messages; they must not fill the disk."""

MALFORMED_BYTES: Final = 64 * 1024
_KIND: Final = "malformed"

INSERT_HISTORY: Final = Many.insert(history, "number")
INSERT_EVIDENCE: Final = Many.insert(evidence, "number")


def new_history(line: HistoryRecord) -> Row:
    """Return the row of a line of history for INSERT_HISTORY."""
    world = hex_or_none(line.world)
    return (line.plan_id.hex, line.at, line.name, world, clean(line.actor), clean(line.detail))


def new_evidence(found: EvidenceRecord) -> Row:
    """Return the row of a message for INSERT_EVIDENCE."""
    return (
        found.at,
        found.why,
        clean(found.host),
        hex_or_none(found.request_id),
        hex_or_none(found.plan_id),
        found.body[:MALFORMED_BYTES] if found.why == _KIND else found.body,
        clean(found.detail),
    )


def forget_old_malformed(connection: Connection, added: Sequence[EvidenceRecord]) -> None:
    """Delete all but the newest malformed messages, if any were added."""
    if not any(each.why == _KIND for each in added):
        return
    first_too_many = (
        select(evidence.c.number)
        .where(text(MALFORMED))
        .order_by(evidence.c.number.desc())
        .offset(MALFORMED_KEPT)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(delete(evidence).where(text(MALFORMED), evidence.c.number <= first_too_many))


def history_of(connection: Connection, plan_id: UUID) -> Sequence[HistoryRecord]:
    """Return the history of a plan, oldest first."""
    return [HistoryRecord(**each) for each in _of_plan(connection, history, plan_id)]


def evidence_of(connection: Connection, plan_id: UUID, limit: int | None = None) -> Sequence[EvidenceRecord]:
    """Return the messages about a plan that changed nothing, oldest first; `limit` of them at the most."""
    return [
        EvidenceRecord(**each | {"body": bytes(each["body"])})
        for each in _of_plan(connection, evidence, plan_id, limit)
    ]


def _of_plan(
    connection: Connection, table: Table, plan_id: UUID, limit: int | None = None
) -> Sequence[dict[str, Any]]:
    columns = [each for each in table.columns if each.name != "number"]
    wanted = select(*columns).where(table.c.plan_id == plan_id).order_by(table.c.number).limit(limit)
    found = connection.execute(wanted)
    return [dict(row._mapping) for row in found]
