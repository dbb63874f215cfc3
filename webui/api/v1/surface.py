"""What a route is: parameters, body and answer stand in the annotations of its function, and only there."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

from flask import Blueprint, Response, request
from pydantic import BaseModel

from webui.api.v1.problems import PREFIX
from webui.api.v1.reading import read_body, read_query
from webui.api.v1.shapes.base import Nothing

A = TypeVar("A", bound=BaseModel)
F = TypeVar("F", bound=Callable[..., Any])

KEY: Final = "Idempotency-Key"
REPLAY: Final = "Idempotent-Replay"
LOCATION: Final = "Location"
HEADERS: Final[Mapping[str, str]] = {
    KEY: "the same key is the same task, however often it is sent: 1 to 255 visible characters",
    REPLAY: "true if the key was used before, and this is what was made then",
    LOCATION: "where it is",
}
"""What the headers of routes mean."""


@dataclass(frozen=True, slots=True)
class Made(Generic[A]):
    """An answer, and the headers that go with it."""

    answer: A
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A route, for the document. `rule` as Flask writes it; `conflicts`: whether 409 is among its answers."""

    method: str
    rule: str
    name: str
    text: str
    status: HTTPStatus
    query: type[BaseModel]
    body: type[BaseModel] | None
    answer: type[BaseModel] | None
    path: Mapping[str, type]
    conflicts: bool = False
    headers: Sequence[str] = ()


ROUTES: Final[list[Route]] = []
"""All of them, in the order in which their modules were imported."""


def blueprint(name: str) -> Blueprint:
    """Return a blueprint of the API."""
    return Blueprint(f"api_{name}", __name__, url_prefix=PREFIX)


def route(
    bp: Blueprint,
    method: str,
    rule: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    conflicts: bool = False,
    body_limit: int | None = None,
    headers: Sequence[str] = (),
) -> Callable[[F], F]:
    """Declare a route: `query` and `body` are read from the request, what the function returns is sent."""

    def declare(view: F) -> F:
        told = _read(view, method, f"{PREFIX}{rule}", status)
        told = replace(told, conflicts=conflicts, headers=headers)
        ROUTES.append(told)
        answering = _answering(view, told, body_limit)
        bp.add_url_rule(rule, view.__name__, answering, methods=[method], provide_automatic_options=False)
        return view

    return declare


def _read(view: Callable[..., Any], method: str, rule: str, status: HTTPStatus) -> Route:
    """Return what the annotations of a function say; what is neither query nor body stands in the path."""
    known = get_type_hints(view)
    query, body, answer = known.pop("query", Nothing), known.pop("body", Nothing), known.pop("return")
    if get_origin(answer) is Made:
        (answer,) = get_args(answer)
    return Route(
        method=method,
        rule=rule,
        name=view.__name__,
        text=inspect.getdoc(view) or "",
        status=status,
        query=query,
        body=body if method in ("POST", "PUT") else None,
        answer=answer if answer is not type(None) else None,
        path=known,
    )


def _answering(view: Callable[..., Any], told: Route, body_limit: int | None) -> Callable[..., Response]:
    """Return what Flask calls: everything is read before anything is done."""

    @wraps(view)
    def answering(**given: Any) -> Response:
        query = read_query(told.query)
        if told.query is not Nothing:
            given["query"] = query
        if told.body is not None:
            body = read_body(told.body, body_limit)
            if told.body is not Nothing:
                given["body"] = body
        return _response(view(**given), told.status)

    return answering


def _response(answer: Any, status: HTTPStatus) -> Response:
    headers: Mapping[str, str] = {}
    if isinstance(answer, Made):
        answer, headers = answer.answer, answer.headers
    if answer is None:
        return Response(status=status, headers=headers)
    response = Response(
        answer.model_dump_json(by_alias=True), status, headers, content_type="application/json"
    )
    if request.method in ("GET", "HEAD"):
        response.add_etag()
        response.make_conditional(request)
    return response
