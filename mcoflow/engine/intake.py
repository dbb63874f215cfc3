"""From an action and its arguments to a stored plan: by our own executor, or for whichever takes it up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from mcoflow.action.base import Action
from mcoflow.action.chain import Chains
from mcoflow.action.registry import Registry
from mcoflow.action.schema import valid_input
from mcoflow.clock import Clock
from mcoflow.domain.records import ErrorRecord, PlanDraft
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import Phase, PlanState
from mcoflow.engine.executor import Executor
from mcoflow.engine.futures import Futures
from mcoflow.engine.handles import Planned, PlanningFailed, Scheduled, Triggered
from mcoflow.engine.locks import refused_draft
from mcoflow.engine.observing import Observing
from mcoflow.engine.planner import check_plan_arguments, make_plan
from mcoflow.engine.scheduling import Scheduling, Wanted
from mcoflow.errors import ExecutorStoppedError, InputInvalidError, LockTakenError, WaitTimeoutError
from mcoflow.faults import faultpoint
from mcoflow.ports.engine import Submitted
from mcoflow.ports.store import Changes, Store

STORED_WITHIN: Final = 30.0
LONGEST_NAME: Final = 200
NOBODY: Final = 0
"""In place of the action that called, for a plan that no step waits for."""


class Intake:
    """Plans actions in the caller's thread and stores the plans."""

    def __init__(
        self,
        store: Store,
        actions: Registry,
        chains: Chains,
        clock: Clock,
        futures: Futures,
        *,
        executor: Callable[[], Executor | None],
        offer: Callable[[UUID], None],
        observing: Observing,
    ) -> None:
        """Take how to get at our own executor, and how to offer a stored plan to others."""
        self._store = store
        self._actions = actions
        self._chains = chains
        self._clock = clock
        self._futures = futures
        self._executor = executor
        self._offer = offer
        self._observing = observing

    def submit(
        self, action: str, arguments: Mapping[str, Any], *, user: str, plan_id: UUID | None
    ) -> Submitted:
        """See Engine.submit."""
        found = self._actions.find(action)
        fields = valid_input(action, found.Input, arguments) if found.Input is not None else arguments
        if found.Input is None:
            check_plan_arguments(found, (), fields)
        draft = self._draft(found, (), fields, user=user, plan_id=plan_id)
        draft = self._keep(draft, elsewhere=plan_id is not None)
        failed = draft.plan.state is PlanState.STOPPED
        return Submitted(draft.plan.id, draft.plan.explanation if failed else "")

    def trigger(
        self,
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        *,
        user: str,
        plan_id: UUID | None,
        name: str = "",
        caller: UUID | None = None,
    ) -> Triggered | PlanningFailed:
        """See World.trigger."""
        draft = self._draft(action, args, named, user=user, plan_id=plan_id)
        draft.plan.name = name
        draft.plan.caller_plan_id, draft.plan.caller_action_id = caller, NOBODY if caller else None
        future = self._futures.of(draft.plan.id)
        try:
            draft = self._keep(draft, elsewhere=plan_id is not None or bool(name))
        except BaseException:
            self._futures.forget(draft.plan.id)
            raise
        if draft.plan.state is PlanState.STOPPED and (error := _planning_error(draft)) is not None:
            self._futures.forget(draft.plan.id)
            return PlanningFailed(draft.plan.id, error)
        self._futures.stored(draft.plan.id)
        if plan_id is not None:
            self._futures.look(plan_id)  # it may be an older one, and over
        return Triggered(draft.plan.id, future)

    def plan(
        self,
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        *,
        user: str,
        plan_id: UUID | None,
        name: str = "",
        caller: UUID | None = None,
    ) -> Planned | PlanningFailed:
        """See World.plan."""
        draft = self._draft(action, args, named, user=user, plan_id=plan_id)
        draft.plan.name = name
        draft.plan.caller_plan_id, draft.plan.caller_action_id = caller, NOBODY if caller else None
        if draft.plan.state is PlanState.PLANNED:
            draft.plan.ordered, draft.plan.explanation = False, "waits for the order to run"
        draft = self._keep(draft, elsewhere=True)
        error = _planning_error(draft) if draft.plan.state is PlanState.STOPPED else None
        return Planned(draft.plan.id) if error is None else PlanningFailed(draft.plan.id, error)

    def _draft(
        self,
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        *,
        user: str,
        plan_id: UUID | None,
    ) -> PlanDraft:
        now = self._clock.now().timestamp()
        return make_plan(
            action,
            named,
            args=args,
            plan_id=plan_id or uuid4(),
            user=user,
            now=now,
            actions=self._actions,
            chains=self._chains,
        )

    def _keep(self, draft: PlanDraft, *, elsewhere: bool) -> PlanDraft:
        """Store the plan and return it as it was stored.

        Whether its own id or name is taken, or a lock of it, only the database knows.
        """
        faultpoint("plan.before_commit")
        executor = self._executor()
        if draft.plan.locks:
            draft = self._store_with_locks(draft)
        elif executor is not None and not elsewhere:
            self._store_here(executor, draft)
        else:
            self._store_for_others(draft)
        faultpoint("plan.after_commit")
        return draft

    def _store_with_locks(self, draft: PlanDraft) -> PlanDraft:
        """Store a plan that gets its locks, or waits for them; or as one that failed for lack of them."""
        try:
            self._store_for_others(draft)
        except LockTakenError as taken:
            draft = refused_draft(draft, taken, self._clock.now().timestamp())
            self._store_for_others(draft)
        return draft

    def _store_here(self, executor: Executor, draft: PlanDraft) -> None:
        """Let the director store the plan and its first steps in one commit with whatever else waits."""
        try:
            executor.store_plan(draft).result(STORED_WITHIN)
        except ExecutorStoppedError:
            self._store_for_others(draft)
        except FutureTimeoutError:
            raise WaitTimeoutError(
                f"the plan {draft.plan.id} was not stored within {STORED_WITHIN:.0f} s: "
                "is the database away? it will be stored when it is back"
            ) from None

    def _store_for_others(self, draft: PlanDraft) -> None:
        """Store the plan as one that waits for an executor, and offer it."""
        self._store.commit(Changes(new_plans=[draft]))
        self._observing.stored(draft)
        self._offer(draft.plan.id)


def _planning_error(draft: PlanDraft) -> ErrorRecord | None:
    return next((step.error for step in draft.steps if step.phase is Phase.PLAN and step.error), None)


def valid_name(name: str | None) -> str:
    """Return the name that a plan shall have, "" for none; InputInvalidError for what is no name."""
    if name is not None and not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise InputInvalidError(
            f"a plan's name is 1 to {LONGEST_NAME} printable characters, not {name[:80]!r}"
        )
    return name or ""


@dataclass(frozen=True, slots=True)
class Triggering:
    """Triggers plans with options; World.with_options makes it."""

    intake: Intake
    scheduling: Scheduling
    plan_id: UUID | None
    user: str
    name: str = ""
    caller: UUID | None = None

    def plan(self, action: type[Action], /, *args: Any, **named: Any) -> Planned | PlanningFailed:
        """See World.plan."""
        return self.intake.plan(action, args, named, **self._how())

    def trigger(self, action: type[Action], /, *args: Any, **named: Any) -> Triggered | PlanningFailed:
        """See World.trigger."""
        return self.intake.trigger(action, args, named, **self._how())

    def plan_elsewhere(self, action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """See World.plan_elsewhere."""
        return self.delay(Schedule(), action, *args, **named)

    def delay(self, schedule: Schedule, action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """See World.delay."""
        wanted = Wanted(self.user, self.plan_id, self.name, self.caller)
        return self.scheduling.delay(schedule, action, args, named, wanted)

    def chain(self, after: Collection[UUID], action: type[Action], /, *args: Any, **named: Any) -> Scheduled:
        """See World.chain."""
        wanted = Wanted(self.user, self.plan_id, self.name, self.caller)
        return self.scheduling.chain(after, action, args, named, wanted)

    def recur(self, recurrence: Recurrence, action: type[Action], /, *args: Any, **named: Any) -> UUID:
        """See World.recur."""
        return self.scheduling.recur(recurrence, action, args, named, user=self.user)

    def _how(self) -> dict[str, Any]:
        return {"user": self.user, "plan_id": self.plan_id, "name": self.name, "caller": self.caller}
