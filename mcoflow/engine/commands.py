"""Giving a command to a plan, wherever it is: in our own hands, in those of another executor, or at rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from mcoflow.action.user_events import stored_event
from mcoflow.clock import Clock
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.requests import CommandAnswer, CommandKind, CommandRecord
from mcoflow.domain.states import PlanState
from mcoflow.engine.event_futures import EventFuture, EventFutures
from mcoflow.engine.executor import Executor
from mcoflow.engine.people import ALLOWED, check_allowed
from mcoflow.engine.watch import Watch
from mcoflow.errors import (
    CommandRefusedError,
    EventDroppedError,
    InputInvalidError,
    McoflowError,
    NotStoredYetError,
    PlanNotFoundError,
    WaitTimeoutError,
)
from mcoflow.ports.store import Store

COMMAND_WAIT: Final = timedelta(seconds=5)
"""How long a command waits for its answer; it stays committed when it takes longer."""


class End(Protocol):
    """Stops a scheduled plan, which has no owner."""

    def __call__(self, plan_id: UUID, *, actor: str) -> bool:
        """Return False if it is not scheduled any more."""


class Commands:
    """Gives commands and waits for their answers."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        watch: Watch,
        event_futures: EventFutures,
        *,
        executor: Callable[[], Executor | None],
        ring: Callable[[UUID | None], None],
        end: End,
    ) -> None:
        """Take how to get at our own executor, ring at a plan's owner, and end what is scheduled."""
        self._store = store
        self._clock = clock
        self._watch = watch
        self._event_futures = event_futures
        self._executor = executor
        self._ring = ring
        self._end = end

    def give(
        self, plan_id: UUID, kind: CommandKind, arguments: Mapping[str, Any], *, actor: str, wait: timedelta
    ) -> dict[str, Any]:
        """See Engine.command."""
        now = self._clock.now().timestamp()
        given = dict(arguments)
        if kind is CommandKind.EVENT:
            given["value"] = stored_event(given.get("value"))
        command = CommandRecord(uuid4(), plan_id, kind, now, actor, given)
        answer = self._tell(command, wait) or self._leave_for_owner(command, wait)
        if answer.error:
            raise _refusal(answer, self._store.plan(plan_id))
        return dict(answer.result)

    def send(
        self,
        plan_id: UUID,
        step_id: int,
        value: Any,
        *,
        optional: bool,
        actor: str,
        event_id: UUID | None = None,
    ) -> EventFuture:
        """See World.event. Sent twice with one `event_id` it is one event, whoever dies in between."""
        given = {"step_id": step_id, "value": stored_event(value), "optional": optional}
        now = self._clock.now().timestamp()
        command = CommandRecord(event_id or uuid4(), plan_id, CommandKind.EVENT, now, actor, given)
        try:
            if event_id is not None:
                self._ring(self._store.add_command(command))  # only a row is there to be found again
            elif (answer := self._tell(command, COMMAND_WAIT)) is None:
                self._store_for_owner(command)
            elif answer.error:
                raise _refusal(answer, self._store.plan(plan_id))
        except (CommandRefusedError, EventDroppedError, PlanNotFoundError) as refusal:
            return self._event_futures.refused(command, refusal)
        return self._event_futures.of(command)

    def _tell(self, command: CommandRecord, wait: timedelta) -> CommandAnswer | None:
        """Have our own executor apply it, with a commit but without a row; None if it has not the plan."""
        executor = self._executor()
        if executor is None:
            return None
        try:
            return executor.tell(command).result(wait.total_seconds())
        except FutureTimeoutError:
            raise NotStoredYetError(
                f"the {command.kind} of task {command.plan_id} is not stored yet: it is applied as soon as "
                "the database answers, unless this process ends before"
            ) from None

    def _leave_for_owner(self, command: CommandRecord, wait: timedelta) -> CommandAnswer:
        """Store the command for the plan's owner, or its next one, and wait for the answer."""
        if not self._store_for_owner(command):
            return CommandAnswer(command.id, {"step_ids": []})
        answer = self._watch.until(
            lambda: self._store.answer(command.id), (command.plan_id,), wait=wait.total_seconds()
        )
        if answer is None:
            raise WaitTimeoutError(
                f"no executor has taken the {command.kind} of task {command.plan_id} yet: "
                "it is stored and will be applied"
            )
        return answer

    def _store_for_owner(self, command: CommandRecord) -> bool:
        """Store the command; False if it was obeyed without: a scheduled plan needs nobody to end."""
        state = self._store.plan(command.plan_id).state
        check_allowed(command.plan_id, state, command.kind)
        ends = state is PlanState.SCHEDULED and command.kind in (CommandKind.CANCEL, CommandKind.ABORT)
        if ends and self._end(command.plan_id, actor=command.actor):
            return False
        self._ring(self._store.add_command(command))
        return True


def _refusal(answer: CommandAnswer, plan: PlanRecord) -> McoflowError:
    """Return what the executor refused with."""
    for kind in (EventDroppedError, InputInvalidError):
        if answer.code == kind.__name__:
            return kind(answer.error)
    return CommandRefusedError(answer.error, plan.id, plan.state, ALLOWED[plan.state])
