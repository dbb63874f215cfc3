"""The `actions` table: name, place and data of each action of a plan."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, and_, func, select, update

from mcoflow.domain.records import ActionRecord
from mcoflow.ports.store import ActionKey, ActionPlace, InputChange, OutputChange, PlanOutline
from mcoflow.storage.many import Bulk, Lookup, Many, Row, Values, fields_of
from mcoflow.storage.tables import actions, steps
from mcoflow.storage.texts import clean

_DATA: Final = Lookup(
    fields_of(actions.c.plan_id, actions.c.id),
    lambda wanted: select(actions.c.plan_id, actions.c.id, actions.c.input, actions.c.output).join(
        wanted, and_(actions.c.plan_id == wanted.c.plan_id, actions.c.id == wanted.c.id)
    ),
)


def _update(row: Values) -> Any:
    return (
        update(actions)
        .where(and_(actions.c.plan_id == row["plan_id"], actions.c.id == row["id"]))
        .values(output=row["output"])
    )


INSERT_ACTIONS: Final = Many.insert(actions)


def _amend(row: Values) -> Any:
    return (
        update(actions)
        .where(and_(actions.c.plan_id == row["plan_id"], actions.c.id == row["id"]))
        .values(input=row["input"])
    )


UPDATE_INPUTS: Final = Many(fields_of(actions.c.input, actions.c.plan_id, actions.c.id), _amend)
UPDATE_OUTPUTS: Final = Many(fields_of(actions.c.output, actions.c.plan_id, actions.c.id), _update)


def new_action(plan: str, action: ActionRecord) -> Row:
    """Return the row of an action for INSERT_ACTIONS; `plan` is the identifier's digits."""
    return (
        plan,
        action.id,
        action.name,
        action.parent_id,
        action.plan_step_id,
        action.run_step_id,
        action.finalize_step_id,
        clean(action.input),
        clean(action.output),
    )


def changed_output(change: OutputChange) -> Row:
    """Return the row of a change for UPDATE_OUTPUTS."""
    return (clean(change.output), change.plan_id.hex, change.action_id)


def changed_input(change: InputChange) -> Row:
    """Return the row of a change for UPDATE_INPUTS."""
    return (clean(change.input), change.plan_id.hex, change.action_id)


def action_data(
    connection: Connection, bulk: Bulk, keys: Collection[ActionKey]
) -> Mapping[ActionKey, tuple[str, str]]:
    """Return input and output of actions, as JSON text."""
    found = bulk.find(connection, _DATA, [(plan_id.hex, action_id) for plan_id, action_id in keys])
    return {(row.plan_id, row.id): (row.input, row.output) for row in found}


def outline(connection: Connection, plan_id: UUID) -> PlanOutline:
    """Return the actions of a plan without their data, and the highest id of its steps."""
    places = select(actions.c.id, actions.c.name, actions.c.parent_id).where(actions.c.plan_id == plan_id)
    found = connection.execute(places.order_by(actions.c.id))
    last = connection.execute(select(func.max(steps.c.id)).where(steps.c.plan_id == plan_id)).scalar_one()
    return PlanOutline([ActionPlace(*row) for row in found], last or 0)
