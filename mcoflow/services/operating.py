"""What operators do with tasks beyond cancelling and resuming them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from mcoflow.action.registry import REGISTERED
from mcoflow.domain.query import CleanPolicy, CleanReport
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, StepState
from mcoflow.errors import UnknownActionError
from mcoflow.ports.engine import Engine
from mcoflow.services.views import StepView

COMMAND_WAIT: Final = timedelta(seconds=5)
"""How long a command waits for its answer; it stays committed when it takes longer."""


class Operating:
    """The use cases of operators.

    All raise PlanNotFoundError, and CommandRefusedError when the state of the task forbids it: then nothing
    changed. Those that an executor applies raise WaitTimeoutError when they are committed and none has yet.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def pause(self, plan_id: UUID, *, actor: str, after_wave: bool = False) -> None:
        """Let the steps under way end, and start nothing more until the task is resumed.

        `after_wave`: let all hosts of the current wave have their turn before, if hosts take turns.
        """
        how = {"after": "wave"} if after_wave else {}
        self._engine.command(plan_id, CommandKind.PAUSE, how, actor=actor, wait=COMMAND_WAIT)

    def abort(self, plan_id: UUID, *, actor: str) -> Sequence[int]:
        """Cancel without waiting for any host; return the steps that were told, or ended."""
        answer = self._engine.command(plan_id, CommandKind.ABORT, {}, actor=actor, wait=COMMAND_WAIT)
        return tuple(answer["step_ids"])

    def revert(self, plan_id: UUID, *, actor: str) -> None:
        """Undo what a paused task has done, the last step first."""
        self._engine.command(plan_id, CommandKind.REVERT, {}, actor=actor, wait=COMMAND_WAIT)

    def amend(self, plan_id: UUID, action_id: int, given: Mapping[str, Any], *, actor: str) -> None:
        """Give an action of a paused task, whose run step is not done, another input.

        Raises:
            InputInvalidError: it does not fit the action's Input.
        """
        arguments = {"action_id": action_id, "input": dict(given)}
        self._engine.command(plan_id, CommandKind.AMEND, arguments, actor=actor, wait=COMMAND_WAIT)

    def event(
        self,
        plan_id: UUID,
        step_id: int,
        value: Any,
        *,
        optional: bool = False,
        actor: str,
        wait: timedelta | None = COMMAND_WAIT,
    ) -> None:
        """Send an event to a step, and return once the step has taken it.

        Raises:
            EventDroppedError: the step takes no such event, or ended before it could be delivered.
            NotSerialisableError: the value is no JSON.
            WaitTimeoutError: it is stored, and was not taken within `wait` (None: as long as it takes).
        """
        self._engine.event(plan_id, step_id, value, optional=optional, actor=actor).wait(wait)

    def delete(self, plan_id: UUID, *, actor: str) -> None:
        """Remove a task that is stopped, or paused with an error, for good."""
        self._engine.delete(plan_id, actor=actor)

    def clean(self, policy: CleanPolicy) -> CleanReport:
        """Remove old tasks, saved first if the policy says so. BackupError, QueryError."""
        return self._engine.clean(policy)

    def can_revert(self, steps: Iterable[StepView]) -> bool:
        """Whether one of the steps of a paused task was started and has a way back."""
        return any(step.phase is Phase.REVERT or _can_be_undone(step) for step in steps)

    def halt(self, plan_id: UUID, *, reason: str, actor: str) -> None:
        """Stop the task at once, whatever its executor does; no executor has to be there."""
        self._engine.halt(plan_id, reason=reason, actor=actor)


def _can_be_undone(step: StepView) -> bool:
    if step.phase is not Phase.RUN or step.state not in (StepState.SUCCESS, StepState.ERROR):
        return False
    try:
        return REGISTERED.find(step.action).has("revert")
    except UnknownActionError:
        return False
