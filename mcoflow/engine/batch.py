"""One batch of the director: what it changes in one transaction, and what follows the commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Set
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from mcoflow.domain.output import HostChunk, OutputEnd
from mcoflow.domain.records import HistoryRecord, HookRecord, PlanDraft, PlanRecord, StepRecord
from mcoflow.domain.requests import (
    CommandAnswer,
    CommandRecord,
    DroppedEvent,
    EventRecord,
    EvidenceRecord,
    RequestRecord,
    TimerRecord,
)
from mcoflow.domain.states import PlanState
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.workers import Job
from mcoflow.ports.bus import Delivery, Parcel
from mcoflow.ports.measures import Key
from mcoflow.ports.output import NewChunks
from mcoflow.ports.store import ActionKey, Changes, InputChange, OutputChange, StepChange

OfPlan = tuple[UUID, UUID]
"""The id of a plan, and of something that belongs to it."""


class Fact(NamedTuple):
    """Something to be told after the commit that what is written does not show. `value` is for durations."""

    plan_id: UUID | None
    key: Key
    step: int = 0
    value: float = 0.0


@dataclass(slots=True)
class Batch:
    """Gathers while events are applied; `ready` are steps that may start and have not been started yet."""

    now: float
    ready: deque[tuple[PlanRun, StepRecord]] = field(default_factory=deque)
    touched: dict[UUID, PlanRun] = field(default_factory=dict)
    drafts: dict[UUID, PlanDraft] = field(default_factory=dict)
    planned: dict[UUID, PlanDraft] = field(default_factory=dict)  # stored before they were planned
    rests: list[PlanRecord] = field(default_factory=list)
    children: list[tuple[UUID, PlanDraft]] = field(default_factory=list)
    outputs: dict[ActionKey, str] = field(default_factory=dict)
    inputs: dict[ActionKey, str] = field(default_factory=dict)
    new_steps: list[tuple[UUID, StepRecord]] = field(default_factory=list)
    new_requests: list[RequestRecord] = field(default_factory=list)
    new_timers: list[TimerRecord] = field(default_factory=list)
    dropped_timers: list[OfPlan] = field(default_factory=list)
    new_events: list[EventRecord] = field(default_factory=list)
    consumed_events: list[OfPlan] = field(default_factory=list)
    dropped_events: list[DroppedEvent] = field(default_factory=list)
    dropped_chunks: list[ActionKey] = field(default_factory=list)
    new_chunks: list[NewChunks] = field(default_factory=list)
    host_chunks: list[HostChunk] = field(default_factory=list)
    output_ends: list[OutputEnd] = field(default_factory=list)
    history: list[HistoryRecord] = field(default_factory=list)
    evidence: list[EvidenceRecord] = field(default_factory=list)
    answers: list[tuple[UUID | None, CommandAnswer]] = field(default_factory=list)
    new_commands: list[tuple[UUID, CommandRecord]] = field(default_factory=list)
    new_hooks: list[HookRecord] = field(default_factory=list)
    dropped_hooks: list[OfPlan] = field(default_factory=list)
    hushed: set[UUID] = field(default_factory=set)
    # what follows the commit
    parcels: list[tuple[UUID, Parcel]] = field(default_factory=list)
    withdrawn: set[UUID] = field(default_factory=set)  # requests called back before they were sent
    deliveries: list[tuple[UUID | None, Delivery]] = field(default_factory=list)
    jobs: list[tuple[UUID, str, Job]] = field(default_factory=list)
    resolved: list[tuple[Future[UUID], UUID]] = field(default_factory=list)
    told: list[tuple[Future[CommandAnswer | None], UUID, CommandAnswer]] = field(default_factory=list)
    # plans of which nothing may be written or seen: lost to another executor, or broken
    dropped: set[UUID] = field(default_factory=set)
    broken: dict[UUID, Exception] = field(default_factory=dict)
    sent_on: int = 0  #: of the deliveries, those that the owner of their plan has applied
    facts: list[Fact] | None = None  #: None: nobody wants to know

    def touch(self, run: PlanRun) -> None:
        """Have the plan's row written, and so its epoch checked."""
        run.touched = True
        self.touched[run.id] = run

    def tell(self, plan_id: UUID | None, key: Key, *, step: int = 0, value: float = 0.0) -> None:
        """Note something for those who observe, if there are any; not told of a plan that is dropped."""
        if self.facts is not None:
            self.facts.append(Fact(plan_id, key, step, value))

    def kept_facts(self) -> Iterator[Fact]:
        """What was noted, but for plans that were dropped."""
        return (fact for fact in self.facts or () if self._keeps(fact.plan_id))

    def written(self) -> Iterator[PlanRecord]:
        """The plans as they were committed."""
        yield from (run.plan for run in self.touched.values() if run.id not in self.dropped)
        made = chain(self.drafts.values(), self.planned.values())
        yield from (draft.plan for draft in made if draft.plan.id not in self.dropped)
        yield from (draft.plan for caller_id, draft in self.children if caller_id not in self.dropped)

    def drop_event(self, event: EventRecord, reason: str) -> None:
        """Have an event forgotten that nobody will take, and its sender told why."""
        self.consumed_events.append((event.plan_id, event.id))
        dropped = DroppedEvent.of(event, self.now, reason)
        if dropped is not None:
            self.dropped_events.append(dropped)

    def events_dropped(self) -> list[DroppedEvent]:
        """Those whose senders may wait for them."""
        return [each for each in self.dropped_events if self._keeps(each.plan_id)]

    def events_gone(self) -> Iterator[UUID]:
        """The events that were taken, or dropped."""
        return (event_id for plan_id, event_id in self.consumed_events if self._keeps(plan_id))

    def open(self, run: PlanRun, step_ids: Collection[int]) -> None:
        """Note the steps of a plan that may start now."""
        self.touch(run)
        self.ready.extend((run, run.steps[step_id]) for step_id in step_ids)

    def changes(
        self, requests: Collection[RequestRecord], confirmed: Collection[UUID], only: UUID | None = None
    ) -> Changes:
        """Return what is to be committed; of one plan alone, if it is named."""
        if only is not None:
            return self._of(only, [each for each in requests if each.plan_id == only])
        kept = [run for run in self.touched.values() if run.id not in self.dropped]
        planned = [draft for draft in self.planned.values() if self._keeps(draft.plan.id)]
        new = self.drafts.keys() | self.planned.keys()
        added = {(plan_id, step.id) for plan_id, step in self.new_steps}
        return Changes(
            new_plans=[draft for draft in self.drafts.values() if self._keeps(draft.plan.id)]
            + [draft for caller_id, draft in self.children if self._keeps(caller_id)],
            planned=planned,
            rests=self.rests,
            plans=[run.plan for run in kept if run.id not in new] + [draft.plan for draft in planned],
            steps=[
                StepChange(run.id, seen, run.steps[step_id])
                for run in kept
                if run.id not in new
                for step_id, seen in run.changed.items()
                if not added or (run.id, step_id) not in added
            ],
            new_steps=[(plan_id, step) for plan_id, step in self.new_steps if self._keeps(plan_id)],
            outputs=[OutputChange(*key, text) for key, text in self.outputs.items() if self._keeps(key[0])],
            inputs=[InputChange(*key, text) for key, text in self.inputs.items() if self._keeps(key[0])],
            new_requests=[each for each in self.new_requests if self._keeps(each.plan_id)],
            requests=[each for each in requests if self._keeps(each.plan_id)],
            confirmed=list(confirmed),
            new_timers=[each for each in self.new_timers if self._keeps(each.plan_id)],
            dropped_timers=self._ids(self.dropped_timers),
            new_events=[each for each in self.new_events if self._keeps(each.plan_id)],
            consumed_events=self._ids(self.consumed_events),
            dropped_events=self.events_dropped(),
            dropped_chunks=[key for key in self.dropped_chunks if self._keeps(key[0])],
            new_chunks=[each for each in self.new_chunks if self._keeps(each.plan_id)],
            host_chunks=[each for each in self.host_chunks if self._keeps(each.plan_id)],
            output_ends=[each for each in self.output_ends if self._keeps(each.plan_id)],
            history=[each for each in self.history if self._keeps(each.plan_id)],
            evidence=self.evidence,
            answers=[answer for plan_id, answer in self.answers if self._keeps(plan_id)],
            relocked=[run.id for run in kept if run.rested and run.plan.state is PlanState.RUNNING],
            new_commands=[command for plan_id, command in self.new_commands if self._keeps(plan_id)],
            new_hooks=[each for each in self.new_hooks if self._keeps(each.plan_id)],
            dropped_hooks=self._ids(self.dropped_hooks),
            hushed=[plan_id for plan_id in self.hushed if self._keeps(plan_id)],
        )

    def plan_ids(self) -> Set[UUID]:
        """Return the plans that are written, were they not dropped."""
        return self.touched.keys() | self.drafts.keys() | self.planned.keys()

    def shown(self) -> Set[UUID]:
        """Return the plans of which somebody may see something new."""
        return self.plan_ids() | {plan_id for plan_id, _ in self.answers if plan_id is not None}

    def shared(self) -> Changes:
        """Return what belongs to no plan, or to one that is over."""
        answers = [answer for plan_id, answer in self.answers if plan_id is None]
        written = self.plan_ids()
        return Changes(
            evidence=self.evidence,
            answers=answers,
            rests=self.rests,
            host_chunks=[each for each in self.host_chunks if each.plan_id not in written],
            output_ends=[each for each in self.output_ends if each.plan_id not in written],
        )

    def settled(self) -> list[Delivery]:
        """Return the messages that were applied, or recorded as changing nothing."""
        return [delivery for plan_id, delivery in self.deliveries if self._keeps(plan_id)]

    def unsettled(self) -> list[Delivery]:
        """Return the messages whose plan was dropped: they have to be applied elsewhere, or anew."""
        return [delivery for plan_id, delivery in self.deliveries if not self._keeps(plan_id)]

    def _of(self, plan_id: UUID, requests: Collection[RequestRecord]) -> Changes:
        others = self.plan_ids() - {plan_id}
        dropped, self.dropped = self.dropped, self.dropped | others
        changes = self.changes(requests, ())
        self.dropped = dropped
        changes.evidence, changes.rests = [], []
        changes.host_chunks = [each for each in changes.host_chunks if each.plan_id == plan_id]
        changes.output_ends = [each for each in changes.output_ends if each.plan_id == plan_id]
        changes.answers = [answer for its_plan, answer in self.answers if its_plan == plan_id]
        return changes

    def _ids(self, pairs: Collection[OfPlan]) -> list[UUID]:
        return [own_id for plan_id, own_id in pairs if plan_id not in self.dropped]

    def _keeps(self, plan_id: UUID | None) -> bool:
        return plan_id not in self.dropped
