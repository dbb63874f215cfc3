"""What operators may do to a task. What cannot be taken back asks first, on a page of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from webui.current import LOCAL, services
from webui.pages.task import others_of, page
from webui.pages.task_acts import carry_out
from webui.parts import answer

bp = Blueprint("operate", __name__, url_prefix="/tasks/<uuid:plan_id>")


@dataclass(frozen=True, slots=True)
class Asked:
    """An act that asks first: its name, what it would mean, and how it is done."""

    verb: str
    means: str
    act: Callable[[UUID], str]


def _abort(plan_id: UUID) -> str:
    told = services().operating.abort(plan_id, actor=LOCAL)
    return f"Aborted: {len(told)} waiting {'step was' if len(told) == 1 else 'steps were'} ended or told."


def _halt(plan_id: UUID) -> str:
    services().operating.halt(plan_id, reason="by hand", actor=LOCAL)
    return "Halted: the effect of what was under way is unknown."


def _revert(plan_id: UUID) -> str:
    services().operating.revert(plan_id, actor=LOCAL)
    return "Reverting: what was done is being undone, the last step first."


def _delete(plan_id: UUID) -> str:
    services().operating.delete(plan_id, actor=LOCAL)
    return "Deleted."


ASKED: Final[Mapping[str, Asked]] = {
    "abort": Asked(
        "Abort",
        "What has not begun will not begin. Hosts that are at work are told to stop, and nobody waits for "
        "them: they may go on. An aborted task cannot be resumed.",
        _abort,
    ),
    "revert": Asked(
        "Revert",
        "What the task has done is undone, the last step first, as far as its actions can. It ends with an "
        "error, and cannot be resumed.",
        _revert,
    ),
    "delete": Asked(
        "Delete",
        "The task is removed with its steps, their data and its history. It cannot be had back.",
        _delete,
    ),
    "halt": Asked(
        "Halt",
        "The task is stopped at once, whatever its executor does. Hosts are told nothing, what was under way "
        "may have had any effect, and its results are lost. Abort it first; halt what does not even abort.",
        _halt,
    ),
}


@bp.post("/pause")
def pause(plan_id: UUID) -> ResponseReturnValue:
    """Let what is under way end, and start nothing more."""

    def act() -> str:
        services().operating.pause(plan_id, actor=LOCAL)
        return "Pausing: the steps under way end, no other begins."

    return carry_out(plan_id, act, passing="pausing")


_NAMES: Final = f"/<any({', '.join(ASKED)}):name>"


@bp.get(_NAMES)
def confirm(plan_id: UUID, name: str) -> ResponseReturnValue:
    """Say what it would mean, and ask."""
    plan = services().plans.show(plan_id)
    if name not in others_of(plan, lambda: services().plans.graph(plan_id).steps):
        problem = f"This task is {plan.word}: {name} is not possible now."
        return page(plan_id, problem=problem, status=HTTPStatus.CONFLICT)
    return answer("confirm.html", {}, plan=plan, name=name, asked=ASKED[name])


@bp.post(_NAMES)
def act(plan_id: UUID, name: str) -> ResponseReturnValue:
    """Do it."""
    done = carry_out(plan_id, lambda: ASKED[name].act(plan_id))
    if name == "delete" and isinstance(done, Response) and done.status_code == HTTPStatus.SEE_OTHER:
        return redirect(url_for("tasks.show"), HTTPStatus.SEE_OTHER)
    return done
