"""From an action and its arguments to a stored plan: by our own executor, or for whichever takes it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final
from uuid import UUID, uuid4

from mcoflow.action.base import Action
from mcoflow.action.chain import Chains
from mcoflow.action.registry import Registry
from mcoflow.action.schema import valid_input
from mcoflow.clock import Clock
from mcoflow.domain.records import ErrorRecord, PlanDraft
from mcoflow.domain.states import Phase, PlanState
from mcoflow.engine.executor import Executor
from mcoflow.engine.futures import Futures
from mcoflow.engine.handles import Planned, PlanningFailed, Triggered
from mcoflow.engine.locks import refused_draft
from mcoflow.engine.observing import Observing
from mcoflow.engine.planner import check_plan_arguments, make_plan
from mcoflow.engine.targets import HostFinder
from mcoflow.engine.wanted import Wanted
from mcoflow.errors import ExecutorStoppedError, LockTakenError, NotStoredYetError, TargetError
from mcoflow.faults import faultpoint
from mcoflow.ports.engine import Submitted
from mcoflow.ports.store import Changes, Store

STORED_WITHIN: Final = 30.0


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
        self.find_hosts = HostFinder(store, clock).names

    def submit(
        self, action: str, arguments: Mapping[str, Any], *, user: str, plan_id: UUID | None
    ) -> Submitted:
        """See Engine.submit."""
        found, fields = self._checked(action, arguments)
        draft = self._draft(found, (), fields, Wanted(user, plan_id), refused=(TargetError,))
        draft = self._keep(draft, elsewhere=plan_id is not None)
        failed = draft.plan.state is PlanState.STOPPED
        return Submitted(draft.plan.id, draft.plan.explanation if failed else "")

    def rehearse(self, action: str, arguments: Mapping[str, Any]) -> PlanDraft:
        """See Engine.rehearse."""
        found, fields = self._checked(action, arguments)
        return self._draft(found, (), fields, Wanted(""), refused=(TargetError,), rehearsed=True)

    def trigger(
        self, action: type[Action], args: Sequence[Any], named: Mapping[str, Any], wanted: Wanted
    ) -> Triggered | PlanningFailed:
        """See World.trigger."""
        draft = self._draft(action, args, named, wanted)
        future = self._futures.of(draft.plan.id)
        try:
            draft = self._keep(draft, elsewhere=wanted.plan_id is not None or bool(wanted.name))
        except BaseException:
            self._futures.forget(draft.plan.id)
            raise
        if (error := _planning_error(draft)) is not None:
            self._futures.forget(draft.plan.id)
            return PlanningFailed(draft.plan.id, error)
        self._futures.stored(draft.plan.id)
        if wanted.plan_id is not None:
            self._futures.look(draft.plan.id)  # it may be an older one, and over
        return Triggered(draft.plan.id, future)

    def plan(
        self, action: type[Action], args: Sequence[Any], named: Mapping[str, Any], wanted: Wanted
    ) -> Planned | PlanningFailed:
        """See World.plan."""
        draft = self._draft(action, args, named, wanted)
        if draft.plan.state is PlanState.PLANNED:
            draft.plan.ordered, draft.plan.explanation = False, "waits for the order to run"
        draft = self._keep(draft, elsewhere=True)
        error = _planning_error(draft)
        return Planned(draft.plan.id) if error is None else PlanningFailed(draft.plan.id, error)

    def _checked(self, action: str, arguments: Mapping[str, Any]) -> tuple[type[Action], Mapping[str, Any]]:
        """Return the registered action, and its arguments as it takes them."""
        found = self._actions.find(action)
        if found.Input is not None:
            return found, valid_input(action, found.Input, arguments)
        check_plan_arguments(found, (), arguments)
        return found, arguments

    def _draft(
        self,
        action: type[Action],
        args: Sequence[Any],
        named: Mapping[str, Any],
        wanted: Wanted,
        *,
        refused: tuple[type[Exception], ...] = (),
        rehearsed: bool = False,
    ) -> PlanDraft:
        """Plan the action here and now; nothing is stored yet."""
        draft = make_plan(
            action,
            named,
            args=args,
            plan_id=wanted.plan_id or uuid4(),
            user=wanted.user,
            now=self._clock.now().timestamp(),
            actions=self._actions,
            chains=self._chains,
            find_hosts=self.find_hosts,
            refused=refused,
            rehearsed=rehearsed,
        )
        wanted.mark(draft.plan)
        return draft

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
            raise NotStoredYetError(
                f"the plan {draft.plan.id} was not stored within {STORED_WITHIN:.0f} s: "
                "is the database away? it will be stored when it is back"
            ) from None

    def _store_for_others(self, draft: PlanDraft) -> None:
        """Store the plan as one that waits for an executor, and offer it."""
        self._store.commit(Changes(new_plans=[draft]))
        self._observing.stored(draft)
        self._offer(draft.plan.id)


def _planning_error(draft: PlanDraft) -> ErrorRecord | None:
    if draft.plan.state is not PlanState.STOPPED:
        return None
    return next((step.error for step in draft.steps if step.phase is Phase.PLAN and step.error), None)
