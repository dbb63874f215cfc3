"""Asking hosts whether they are there: by a form, and with the answers on a page of their own."""

from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mcoflow.domain.discovery import Standing
from mcoflow.domain.ids import host_id
from mcoflow.errors import InputInvalidError, TargetError
from mcoflow.services.discoveries import DiscoveryView
from webui.current import LOCAL, services
from webui.pages.hosts import MAX_TEXT, page
from webui.parts import Part, answer

bp = Blueprint("discovery", __name__, url_prefix="/hosts/discoveries")

SHOWN: Final = 200
"""Hosts of each kind that a page names."""
MAX_TARGET: Final = 4096


@bp.post("")
def ask() -> ResponseReturnValue:
    """Ask whom a target means, or one host: 303 to the answers; 422 with the list of hosts if it is none."""
    target = request.form.get("target", "")[: MAX_TARGET + 1]
    try:
        names = [host_id(name) for name in request.form.getlist("host")[:1]]
        asked = services().discoveries.ask("" if names else target or "all", hosts=names, user=LOCAL)
    except (TargetError, InputInvalidError) as error:
        return page(target=target[:MAX_TEXT], problem=str(error), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect(url_for("discovery.show", discovery_id=asked), HTTPStatus.SEE_OTHER)


@bp.get("/<uuid:discovery_id>")
def show(discovery_id: UUID) -> Response:
    """Who has answered so far, and at the end who has not. 404 when it was forgotten."""
    view = services().discoveries.show(discovery_id)
    parts = {"discovery": Part("discovery", "discovery", lambda: (view, *_met(view)))}
    return answer("discovery.html", parts, asked=view)


def _met(view: DiscoveryView) -> tuple[object, ...]:
    """Return the answered, the offline and, once it is over, the silent: the first of each."""
    found = [services().discoveries.met(view, standing, limit=SHOWN)[0] for standing in Standing]
    return tuple(found)
