"""What one may do with tasks that come back: enable, disable, cancel, run now."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from mcoflow.errors import InvalidMoveError, PurposeTakenError, ScheduleInvalidError
from mcoflow.services import Filter
from webui.current import LOCAL, services
from webui.pages.tasks import page
from webui.parts import answer
from webui.text import sentence
from webui.when import clock_time

bp = Blueprint("recur", __name__, url_prefix="/recurrences/<uuid:recurrence_id>")


def _enable(recurrence_id: UUID) -> str:
    at = services().schedules.enable(recurrence_id).next_at
    return f"Enabled: it comes next at {clock_time(at)}." if at else "Enabled."


def _disable(recurrence_id: UUID) -> str:
    services().schedules.disable(recurrence_id)
    return "Disabled: it makes no tasks until it is enabled. What passes meanwhile is not made up for."


def _cancel(recurrence_id: UUID) -> str:
    services().schedules.cancel(recurrence_id)
    return "Cancelled: it makes no tasks any more. Those that it made go on."


ACTS: Final[Mapping[str, Callable[[UUID], str]]] = {
    "enable": _enable,
    "disable": _disable,
    "cancel": _cancel,
}


@bp.post(f"/<any({', '.join(ACTS)}):name>")
def act(recurrence_id: UUID, name: str) -> ResponseReturnValue:
    """Do it: 303 to the list; 409 with the list as it is now when it was refused."""
    try:
        flash(ACTS[name](recurrence_id), "success")
    except (InvalidMoveError, PurposeTakenError, ScheduleInvalidError) as refused:
        return page(Filter.SCHEDULED, problem=sentence(refused), status=HTTPStatus.CONFLICT)
    return redirect(url_for("tasks.show", state=Filter.SCHEDULED), HTTPStatus.SEE_OTHER)


@bp.post("/run")
def run(recurrence_id: UUID) -> ResponseReturnValue:
    """Make a task of it now: 303 to that task."""
    plan_id = services().schedules.run_now(recurrence_id, user=LOCAL)
    flash("Made by hand: this is not one of its runs.", "success")
    return redirect(url_for("task.show", plan_id=plan_id), HTTPStatus.SEE_OTHER)


@bp.get("/cancel")
def confirm_cancel(recurrence_id: UUID) -> ResponseReturnValue:
    """Say what it would mean, and ask."""
    return answer("cancel_recurrence.html", {}, recurrence=services().schedules.recurrence(recurrence_id))
