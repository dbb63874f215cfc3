"""What plans the sub-plans of one call, on the worker that makes the call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from mcoflow.action.base import Action
from mcoflow.action.chain import Chains
from mcoflow.action.registry import Registry
from mcoflow.action.world import FindHosts
from mcoflow.domain.records import PlanDraft
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanState
from mcoflow.engine.planner import make_plan
from mcoflow.ports.sub_plans import SubPlanStore


@dataclass(frozen=True, slots=True)
class ParentStep:
    """Who calls: a step of a plan, in one of its attempts, at a time."""

    plan_id: UUID
    action_id: int
    step_id: int
    attempt: int
    user: str
    now: float


class Children:
    """The SubPlanner of one call; `drafts` are what it planned, to be stored with the step."""

    def __init__(
        self,
        caller: ParentStep,
        store: SubPlanStore,
        actions: Registry,
        chains: Chains,
        find_hosts: FindHosts | None = None,
    ) -> None:
        self._caller = caller
        self._store = store
        self._actions = actions
        self._chains = chains
        self._find_hosts = find_hosts
        self.drafts: list[PlanDraft] = []

    def known(self, keys: Sequence[str]) -> Collection[str]:
        """See SubPlanner.known: a key may have got its sub-plan in any attempt so far."""
        attempts = range(1, self._caller.attempt + 1)
        ids = {child_id(self._caller, key, attempt): key for key in keys for attempt in attempts}
        return {ids[plan_id] for plan_id in self._store.known_sub_plans(ids)}

    def plan(self, key: str, action: type[Action], args: tuple[Any, ...], fields: Mapping[str, Any]) -> bool:
        """See SubPlanner.plan."""
        caller = self._caller
        draft = make_plan(
            action,
            fields,
            args=args,
            plan_id=child_id(caller, key, caller.attempt),
            user=caller.user,
            now=caller.now,
            actions=self._actions,
            chains=self._chains,
            find_hosts=self._find_hosts,
        )
        draft.plan.caller_plan_id, draft.plan.caller_action_id = caller.plan_id, caller.action_id
        self.drafts.append(draft)
        return draft.plan.state is not PlanState.STOPPED

    def give_up_failed(self) -> Mapping[str, int]:
        """See SubPlanner.give_up_failed."""
        caller = self._caller
        self._store.give_up_unplanned(caller.plan_id, caller.action_id)
        return self._store.count_sub_plans(caller.plan_id, caller.action_id)

    def forward(self, how: str) -> None:
        """See SubPlanner.forward: once per attempt, should a crash let it be asked for again."""
        caller = self._caller
        self._store.command_sub_plans(
            caller.plan_id,
            caller.action_id,
            CommandKind(how),
            token=f"{caller.plan_id}/{caller.step_id}/{caller.attempt}",
            at=caller.now,
            actor=caller.user,
        )


def child_id(caller: ParentStep, key: str, attempt: int) -> UUID:
    """The id of a sub-plan: the same however often its batch is planned."""
    return uuid5(caller.plan_id, f"sub-plan/{caller.step_id}/{attempt}/{key}")
