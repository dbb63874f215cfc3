"""What one may do to a task: resume, skip, cancel. Each is a form post, answered 303 back to the page."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mcoflow.domain.requests import CommandKind
from mcoflow.errors import CommandRefusedError, WaitTimeoutError
from webui.current import LOCAL, services
from webui.pages.task import page
from webui.parts import answer
from webui.text import sentence

bp = Blueprint("act", __name__, url_prefix="/tasks/<uuid:plan_id>")

PASSING: Final = "while "
"""Begins the category of notices that are true for as long as the task is in the state that follows."""


@bp.post("/resume")
def resume(plan_id: UUID) -> ResponseReturnValue:
    """Let a paused task go on, or one that was to pause."""

    def act() -> str:
        withdraws = services().plans.show(plan_id).will_pause
        services().plans.resume(plan_id, actor=LOCAL)
        if withdraws:
            return "It goes on and does not pause."
        return "Resumed: failed steps run again, done ones do not."

    return carry_out(plan_id, act)


@bp.get("/cancel")
def confirm_cancel(plan_id: UUID) -> ResponseReturnValue:
    """Say what cancelling would mean, and ask."""
    plan = services().plans.show(plan_id)
    if CommandKind.CANCEL not in plan.allowed:
        return page(
            plan_id, problem=f"This task is {plan.word}: it cannot be cancelled any more.", status=409
        )
    return answer("cancel.html", {}, plan=plan)


@bp.post("/cancel")
def cancel(plan_id: UUID) -> ResponseReturnValue:
    """Cancel the task, if so ticked by force."""

    def act() -> str:
        force = request.form.get("force") == "yes"
        told = services().plans.cancel(plan_id, actor=LOCAL, force=force)
        return f"Cancel requested: {len(told)} running {'step was' if len(told) == 1 else 'steps were'} told."

    return carry_out(plan_id, act)


@bp.get("/steps/<int:step_id>/skip")
def confirm_skip(plan_id: UUID, step_id: int) -> ResponseReturnValue:
    """Show which steps a skip would cover, and ask."""
    try:
        covered = set(services().plans.skip(plan_id, step_id, actor=LOCAL, dry_run=True))
    except CommandRefusedError as refused:
        return page(plan_id, problem=sentence(refused), status=HTTPStatus.CONFLICT)
    graph = services().plans.graph(plan_id, after=step_id - 1)  # with what the first of them works on
    steps = [step for step in graph.steps if step.id in covered]
    return answer("skip.html", {}, plan=graph.plan, step_id=step_id, steps=steps)


@bp.post("/steps/<int:step_id>/skip")
def skip(plan_id: UUID, step_id: int) -> ResponseReturnValue:
    """Skip the step and what hangs on it."""

    def act() -> str:
        covered = services().plans.skip(plan_id, step_id, actor=LOCAL)
        names = ", ".join(map(str, covered))
        return f"Skipped: step {names}." if len(covered) == 1 else f"Skipped: steps {names}."

    return carry_out(plan_id, act)


def carry_out(plan_id: UUID, act: Callable[[], str], *, passing: str = "") -> ResponseReturnValue:
    """Act, then go back to the task with a notice; 409 with the task as it is now when it was refused.

    `passing`: the word of the state in which alone the notice is true; it goes when the task leaves it.
    """
    try:
        flash(act(), f"{PASSING}{passing}" if passing else "success")
    except CommandRefusedError as refused:
        return page(plan_id, problem=sentence(refused), status=HTTPStatus.CONFLICT)
    except WaitTimeoutError:
        flash("Noted: it will be applied as soon as an executor is there.", "info")
    return redirect(url_for("task.show", plan_id=plan_id), HTTPStatus.SEE_OTHER)
