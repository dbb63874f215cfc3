"""The list of tasks, newest first."""

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mcoflow.services import Filter
from webui.current import services
from webui.parts import Part, answer

bp = Blueprint("tasks", __name__)

MAX_TEXT: Final = 200


@bp.get("/tasks")
def show() -> Response:
    """A page of the list; filter, words searched for, cursor and the task that called stand in the URL."""
    which = request.args.get("state", Filter.ALL)
    words = request.args.get("q", "")[:MAX_TEXT]
    cursor = request.args.get("before", "")
    of = request.args.get("of", type=UUID)
    page = services().plans.list(which, text=words, cursor=cursor, of=of)
    parts = {
        "counts": Part("tasks", "counts", lambda: (services().plans.counts(of=of), which, words, of)),
        "rows": Part("tasks", "rows", lambda: (page, bool(words or of or which != Filter.ALL))),
    }
    return answer("tasks.html", parts, page=page, which=which, words=words, cursor=cursor, of=of)


@bp.get("/dynflow/<uuid:plan_id>")
def console(plan_id: UUID) -> ResponseReturnValue:
    """The old address of a task."""
    return redirect(url_for("task.show", plan_id=plan_id))
