"""Which error is which answer: a page for people, problems for the API, JSON for contract and checks."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from mcoflow.errors import (
    BusError,
    CommandRefusedError,
    DiscoveryNotFoundError,
    HostBusyError,
    HostNotFoundError,
    KeyReusedError,
    McoflowError,
    NameTakenError,
    NotSerialisableError,
    PlanExistsError,
    PlanningError,
    PlanNotFoundError,
    PreviewStaleError,
    QueryInvalidError,
    RecurrenceNotFoundError,
    StoreError,
    StoreUnavailableError,
    TargetError,
    WaitTimeoutError,
)
from mcoflow.services.views import Notice
from webui.api.v1.problems import is_api, problem
from webui.current import request_id
from webui.guard import is_contract

log = logging.getLogger(__name__)

STATUS: Final[Sequence[tuple[type[McoflowError], HTTPStatus]]] = (
    (PlanNotFoundError, HTTPStatus.NOT_FOUND),
    (HostNotFoundError, HTTPStatus.NOT_FOUND),
    (DiscoveryNotFoundError, HTTPStatus.NOT_FOUND),
    (RecurrenceNotFoundError, HTTPStatus.NOT_FOUND),
    (PlanExistsError, HTTPStatus.CONFLICT),
    (NameTakenError, HTTPStatus.CONFLICT),
    (CommandRefusedError, HTTPStatus.CONFLICT),
    (HostBusyError, HTTPStatus.CONFLICT),
    (PreviewStaleError, HTTPStatus.CONFLICT),
    (KeyReusedError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (TargetError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (QueryInvalidError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (PlanningError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotSerialisableError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (BusError, HTTPStatus.SERVICE_UNAVAILABLE),
    (WaitTimeoutError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""First match counts; what is not here is a fault of ours."""
HEADINGS: Final = {
    HTTPStatus.BAD_REQUEST: "That request cannot be understood",
    HTTPStatus.FORBIDDEN: "That was refused",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.CONFLICT: "That is not possible now",
    HTTPStatus.UNPROCESSABLE_ENTITY: "That cannot be done",
    HTTPStatus.SERVICE_UNAVAILABLE: "Something that is needed is away",
}
OURS: Final = "An error of ours, not of yours. It is in the log under the request id below."
_JSON_PATHS: Final = frozenset({"/healthz", "/readyz"})


def install(app: Flask) -> None:
    """Let the app answer every error in the format of the surface it happened on."""
    app.register_error_handler(CSRFError, _refused_token)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(McoflowError, _ours)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: McoflowError) -> HTTPStatus:
    """Return the HTTP status of an error of the family."""
    found = (status for kind, status in STATUS if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def _http(error: HTTPException) -> Response:
    response = _answer(error.code or 500, error.description or "", error)
    if allowed := dict(error.get_headers()).get("Allow"):
        response.headers["Allow"] = allowed
    return response


def _ours(error: McoflowError) -> Response:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request.failed", extra={"request": request_id(), "why": str(error)})
    text = OURS if status == HTTPStatus.INTERNAL_SERVER_ERROR else str(error)
    return _answer(status, text, error)


def _unexpected(error: Exception) -> Response:
    log.error("request.crashed", extra={"request": request_id()}, exc_info=error)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, OURS, error)


def _answer(status: int, text: str, error: Exception) -> Response:
    if is_api():
        return problem(status, text, error)
    if is_contract() or request.path in _JSON_PATHS:
        response = jsonify({"error": text})
    else:
        response = Response(_page(status, text, error), mimetype="text/html")
    response.status_code = status
    return response


def _page(status: int, text: str, error: Exception) -> str:
    away = isinstance(error, StoreUnavailableError)
    return render_template(
        "error.html",
        status=status,
        heading=HEADINGS.get(HTTPStatus(status), HTTPStatus(status).phrase),
        text=text,
        known_notices=[Notice("store", "Database away: nothing can be read or stored.")] if away else [],
    )


def _refused_token(error: CSRFError) -> Response:
    """Offer to send the same again, with a fresh token: nothing that was typed is lost."""
    if is_api():
        return problem(HTTPStatus.FORBIDDEN, error.description or "the token of a form is missing", error)
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    page = render_template("refused.html", fields=fields, reason=error.description, known_notices=[])
    return Response(page, HTTPStatus.FORBIDDEN, mimetype="text/html")
