"""Halting a plan: one transaction that takes it from whoever runs it and leaves nothing of it open."""

from typing import Any, Final

from sqlalchemy import Connection, Table, case, delete, func, insert, select, update

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, HistoryRecord
from mcoflow.domain.requests import RequestState
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.errors import PlanNotFoundError
from mcoflow.storage import hooks, queues, waits
from mcoflow.storage.between_tables import bells
from mcoflow.storage.later_tables import prerequisites, schedules
from mcoflow.storage.steps import error_text
from mcoflow.storage.sub_plans import ring_for
from mcoflow.storage.tables import events, history, plans, requests, steps, timers
from mcoflow.storage.texts import clean, to_json

WAITS: Final[tuple[Table, ...]] = (timers, events, schedules, prerequisites, bells)
"""Tables with a `plan_id` whose rows mean that a plan waits for something, or holds it."""

_LIVE: Final = (StepState.RUNNING.value, StepState.SUSPENDED.value)
_NOT_BEGUN: Final = (StepState.PENDING.value, StepState.SKIPPING.value)


def halt(connection: Connection, line: HistoryRecord) -> bool:
    """Stop the plan of a line of history as halted; False if it is stopped already. PlanNotFoundError.

    The plan's row comes first: a commit of its owner waits for it, and then finds another epoch.
    """
    plan_id = line.plan_id
    if not _stop(connection, line):
        if connection.execute(select(plans.c.id).where(plans.c.id == plan_id)).first() is None:
            raise PlanNotFoundError(plan_id)
        return False
    queues.leave(connection, plan_id)
    _cancel_steps(connection, line)
    _end_requests(connection, line)
    waits.drop_all(connection, plan_id, line.at, "the task was halted before it could be delivered")
    for table in WAITS:
        connection.execute(delete(table).where(table.c.plan_id == plan_id))
    counted = connection.execute(
        select(steps.c.state, func.count().label("number"))
        .where(steps.c.plan_id == plan_id, steps.c.phase != Phase.PLAN.value)
        .group_by(steps.c.state)
    )
    counts = {row.state: row.number for row in counted}
    connection.execute(update(plans).where(plans.c.id == plan_id).values(counts=to_json(counts)))
    connection.execute(insert(history).values(**_written(line)))
    ring_for(connection, plan_id)
    hooks.tell(connection, plan_id)
    return True


def _stop(connection: Connection, line: HistoryRecord) -> bool:
    stopped = (
        update(plans)
        .where(plans.c.id == line.plan_id, plans.c.state != PlanState.STOPPED.value)
        .values(
            state=PlanState.STOPPED.value,
            result=PlanResult.HALTED.value,
            explanation=clean(f"halted: {line.detail}"[:500]),
            started_at=func.coalesce(plans.c.started_at, line.at),
            ended_at=line.at,
            owner=None,
            pause_requested=False,
            epoch=plans.c.epoch + 1,
            version=plans.c.version + 1,
        )
    )
    return connection.execute(stopped).rowcount == 1


def _cancel_steps(connection: Connection, line: HistoryRecord) -> None:
    """What was under way may have done anything; what was not has done nothing. Errors stay as they are."""
    of_plan = steps.c.plan_id == line.plan_id
    unknown = ErrorRecord("HaltedError", "halted while it was under way: effect unknown")
    ended = {"state": StepState.CANCELLED.value, "ended_at": line.at}
    connection.execute(
        update(steps)
        .where(of_plan, steps.c.state.in_(_LIVE))
        .values(
            error=error_text(unknown),
            outcome=case((steps.c.host.is_not(None), Outcome.LOST.value), else_=None),
            reason="halted",
            **ended,
        )
    )
    not_begun = update(steps).where(of_plan, steps.c.state.in_(_NOT_BEGUN))
    connection.execute(not_begun.values(started_at=func.coalesce(steps.c.started_at, line.at), **ended))


def _end_requests(connection: Connection, line: HistoryRecord) -> None:
    """None is sent any more; what an agent answers to one that was sent is recorded as late."""
    ended = RequestState.ENDED.value
    connection.execute(
        update(requests)
        .where(requests.c.plan_id == line.plan_id, requests.c.state != ended)
        .values(state=ended, outcome=Outcome.LOST.value, reason="halted", ended_at=line.at, body=None)
    )


def _written(line: HistoryRecord) -> dict[str, Any]:
    return {
        "plan_id": line.plan_id,
        "at": line.at,
        "name": line.name,
        "world": line.world,
        "actor": clean(line.actor),
        "detail": clean(line.detail),
    }
