"""The list of tasks, newest first."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mcoflow.services import Filter
from mcoflow.services.views import RecurrenceView
from webui.current import services
from webui.parts import Part, answer

bp = Blueprint("tasks", __name__)

MAX_TEXT: Final = 200
SHOWN: Final = 50
"""Recurrences on a page: the newest."""


@bp.get("/tasks")
def show() -> Response:
    """A page of the list; filter, words searched for, cursor and the task that called stand in the URL."""
    return page(request.args.get("state", Filter.ALL))


def page(which: str, *, problem: str = "", status: int = HTTPStatus.OK) -> Response:
    """Return a page of the list, with what stood in the way of an act."""
    words = request.args.get("q", "")[:MAX_TEXT]
    cursor = request.args.get("before", "")
    of = request.args.get("of", type=UUID)
    found = services().plans.list(which, text=words, cursor=cursor, of=of)
    filtered = bool(words or of or which != Filter.ALL)
    parts = {
        "counts": Part("tasks", "counts", lambda: (services().plans.counts(of=of), which, words, of)),
        "rows": Part("tasks", "rows", lambda: (found, filtered)),
    }
    comes_back = which == Filter.SCHEDULED and not (words or of or cursor)
    if comes_back:
        parts["recurrences"] = Part("recurrences", "recurrences", _recurrences)
    shown = {"which": which, "words": words, "cursor": cursor, "of": of}
    return answer(
        "tasks.html",
        parts,
        status=status,
        page=found,
        problem=problem,
        comes_back=comes_back,
        **shown,
    )


def _recurrences() -> tuple[Sequence[RecurrenceView], int]:
    """Return what comes back, as much as one page shows, and how many more there are."""
    found = services().schedules.recurrences()
    return found[:SHOWN], len(found[SHOWN:])


@bp.get("/dynflow/<uuid:plan_id>")
def console(plan_id: UUID) -> ResponseReturnValue:
    """The old address of a task."""
    return redirect(url_for("task.show", plan_id=plan_id))
