"""WithSubPlans: an action that lets other plans do its work, any number of them, and waits for them all.

What it knows of them it keeps in `output["sub_plans"]`, stored with each batch; nothing is kept per sub-plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final, NoReturn

from mcoflow.action.base import Action, Cancellable
from mcoflow.action.limits import Limits, Progress, SubPlanCounts, awaited, ends, next_at
from mcoflow.action.stage import ChildrenWait, SubPlanner
from mcoflow.domain.events import FOREVER, Event, SubPlanFinished
from mcoflow.domain.plain import plain
from mcoflow.errors import PhaseError, PlanningError, StepCancelledError, SubPlansFailedError

KEPT: Final = "sub_plans"
"""The key of the output under which the counts stand."""


@dataclass(frozen=True, slots=True)
class SubPlan:
    """What a sub-plan is to be: an action with the arguments of its plan method.

    `key` names it among all sub-plans of the action, by default with its number: it may be planned again, but
    there is never a second one with its key.
    """

    action: type[Action]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None


class WithSubPlans(Cancellable):
    """An action whose run step creates plans in batches and sleeps until all have come to rest.

    Class variables:
        batch_size: sub-plans that are created in one transaction; between two, other events are served.
        resume_children: resuming this action also resumes its paused sub-plans.
    """

    batch_size: ClassVar[int] = 100
    resume_children: ClassVar[bool] = False
    rerunnable = True

    def total_count(self) -> int:
        """Return how many sub-plans there will be; asked once, and kept."""
        raise NotImplementedError(f"{self.name} does not define total_count")

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        """Return what sub-plans number `start` to `start + size - 1` are to be; may be asked again."""
        raise NotImplementedError(f"{self.name} does not define sub_plans")

    def limits(self) -> Limits:
        """Return the limits; asked before each batch. By default there are none."""
        return Limits()

    def on_planning_finished(self) -> None:
        """Hear once that the last sub-plan is created."""

    def on_finish(self) -> None:
        """Hear once that all sub-plans have come to rest and the verdict bears them."""

    def verdict(self, counts: SubPlanCounts) -> None:
        """Decide what the rest of all sub-plans means: to return is success.

        Raises:
            SubPlansFailedError: by default, unless every one of them is a success.
        """
        if counts.success != counts.total:
            raise SubPlansFailedError(counts.words() + self._way_out(counts))

    def run_progress(self) -> float | None:
        """Which part of the sub-plans has come to rest."""
        kept = self.output.get(KEPT)
        if kept is None or not kept["total"]:
            return None
        return float(min(1.0, Progress(**kept).rested / kept["total"]))

    # -- what the engine calls ----------------------------------------------------------------------------

    def run(self, event: Event | None) -> None:
        """Begin, or begin anew after an error: count, and let the first batch follow at once."""
        if event is not None:
            raise PhaseError(f"{self.name} takes no events, got {event!r}")
        self._sleep(self._progress(), ChildrenWait(more=True, fresh=True))

    def sub_plans_changed(self, signal: SubPlanFinished) -> None:
        """Create what may be created now, end if there is nothing left to wait for, sleep otherwise."""
        progress = self._progress()
        if signal.counts is not None:
            self._count(progress, signal.counts)
        if progress.attempt != signal.attempt:
            self._begin_attempt(progress, signal)
        limits = self.limits()
        created = self._create(progress, limits, signal.at)
        self._hear_of_planning(progress)
        if progress.creating or progress.live or created or progress.failed_since:
            self._sleep(progress, awaited(progress, limits, signal.at))
        self._finish(progress)

    def on_cancel(self) -> None:
        """Create no more, cancel those that run, and wait for them."""
        self._stop("cancel")

    def on_abort(self) -> None:
        """Create no more, abort those that run, and wait for them."""
        self._stop("abort")

    # -- creating -----------------------------------------------------------------------------------------

    def _begin_attempt(self, progress: Progress, signal: SubPlanFinished) -> None:
        """Walk through all of them once more: what failed its planning or was never created comes now."""
        if progress.attempt:
            if self.resume_children:
                self._planner.forward("resume")
            self._count(progress, self._planner.give_up_failed())
            progress.borne = 0
            progress.borne = progress.failures
        progress.attempt, progress.created, progress.closed = signal.attempt, 0, ""
        progress.begun_at, progress.next_at = signal.at, signal.at

    def _create(self, progress: Progress, limits: Limits, now: float) -> int:
        """Plan a batch and return how many of it are done with; 0 if none may be created now."""
        if limits.max_failures is not None and progress.failures > limits.max_failures:
            progress.closed = "failures"
        elif limits.window is not None and now >= ends(progress, limits.window):
            progress.closed = "window"
        size = self._room(progress, limits, now)
        if size < 1:
            return 0
        return self._plan(progress, limits, self._described(progress.created, size), now)

    def _room(self, progress: Progress, limits: Limits, now: float) -> int:
        if not progress.creating:
            return 0
        size = min(max(1, self.batch_size), progress.total - progress.created)
        if limits.concurrency is not None:
            size = min(size, limits.concurrency - progress.live)
        if limits.spacing is not None:
            size = min(size, 1 if now >= progress.next_at else 0)
        return size

    def _described(self, start: int, size: int) -> list[tuple[str, SubPlan]]:
        described = list(self.sub_plans(start, size))
        if len(described) != size or not all(isinstance(each, SubPlan) for each in described):
            got = f"got {len(described)} items"
            raise PlanningError(f"{self.name}: sub_plans({start}, {size}) must return {size} SubPlan, {got}")
        named = [
            (repr(start + place if each.key is None else each.key), each)
            for place, each in enumerate(described)
        ]
        if len({key for key, _ in named}) != size:
            raise PlanningError(f"{self.name}: sub_plans({start}, {size}) has a key twice; keys must differ")
        return named

    def _plan(self, progress: Progress, limits: Limits, named: list[tuple[str, SubPlan]], now: float) -> int:
        known = self._planner.known([key for key, _ in named])
        if known and progress.attempt == 1:
            raise PlanningError(f"{self.name}: there is a sub-plan with the key {min(known)} already")
        done = 0
        for key, each in named:
            if limits.max_failures is not None and progress.failures > limits.max_failures:
                break
            done += 1
            if key in known:
                continue
            if self._planner.plan(key, each.action, each.args, each.kwargs):
                progress.since += 1
            else:
                progress.failed_since += 1
            if limits.spacing is not None:
                progress.next_at = next_at(progress.next_at, limits.spacing.total_seconds(), now)
        progress.created += done
        return done

    def _hear_of_planning(self, progress: Progress) -> None:
        if progress.created == progress.total and not progress.planning_finished:
            self.on_planning_finished()
            progress.planning_finished = True

    # -- ending -------------------------------------------------------------------------------------------

    def _stop(self, how: str) -> NoReturn:
        progress = self._progress()
        self._planner.forward(how)
        progress.cancelled = True
        self._sleep(progress, ChildrenWait(more=True, fresh=True))

    def _finish(self, progress: Progress) -> None:
        counts = self._counts(progress)
        self.output[KEPT] = {**asdict(progress), "counts": asdict(counts)}
        if progress.closed == "failures":
            left = progress.total - progress.created
            why = f"more failed than are borne, {left} were not created: a resume creates them"
            raise SubPlansFailedError(f"{counts.words()}; {why}")
        if progress.cancelled and counts.cancelled:
            raise StepCancelledError(counts.words())
        self.verdict(counts)
        self.on_finish()

    def _counts(self, progress: Progress) -> SubPlanCounts:
        """Return the last count; what was never created and never will be counts as cancelled."""
        counts = {name: progress.counts.get(name, 0) for name in SubPlanCounts.__slots__}
        counts["total"] = progress.total
        if progress.cancelled or progress.closed == "window":
            counts["cancelled"] += progress.total - progress.created
        return SubPlanCounts(**counts)

    def _way_out(self, counts: SubPlanCounts) -> str:
        """Say what to do about sub-plans that failed: a resume of this action alone counts them again."""
        if not counts.error or self.resume_children:
            return ""
        what = "1 sub-plan" if counts.error == 1 else f"{counts.error} sub-plans"
        return f"; {what} failed: resume those that are paused, then this task, or set resume_children"

    # -- what is kept -------------------------------------------------------------------------------------

    @property
    def _planner(self) -> SubPlanner:
        planner = self._stage.sub_planner
        if planner is None:
            raise PhaseError(f"{self.name}: sub-plans are created by an executor")
        return planner

    def _progress(self) -> Progress:
        kept = self.output.get(KEPT)
        if kept is not None:
            return Progress(**kept)
        total = self.total_count()
        if type(total) is not int or total < 0:
            raise PlanningError(f"{self.name}: total_count must return 0 or more, got {total!r}")
        return Progress(total)

    def _count(self, progress: Progress, counts: Mapping[str, int]) -> None:
        progress.counts, progress.since, progress.failed_since = dict(counts), 0, 0

    def _sleep(self, progress: Progress, wait: ChildrenWait) -> NoReturn:
        self.output[KEPT] = plain(asdict(progress))
        self._stage.produced.children = wait
        self.suspend(patience=FOREVER)
