"""From what the services show to the shapes of the API."""

from collections.abc import Collection
from uuid import UUID

from flask import url_for

from mcoflow.domain.standing import Standing
from mcoflow.services import acts_of
from mcoflow.services.fleet import HostOfTask as HostView
from mcoflow.services.output import OutputItem as Piece
from mcoflow.services.output import OutputPage as Printed
from mcoflow.services.views import Counters, PlanView, StepDetail, StepView
from webui.api.v1.shapes.tasks import (
    HostOfTask,
    OutputItem,
    OutputPage,
    Step,
    StepCounts,
    StepLine,
    Task,
    TaskLine,
    TaskLinks,
)
from webui.current import services


def task_of(plan: PlanView) -> Task:
    """Return a task with the numbers of its hosts, which take one look."""
    return Task(**dict(task_line(plan)), hosts=dict(services().fleet.counts(plan.id)))


def task_line(plan: PlanView) -> TaskLine:
    """Return a task as it stands in a list."""
    return TaskLine(
        id=plan.id,
        action=plan.action,
        title=plan.title,
        state=plan.state,
        result=plan.result,
        explanation=plan.explanation,
        user=plan.user,
        simulated=plan.simulated,
        parent_id=plan.caller,
        created_at=plan.created_at,
        started_at=plan.started_at,
        ended_at=plan.ended_at,
        start_at=plan.schedule.start_at if plan.schedule else None,
        start_before=plan.schedule.start_before if plan.schedule else None,
        pause_requested=plan.will_pause,
        cancel_requested=plan.cancel_requested,
        version=plan.version,
        progress=plan.progress,
        allowed=acts_of(plan),
        steps=_counts(plan.counters),
        links=_links(plan.id),
    )


def task_url(plan_id: UUID) -> str:
    """Return the address of a task."""
    return url_for("api_tasks.show_task", task_id=plan_id)


def step_line(step: StepView, simulated: Collection[str]) -> StepLine:
    """Return a step as it stands in a list; `simulated`: hosts that are."""
    return StepLine(
        id=step.id,
        action_id=step.action_id,
        phase=step.phase,
        action=step.action,
        title=step.title,
        host=step.host,
        simulated=step.host in simulated,
        state=step.state,
        outcome=Standing(step.outcome) if step.outcome else None,
        outcome_text=step.words,
        attempt=step.attempt,
        progress=step.progress,
        error=step.error,
        started_at=step.started_at,
        ended_at=step.ended_at,
    )


def step_of(detail: StepDetail) -> Step:
    """Return a step with its data."""
    return Step(
        **dict(step_line(detail.step, [detail.step.host or ""] if detail.simulated else ())),
        needs=tuple(each.id for each in detail.waits_for),
        queue=detail.queue,
        run_s=detail.execution_time,
        input=dict(detail.input),
        output=dict(detail.output),
    )


def host_of(host: HostView, simulated: Collection[str]) -> HostOfTask:
    """Return how a host stands in a task; `simulated`: hosts that are."""
    return HostOfTask(
        host=host.name,
        simulated=host.name in simulated,
        outcome=Standing(host.outcome),
        outcome_text=host.words,
        error=host.error,
        step=host.step_id,
        started_at=host.started_at,
        ended_at=host.ended_at,
    )


def output_of(page: Printed, simulated: Collection[str]) -> OutputPage:
    """Return a page of output; `simulated`: hosts that are."""
    return OutputPage(
        items=tuple(_piece(piece, simulated) for piece in page.items),
        next=page.next,
        complete=page.complete,
        kept=page.kept,
        printed=page.printed,
        notes=tuple(page.notes),
    )


def _piece(piece: Piece, simulated: Collection[str]) -> OutputItem:
    return OutputItem(
        seq=piece.seq,
        host=piece.host,
        simulated=piece.host in simulated,
        step=piece.step,
        stream=piece.stream,
        at=piece.at,
        text=piece.text,
        lost=piece.lost,
        left_out=piece.left_out,
    )


def _counts(counters: Counters) -> StepCounts:
    return StepCounts(
        pending=counters.pending,
        running=counters.running,
        suspended=counters.waiting,
        success=counters.done,
        error=counters.failed,
        skipped=counters.skipped,
        cancelled=counters.cancelled,
    )


def _links(plan_id: UUID) -> TaskLinks:
    return TaskLinks(
        self=task_url(plan_id),
        steps=url_for("api_tasks.steps_of_task", task_id=plan_id),
        hosts=url_for("api_tasks.hosts_of_task", task_id=plan_id),
        output=url_for("api_tasks.output_of_task", task_id=plan_id),
        history=url_for("api_tasks.history_of_task", task_id=plan_id),
        page=url_for("task.show", plan_id=plan_id),
    )
