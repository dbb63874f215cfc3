"""What can go wrong, as `application/problem+json` (RFC 9457), and a page that explains each kind."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import NotFound, UnprocessableEntity

from mcoflow.errors import (
    CommandRefusedError,
    InputInvalidError,
    PreviewStaleError,
    QueryInvalidError,
    TargetError,
)
from mcoflow.services import acts_of
from webui.api.v1.shapes.problem import Fault, Problem
from webui.current import request_id, services
from webui.parts import answer

bp = Blueprint("problems", __name__, url_prefix="/problems")

PREFIX: Final = "/api/v1"
TYPE: Final = "application/problem+json"
MOST: Final = 50
"""Members that are named as wrong: who sends thousands shall not be sent thousands."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: what happened, and the way out."""

    code: str
    status: HTTPStatus
    title: str
    what: str
    way_out: str


KINDS: Final = (
    Kind(
        "bad-request",
        HTTPStatus.BAD_REQUEST,
        "That request cannot be understood",
        "The body is no JSON that can be read in one way only (UTF-8, no key twice, no NaN, no NUL, at most "
        "20 levels, integers within ±(2^53 - 1)), or the Host header is not one of [web] allowed_hosts.",
        "Send what `detail` asks for.",
    ),
    Kind(
        "forbidden",
        HTTPStatus.FORBIDDEN,
        "That was refused",
        "A browser sent it for another site, or without the token of a form.",
        "Call the API from a program, or from a page of this server with its token.",
    ),
    Kind(
        "not-found",
        HTTPStatus.NOT_FOUND,
        "There is nothing here",
        "There is no such path, task, step, host, action or discovery; or not any more.",
        "The lists tell what there is: /api/v1/tasks, /api/v1/hosts, /api/v1/actions.",
    ),
    Kind(
        "wrong-method",
        HTTPStatus.METHOD_NOT_ALLOWED,
        "That cannot be done here",
        "The path is there, but does not take this method.",
        "The header Allow names the methods that it takes.",
    ),
    Kind(
        "not-now",
        HTTPStatus.CONFLICT,
        "That is not possible now",
        "The state of the task forbids it; nothing was changed.",
        "`state` says how it stands, `allowed` what it takes now.",
    ),
    Kind(
        "conflict",
        HTTPStatus.CONFLICT,
        "Something else is in the way",
        "What is there already does not go with what was asked for; nothing was changed.",
        "Look at what `detail` names, then ask again.",
    ),
    Kind(
        "stale-digest",
        HTTPStatus.CONFLICT,
        "It would not be what was previewed",
        "Since the preview the target has come to mean other hosts, or they would take turns otherwise.",
        "Preview again, look at it, and create with the new digest.",
    ),
    Kind(
        "too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "That body is too large",
        "A body may have 1 MiB, one that creates or previews a task 4 MiB.",
        "Say less: a target instead of names, several tasks instead of one.",
    ),
    Kind(
        "url-too-long",
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "That URL is too long",
        "A URL may have 8 KiB.",
        "Filter by less at once.",
    ),
    Kind(
        "invalid",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "That cannot be done",
        "It can be read and means nothing that can be done: `errors` names each member or parameter that is "
        "wrong, up to 50, by its pointer (RFC 6901), with a code and in words. Unknown ones are wrong, too.",
        "Correct what `errors` names; /api/v1/openapi.json has the shapes, /api/v1/actions the inputs.",
    ),
    Kind(
        "fault",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "An error of ours",
        "Something went wrong that should not.",
        "The log has it under the request id in `instance`.",
    ),
    Kind(
        "away",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Something that is needed is away",
        "Database, broker or executor does not answer; `detail` says whether anything was stored.",
        "Ask again later; /readyz names what is away.",
    ),
)
_BY_CODE: Final = {kind.code: kind for kind in KINDS}
_BY_STATUS: Final = {kind.status: kind for kind in KINDS} | {HTTPStatus.CONFLICT: _BY_CODE["conflict"]}


class InvalidError(UnprocessableEntity):
    """Members or parameters are wrong; the first of them are told."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(islice(faults, MOST))
        super().__init__("; ".join(f"{fault.pointer}: {fault.message}" for fault in self.faults))


def fault(where: str, code: str, message: str) -> Fault:
    """Return what is wrong with one member or parameter."""
    return Fault(pointer=where, code=code, message=message)


def is_api() -> bool:
    """Whether the request is for the API."""
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON pointer of a place; empty for the whole."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def problem(status: int, detail: str, error: Exception) -> Response:
    """Return the problem that an error is, with the five members and those of its kind."""
    kind = _kind(status, error)
    told = Problem(
        type=f"/problems/{kind.code}",
        title=kind.title,
        status=int(status),
        detail=detail,
        instance=request_id(),
        **_more(error, int(status), detail),
    )
    return Response(told.model_dump_json(exclude_none=True), status, content_type=TYPE)


def _kind(status: int, error: Exception) -> Kind:
    if isinstance(error, CommandRefusedError | PreviewStaleError):
        return _BY_CODE["not-now" if isinstance(error, CommandRefusedError) else "stale-digest"]
    ours = HTTPStatus.INTERNAL_SERVER_ERROR if status >= 500 else HTTPStatus.BAD_REQUEST
    return _BY_STATUS.get(HTTPStatus(status)) or _BY_STATUS[ours]


def _more(error: Exception, status: int, detail: str) -> Mapping[str, Any]:
    if isinstance(error, CommandRefusedError):
        return _standing(error)
    if status != HTTPStatus.UNPROCESSABLE_ENTITY:
        return {}
    if isinstance(error, InvalidError):
        return {"errors": tuple(error.faults)}
    if isinstance(error, InputInvalidError) and error.faults:
        some = error.faults[:MOST]
        return {"errors": tuple(fault(pointer(path), _dashed(code), why) for path, code, why in some)}
    return {"errors": (fault("", _code(error), detail),)}


def _standing(error: CommandRefusedError) -> Mapping[str, Any]:
    """Tell how the task stands now, and what it takes, as the task itself tells it."""
    plan = services().plans.show(error.plan_id)
    return {"state": str(plan.state), "allowed": acts_of(plan)}


def _dashed(code: str) -> str:
    return code.replace("_", "-")


def _code(error: Exception) -> str:
    if isinstance(error, TargetError):
        return "target"
    return "query" if isinstance(error, QueryInvalidError) else "invalid"


@bp.get("")
def index() -> Response:
    """All kinds of problems."""
    return answer("problems.html", {}, kinds=KINDS, one=None)


@bp.get("/<code>")
def show(code: str) -> Response:
    """One kind; 404 if there is none."""
    if code not in _BY_CODE:
        raise NotFound(f"there is no problem {code[:80]!r}: {url_for('problems.index')} lists them")
    return answer("problems.html", {}, kinds=(_BY_CODE[code],), one=_BY_CODE[code])
