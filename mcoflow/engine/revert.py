"""Undoing what a failed plan has done: the run steps that were started, the last one first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mcoflow.action.registry import Registry
from mcoflow.domain.records import StepRecord
from mcoflow.domain.states import Phase, StepState
from mcoflow.engine.batch import Batch
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.work import Work
from mcoflow.errors import CommandRefusedError, McoflowError

_STARTED: Final = frozenset({StepState.SUCCESS, StepState.ERROR, StepState.SKIPPING, StepState.CANCELLED})
_NAMED: Final = 20
"""Steps that a line of history names."""


class Reverting:
    """Gives plans at rest the steps that undo others."""

    def __init__(self, store: PatientStore, actions: Registry, work: Work) -> None:
        self._store = store
        self._actions = actions
        self._work = work

    def start(self, batch: Batch, run: PlanRun, *, actor: str = "") -> None:
        """Begin to undo, or go on where an undoing step has failed.

        Raises:
            CommandRefusedError: no class of what was started has `revert`; nothing was changed.
        """
        if run.reverting:
            self._work.note(batch, run, "start execution", actor=actor, detail="revert resumed")
            batch.open(run, run.begin(batch.now))
            return
        started = [step for step in run.steps.values() if step.phase is Phase.RUN and step.state in _STARTED]
        undone = [step for step in started if self._has_revert(step)]
        passed = [step for step in started if not self._has_revert(step)]
        if not undone:
            message = f"task {run.id} has started nothing that can be reverted: cancel it instead"
            raise CommandRefusedError(message, run.id, run.plan.state, ("cancel",))
        self._work.note(batch, run, "revert", actor=actor, detail=_told(undone, passed))
        steps = _undoing(undone, self._store.outline(run.id).last_step)
        batch.new_steps += [(run.id, step) for step in steps]
        batch.open(run, run.revert(steps, batch.now))

    def _has_revert(self, step: StepRecord) -> bool:
        try:
            return self._actions.find(step.action).has("revert")
        except McoflowError:
            return False


def _undoing(steps: Iterable[StepRecord], last: int) -> list[StepRecord]:
    return [
        StepRecord(last + number, step.action_id, Phase.REVERT, step.action, host=step.host, queue=step.queue)
        for number, step in enumerate(steps, 1)
    ]


def _told(undone: Sequence[StepRecord], passed: Sequence[StepRecord]) -> str:
    said = f"undoes {_named(undone, lambda step: f'step {step.id}')}"
    if passed:
        names = _named(passed, lambda step: f"step {step.id} ({step.action})")
        said += f"; passed over, their classes have no revert: {names}"
    return said


def _named(steps: Sequence[StepRecord], name: Callable[[StepRecord], str]) -> str:
    rest = f" and {len(steps) - _NAMED} more" if len(steps) > _NAMED else ""
    return ", ".join(map(name, steps[:_NAMED])) + rest
