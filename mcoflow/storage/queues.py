"""Runs of a recurrence that queue, each behind the one before it: what becomes of the queue when one leaves.

Every function runs in the caller's transaction.
"""

from uuid import UUID

from sqlalchemy import Connection, and_, select, update

from mcoflow.storage.later_tables import prerequisites, recurrences
from mcoflow.storage.tables import plans


def leave(connection: Connection, plan_id: UUID) -> None:
    """Let what stands behind a plan that is stopped, its row held, stand behind what that waits for.

    Else a run would start beside the one that goes on. Before the rows of the plan itself are dropped: who
    writes that the one before came to rest changes them, and is waited for.
    """
    waits = and_(prerequisites.c.plan_id == plan_id, prerequisites.c.lenient)
    before = connection.scalar(select(prerequisites.c.after_id).where(waits))
    if before is None:
        return
    connection.execute(select(plans.c.id).where(plans.c.id == before).with_for_update())
    if connection.scalar(select(prerequisites.c.after_id).where(waits)) is None:
        return  # it came to rest while we waited for it
    behind = update(prerequisites).where(prerequisites.c.after_id == plan_id, prerequisites.c.lenient)
    connection.execute(behind.values(after_id=before))
    last = update(recurrences).where(recurrences.c.last_plan_id == plan_id)
    connection.execute(last.values(last_plan_id=before))
