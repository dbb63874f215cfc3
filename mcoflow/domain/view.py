"""A plan as it is shown to people and to code that waits for it: a copy that does not change any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from mcoflow.domain.records import PlanRecord
from mcoflow.domain.states import PlanResult, PlanState, StepState

AT_REST = frozenset({PlanState.PAUSED, PlanState.STOPPED})
"""The states in which a plan stays until somebody acts, or for ever."""


@dataclass(frozen=True, slots=True)
class PlanView:
    """Times are Unix times (float seconds, UTC). `explanation` says in one line why the plan stands there."""

    id: UUID
    label: str
    action: str
    state: PlanState
    result: PlanResult
    explanation: str
    counts: Mapping[StepState, int]
    hosts: tuple[str, ...]
    user: str
    created_at: float
    started_at: float | None
    ended_at: float | None

    @classmethod
    def of(cls, plan: PlanRecord) -> PlanView:
        """Copy what the record says now."""
        return cls(
            id=plan.id,
            label=plan.label,
            action=plan.action,
            state=plan.state,
            result=plan.result,
            explanation=plan.explanation,
            counts=dict(plan.counts),
            hosts=plan.hosts,
            user=plan.user,
            created_at=plan.created_at,
            started_at=plan.started_at,
            ended_at=plan.ended_at,
        )

    @property
    def at_rest(self) -> bool:
        """Whether it is stopped, or paused until somebody acts."""
        return self.state in AT_REST
