"""The `prerequisites` table: plans that wait for others, and what the end of those does to them.

Whoever writes that a plan came to rest holds its row's lock, so that its followers hear of it once.
"""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, literal_column, or_, select, true, update

from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.storage.later_tables import prerequisites, schedules
from mcoflow.storage.many import Many, Values, Write, fields_of
from mcoflow.storage.tables import plans

BREAKS: Final = frozenset({PlanResult.ERROR, PlanResult.CANCELLED})
"""What a follower does not start after."""

_ZERO: Final[ColumnElement[float]] = literal_column("0.0")
_ONE: Final[ColumnElement[int]] = literal_column("1")
_AFTER: Final = fields_of(prerequisites.c.after_id)


def due_at(unmet: ColumnElement[Any]) -> ColumnElement[Any]:
    """When there is something to do with a schedule that has so many unmet prerequisites."""
    known = schedules.c
    earliest = func.coalesce(known.start_at, _ZERO)
    return case(
        (known.broken, _ZERO),
        (or_(known.frozen, unmet > literal_column("0")), known.start_before),
        (known.start_before < earliest, known.start_before),
        else_=earliest,
    )


def of_rest(plan_id: UUID, state: PlanState, result: PlanResult) -> Iterator[Write]:
    """What the followers of a plan hear when it was paused or stopped; nothing in any other state.

    One row a statement: a follower of two plans that end at once is counted down twice.
    """
    rows = [(plan_id.hex,)]
    if state is PlanState.STOPPED and result not in BREAKS:
        yield Write(_OPEN_ALL, rows)
        yield Write(_FORGET_ALL, rows)
    elif state in (PlanState.STOPPED, PlanState.PAUSED):
        yield Write(_OPEN_LENIENT, rows)
        yield Write(_FORGET_LENIENT, rows)
    if state is PlanState.STOPPED and result in BREAKS:
        yield Write(_FAIL, rows)
        yield Write(_BREAK, rows)


def lock(plan_id: UUID) -> Write:
    """Hold the row of a plan that is not written otherwise."""
    return Write(_TOUCH, [(plan_id.hex,)])


def _followers(row: Values, which: ColumnElement[bool]) -> Any:
    return select(prerequisites.c.plan_id).where(prerequisites.c.after_id == row["after_id"], which)


def _open(row: Values, which: ColumnElement[bool]) -> Any:
    left = schedules.c.unmet - _ONE
    opened = schedules.c.plan_id.in_(_followers(row, which))
    return update(schedules).where(opened).values(unmet=left, due_at=due_at(left))


def _forget(row: Values, which: ColumnElement[bool]) -> Any:
    return delete(prerequisites).where(prerequisites.c.after_id == row["after_id"], which)


def _fail(row: Values) -> Any:
    return update(prerequisites).where(prerequisites.c.after_id == row["after_id"]).values(failed=true())


def _break(row: Values) -> Any:
    broken = schedules.c.plan_id.in_(_followers(row, prerequisites.c.failed))
    return update(schedules).where(broken).values(broken=true(), due_at=_ZERO)


def _touch(row: Values) -> Any:
    return update(plans).where(plans.c.id == row["id"]).values(version=plans.c.version + _ONE)


_OPEN_ALL: Final = Many(_AFTER, lambda row: _open(row, true()))
_OPEN_LENIENT: Final = Many(_AFTER, lambda row: _open(row, prerequisites.c.lenient))
_FORGET_ALL: Final = Many(_AFTER, lambda row: _forget(row, true()))
_FORGET_LENIENT: Final = Many(_AFTER, lambda row: _forget(row, prerequisites.c.lenient))
_FAIL: Final = Many(_AFTER, _fail)
_BREAK: Final = Many(_AFTER, _break)
_TOUCH: Final = Many(fields_of(plans.c.id), _touch)
DROP_SCHEDULES: Final = Many(
    fields_of(schedules.c.plan_id),
    lambda row: delete(schedules).where(schedules.c.plan_id == row["plan_id"]),
)
DROP_PREREQUISITES: Final = Many(
    fields_of(prerequisites.c.plan_id),
    lambda row: delete(prerequisites).where(prerequisites.c.plan_id == row["plan_id"]),
)
