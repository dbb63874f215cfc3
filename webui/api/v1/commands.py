"""Commands to tasks: 202 once they are committed, 409 with `state` and `allowed` if that forbids them."""

from http import HTTPStatus
from typing import Final
from uuid import UUID

from mcoflow.services import Verdict
from webui.api.v1.shapes.commands import (
    AmendedInput,
    Cancel,
    CanceledSteps,
    Noted,
    Pause,
    Rerun,
    RerunHosts,
    Skip,
    Skipped,
)
from webui.api.v1.shapes.tasks import Task
from webui.api.v1.surface import LOCATION, Made, blueprint, route
from webui.api.v1.told import task_of, task_url
from webui.current import LOCAL, services

bp = blueprint("commands")

_TASK: Final = "/tasks/<uuid:task_id>"
_VERDICTS: Final = {RerunHosts.FAILED: Verdict.FAILED, RerunHosts.SUCCEEDED: Verdict.SUCCEEDED}


@route(bp, "POST", f"{_TASK}/cancel", status=HTTPStatus.ACCEPTED, conflicts=True)
def cancel_task(task_id: UUID, body: Cancel) -> CanceledSteps:
    """Let nothing more start, and ask hosts that are at work to stop."""
    told = services().acting.cancel(task_id, actor=LOCAL, force=body.force)
    return CanceledSteps(canceled_steps=tuple(told))


@route(bp, "POST", f"{_TASK}/abort", status=HTTPStatus.ACCEPTED, conflicts=True)
def abort_task(task_id: UUID) -> CanceledSteps:
    """Cancel, and wait for no host."""
    return CanceledSteps(canceled_steps=tuple(services().acting.abort(task_id, actor=LOCAL)))


@route(bp, "POST", f"{_TASK}/halt", status=HTTPStatus.ACCEPTED, conflicts=True)
def halt_task(task_id: UUID) -> CanceledSteps:
    """Stop the task at once, whatever its executor does; the effect of what was under way is unknown."""
    services().acting.halt(task_id, actor=LOCAL)
    return CanceledSteps(canceled_steps=())


@route(bp, "POST", f"{_TASK}/pause", status=HTTPStatus.ACCEPTED, conflicts=True)
def pause_task(task_id: UUID, body: Pause) -> Noted:
    """Let the steps under way end, and start no more; asked twice it is the same."""
    services().acting.pause(task_id, actor=LOCAL, after_wave=body.after_wave)
    return _noted(task_id)


@route(bp, "DELETE", f"{_TASK}/pause", status=HTTPStatus.ACCEPTED, conflicts=True)
def withdraw_pause(task_id: UUID) -> Noted:
    """Let a running task not pause; if it was not to, nothing changes."""
    services().acting.withdraw_pause(task_id, actor=LOCAL)
    return _noted(task_id)


@route(bp, "POST", f"{_TASK}/resume", status=HTTPStatus.ACCEPTED, conflicts=True)
def resume_task(task_id: UUID) -> Noted:
    """Let a paused task go on: failed steps again, done ones never."""
    services().acting.resume(task_id, actor=LOCAL)
    return _noted(task_id)


@route(bp, "POST", f"{_TASK}/retry", status=HTTPStatus.ACCEPTED, conflicts=True)
def retry_task(task_id: UUID) -> Noted:
    """Run the failed steps of a paused task again, as a further attempt; the same as resume."""
    services().acting.resume(task_id, actor=LOCAL)
    return _noted(task_id)


@route(bp, "POST", f"{_TASK}/rerun", status=HTTPStatus.CREATED, conflicts=True, headers=[LOCATION])
def rerun_task(task_id: UUID, body: Rerun) -> Made[Task]:
    """Make a task as this one was, on all of its hosts, or on those where it failed or succeeded."""
    made = services().acting.rerun(task_id, _VERDICTS.get(body.hosts), user=LOCAL)
    return Made(task_of(services().plans.show(made)), {LOCATION: task_url(made)})


@route(bp, "POST", f"{_TASK}/steps/<int:step_id>/skip", status=HTTPStatus.ACCEPTED, conflicts=True)
def skip_step(task_id: UUID, step_id: int, body: Skip) -> Skipped:
    """Skip a failed step of a paused task, and what hangs on it, when it is resumed."""
    found = services().acting.skip(task_id, step_id, actor=LOCAL, cover=body.cover, dry_run=body.dry_run)
    return Skipped(skipped=tuple(found))


@route(bp, "PUT", f"{_TASK}/actions/<int:action_id>/input", conflicts=True)
def amend_input(task_id: UUID, action_id: int, body: AmendedInput) -> Noted:
    """Give an action of a paused task another input, whole; the task goes on with it when it is resumed."""
    services().acting.amend(task_id, action_id, body.root, actor=LOCAL)
    return _noted(task_id)


def _noted(task_id: UUID) -> Noted:
    plan = services().plans.show(task_id)
    return Noted(state=plan.state, pause_requested=plan.will_pause)
