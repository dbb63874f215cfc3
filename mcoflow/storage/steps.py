"""The `steps` table: where each step of a plan stands."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, and_, select, update
from sqlalchemy import Row as Stored

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.ports.store import ActionKey, StepChange
from mcoflow.storage.many import Bulk, Lookup, Many, Row, Values, fields_of
from mcoflow.storage.tables import steps
from mcoflow.storage.texts import clean, from_json, to_json

_STATES: Final = Lookup(
    fields_of(steps.c.plan_id, steps.c.id),
    lambda wanted: select(steps.c.plan_id, steps.c.id, steps.c.state).join(
        wanted, and_(steps.c.plan_id == wanted.c.plan_id, steps.c.id == wanted.c.id)
    ),
)


def _update(row: Values) -> Any:
    changed = {name: row[name] for name in row if name not in ("plan_id", "id", "seen")}
    return (
        update(steps)
        .where(and_(steps.c.plan_id == row["plan_id"], steps.c.id == row["id"], steps.c.state == row["seen"]))
        .values(**changed)
    )


INSERT_STEPS: Final = Many.insert(steps)
UPDATE_STEPS: Final = Many(
    fields_of(
        steps.c.state,
        steps.c.attempt,
        steps.c.outcome,
        steps.c.reason,
        steps.c.error,
        steps.c.warnings,
        steps.c.started_at,
        steps.c.ended_at,
        steps.c.execution_time,
        steps.c.tries,
        steps.c.progress,
        steps.c.plan_id,
        steps.c.id,
        seen=steps.c.state,
    ),
    _update,
)


def new_step(plan: str, step: StepRecord) -> Row:
    """Return the row of a step for INSERT_STEPS; `plan` is the identifier's digits."""
    return (
        plan,
        step.id,
        step.action_id,
        step.phase.value,
        step.action,
        step.state.value,
        step.host,
        step.queue,
        step.attempt,
        step.outcome and step.outcome.value,
        clean(step.reason),
        error_text(step.error),
        to_json(step.warnings) if step.warnings else None,
        step.started_at,
        step.ended_at,
        step.execution_time,
        step.tries,
        step.progress,
        step.weight,
    )


def changed_step(change: StepChange) -> Row:
    """Return the row of a change for UPDATE_STEPS."""
    step = change.step
    return (
        step.state.value,
        step.attempt,
        step.outcome and step.outcome.value,
        clean(step.reason),
        error_text(step.error),
        to_json(step.warnings) if step.warnings else None,
        step.started_at,
        step.ended_at,
        step.execution_time,
        step.tries,
        step.progress,
        change.plan_id.hex,
        step.id,
        change.seen.value,
    )


def step_of(row: Stored[Any]) -> StepRecord:
    """Return the step of a row that begins with the columns of the table."""
    _, number, action_id, phase, action, state, host, queue, attempt, *rest = tuple(row)
    outcome, reason, error, warnings, started_at, ended_at, execution_time, tries, progress, weight, *_ = rest
    return StepRecord(
        number,
        action_id,
        Phase(phase),
        action,
        StepState(state),
        host,
        queue,
        attempt,
        Outcome(outcome) if outcome else None,
        reason,
        ErrorRecord(*from_json(error)[:3]) if error else None,
        tuple(from_json(warnings)) if warnings else (),
        started_at,
        ended_at,
        execution_time,
        tries,
        progress,
        weight,
    )


def stored_states(
    connection: Connection, bulk: Bulk, changes: Iterable[StepChange]
) -> Mapping[ActionKey, str]:
    """Return the states as they are stored, by plan and step."""
    found = bulk.find(connection, _STATES, [(change.plan_id.hex, change.step.id) for change in changes])
    return {(row.plan_id, row.id): row.state for row in found}


def error_text(error: ErrorRecord | None) -> str | None:
    """Return an error as it is stored."""
    return to_json((error.kind, error.message, error.traceback)) if error else None
