"""Calling hooks: after the commit that made them due, at least once, in order for each plan."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.chain import Chains
from mcoflow.action.hooks import kinds_of
from mcoflow.action.registry import Registry
from mcoflow.action.stage import Stage
from mcoflow.clock import Clock
from mcoflow.domain.records import HookRecord, PlanRecord
from mcoflow.domain.view import PlanView
from mcoflow.engine.batch import Batch
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.workers import Pool
from mcoflow.errors import PlanNotFoundError, StoreUnavailableError, UnknownActionError
from mcoflow.ports.measures import HOOKS
from mcoflow.ports.observer import NOBODY, Observer

log = logging.getLogger("mcoflow.hooks")
QUEUE: Final = "hooks"
LOOK: Final = 5.0
"""Seconds between two looks for the hooks of plans that nobody has in hand any more."""
ADOPTED: Final = 500


@dataclass(frozen=True, slots=True)
class HookDone:
    """The hooks of one change of state were called."""

    plan_id: UUID
    hook_id: UUID


class Hooks:
    """Hands changes of state to the workers of the queue `hooks`, one at a time for each plan."""

    def __init__(
        self,
        store: PatientStore,
        actions: Registry,
        chains: Chains,
        workers: Pool,
        report: Callable[[HookDone], None],
        *,
        clock: Clock,
        world_id: UUID,
        observer: Observer = NOBODY,
    ) -> None:
        self._observer = observer
        self._store = store
        self._actions = actions
        self._chains = chains
        self._workers = workers
        self._report = report
        self._clock = clock
        self._world_id = world_id
        self._waiting: dict[UUID, deque[HookRecord]] = {}
        self._lock = threading.Lock()
        self._next_look = 0.0

    def note(self, batch: Batch) -> None:
        """Make rows of the changes of state in a batch, for plans that have hooks."""
        for run in batch.touched.values():
            if run.moments:
                batch.new_hooks += HookRecord.of(run.plan, run.moments, batch.now, self._world_id)
                run.moments.clear()
        if any(draft.hooks for draft in batch.planned.values()):
            self._adopt()  # that they were scheduled is told first
        for draft in (*batch.drafts.values(), *batch.planned.values()):
            if draft.hooks:
                draft.hooks[:] = [replace(each, world=self._world_id) for each in draft.hooks]

    def committed(self, batch: Batch) -> None:
        """Call what the batch has made due."""
        for draft in (*batch.drafts.values(), *batch.planned.values()):
            if draft.plan.id not in batch.dropped:
                self.start(draft.hooks)
        self.start(each for each in batch.new_hooks if each.plan_id not in batch.dropped)

    def start(self, due: Iterable[HookRecord]) -> None:
        """Call these after those of the same plan that wait already."""
        for record in due:
            with self._lock:
                waiting = self._waiting.get(record.plan_id)
                if waiting is not None:
                    waiting.append(record)
                    continue
                self._waiting[record.plan_id] = deque([record])
            self._submit(record.plan_id)

    def look(self, batch: Batch) -> None:
        """Take over what others left: clients that only planned, and executors that died.

        At once for plans that were just taken up, else every few seconds.
        """
        now = self._clock.monotonic()
        if now >= self._next_look or any(run.plan.hooks for run in batch.touched.values()):
            self._next_look = now + LOOK
            self._adopt()

    def _adopt(self) -> None:
        self.start(self._store.adopt_hooks(self._world_id, limit=ADOPTED))

    def _submit(self, plan_id: UUID) -> None:
        self._workers.submit(QUEUE, plan_id, lambda: self._next(plan_id))

    def _next(self, plan_id: UUID) -> None:
        """On a worker: call the hooks of the oldest change of a plan; the next one waits for its turn."""
        with self._lock:
            record = self._waiting[plan_id][0]
        if self._called(record):
            self._report(HookDone(plan_id, record.id))
        with self._lock:
            self._waiting[plan_id].popleft()
            more = bool(self._waiting[plan_id])
            if not more:
                del self._waiting[plan_id]
        if more:
            self._submit(plan_id)

    def _called(self, record: HookRecord) -> bool:
        """Call the hooks of one change; False if the database is away: somebody will, when it is back."""
        try:
            plan = self._store.plan(record.plan_id)
            self._call_all(record, plan)
        except PlanNotFoundError:
            log.info("hook.plan_gone", extra={"plan": str(record.plan_id)})
        except StoreUnavailableError as error:
            log.warning("hook.put_off", extra={"plan": str(record.plan_id), "reason": str(error)})
            return False
        except Exception:  # the row goes all the same: to call it again would not help
            log.exception("hook.failed", extra={"plan": str(record.plan_id)})
        return True

    def _call_all(self, record: HookRecord, plan: PlanRecord) -> None:
        view = PlanView.of(
            replace(plan, state=record.state, result=record.result, explanation=record.explanation)
        )
        due = [(each, *found) for each, name in plan.hooks for found in self._due(name, record)]
        texts = self._store.action_data([(plan.id, each) for each, _, _ in due]) if due else {}
        for each, action, names in due:
            given, output = texts.get((plan.id, each), ("{}", "{}"))  # scheduled plans have no actions yet
            stage = Stage("hook", plan.id, each, each == 1, json.loads(given), json.loads(output))
            for name in names:
                self._call(action, stage, name, view)

    def _due(self, name: str, record: HookRecord) -> Iterable[tuple[type[Action], list[str]]]:
        try:
            action = self._actions.find(name)
        except UnknownActionError as error:
            log.warning("hook.unknown_action", extra={"plan": str(record.plan_id), "reason": str(error)})
            return
        kinds = kinds_of(record.state, record.result)
        names = [hook for hook, wanted in action.plan_hooks.items() if wanted & kinds]
        if names:
            yield action, names

    def _call(self, action: type[Action], stage: Stage, name: str, view: PlanView) -> None:
        try:
            made = action(stage)
            self._chains.of(action).around("hook", getattr(made, name), made)(view)
            outcome = "success"
        except BaseException:
            outcome = "error"
            where = {"plan": str(view.id), "action": action.name, "hook": name}
            log.warning("hook.failed", exc_info=True, extra=where)
        self._observer.counted({(HOOKS, outcome): 1})
