"""Planning what was scheduled, once it is due: one thread that looks, and the workers that plan."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final
from uuid import UUID

from mcoflow.action.chain import Chains
from mcoflow.action.registry import Registry
from mcoflow.action.world import FindHosts
from mcoflow.clock import Clock
from mcoflow.domain.graph import Graph
from mcoflow.domain.records import HistoryRecord, HookRecord, PlanDraft, PlanRecord
from mcoflow.domain.schedule import DuePlan
from mcoflow.domain.states import PlanResult, PlanState, check_plan_move
from mcoflow.engine.locks import refused_draft
from mcoflow.engine.observing import Observing
from mcoflow.engine.planner import make_plan
from mcoflow.engine.recurrences import fire_due
from mcoflow.engine.targets import HostFinder
from mcoflow.engine.workers import Pool
from mcoflow.errors import (
    ExecutorStoppedError,
    LeaseLostError,
    LockTakenError,
    McoflowError,
    StoreUnavailableError,
)
from mcoflow.faults import faultpoint
from mcoflow.ports.observer import NOBODY, Observer
from mcoflow.ports.store import Changes, Store

log = logging.getLogger("mcoflow.schedules")

POLL: Final = 1.0
"""Seconds between two looks for what became due."""
CLAIM: Final = 25
"""Plans claimed at a time: few, so that executors share what is due at once."""
ROOM: Final = 100
"""Plans claimed and not yet planned, at the most."""

Keep = Callable[[PlanDraft], Future[UUID]]
"""Stores a plan that was claimed, now that it is planned."""


class Scheduler:
    """Claims plans that are due for one executor, has them planned, and hands them to its director.

    `look` may be called without the thread. A plan whose planner dies is scheduled again by any other.
    """

    def __init__(
        self,
        store: Store,
        actions: Registry,
        workers: Pool,
        keep: Keep,
        *,
        clock: Clock,
        world_id: UUID,
        chains: Chains,
        on_stored: Callable[[], None],
        observer: Observer = NOBODY,
    ) -> None:
        """Take how to store what was planned and begins at once; `on_stored`: something waits to begin."""
        self._store = store
        self._actions = actions
        self._workers = workers
        self._keep = keep
        self._clock = clock
        self._world_id = world_id
        self._chains = chains
        self._on_stored = on_stored
        self._observer = observer
        self._observing = Observing(observer)
        self._under_way: set[UUID] = set()
        self._in_doubt = False
        self._bell = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="schedules", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Claim nothing more. What was claimed is planned as long as there are workers."""
        self._stopping = True
        self._bell.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def ring(self) -> None:
        """Look now."""
        self._bell.set()

    def heard(self) -> bool:
        """Whether somebody rang since this was last asked."""
        rang = self._bell.is_set()
        self._bell.clear()
        return rang

    def look(self) -> bool:
        """Plan what is due, schedule again what dead executors were planning; return whether there was any.

        Raises:
            StoreUnavailableError: nothing, or not all of it, was done.
        """
        now = self._clock.now().timestamp()
        if self._in_doubt:  # a claim was not answered: we may own plans that we do not know of
            self._store.reschedule(now, world_id=self._world_id, keep=tuple(self._under_way))
            self._in_doubt = False
        due = self._store.due(now)
        if due.orphans and self._store.reschedule(now):
            return True
        if due.recurrences and fire_due(self._store, self._actions, now, self._observer):
            return True
        return due.plans and self._plan_some(now)

    def _loop(self) -> None:
        while not self._stopping:
            found = False
            try:
                found = self.look()
            except StoreUnavailableError as error:
                log.warning("schedules.wait", extra={"reason": str(error)})
            except (
                Exception
            ):  # what it is ends with this look: a thread that dies would start no plan any more
                log.exception("schedules.failed")
            self._bell.wait(0.0 if found else POLL)
            self._bell.clear()

    def _plan_some(self, now: float) -> bool:
        room = min(CLAIM, ROOM - len(self._under_way))
        if room <= 0:
            return False  # who ends next rings
        try:
            claimed = self._store.claim_due(self._world_id, now, limit=room)
        except StoreUnavailableError:
            self._in_doubt = True
            raise
        faultpoint("schedule.claimed")
        for each in claimed:
            self._under_way.add(each.plan.id)
            self._workers.submit(self._queue(each.plan.action), each.plan.id, self._job(each))
        return bool(claimed)

    def _queue(self, action: str) -> str:
        try:
            return self._actions.find(action).queue or "default"
        except McoflowError:
            return "default"

    def _job(self, due: DuePlan) -> Callable[[], None]:
        def job() -> None:
            log.info("schedule.fired", extra={"plan": str(due.plan.id), "action": due.plan.action})
            now = self._clock.now().timestamp()
            draft = planned(self._actions, self._chains, due, now, HostFinder(self._store, self._clock).names)
            stored = self._keep_for_later(draft) if draft.plan.locks else self._keep(draft)
            stored.add_done_callback(lambda stored: self._kept(due.plan, stored))

        return job

    def _keep_for_later(self, draft: PlanDraft) -> Future[UUID]:
        """Store a plan that gets its locks, or waits for them; or as one that failed for lack of them."""
        stored: Future[UUID] = Future()
        draft.plan.owner = None
        try:
            try:
                self._store.commit(Changes(planned=[draft], plans=[draft.plan]))
            except LockTakenError as taken:
                refused = refused_draft(draft, taken, self._clock.now().timestamp())
                self._store.commit(Changes(planned=[refused], plans=[refused.plan]))
                draft = refused
        except McoflowError as error:
            stored.set_exception(error)
        else:
            self._observing.stored(draft)
            stored.set_result(draft.plan.id)
            self._on_stored()
        return stored

    def _kept(self, plan: PlanRecord, stored: Future[UUID]) -> None:
        """Hear what became of a planned plan; one that cannot be stored is stored as failed."""
        error = stored.exception()
        if error is None or isinstance(error, LeaseLostError | ExecutorStoppedError | StoreUnavailableError):
            self._in_doubt = self._in_doubt or isinstance(error, StoreUnavailableError)
            self._end(plan.id)
            return
        failed = self._keep(failed_draft(plan, error, self._clock.now().timestamp()))
        failed.add_done_callback(lambda _: self._end(plan.id))

    def _end(self, plan_id: UUID) -> None:
        was_full = len(self._under_way) >= ROOM
        self._under_way.discard(plan_id)
        if was_full:
            self._bell.set()


def planned(
    actions: Registry, chains: Chains, due: DuePlan, now: float, find_hosts: FindHosts | None = None
) -> PlanDraft:
    """Plan what was claimed; whatever the author's code raises, the draft is then stopped with that error."""
    plan = due.plan
    try:
        named = json.loads(plan.args)
        draft = make_plan(
            actions.find(plan.action),
            named,
            args=named.pop("*", ()),
            plan_id=plan.id,
            user=plan.user,
            now=now,
            actions=actions,
            chains=chains,
            written=json.loads(due.input),
            find_hosts=find_hosts,
        )
    except BaseException as error:  # noqa: BLE001 - the worker has to outlive whatever user code raises
        return failed_draft(plan, error, now)
    made = draft.plan
    check_plan_move(str(plan.id), plan.state, made.state)
    plan.state, plan.result, plan.explanation = made.state, made.result, made.explanation
    plan.label, plan.counts, plan.hosts, plan.locks = made.label, made.counts, made.hosts, made.locks
    plan.progress = made.progress
    if plan.hooks:
        del draft.hooks[:1]  # that it is pending was told when it was stored
    plan.hooks = made.hooks
    plan.started_at, plan.ended_at = made.started_at, made.ended_at
    plan.owner = None if made.state is PlanState.STOPPED else plan.owner
    draft.plan = plan
    return draft


def failed_draft(plan: PlanRecord, error: BaseException, now: float) -> PlanDraft:
    """Return a claimed plan as one whose planning failed."""
    log.debug("plan.unplanned", exc_info=error, extra={"plan": str(plan.id), "action": plan.action})
    plan.state, plan.result, plan.owner = PlanState.STOPPED, PlanResult.ERROR, None
    plan.started_at = plan.ended_at = now
    plan.explanation = f"planning failed: {str(error) or type(error).__name__}"[:500]
    history = [HistoryRecord(plan.id, now, "finish execution", detail=plan.explanation)]
    told = HookRecord.of(plan, (PlanState.PLANNING, plan.state), now) if plan.hooks else []
    return PlanDraft(plan, [], [], Graph({}), history, told)
