"""What an executor keeps in memory of the plans it owns."""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final
from uuid import UUID

from mcoflow.action.stage import ReadChunks
from mcoflow.domain.records import StepRecord
from mcoflow.domain.requests import EventRecord, TimerRecord
from mcoflow.domain.states import PlanState
from mcoflow.engine.arrivals import SIGNALS
from mcoflow.engine.flights import Flights
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.plan_run import PlanRun
from mcoflow.ports.store import ActionKey

StepKey = tuple[UUID, int]
_CACHED: Final = 16 << 20
"""Characters of input and output that are kept: those of tens of thousands of hosts, when they are short."""
_OVERHEAD: Final = 300
"""What an entry takes besides, counted as characters."""
_DEAD: Final = 4096
"""Dead entries that the agenda may have beyond two for each one that lives."""


class ActionTexts:
    """Input and output of actions as JSON text: a bounded cache in front of the store."""

    def __init__(self, store: PatientStore) -> None:
        self._store = store
        self._texts: OrderedDict[ActionKey, tuple[str, str]] = OrderedDict()
        self._size = 0

    def load(self, keys: Collection[ActionKey]) -> None:
        """Have all of these at hand for get(), in one statement at the most."""
        missing = [key for key in keys if key not in self._texts]
        if missing:
            for key, texts in self._store.action_data(missing).items():
                self.put(key, texts)

    def get(self, key: ActionKey) -> tuple[str, str]:
        """Return input and output of an action that was loaded."""
        return self._texts[key]

    def put(self, key: ActionKey, texts: tuple[str, str]) -> None:
        """Remember what was just made or written."""
        before = self._texts.get(key)
        self._size += _size(texts) - (_size(before) if before is not None else 0)
        self._texts[key] = texts

    def drop(self, keys: Iterable[ActionKey]) -> None:
        """Forget what another executor may change from now on."""
        for key in keys:
            texts = self._texts.pop(key, None)
            if texts is not None:
                self._size -= _size(texts)

    def trim(self) -> None:
        """Forget the oldest beyond the bound; called between batches, so that get() finds what load() saw."""
        while self._size > _CACHED:
            _, texts = self._texts.popitem(last=False)
            self._size -= _size(texts)


def _size(texts: tuple[str, str]) -> int:
    return len(texts[0]) + len(texts[1]) + _OVERHEAD


class Agenda:
    """What becomes due when. An entry is dead if its record has another due time by then."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, UUID]] = []
        self._number = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due_at: float, record_id: UUID) -> None:
        """Note that a request or timer becomes due."""
        heapq.heappush(self._heap, (due_at, next(self._number), record_id))

    def take_due(self, now: float) -> list[tuple[float, UUID]]:
        """Remove and return what is due, earliest first."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            at, _, record_id = heapq.heappop(self._heap)
            due.append((at, record_id))
        return due

    def replace(self, entries: Iterable[tuple[float, UUID]]) -> None:
        """Have these entries, and no others."""
        self._heap = [(due_at, next(self._number), record_id) for due_at, record_id in entries]
        heapq.heapify(self._heap)

    def next_due(self) -> float | None:
        """When the next entry becomes due, dead ones included."""
        return self._heap[0][0] if self._heap else None


class Memory:
    """The plans, requests, timers and events of one executor. Only the director's thread touches it."""

    def __init__(self, store: PatientStore) -> None:
        self.runs: dict[UUID, PlanRun] = {}
        self.flights = Flights()
        self.texts = ActionTexts(store)
        self._store = store
        self.agenda = Agenda()
        self.timers: dict[UUID, TimerRecord] = {}
        self.step_timers: dict[StepKey, list[UUID]] = {}
        self.events: dict[StepKey, deque[EventRecord]] = {}

    @property
    def read_chunks(self) -> ReadChunks:
        """How calls read what their actions have said; in any thread."""
        return self._store.chunks

    def state_of(self, plan_id: UUID) -> PlanState:
        """Where a plan stands, whoever runs it; PlanNotFoundError."""
        run = self.runs.get(plan_id)
        return run.plan.state if run is not None else self._store.plan(plan_id).state

    def add_timer(self, timer: TimerRecord) -> None:
        """Keep a timer that is stored, or will be with this batch."""
        self.timers[timer.id] = timer
        self.step_timers.setdefault((timer.plan_id, timer.step_id), []).append(timer.id)
        self.agenda.add(timer.due_at, timer.id)

    def drop_timers(self, key: StepKey, kinds: Collection[str] | None = None) -> list[tuple[UUID, UUID]]:
        """Forget the timers of a step, of these kinds or all; return the plan and the id of each."""
        ids = self.step_timers.pop(key, [])
        dropped = [
            each for each in ids if each in self.timers and (kinds is None or self.timers[each].kind in kinds)
        ]
        kept = [each for each in ids if each in self.timers and each not in dropped]
        for each in dropped:
            del self.timers[each]
        if kept:
            self.step_timers[key] = kept
        return [(key[0], each) for each in dropped]

    def put_off(self, timer: TimerRecord, due_at: float) -> None:
        """Let a timer go off at another time than it is stored with."""
        self.timers[timer.id] = replace(timer, due_at=due_at)
        self.agenda.add(due_at, timer.id)

    def drop_timer(self, timer: TimerRecord) -> None:
        """Forget a timer that went off."""
        del self.timers[timer.id]
        self.step_timers[timer.plan_id, timer.step_id].remove(timer.id)

    def has_timer(self, key: StepKey, kind: str) -> bool:
        """Whether a step has a timer of this kind."""
        return key in self.step_timers and any(timer.kind == kind for timer in self.timers_of(key))

    def timers_of(self, key: StepKey) -> list[TimerRecord]:
        """The timers of a step."""
        return [self.timers[each] for each in self.step_timers.get(key, ()) if each in self.timers]

    def has_event(self, key: StepKey, kind: str) -> bool:
        """Whether an event of this kind waits for a step."""
        waiting = self.events.get(key) if self.events else None
        return waiting is not None and any(event.kind == kind for event in waiting)

    def add_events(self, events: Iterable[EventRecord]) -> None:
        """Keep events that wait for their step; signals come first."""
        for event in events:
            waiting = self.events.setdefault((event.plan_id, event.step_id), deque())
            if event.kind in SIGNALS:
                waiting.appendleft(event)
            else:
                waiting.append(event)

    def left_of(self, run: PlanRun) -> list[StepRecord]:
        """The steps of a plan that still have timers or events."""
        if not self.events and not self.step_timers:
            return []
        return [
            step
            for step in run.steps.values()
            if (run.id, step.id) in self.events or (run.id, step.id) in self.step_timers
        ]

    def take_event(self, key: StepKey) -> EventRecord | None:
        """Remove and return the oldest event of a step."""
        waiting = self.events.get(key)
        if not waiting:
            return None
        event = waiting.popleft()
        if not waiting:
            del self.events[key]
        return event

    def drop_events(self, key: StepKey, *, keep: str) -> list[EventRecord]:
        """Forget the events that wait for a step, but those of one kind; return them."""
        waiting = self.events.pop(key, deque())
        kept = deque(event for event in waiting if event.kind == keep)
        if kept:
            self.events[key] = kept
        return [event for event in waiting if event.kind != keep]

    def trim(self) -> None:
        """Let go of what is over between two batches.

        Most answers come long before their deadline: the dead entries of a busy hour would take more memory
        than everything else.
        """
        self.texts.trim()
        if len(self.agenda) > 2 * (len(self.flights.open) + len(self.timers)) + _DEAD:
            living = [(each.due_at, each.id) for each in self.flights.open.values()]
            living += [(each.due_at, each.id) for each in self.timers.values()]
            living += [
                (waves.alarm, run.id) for run in self.runs.values() for waves in run.waves if waves.alarm
            ]
            self.agenda.replace(living)

    def forget_plan(self, plan_id: UUID) -> None:
        """Drop a plan if it is here."""
        run = self.runs.get(plan_id)
        if run is not None:
            self.forget(run)

    def forget(self, run: PlanRun) -> None:
        """Drop a plan that came to rest, or was lost to another executor."""
        self.runs.pop(run.id, None)
        for requests in run.requests.values():
            for request_id in requests:
                self.flights.open.pop(request_id, None)
        for record in [each for each in self.flights.changed.values() if each.plan_id == run.id]:
            del self.flights.changed[record.id]
        self.texts.drop((run.id, step.action_id) for step in run.steps.values())
        for step_id in run.steps:
            key = (run.id, step_id)
            self.events.pop(key, None)
            for timer_id in self.step_timers.pop(key, []):
                self.timers.pop(timer_id, None)
