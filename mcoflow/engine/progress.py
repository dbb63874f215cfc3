"""How far a plan is: the weights of its steps, and how much of each is done. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mcoflow.domain.records import StepRecord
from mcoflow.domain.states import DONE_STEP_STATES, Phase

_COUNTED: Final = (Phase.RUN, Phase.FINALIZE)


class Progress:
    """Sums over the run and finalize steps of a plan, so that a step that ends costs two additions."""

    __slots__ = ("_done", "_total")

    def __init__(self, steps: Iterable[StepRecord]) -> None:
        counted = [step for step in steps if step.phase in _COUNTED]
        self._total = sum(step.weight for step in counted)
        self._done = sum(step.weight * share(step) for step in counted)

    @property
    def value(self) -> float:
        """From 0 to 1; 1 if there is nothing to do."""
        return min(1.0, max(0.0, round(self._done / self._total, 6))) if self._total else 1.0

    def gained(self, step: StepRecord, by: float) -> float:
        """Note that a step did so much more of its own; return the new value."""
        if step.phase in _COUNTED:
            self._done += step.weight * by
        return self.value


def share(step: StepRecord) -> float:
    """How much of a step is done, from 0 to 1; what is not known counts 0."""
    return 1.0 if step.state in DONE_STEP_STATES else step.progress or 0.0
