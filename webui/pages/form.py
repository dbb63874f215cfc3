"""New run: the form, what it says back, and the last runs."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID, uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mcoflow.errors import (
    FormInvalidError,
    InputInvalidError,
    PlanExistsError,
    PlanNotFoundError,
    UnknownActionError,
)
from mcoflow.services import Filled, OrderPreview
from mcoflow.services.placing import PORTIONS
from mcoflow.services.views import PlanView
from webui.current import services
from webui.pages.placing import SHOWN, echoes, key_given, made_of, placing_fields
from webui.parts import Part, answer

bp = Blueprint("form", __name__)

RECENT: Final = 8
STARTED: Final = {"caller_plan_id": None}
"""What people started, not what their tasks called."""
LONGEST_AGAIN: Final = 4000


@bp.get("/")
def show() -> Response:
    """The form; with `?uuid=` the task that was just made from it; with other fields filled in beforehand."""
    filled = _filled(request.args)
    return page(filled, made=_made(request.args.get("uuid", "")))


@bp.post("/trigger")
def trigger() -> ResponseReturnValue:
    """Make a task of the form: 303 to the form with its id; 422 with each fault at its field."""
    filled, key = _filled(request.form), key_given()
    try:
        plan_id = made_of(lambda: services().form.confirmed(filled), filled, key=key)
    except FormInvalidError as error:
        asked = services().form.usual(filled) if "confirm" in error.faults else filled
        return page(asked, faults=error.faults, status=HTTPStatus.UNPROCESSABLE_ENTITY, key=key)
    except (InputInvalidError, UnknownActionError) as error:
        faults = {"param": str(error)}
        return page(filled, faults=faults, status=HTTPStatus.UNPROCESSABLE_ENTITY, key=key)
    except PlanExistsError as error:
        faults = {
            "form": f"{error}: this form was sent before with other values; send it again for another task"
        }
        return page(filled, faults=faults, status=HTTPStatus.CONFLICT)
    return redirect(url_for("form.show", uuid=plan_id), HTTPStatus.SEE_OTHER)


@bp.post("/preview")
def preview() -> Response:
    """Say on which hosts the form would run and in which waves; nothing is made."""
    filled, key = _filled(request.form), key_given()
    try:
        return page(filled, previewed=services().form.preview(filled), key=key)
    except FormInvalidError as error:
        return page(filled, faults=error.faults, status=HTTPStatus.UNPROCESSABLE_ENTITY, key=key)


def page(
    filled: Filled,
    *,
    made: PlanView | None = None,
    previewed: OrderPreview | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = HTTPStatus.OK,
    key: str = "",
) -> Response:
    """Return the form with what was filled in, and its faults."""
    form = services().form
    parts = {
        **echoes(filled),
        "echo_param": Part("form", "echo_param", lambda: (form.echo("", filled.param),)),
        "recent": Part("form", "recent", _recent),
    }
    if made is not None:
        parts["made"] = Part("form", "made", lambda: (made,))
    return answer(
        "form.html",
        parts,
        status=status,
        filled=filled,
        faults=faults or {},
        made=made,
        previewed=previewed,
        shown=SHOWN,
        known=services().hosts.list(),
        key=key or str(uuid4()),
    )


def again_url(plan: PlanView) -> str:
    """Return the URL of the form filled in as for a task; nothing if that is too long for a URL."""
    url = f"{url_for('form.show')}?{urlencode(_fields_of(plan))}"
    return url if len(url) <= LONGEST_AGAIN else ""


def _fields_of(plan: PlanView) -> dict[str, str]:
    given: Mapping[str, Any] = plan.arguments
    both = [",".join(map(str, given.get(side, ()))) for side in ("packages", "services")]
    param = ";".join(both).rstrip(";") or str(given.get("package", given.get("service", "")))
    rollout = given.get("rollout")
    said = rollout if isinstance(rollout, Mapping) else {}
    portions = {name: str(said[name]) for name in PORTIONS if said.get(name)}
    where = (
        {"target": str(given["target"])}
        if given.get("target")
        else {"hostname": ", ".join(map(str, given.get("hosts", ())))}
    )
    limit = {"limit": str(given["limit"])} if given.get("limit") else {}
    return {**where, **limit, "param": param, **portions}


def _filled(fields: Mapping[str, str]) -> Filled:
    return Filled(**placing_fields(fields), action=fields.get("action", ""), param=fields.get("param", ""))


def _made(uuid: str) -> PlanView | None:
    """Return the task that was just made; None if the id is none, or of no task."""
    try:
        return services().plans.show(UUID(uuid)) if uuid else None
    except (ValueError, PlanNotFoundError):
        return None


def _recent() -> tuple[list[tuple[PlanView, str]]]:
    runs = services().plans.list(limit=RECENT, where=STARTED).items
    return ([(plan, again_url(plan)) for plan in runs],)
