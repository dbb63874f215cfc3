"""What people do with tasks: submit, look, wait, cancel, resume, skip."""

import base64
import binascii
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from mcoflow.action.naming import subject_of_step
from mcoflow.clock import Clock
from mcoflow.domain.query import Where
from mcoflow.domain.records import JsonObject, PlanRecord, PlanSnapshot
from mcoflow.domain.reference import REFERENCE_KEY
from mcoflow.domain.requests import CommandKind, Cover
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import QueryInvalidError, WaitTimeoutError
from mcoflow.ports.engine import Engine, Submitted
from mcoflow.ports.listing import Listing
from mcoflow.ports.store import Reader, StepRow
from mcoflow.services.graph_cache import GraphCache
from mcoflow.services.graph_layout import Layout, lay_out
from mcoflow.services.keys import task_of_key
from mcoflow.services.operations import Operations
from mcoflow.services.present import (
    evidence_view,
    history_view,
    json_object,
    plan_view,
    schedule_view,
    step_view,
)
from mcoflow.services.presented import presentation_of, presents_itself, told_output
from mcoflow.services.views import EvidenceView, HistoryView, PlanPage, PlanView, StepDetail, StepView

COMMAND_WAIT: Final = timedelta(seconds=5)
"""How long a command waits for its answer; it stays committed when it takes longer."""
PAGE: Final = 50
_ANY: Final[Where] = {}
_WIDE: Final = Listing()
STEPS: Final = 200
SUBJECTS: Final = 100
EVIDENCE_SHOWN: Final = 20


class Filter(StrEnum):
    """Which tasks a list shows."""

    ALL = "all"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    PAUSED = "paused"
    FAILED = "failed"
    WARNING = "warning"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


_FILTERS: Final[Mapping[Filter, tuple[tuple[PlanState, ...], tuple[PlanResult, ...]]]] = {
    Filter.ALL: ((), ()),
    Filter.RUNNING: ((PlanState.PLANNING, PlanState.PLANNED, PlanState.RUNNING), ()),
    Filter.SCHEDULED: ((PlanState.SCHEDULED,), ()),
    Filter.PAUSED: ((PlanState.PAUSED,), ()),
    Filter.FAILED: ((PlanState.STOPPED,), (PlanResult.ERROR,)),
    Filter.WARNING: ((PlanState.STOPPED,), (PlanResult.WARNING,)),
    Filter.SUCCEEDED: ((PlanState.STOPPED,), (PlanResult.SUCCESS,)),
    Filter.CANCELLED: ((PlanState.STOPPED,), (PlanResult.CANCELLED, PlanResult.HALTED)),
}


@dataclass(frozen=True, slots=True)
class Graph:
    """A plan's graph and what it was drawn from: `plan` is as old as the steps are."""

    plan: PlanView
    layout: Layout
    steps: Sequence[StepView]


class Plans:
    """The use cases of tasks."""

    def __init__(self, engine: Engine, reader: Reader, clock: Clock, operations: Operations) -> None:
        self._engine, self._reader, self._clock = engine, reader, clock
        self._operations = operations
        self._graphs = GraphCache(clock)

    # -- acting -------------------------------------------------------------------------------------------

    def submit(
        self,
        action: str,
        arguments: Mapping[str, Any],
        *,
        user: str,
        key: str = "",
        plan_id: UUID | None = None,
    ) -> Submitted:
        """Plan an action and hand it to an executor. The same `key` (or `plan_id`) is the same task.

        Raises:
            UnknownActionError, InputInvalidError: nothing was stored.
            PlanExistsError: the key was used for something else.
        """
        wanted = task_of_key(key) or plan_id
        return self._engine.submit(
            action, self._operations.prepared(action, arguments), user=user, plan_id=wanted
        )

    def cancel(
        self, plan_id: UUID, *, actor: str, force: bool = False, wait: timedelta = COMMAND_WAIT
    ) -> Sequence[int]:
        """Cancel a task and return the steps that were told.

        By `force` its hosts kill what must not be interrupted, too: a package tool half-way leaves packages
        behind that are neither there nor gone.

        Raises:
            PlanNotFoundError, CommandRefusedError: nothing changed.
            WaitTimeoutError: committed, to be applied when an executor is there.
        """
        how = {"force": True} if force else {}
        return self._steps_of(self._engine.command(plan_id, CommandKind.CANCEL, how, actor=actor, wait=wait))

    def resume(self, plan_id: UUID, *, actor: str, wait: timedelta = COMMAND_WAIT) -> None:
        """Let a paused task go on: failed steps again, done ones never. Raises as cancel does.

        Of a running task it withdraws the pause that was asked for and has not come.
        """
        self._engine.command(plan_id, CommandKind.RESUME, {}, actor=actor, wait=wait)

    def skip(
        self,
        plan_id: UUID,
        step_id: int,
        *,
        actor: str,
        cover: Cover = Cover.FOLLOWERS,
        dry_run: bool = False,
        wait: timedelta = COMMAND_WAIT,
    ) -> Sequence[int]:
        """Skip a failed step and what hangs on it; return all of them. Raises as cancel does."""
        arguments = {"step_id": step_id, "cover": cover.value, "dry_run": dry_run}
        return self._steps_of(
            self._engine.command(plan_id, CommandKind.SKIP, arguments, actor=actor, wait=wait)
        )

    # -- looking ------------------------------------------------------------------------------------------

    def show(self, plan_id: UUID) -> PlanView:
        """One task; PlanNotFoundError."""
        return self._view(self._reader.plan(plan_id))

    def list(
        self,
        which: str = Filter.ALL,
        *,
        text: str = "",
        cursor: str = "",
        limit: int = PAGE,
        of: UUID | None = None,
        where: Where = _ANY,
        narrowed: Listing = _WIDE,
    ) -> PlanPage:
        """A page of tasks, newest first, or of those that a task called; `narrowed` by hosts, users, start.

        Raises:
            QueryInvalidError: no such filter or field, no cursor of ours.
        """
        states, results = _FILTERS[_filter(which)]
        before = _read_cursor(cursor)
        found = self._reader.plans(
            replace(
                narrowed,
                states=states,
                results=results,
                text=text,
                before=before,
                limit=limit + 1,
                caller=of,
                where=where,
            )
        )
        items = self._views(found[:limit])
        more = len(found) > limit
        return PlanPage(items, _cursor(found[limit - 1]) if more else "")

    def numbers(self) -> tuple[Mapping[PlanState, int], Mapping[PlanResult, int]]:
        """How many tasks there are in each state, and with each result; those that none has are left out."""
        states, results = Counter[PlanState](), Counter[PlanResult]()
        for (state, result), number in self._reader.counts_by_state(None).items():
            states[PlanState(state)] += number
            results[PlanResult(result)] += number
        return states, results

    def counts(self, *, of: UUID | None = None) -> Mapping[Filter, int]:
        """How many tasks each filter would show; of those that a task called, if it is named."""
        counted = self._reader.counts_by_state(of)
        return {
            which: sum(
                number
                for (state, result), number in counted.items()
                if (not states or state in states) and (not results or result in results)
            )
            for which, (states, results) in _FILTERS.items()
        }

    def graph(self, plan_id: UUID, *, after: int = 0) -> Graph:
        """The graph of a task, folded to at most 200 nodes, and all steps; PlanNotFoundError.

        What steps work on is known of 100 of them, from the first after `after`: it is in their input. Of a
        large task that moves it is a moment old: its `plan` tells of which version.
        """
        return self._graphs.get(
            plan_id,
            after,
            version=lambda: self._reader.plan(plan_id).version,
            make=lambda: self._graph(plan_id, after),
        )

    def _graph(self, plan_id: UUID, after: int) -> Graph:
        snapshot = self._reader.snapshot(plan_id)
        rows = self._reader.steps(plan_id, after=after, limit=SUBJECTS)
        subjects = {row.step.id: subject_of_step(json_object(row.input)) for row in rows}
        now = self._now()
        over = snapshot.plan.state is PlanState.STOPPED
        steps = [step_view(step, now, subjects.get(step.id, ""), over=over) for step in snapshot.steps]
        return Graph(self._view(snapshot.plan), lay_out(snapshot.graph, steps), steps)

    def steps(self, plan_id: UUID, *, after: int = 0, limit: int = STEPS) -> Sequence[StepView]:
        """Steps in order, from the first after `after`."""
        now = self._now()
        rows = self._reader.steps(plan_id, after=after, limit=limit)
        over = self._reader.plan(plan_id).state is PlanState.STOPPED
        return [step_view(row.step, now, subject_of_step(json_object(row.input)), over=over) for row in rows]

    def results(
        self, plan_id: UUID, *, after: int = 0, limit: int = STEPS
    ) -> Sequence[tuple[StepView, Mapping[str, Any]]]:
        """Steps in order with their output, as it is shown, from the first after `after`."""
        rows = self._reader.steps(plan_id, after=after, limit=limit)
        now = self._now()
        return [
            (
                step_view(row.step, now, subject_of_step(json_object(row.input))),
                self.step(plan_id, row.step.id).output
                if presents_itself(row.step.action)
                else json_object(row.output),
            )
            for row in rows
        ]

    def step(self, plan_id: UUID, step_id: int) -> StepDetail:
        """One step with its data; PlanNotFoundError if there is no such task or step."""
        row = self._reader.step(plan_id, step_id)
        snapshot, given, output = self._with_data(plan_id, row)
        now = self._now()
        by_id = {step.id: step for step in snapshot.steps}
        needs = [by_id[need] for need in _steps_before(snapshot.graph.needs, step_id)]
        plan = self._view(snapshot.plan)
        over = plan.state is PlanState.STOPPED
        step = row.step
        return StepDetail(
            step=step_view(step, now, subject_of_step(given), over=over),
            queue=step.queue,
            error_kind=step.error.kind if step.error else "",
            traceback=step.error.traceback if step.error else "",
            input=given,
            output=output,
            execution_time=step.execution_time,
            request_id=row.request_id,
            note=row.request_note,
            waits_for=[step_view(need, now, over=over) for need in needs],
            simulated=plan.simulated and self._is_simulated(step.host),
            may_skip=step.state is StepState.ERROR and CommandKind.SKIP in plan.allowed,
        )

    def beginning(self, digits: str) -> Sequence[UUID]:
        """Return the ids of tasks that begin with these hexadecimal digits, three at the most."""
        return self._reader.plans_beginning(digits, limit=3)

    def history(self, plan_id: UUID) -> Sequence[HistoryView]:
        """What happened to a task, oldest first."""
        return [history_view(line) for line in self._reader.history(plan_id)]

    def evidence(self, plan_id: UUID) -> Sequence[EvidenceView]:
        """Messages about a task that changed nothing: EVIDENCE_SHOWN, and one more if there are more."""
        kept = self._reader.evidence(plan_id, limit=EVIDENCE_SHOWN + 1)
        return [evidence_view(each) for each in kept]

    # -- waiting ------------------------------------------------------------------------------------------

    def progress(self, plan_id: UUID, *, tick: timedelta = timedelta(seconds=1)) -> Iterator[PlanView]:
        """Yield the task now and after each change, until it is at rest. `tick` bounds each wait."""
        view = self.show(plan_id)
        yield view
        while not view.at_rest:
            if self._engine.wait_for_change({plan_id: view.version}, wait=tick):
                view = self.show(plan_id)
                yield view

    def await_end(self, plan_id: UUID, *, within: timedelta | None = None) -> PlanView:
        """Wait until a task is paused or stopped and return it; WaitTimeoutError after `within`."""
        deadline = None if within is None else self._clock.monotonic() + within.total_seconds()
        view = self.show(plan_id)
        while not view.at_rest:
            left = 1.0 if deadline is None else min(1.0, deadline - self._clock.monotonic())
            if left <= 0:
                raise WaitTimeoutError(f"task {plan_id} is still {view.word} after {within}; it goes on")
            self._engine.wait_for_change({plan_id: view.version}, wait=timedelta(seconds=left))
            view = self.show(plan_id)
        return view

    def wait_for_change(self, seen: Mapping[UUID, int], *, wait: timedelta) -> Mapping[UUID, int]:
        """Block until one of these tasks has another version, or `wait` passes; return those that differ."""
        return self._engine.wait_for_change(seen, wait=wait)

    # -----------------------------------------------------------------------------------------------------

    def _with_data(self, plan_id: UUID, row: StepRow) -> tuple[PlanSnapshot, JsonObject, JsonObject]:
        """Return the plan, and the step's input and output as they are shown.

        All of the plan is read only for input with references, and for actions that present themselves.
        """
        itself = presents_itself(row.step.action)
        if REFERENCE_KEY not in row.input and not itself:
            return self._reader.snapshot(plan_id), json_object(row.input), json_object(row.output)
        whole, action_id = self._reader.whole(plan_id), row.step.action_id
        presentation = presentation_of(whole)
        output = told_output(presentation, action_id) if itself else json_object(row.output)
        return whole.snapshot, presentation.action(action_id).input, output

    def _is_simulated(self, host: str | None) -> bool:
        return host is not None and any(each.simulated for each in self._reader.hosts_named([host]))

    def _view(self, plan: PlanRecord) -> PlanView:
        return self._views([plan])[0]

    def _views(self, plans: Sequence[PlanRecord]) -> Sequence[PlanView]:
        """Return the views; of scheduled ones with what they wait for, which takes a look of its own."""
        now = self._now()
        waiting = [plan.id for plan in plans if plan.state is PlanState.SCHEDULED]
        found = self._reader.schedules(waiting) if waiting else ()
        schedules = {each.plan_id: schedule_view(each, now) for each in found}
        views = [plan_view(plan, self._engine.allowed(plan.state, plan.result), now) for plan in plans]
        return [
            replace(view, schedule=schedules[view.id]) if view.id in schedules else view for view in views
        ]

    def _now(self) -> float:
        return self._clock.now().timestamp()

    @staticmethod
    def _steps_of(answer: Mapping[str, Any]) -> Sequence[int]:
        return tuple(answer.get("step_ids", ()))


def _filter(which: str) -> Filter:
    try:
        return Filter(which)
    except ValueError:
        raise QueryInvalidError(f"there is no filter {which[:80]!r}: there are {', '.join(Filter)}") from None


def _cursor(plan: PlanRecord) -> str:
    packed = struct.pack(">d16s", plan.created_at, plan.id.bytes)
    return base64.urlsafe_b64encode(packed).decode()


def _read_cursor(cursor: str) -> tuple[float, UUID] | None:
    if not cursor:
        return None
    try:
        created_at, identity = struct.unpack(">d16s", base64.urlsafe_b64decode(cursor))
    except (ValueError, binascii.Error, struct.error):
        raise QueryInvalidError("this is no page of the list: start again from the first") from None
    return created_at, UUID(bytes=identity)


def _steps_before(needs: Mapping[int, Sequence[int]], step_id: int) -> Sequence[int]:
    """Return the steps right before one, looking through gates."""
    found: dict[int, None] = {}
    waiting, seen = list(needs.get(step_id, ())), set[int]()
    while waiting:
        node = waiting.pop()
        if node > 0:
            found[node] = None
        elif node not in seen:
            seen.add(node)
            waiting.extend(needs[node])
    return sorted(found)
