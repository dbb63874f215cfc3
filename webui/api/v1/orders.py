"""Making tasks: `POST /api/v1/tasks`, and looking at what would be done."""

import re
from http import HTTPStatus
from typing import Final

from flask import request

from mcoflow.services import Asked
from webui.api.v1.problems import InvalidError, fault
from webui.api.v1.shapes.orders import Order, Preview
from webui.api.v1.shapes.tasks import Task
from webui.api.v1.surface import KEY, LOCATION, REPLAY, Made, blueprint, route
from webui.api.v1.told import task_of, task_url
from webui.current import LOCAL, services

bp = blueprint("orders")

BODY: Final = 4 << 20
_KEY: Final = re.compile(r"[!-~]{1,255}")


@route(
    bp,
    "POST",
    "/tasks",
    status=HTTPStatus.CREATED,
    conflicts=True,
    body_limit=BODY,
    headers=[KEY, LOCATION, REPLAY],
)
def create_task(body: Order) -> Made[Task]:
    """Make a task and start it, or when it is said; one whose planning fails is made, too, and stopped."""
    made = services().orders.create(_asked(body), user=LOCAL, key=_key())
    headers = {LOCATION: task_url(made.plan_id), **({REPLAY: "true"} if made.replayed else {})}
    return Made(task_of(services().plans.show(made.plan_id)), headers)


@route(bp, "POST", "/tasks/preview", body_limit=BODY)
def preview_task(body: Order) -> Preview:
    """Tell on which hosts a task would run, in how many steps and in which waves; nothing is stored."""
    found = services().orders.preview(_asked(body))
    return Preview(
        hosts=tuple(found.hosts),
        steps=found.steps,
        waves=tuple(found.waves),
        offline=tuple(found.offline),
        simulated=tuple(found.simulated),
        unknown=tuple(found.unknown),
        digest=found.digest,
    )


def _asked(body: Order) -> Asked:
    return Asked(
        action=body.action,
        input=body.input,
        targets=body.targets,
        rollout=body.rollout.model_dump(exclude_unset=True) if body.rollout is not None else None,
        offline=body.offline or "",
        start_at=body.start_at,
        start_before=body.start_before,
        digest=body.digest,
    )


def _key() -> str:
    given = request.headers.get(KEY)
    if given is None:
        return ""
    if _KEY.fullmatch(given) is None:
        raise InvalidError([fault(f"/{KEY}", "pattern", "should be 1 to 255 visible characters of ASCII")])
    return given
