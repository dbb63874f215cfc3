"""A form for every action and every declared operation, at an address of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from mcoflow.errors import FormInvalidError, InputInvalidError, PlanExistsError, UnknownActionError
from mcoflow.services.new import INPUT, NewForm, Ours
from webui.current import LOCAL, services
from webui.parts import answer

bp = Blueprint("new", __name__, url_prefix="/new")

MAX_KEY: Final = 255


@bp.get("")
def index() -> Response:
    """All actions and operations."""
    actions, operations = services().new.list()
    return answer("new_index.html", {}, actions=actions, operations=operations)


@bp.get("/<name>")
def show(name: str) -> Response:
    """The form of one, filled in beforehand as the address says."""
    return _page(_form(name), _filled(request.args), _ours(request.args))


@bp.post("/<name>")
def run(name: str) -> ResponseReturnValue:
    """Make a task of the form: 303 to it; 422 with each fault at its field."""
    form, filled, ours = _form(name), _filled(request.form), _ours(request.form)
    key = request.form.get("key", "")[:MAX_KEY]
    try:
        order = services().new.read(form, filled, ours)
        submitted = services().plans.submit(order.action, order.arguments, user=LOCAL, key=key)
    except FormInvalidError as error:
        return _page(form, filled, ours, error.faults, HTTPStatus.UNPROCESSABLE_ENTITY)
    except (InputInvalidError, UnknownActionError) as error:
        return _page(form, filled, ours, {"form": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
    except PlanExistsError as error:
        return _page(
            form, filled, ours, {"form": f"{error}: send it again for another task"}, HTTPStatus.CONFLICT
        )
    return redirect(url_for("form.show", uuid=submitted.plan_id), HTTPStatus.SEE_OTHER)


def _form(name: str) -> NewForm:
    try:
        return services().new.form(name)
    except UnknownActionError as error:
        raise NotFound(str(error)) from None


def _page(
    form: NewForm,
    filled: Mapping[str, str],
    ours: Ours,
    faults: Mapping[str, str] | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    """Return the form with what was filled in, but for secrets, and its faults."""
    return answer(
        "new.html",
        {},
        status=status,
        form=form,
        prefix=INPUT,
        ours=ours,
        faults=faults or {},
        filled=_defaults(form) | dict(filled),
        known=services().hosts.list(),
        key=str(uuid4()),
    )


def _defaults(form: NewForm) -> dict[str, str]:
    """Return what stands in a form that nobody has filled in; what was sent empty, stays empty."""
    return {field.name: field.default for field in form.fields} if request.method == "GET" else {}


def _filled(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {key.removeprefix(INPUT): text for key, text in fields.items() if key.startswith(INPUT)}


def _ours(fields: Mapping[str, str]) -> Ours:
    return Ours(fields.get("hostname", ""), fields.get("confirm", ""), fields.get("check") == "yes")
