"""Where plans and steps stand, and the tables of legal moves. The values are stored: add, never rename."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from mcoflow.errors import InvalidMoveError


class PlanState(StrEnum):
    """Where an execution plan stands."""

    PENDING = "pending"  #: on its way from an action to a plan; never stored, but told to hooks
    SCHEDULED = "scheduled"  #: arguments only: planned by an executor once it is due
    PLANNING = "planning"  #: an executor plans what was scheduled; should it die, that is scheduled again
    PLANNED = "planned"  #: stored whole, waits for an executor
    RUNNING = "running"  #: has an owner, or waits for its next one
    PAUSED = "paused"  #: at rest, with an error or because somebody said so, until somebody acts
    STOPPED = "stopped"  #: over; the result says how


class PlanResult(StrEnum):
    """What became of a plan so far."""

    PENDING = "pending"  #: not known yet
    SUCCESS = "success"  #: every step did what it should
    WARNING = "warning"  #: a step warned or was skipped
    ERROR = "error"  #: a step is in error, or the planning failed
    CANCELLED = "cancelled"  #: a step was cancelled, or the plan before it began
    HALTED = "halted"  #: taken from whoever ran it; what was under way may have had any effect


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"  #: planned, not started
    RUNNING = "running"  #: a worker holds it
    SUSPENDED = "suspended"  #: waits for an event and holds no worker
    SUCCESS = "success"  #: did what it should, maybe with warnings
    ERROR = "error"  #: stopped; a person may retry or skip it
    SKIPPING = "skipping"  #: will be skipped when the plan is resumed
    SKIPPED = "skipped"  #: left out, with what hangs on it
    CANCELLED = "cancelled"  #: ended before its work was done, or never begun


class Phase(StrEnum):
    """The phase that a step belongs to."""

    PLAN = "plan"  #: lays out the plan, once, before it is stored
    RUN = "run"  #: does the work, on a worker, a host, or somewhere else
    FINALIZE = "finalize"  #: after all run steps, one at a time
    REVERT = "revert"  #: undoes a run step


_P = PlanState
PLAN_MOVES: Final[Mapping[PlanState, frozenset[PlanState]]] = {
    _P.PENDING: frozenset({_P.SCHEDULED, _P.PLANNING, _P.STOPPED}),
    _P.SCHEDULED: frozenset({_P.PLANNING, _P.STOPPED}),
    _P.PLANNING: frozenset({_P.PLANNED, _P.SCHEDULED, _P.STOPPED}),
    _P.PLANNED: frozenset({_P.RUNNING, _P.STOPPED}),
    _P.RUNNING: frozenset({_P.PAUSED, _P.STOPPED}),
    _P.PAUSED: frozenset({_P.RUNNING, _P.STOPPED}),
    _P.STOPPED: frozenset(),
}

_S = StepState
STEP_MOVES: Final[Mapping[StepState, frozenset[StepState]]] = {
    _S.PENDING: frozenset({_S.RUNNING, _S.SUSPENDED, _S.SUCCESS, _S.ERROR, _S.SKIPPED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.SUCCESS, _S.ERROR, _S.SUSPENDED, _S.CANCELLED, _S.PENDING}),
    _S.SUSPENDED: frozenset({_S.RUNNING, _S.SUCCESS, _S.ERROR, _S.CANCELLED, _S.PENDING}),
    _S.ERROR: frozenset({_S.PENDING, _S.SKIPPING, _S.CANCELLED}),
    _S.SKIPPING: frozenset({_S.SKIPPED, _S.ERROR, _S.CANCELLED}),
    _S.SUCCESS: frozenset(),
    _S.SKIPPED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""A host action is not run by a worker: the director takes it from pending to suspended, or to its end,
in one commit. running → pending is a rerunnable step whose executor died; it and suspended → pending are also
a step that waited for its next try when its plan was paused."""

FINAL_STEP_STATES: Final = frozenset({_S.SUCCESS, _S.SKIPPED, _S.CANCELLED})
DONE_STEP_STATES: Final = frozenset({_S.SUCCESS, _S.SKIPPED})
"""What opens the way for the steps that follow."""


def check_plan_move(plan: str, current: PlanState, wanted: PlanState) -> None:
    """Raise InvalidMoveError unless the table has the move."""
    if wanted not in PLAN_MOVES[current]:
        raise InvalidMoveError(f"plan {plan}", current, wanted, PLAN_MOVES[current])


def check_step_move(step: str, current: StepState, wanted: StepState) -> None:
    """Raise InvalidMoveError unless the table has the move."""
    if wanted not in STEP_MOVES[current]:
        raise InvalidMoveError(f"step {step}", current, wanted, STEP_MOVES[current])
