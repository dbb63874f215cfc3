"""What is stored of a plan, as values. Times are Unix times (float seconds, UTC); JSON travels as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

from mcoflow.domain.caller import Caller, action_noted
from mcoflow.domain.graph import Graph
from mcoflow.domain.locks import Lock
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.rollout import RolloutRecord
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error as it is stored with a step: kind is the class name, message for people."""

    kind: str
    message: str
    traceback: str = ""


@dataclass(slots=True)
class ActionRecord:
    """One action of a plan. `input` and `output` are JSON objects as text."""

    id: int
    name: str
    parent_id: int | None
    plan_step_id: int
    run_step_id: int | None
    finalize_step_id: int | None
    input: str = "{}"
    output: str = "{}"


_GOOD: Final = (None, Outcome.OK)


@dataclass(slots=True)
class StepRecord:
    """One step of a plan: the part of an action that belongs to one phase.

    `attempt` counts from 1 and rises whenever the step is begun anew. `tries` are failed ones that a Retry
    has borne since a person last had a say. `reason`: what a step that sleeps waits for, or the part in
    brackets of `outcome`. `progress` is from 0 to 1, None if nobody told; `weight` its part in the plan's.
    """

    id: int
    action_id: int
    phase: Phase
    action: str
    state: StepState = StepState.PENDING
    host: str | None = None
    queue: str = "default"
    attempt: int = 1
    outcome: Outcome | None = None
    reason: str = ""
    error: ErrorRecord | None = None
    warnings: tuple[str, ...] = ()
    started_at: float | None = None
    ended_at: float | None = None
    execution_time: float = 0.0
    tries: int = 0
    progress: float | None = None
    weight: float = 1.0

    @property
    def warned(self) -> bool:
        """Whether people should look at it even if it succeeds: a failure was borne, or it warned itself."""
        return bool(self.warnings) or self.outcome not in _GOOD


@dataclass(slots=True)
class PlanRecord:
    """One execution plan without its steps. `counts` are run and finalize steps by state, `warned` those
    of them that succeeded with warnings.

    `version` rises with every commit that touches the plan. `owner` is the world that runs it; `epoch`
    rises with every change of owner and fences writes. `explanation` says in one line why it stands where
    it stands. `reverted`: what had run was undone; the result stays error. `chained`: other plans wait for
    its end. `name`, if given, is unique among
    the plans that are stored. `locks` are held while it is planned or running. A sub-plan names the plan and
    the action that called it; no action waits for one of 0 or below. `hooks`: id and name of each action that
    has some. `rollout`: how far those of its steps are that take turns; None if none do.
    """

    id: UUID
    label: str
    action: str
    state: PlanState
    created_at: float
    result: PlanResult = PlanResult.PENDING
    user: str = ""
    explanation: str = ""
    counts: dict[StepState, int] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    simulated: bool = False
    args: str = "[]"
    started_at: float | None = None
    ended_at: float | None = None
    cancel_requested: bool = False
    pause_requested: bool = False
    abort_requested: bool = False
    reverted: bool = False
    owner: UUID | None = None
    epoch: int = 0
    version: int = 1
    progress: float = 0.0
    warned: int = 0
    name: str = ""
    locks: tuple[Lock, ...] = ()
    caller_plan_id: UUID | None = None
    caller_action_id: int | None = None
    chained: bool = False
    ordered: bool = True
    hooks: tuple[tuple[int, str], ...] = ()
    rollout: RolloutRecord | None = None

    @property
    def caller(self) -> Caller | None:
        """The plan and the action that this one was made for, whether they wait for it or not."""
        if self.caller_plan_id is None:
            return None
        return Caller(self.caller_plan_id, action_noted(self.caller_action_id))


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One line of a plan's history, append-only. `name` as in Dynflow: `start execution` …"""

    plan_id: UUID
    at: float
    name: str
    world: UUID | None = None
    actor: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HookRecord:
    """A state that a plan with hooks came to. `world` calls them; None: the next executor that looks."""

    id: UUID
    plan_id: UUID
    at: float
    state: PlanState
    result: PlanResult
    explanation: str
    world: UUID | None = None

    @classmethod
    def of(
        cls, plan: PlanRecord, states: Sequence[PlanState], at: float, world: UUID | None = None
    ) -> list[HookRecord]:
        """Return one for each state that the plan went through; it had its result in the last one only."""
        before = [cls(uuid4(), plan.id, at, each, PlanResult.PENDING, "", world) for each in states[:-1]]
        return [*before, cls(uuid4(), plan.id, at, states[-1], plan.result, plan.explanation, world)]


@dataclass(slots=True)
class PlanDraft:
    """A plan as planning leaves it: stored whole, in one transaction, or not at all."""

    plan: PlanRecord
    actions: list[ActionRecord]
    steps: list[StepRecord]
    graph: Graph
    history: list[HistoryRecord] = field(default_factory=list)
    hooks: list[HookRecord] = field(default_factory=list)


@dataclass(slots=True)
class PlanSnapshot:
    """What the director needs of a stored plan: no input, no output, plan-phase steps left out."""

    plan: PlanRecord
    steps: list[StepRecord]
    graph: Graph
