"""The contract for clients of a smart proxy's Dynflow API: create, status, count."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnprocessableEntity

from mcoflow.errors import PlanNotFoundError
from webui.api.strict_json import read_json
from webui.current import LOCAL, services

bp = Blueprint("contract", __name__, url_prefix="/dynflow")

BODY: Final = 8 << 20


@bp.post("/tasks", strict_slashes=False)
def create() -> ResponseReturnValue:
    """Plan and start a task; 200 with its id also when planning failed."""
    action, arguments = _order(_body())
    return {"task_id": str(services().contract.create(action, arguments, user=LOCAL))}


@bp.get("/tasks/<task_id>/status", strict_slashes=False)
def status(task_id: str) -> ResponseReturnValue:
    """The full status; 404 with an empty object for an id that is none, or of no task."""
    try:
        return services().contract.status(UUID(task_id))
    except (ValueError, PlanNotFoundError):
        return {}, HTTPStatus.NOT_FOUND


@bp.get("/tasks/count", strict_slashes=False)
def count() -> ResponseReturnValue:
    """How many tasks are in a state."""
    number, state = services().contract.count(request.args.get("state"))
    return {"count": number, "state": state}


def _body() -> Mapping[str, Any]:
    """Return the body, read as JSON whatever its declared type."""
    request.max_content_length = BODY
    value = read_json(request.get_data())
    if not isinstance(value, dict):
        raise UnprocessableEntity("the body is no object")
    return value


def _order(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    action = body.get("action_name", body.get("action_class"))
    if not isinstance(action, str):
        raise UnprocessableEntity("action_name is missing: the name of a registered action")
    arguments = body.get("action_input")
    if not isinstance(arguments, dict):
        raise UnprocessableEntity("action_input is missing: an object with the action's arguments")
    return action, arguments
