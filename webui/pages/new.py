"""A form for every action and every declared operation, at an address of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from mcoflow.errors import FormInvalidError, InputInvalidError, PlanExistsError, UnknownActionError
from mcoflow.services import OrderPreview
from mcoflow.services.new import INPUT, NewForm
from mcoflow.services.placing import Placing
from webui.current import services
from webui.pages.placing import SHOWN, echoes, key_given, made_of, placing_fields
from webui.parts import answer

bp = Blueprint("new", __name__, url_prefix="/new")


@bp.get("")
def index() -> Response:
    """All actions and operations."""
    actions, operations = services().new.list()
    return answer("new_index.html", {}, actions=actions, operations=operations)


@bp.get("/<name>")
def show(name: str) -> Response:
    """The form of one, filled in beforehand as the address says."""
    return _page(_form(name), _filled(request.args), _placing(request.args))


@bp.post("/<name>")
def run(name: str) -> ResponseReturnValue:
    """Make a task of the form: 303 to it; 422 with each fault at its field."""
    form, filled, placing, key = _form(name), _filled(request.form), _placing(request.form), key_given()
    new = services().new
    try:
        plan_id = made_of(lambda: new.confirmed(form, filled, placing), placing, key=key)
    except FormInvalidError as error:
        asked = new.usual(form, filled, placing) if "confirm" in error.faults else placing
        return _page(form, filled, asked, faults=error.faults, key=key)
    except (InputInvalidError, UnknownActionError) as error:
        return _page(form, filled, placing, faults={"form": str(error)}, key=key)
    except PlanExistsError as error:
        faults = {"form": f"{error}: send it again for another task"}
        return _page(form, filled, placing, faults=faults, status=HTTPStatus.CONFLICT)
    return redirect(url_for("form.show", uuid=plan_id), HTTPStatus.SEE_OTHER)


@bp.post("/<name>/preview")
def preview(name: str) -> Response:
    """Say on which hosts it would run and in which waves; nothing is made."""
    form, filled, placing, key = _form(name), _filled(request.form), _placing(request.form), key_given()
    try:
        found = services().new.preview(form, filled, placing)
    except FormInvalidError as error:
        return _page(form, filled, placing, faults=error.faults, key=key)
    except UnknownActionError as error:
        return _page(form, filled, placing, faults={"form": str(error)}, key=key)
    return _page(form, filled, placing, previewed=found, key=key)


def _form(name: str) -> NewForm:
    try:
        return services().new.form(name)
    except UnknownActionError as error:
        raise NotFound(str(error)) from None


def _page(
    form: NewForm,
    filled: Mapping[str, str],
    placing: Placing,
    *,
    previewed: OrderPreview | None = None,
    faults: Mapping[str, str] | None = None,
    status: int | None = None,
    key: str = "",
) -> Response:
    """Return the form with what was filled in, but for secrets, and its faults."""
    return answer(
        "new.html",
        echoes(placing),
        status=status or (HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK),
        form=form,
        prefix=INPUT,
        filled=placing,
        given=_defaults(form) | dict(filled),
        faults=faults or {},
        previewed=previewed,
        shown=SHOWN,
        known=services().hosts.list(),
        key=key or str(uuid4()),
    )


def _defaults(form: NewForm) -> dict[str, str]:
    """Return what stands in a form that nobody has filled in; what was sent empty, stays empty."""
    return {field.name: field.default for field in form.fields} if request.method == "GET" else {}


def _filled(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {key.removeprefix(INPUT): text for key, text in fields.items() if key.startswith(INPUT)}


def _placing(fields: Mapping[str, str]) -> Placing:
    return Placing(**placing_fields(fields))
