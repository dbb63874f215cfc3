"""What the pages list: plans by filter, newest first, and the steps of a plan with their data."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, tuple_
from sqlalchemy import Row as Stored

from mcoflow.domain.records import PlanRecord
from mcoflow.ports.listing import Listing
from mcoflow.ports.store import StepRow
from mcoflow.storage.plans import SELECT_PLANS, plan_of
from mcoflow.storage.queries import conditions as where_conditions
from mcoflow.storage.steps import step_of
from mcoflow.storage.sub_plans import called_by
from mcoflow.storage.tables import actions, blueprints, plans, requests, steps

_NEWEST: Final = (plans.c.created_at.desc(), plans.c.id.desc())
_LATEST_REQUEST: Final = (
    select(requests.c.id)
    .where(requests.c.plan_id == steps.c.plan_id, requests.c.step_id == steps.c.id)
    .order_by(requests.c.created_at.desc())
    .limit(1)
    .correlate(steps)
    .scalar_subquery()
)
_STEP_ROWS: Final[Select[Any]] = (
    select(
        steps,
        actions.c.input,
        actions.c.output,
        requests.c.id.label("request_id"),
        requests.c.state.label("request_state"),
        requests.c.confirmed,
        requests.c.executing,
        requests.c.cancel,
    )
    .join(actions, and_(actions.c.plan_id == steps.c.plan_id, actions.c.id == steps.c.action_id))
    .outerjoin(requests, requests.c.id == _LATEST_REQUEST)
    .order_by(steps.c.id)
)


def plans_page(connection: Connection, query: Listing) -> Sequence[PlanRecord]:
    """Return one page of plans, newest first."""
    chosen = select(plans.c.id).where(*_conditions(query)).order_by(*_NEWEST).limit(query.limit)
    if query.text or query.hosts:
        chosen = chosen.join(blueprints, blueprints.c.plan_id == plans.c.id)
    if query.text:
        chosen = chosen.where(_mentions(query.text))
    if query.hosts:
        chosen = chosen.where(or_(*map(_is_about, query.hosts)))
    page = chosen.subquery()
    found = SELECT_PLANS.where(plans.c.id.in_(select(page.c.id))).order_by(*_NEWEST)
    return [plan_of(row) for row in connection.execute(found)]


def count_plans(connection: Connection, state: str | None) -> int:
    """Count plans in a state, or all."""
    counted = select(func.count()).select_from(plans)
    if state is not None:
        counted = counted.where(plans.c.state == state)
    return int(connection.execute(counted).scalar_one())


def counts_by_state(connection: Connection, caller: UUID | None) -> Mapping[tuple[str, str], int]:
    """Count plans by state and result, from an index alone."""
    counted = select(plans.c.state, plans.c.result, func.count().label("number"))
    if caller is not None:
        counted = counted.where(called_by(caller))
    found = connection.execute(counted.group_by(plans.c.state, plans.c.result))
    return {(row.state, row.result): row.number for row in found}


def step_rows(connection: Connection, plan_id: UUID, *, after: int, limit: int) -> Sequence[StepRow]:
    """Return steps of a plan in order, from the first after `after`."""
    found = connection.execute(_STEP_ROWS.where(steps.c.plan_id == plan_id, steps.c.id > after).limit(limit))
    return [_step_row(row) for row in found]


def step_row(connection: Connection, plan_id: UUID, step_id: int) -> StepRow | None:
    """Return one step, None if there is no such step or plan."""
    found = _STEP_ROWS.where(steps.c.plan_id == plan_id, steps.c.id == step_id)
    row = connection.execute(found).one_or_none()
    return None if row is None else _step_row(row)


def _conditions(query: Listing) -> list[ColumnElement[bool]]:
    conditions = where_conditions(query.where)
    if query.states:
        conditions.append(plans.c.state.in_(query.states))
    if query.results:
        conditions.append(plans.c.result.in_(query.results))
    if query.action:
        conditions.append(plans.c.action == query.action)
    if query.caller is not None:
        conditions.append(called_by(query.caller))
    if query.users:
        conditions.append(plans.c.user_name.in_(query.users))
    if query.started_after is not None:
        conditions.append(plans.c.started_at > query.started_after)
    if query.started_before is not None:
        conditions.append(plans.c.started_at < query.started_before)
    if query.before is not None:
        conditions.append(tuple_(plans.c.created_at, plans.c.id) < tuple_(*query.before))
    return conditions


def _mentions(text: str) -> ColumnElement[bool]:
    """Label, user, action or a host contains the text, whatever its case; or it is the identifier."""
    places = (plans.c.label, plans.c.user_name, plans.c.action, blueprints.c.hosts)
    mentions = [place.icontains(text, autoescape=True) for place in places]
    try:
        return or_(plans.c.id == UUID(text), *mentions)
    except ValueError:
        return or_(*mentions)


def _is_about(host: str) -> ColumnElement[bool]:
    """Whether this is one of the hosts, which are stored as a list in JSON: no name has a quote in it."""
    return blueprints.c.hosts.contains(json.dumps(host, ensure_ascii=False), autoescape=True)


def _step_row(row: Stored[Any]) -> StepRow:
    return StepRow(step_of(row), row.input, row.output, row.request_id, _note(row))


def _note(row: Stored[Any]) -> str:
    """Say where the latest request of a step stands."""
    if row.request_id is None or row.request_state == "ended":
        return ""
    if row.cancel:
        return "told to stop"
    if row.executing:
        return "executing"
    if row.request_state == "accepted":
        return "accepted by the host"
    return "sent, not yet picked up" if row.confirmed else "not yet sent"
