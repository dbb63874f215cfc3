"""One batch of the director: what it changes in one transaction, and what follows the commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mcoflow.domain.records import HistoryRecord, PlanDraft, StepRecord
from mcoflow.domain.requests import (
    CommandAnswer,
    EventRecord,
    EvidenceRecord,
    RequestRecord,
    TimerRecord,
)
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.workers import Job
from mcoflow.ports.bus import Delivery, Parcel
from mcoflow.ports.store import ActionKey, Changes, OutputChange, StepChange


@dataclass(slots=True)
class Batch:
    """Gathers while events are applied; `ready` are steps that may start and have not been started yet."""

    now: float
    ready: deque[tuple[PlanRun, StepRecord]] = field(default_factory=deque)
    touched: dict[UUID, PlanRun] = field(default_factory=dict)
    drafts: dict[UUID, PlanDraft] = field(default_factory=dict)
    outputs: dict[ActionKey, str] = field(default_factory=dict)
    new_requests: list[RequestRecord] = field(default_factory=list)
    new_timers: list[TimerRecord] = field(default_factory=list)
    dropped_timers: list[UUID] = field(default_factory=list)
    new_events: list[EventRecord] = field(default_factory=list)
    consumed_events: list[UUID] = field(default_factory=list)
    history: list[HistoryRecord] = field(default_factory=list)
    evidence: list[EvidenceRecord] = field(default_factory=list)
    answers: list[CommandAnswer] = field(default_factory=list)
    # what follows the commit
    parcels: list[tuple[UUID, Parcel]] = field(default_factory=list)
    forwards: list[tuple[Parcel, Delivery]] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    jobs: list[tuple[UUID, str, Job]] = field(default_factory=list)
    resolved: list[tuple[Future[Any], Any]] = field(default_factory=list)
    dropped: set[UUID] = field(default_factory=set)

    def touch(self, run: PlanRun) -> None:
        """Have the plan's row written, and so its epoch checked."""
        run.touched = True
        self.touched[run.id] = run

    def open(self, run: PlanRun, step_ids: Collection[int]) -> None:
        """Note the steps of a plan that may start now."""
        self.touch(run)
        self.ready.extend((run, run.steps[step_id]) for step_id in step_ids)

    def changes(self, requests: Collection[RequestRecord], confirmed: Collection[UUID]) -> Changes:
        """Return what is to be committed."""
        new = self.drafts
        kept = [run for run in self.touched.values() if run.id not in self.dropped]
        return Changes(
            new_plans=list(new.values()),
            plans=[run.plan for run in kept if run.id not in new],
            steps=[
                StepChange(run.id, seen, run.steps[step_id])
                for run in kept
                if run.id not in new
                for step_id, seen in run.changed.items()
            ],
            outputs=[OutputChange(*key, text) for key, text in self.outputs.items() if self._keeps(key[0])],
            new_requests=[each for each in self.new_requests if self._keeps(each.plan_id)],
            requests=[each for each in requests if self._keeps(each.plan_id)],
            confirmed=list(confirmed),
            new_timers=[each for each in self.new_timers if self._keeps(each.plan_id)],
            dropped_timers=self.dropped_timers,
            new_events=[each for each in self.new_events if self._keeps(each.plan_id)],
            consumed_events=self.consumed_events,
            history=[each for each in self.history if self._keeps(each.plan_id)],
            evidence=self.evidence,
            answers=self.answers,
        )

    def _keeps(self, plan_id: UUID) -> bool:
        return plan_id not in self.dropped
