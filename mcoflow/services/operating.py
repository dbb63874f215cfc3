"""What operators do with tasks beyond cancelling and resuming them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from mcoflow.domain.requests import CommandKind
from mcoflow.ports.engine import Engine

COMMAND_WAIT: Final = timedelta(seconds=5)
"""How long a command waits for its answer; it stays committed when it takes longer."""


class Operating:
    """The use cases of operators.

    All raise PlanNotFoundError, and CommandRefusedError when the state of the task forbids it: then nothing
    changed. Those that an executor applies raise WaitTimeoutError when they are committed and none has yet.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def pause(self, plan_id: UUID, *, actor: str) -> None:
        """Let what is under way end, and start nothing more until the task is resumed."""
        self._engine.command(plan_id, CommandKind.PAUSE, {}, actor=actor, wait=COMMAND_WAIT)

    def abort(self, plan_id: UUID, *, actor: str) -> Sequence[int]:
        """Cancel without waiting for any host; return the steps that were told, or ended."""
        answer = self._engine.command(plan_id, CommandKind.ABORT, {}, actor=actor, wait=COMMAND_WAIT)
        return tuple(answer["step_ids"])

    def halt(self, plan_id: UUID, *, reason: str, actor: str) -> None:
        """Stop the task at once, whatever its executor does; no executor has to be there."""
        self._engine.halt(plan_id, reason=reason, actor=actor)
