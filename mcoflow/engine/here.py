"""The two methods of host actions that the director calls itself, and what becomes of those that take long.

They have to be pure, and then they take microseconds. One that blocks would hold up every plan: Python code
cannot be interrupted. A class whose call took long is set apart: from then on workers call it, as if there
were middleware around it. A call that does not come back is told to `on_held`, which begins anew with
another director; the class is set apart there, so that it holds up one worker and its own step.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeAlias, TypeVar
from uuid import UUID

from mcoflow.action.host_action import HostAction
from mcoflow.action.registry import Registry
from mcoflow.clock import Clock
from mcoflow.domain.records import StepRecord
from mcoflow.engine.plan_run import PlanRun

log = logging.getLogger("mcoflow.director")
P = ParamSpec("P")
R = TypeVar("R")

LONG: Final = 1.0
"""Seconds after which a class is set apart: long enough that a busy machine alone does not do it."""
HELD: Final = 5.0
"""Seconds after which a call is taken for one that does not come back."""
LOOK: Final = 1.0
"""Seconds between two looks."""


Call: TypeAlias = tuple[type[HostAction], UUID, int, float]
"""A call under way: the class, plan, step, and when it began. A bare tuple: one is made for each."""


class Here:
    """Makes the calls, and knows the one that is under way."""

    def __init__(self, actions: Registry, clock: Clock) -> None:
        self._actions = actions
        self._clock = clock
        self._under_way: Call | None = None

    def call(
        self,
        run: PlanRun,
        step: StepRecord,
        code: Callable[Concatenate[type[HostAction], P], R],
        action: type[HostAction],
        *args: P.args,
        **fields: P.kwargs,
    ) -> R:
        """Call host_request or host_result, in the director's thread; neither raises."""
        began = self._clock.monotonic()
        self._under_way = call = (action, run.id, step.id, began)
        made = code(action, *args, **fields)
        self._under_way = None
        took = self._clock.monotonic() - began
        if took > LONG:
            self._actions.set_apart(action)
            log.warning("action.set_apart", extra=_told(call, took))
        return made

    def watch(self, stopping: threading.Event, on_held: Callable[[], None]) -> None:
        """Look now and then, in a thread of its own, until `stopping` is set or a call does not come back."""
        while not stopping.wait(LOOK):
            call = self._under_way
            took = 0.0 if call is None else self._clock.monotonic() - call[3]
            if call is not None and took > HELD:
                self._actions.set_apart(call[0])
                log.critical("director.held", extra=_told(call, took))
                on_held()
                return


def _told(call: Call, took: float) -> dict[str, object]:
    action, plan_id, step_id, _ = call
    return {"action": action.name, "plan": str(plan_id), "step": step_id, "seconds": round(took, 1)}
