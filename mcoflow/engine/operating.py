"""What people ask of plans, as methods of the world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.records import HistoryRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanState
from mcoflow.engine.executor import Executor
from mcoflow.engine.futures import Futures, PlanFuture
from mcoflow.engine.watch import Watch
from mcoflow.errors import CommandRefusedError
from mcoflow.ports.store import Store

COMMAND_WAIT: Final = timedelta(seconds=5)
"""How long a command waits for its answer; it stays committed when it takes longer."""


@dataclass(frozen=True, slots=True)
class CancelResult:
    """Which steps got the signal."""

    step_ids: tuple[int, ...]


class Operating(ABC):
    """The part of a world that operators use.

    Each method but `halt` stores a command, which the owner of the plan applies, or an executor that has
    nothing else to do with it; it raises PlanNotFoundError, CommandRefusedError when the state of the plan
    forbids it, and WaitTimeoutError when it is committed and no executor has applied it yet.
    """

    _store: Store
    _clock: Clock
    _watch: Watch
    _futures: Futures
    _executor: Executor | None

    @abstractmethod
    def command(
        self, plan_id: UUID, kind: CommandKind, arguments: Mapping[str, Any], *, actor: str, wait: timedelta
    ) -> dict[str, Any]:
        """See Engine.command."""

    def cancel(self, plan_id: UUID, *, actor: str = "") -> CancelResult:
        """Let nothing more start and tell the steps that sleep; those inside their code end by themselves."""
        return self._told(self._order(plan_id, CommandKind.CANCEL, actor))

    def abort(self, plan_id: UUID, *, actor: str = "") -> CancelResult:
        """Cancel by force: no host is waited for, and sleeping steps that cannot be told end at once."""
        return self._told(self._order(plan_id, CommandKind.ABORT, actor))

    def pause(self, plan_id: UUID, *, actor: str = "") -> None:
        """Let what is under way end, then rest until `resume`; asking twice changes nothing."""
        self._order(plan_id, CommandKind.PAUSE, actor)

    def revert(self, plan_id: UUID, *, actor: str = "") -> PlanFuture:
        """Undo what a paused plan has done, the last step first; the future resolves when it is at rest."""
        self._order(plan_id, CommandKind.REVERT, actor)
        future = self._futures.of(plan_id)
        self._futures.look(plan_id)
        return future

    def halt(self, plan_id: UUID, *, reason: str, actor: str = "") -> None:
        """Stop the plan at once, whoever runs it and whatever that hangs in: nobody is waited for or asked.

        Its open steps are cancelled, the effect of what was under way unknown; what is sent to it is refused;
        user code that is inside runs out, and writes nothing.

        Raises:
            PlanNotFoundError, CommandRefusedError: there is no such plan, or it is stopped.
            StoreUnavailableError: the database is away; nothing was changed.
        """
        line = HistoryRecord(plan_id, self._clock.now().timestamp(), "halt", None, actor, reason)
        if not self._store.halt(line):
            raise CommandRefusedError.by_state("a halt", plan_id, PlanState.STOPPED, ())
        self._gone(plan_id)

    def _gone(self, plan_id: UUID) -> None:
        """Tell those in this process who have to do with a plan that was changed behind their backs."""
        if self._executor is not None:
            self._executor.let_go(plan_id)
            self._executor.schedules.ring()  # others may have waited for its end
        self._futures.look(plan_id)
        self._watch.ring((plan_id,))

    def _order(self, plan_id: UUID, kind: CommandKind, actor: str) -> dict[str, Any]:
        return self.command(plan_id, kind, {}, actor=actor, wait=COMMAND_WAIT)

    @staticmethod
    def _told(answer: Mapping[str, Any]) -> CancelResult:
        return CancelResult(tuple(answer["step_ids"]))
