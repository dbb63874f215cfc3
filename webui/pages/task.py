"""One task: where it stands, its graph, its steps, its history."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from itertools import compress
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import NotFound

from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanResult, PlanState
from mcoflow.domain.told import in_one_line
from mcoflow.errors import PlanNotFoundError
from mcoflow.services.fleet import Why
from mcoflow.services.plans import EVIDENCE_SHOWN, Graph
from mcoflow.services.views import PlanView, StepView
from webui.current import services
from webui.pages import task_output
from webui.pages.form import again_url
from webui.pages.outcome import Outcome, outcome_of
from webui.pages.picture import Picture, draw
from webui.parts import Part, answer

bp = Blueprint("task", __name__, url_prefix="/tasks/<uuid:plan_id>")

LISTED: Final = 50
"""Steps on one page of the list."""
REASONS: Final[Mapping[CommandKind, str]] = {
    CommandKind.RESUME: "only a paused task can be resumed",
    CommandKind.SKIP: "only a failed step of a paused task can be skipped",
    CommandKind.CANCEL: "the task has stopped",
}


def others_of(plan: PlanView, steps: Callable[[], Iterable[StepView]]) -> Sequence[str]:
    """Return the acts that stand behind "More"; the steps are only looked at if the task is paused."""
    can_revert = plan.state is PlanState.PAUSED and services().operating.can_revert(steps())
    failed = plan.state is PlanState.PAUSED and plan.result is PlanResult.ERROR
    may_go = failed or plan.state is PlanState.STOPPED
    allowed = (CommandKind.ABORT in plan.allowed, can_revert, CommandKind.HALT in plan.allowed, may_go)
    return list(compress(("abort", "revert", "halt", "delete"), allowed))


class Reading:
    """What one request reads of a task, each thing once. `plan` is read first, so the rest is no older."""

    def __init__(self, plan_id: UUID) -> None:
        self.plan: PlanView = services().plans.show(plan_id)
        self._after = max(0, request.args.get("after", 0, type=int))

    @cached_property
    def graph(self) -> Graph:
        """The folded graph and all steps."""
        return services().plans.graph(self.plan.id, after=self._after)

    @cached_property
    def picture(self) -> Picture:
        """The graph as shapes."""
        return draw(self.graph.layout)

    def _planning(self) -> Sequence[StepView]:
        """The steps that laid out the others."""
        return [step for step in self.graph.steps if step.phase is Phase.PLAN]

    @cached_property
    def _listed(self) -> Sequence[StepView]:
        """The steps of the page of the list that is asked for, or of one stack, and one more."""
        steps = [step for step in self.graph.steps if step.phase is not Phase.PLAN]
        if stack := request.args.get("stack", type=int):
            node = self.graph.layout.node_of(stack)
            chosen = set(node.steps) if node else set()
            steps = [step for step in steps if step.id in chosen]
        return [step for step in steps if step.id > self._after][: LISTED + 1]

    def _played(self) -> frozenset[str]:
        """The hosts among those of the listed steps that are simulated."""
        hosts = {step.host for step in self._listed if step.host}
        return services().hosts.simulated(hosts) if self.plan.simulated else frozenset()

    @cached_property
    def why(self) -> Why:
        """Why the task stands where it stands, each error once."""
        return services().fleet.why(self.plan)

    def _news(self) -> Mapping[int, Sequence[tuple[str, str]]]:
        """What is told of each step, errors and warnings: what stands above is not repeated."""
        seen: set[str] = set()
        news: dict[int, list[tuple[str, str]]] = {}
        for step in (*self._listed, *self._planning()):
            told = [("error", step.error)] if step.error else []
            for kind, text in (*told, *(("warning", each) for each in step.warnings)):
                line = in_one_line(text)
                beyond = line.removeprefix(step.words).lstrip(":, ")
                if beyond and line not in seen and not self.why.says(line):
                    news.setdefault(step.id, []).append((kind, beyond))
                seen.add(line)
        return news

    def _steps(self) -> tuple[Any, ...]:
        told = self._news(), self._played()
        return self.graph.plan, self._listed, LISTED, self._planning(), *told

    def _others(self) -> Sequence[str]:
        return others_of(self.plan, lambda: self.graph.steps)

    def _head(self) -> tuple[Any, ...]:
        plan = self.plan
        return plan, REASONS, again_url(plan), self._others(), services().hosts.played(plan), self.why

    def parts(self) -> dict[str, Part]:
        """Return the live parts of the page."""
        plans, plan = services().plans, self.plan
        return {
            "head": Part("task", "head", self._head),
            "called": Part("task", "called", lambda: (plan, plans.counts(of=plan.id))),
            "graph": Part("task", "graph", lambda: (self.graph.plan, self.picture)),
            "steps": Part("task", "steps", self._steps),
            "history": Part("task", "history", lambda: (plan, plans.history(plan.id))),
            "evidence": Part("task", "evidence", lambda: (plan, plans.evidence(plan.id), EVIDENCE_SHOWN)),
        }


@bp.get("")
def show(plan_id: UUID) -> Response:
    """The task. 404 when the id is unknown."""
    return page(plan_id)


def page(plan_id: UUID, *, problem: str = "", status: int = HTTPStatus.OK) -> Response:
    """Return the page of a task, with what stood in the way of an act."""
    reading = Reading(plan_id)
    return answer("task.html", reading.parts(), status=status, plan=reading.plan, problem=problem)


@bp.get("/steps/<int:step_id>")
def step(plan_id: UUID, step_id: int) -> Response:
    """One step with its data. 404 when there is none."""
    try:
        plan, detail = services().plans.show(plan_id), services().plans.step(plan_id, step_id)
    except PlanNotFoundError:
        raise NotFound(f"task {plan_id} has no step {step_id}") from None

    def outcome() -> Outcome:
        return task_output.shown_once(outcome_of(detail.output), plan_id, step_id)

    parts = {
        "step": Part("step", "step", lambda: (plan, detail, outcome())),
        "output": task_output.part(plan, step_id=step_id),
    }
    own_url = url_for("task.step", plan_id=plan_id, step_id=step_id, **task_output.wishes())
    return answer("step.html", parts, plan=plan, detail=detail, own_url=own_url)
