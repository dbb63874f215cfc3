"""What one may do to a task that has not started: hold it back, let it go, start it now."""

from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue

from webui.current import LOCAL, services
from webui.pages.task_acts import carry_out

bp = Blueprint("later", __name__, url_prefix="/tasks/<uuid:plan_id>")


@bp.post("/freeze")
def freeze(plan_id: UUID) -> ResponseReturnValue:
    """Let a scheduled task not start until it is unfrozen."""

    def act() -> str:
        services().schedules.freeze(plan_id, actor=LOCAL)
        return "Frozen: it does not start until somebody unfreezes it."

    return carry_out(plan_id, act)


@bp.post("/unfreeze")
def unfreeze(plan_id: UUID) -> ResponseReturnValue:
    """Let a frozen task start when it was to."""

    def act() -> str:
        services().schedules.unfreeze(plan_id, start_at=None, actor=LOCAL)
        return "Not frozen any more: it starts when it was to."

    return carry_out(plan_id, act)


@bp.post("/start")
def start(plan_id: UUID) -> ResponseReturnValue:
    """Let a scheduled task not wait for its time."""

    def act() -> str:
        services().schedules.unfreeze(plan_id, start_at=services().clock.now(), actor=LOCAL)
        return "It starts as soon as an executor has time."

    return carry_out(plan_id, act)
