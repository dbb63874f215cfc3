"""The OpenAPI 3.1 document, made of the routes and the models that they name (ADR 15)."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from webui.api.v1.problems import TYPE
from webui.api.v1.shapes.problem import Problem
from webui.api.v1.surface import HEADERS, KEY, ROUTES, Route, blueprint

bp = blueprint("document")

_REF: Final = "#/components/schemas/{model}"
_PATH: Final = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_PATH_TYPES: Final[Mapping[type, Mapping[str, Any]]] = {
    UUID: {"type": "string", "format": "uuid"},
    int: {"type": "integer", "minimum": 0},
    str: {"type": "string", "minLength": 1},
}
_ALWAYS: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
Model = type[BaseModel]


@bp.get("/openapi.json", provide_automatic_options=False)
def openapi() -> Response:
    """This document."""
    return Response(json.dumps(document()), content_type="application/json")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the document; it refers to nothing outside of itself."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(ROUTES, key=lambda each: (each.rule, each.method)):
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mcoflow",
            "version": "1",
            "description": "Durable remote commands on many hosts: make tasks, watch them, command them.",
        },
        "paths": paths,
        "components": {"schemas": {name: found for name, found in schemas.items() if name not in _queries()}},
    }


def path_of(route: Route) -> str:
    """Return the path as OpenAPI writes it."""
    return _PATH.sub(r"{\1}", route.rule)


def _schemas() -> dict[str, Any]:
    """Return the schemas of all models by name, those of queries too."""
    wanted: list[tuple[Model, JsonSchemaMode]] = [(Problem, "serialization")]
    for route in ROUTES:
        wanted.append((route.query, "validation"))
        if route.body is not None:
            wanted.append((route.body, "validation"))
        if route.answer is not None:
            wanted.append((route.answer, "serialization"))
    _, made = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    found: dict[str, Any] = made["$defs"]
    return found


def _queries() -> set[str]:
    bodies = {route.body.__name__ for route in ROUTES if route.body is not None}
    return {route.query.__name__ for route in ROUTES} - bodies


def _operation(route: Route, schemas: Mapping[str, Any]) -> dict[str, Any]:
    summary, _, more = route.text.partition("\n\n")
    told: dict[str, Any] = {
        "operationId": route.name,
        "summary": " ".join(summary.split()),
        "parameters": [*_path_parameters(route), *_query_parameters(route, schemas), *_headers(route)],
        "responses": {str(int(status)): _answer(route, status) for status in _statuses(route)},
    }
    if more:
        told["description"] = " ".join(more.split())
    if route.body is not None:
        told["requestBody"] = {
            "required": bool(schemas[route.body.__name__].get("required")),
            "content": {"application/json": {"schema": {"$ref": _REF.format(model=route.body.__name__)}}},
        }
    return told


def _path_parameters(route: Route) -> Iterator[Mapping[str, Any]]:
    for name in _PATH.findall(route.rule):
        yield {"name": name, "in": "path", "required": True, "schema": _PATH_TYPES[route.path[name]]}


def _query_parameters(route: Route, schemas: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name, found in schemas[route.query.__name__].get("properties", {}).items():
        schema = dict(found)
        told = {"description": schema.pop("description")} if "description" in schema else {}
        commas = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
        yield {"name": name, "in": "query", **told, **commas, "schema": schema}


def _headers(route: Route) -> Sequence[Mapping[str, Any]]:
    if KEY not in route.headers:
        return ()
    return [{"name": KEY, "in": "header", "description": HEADERS[KEY], "schema": _key_schema()}]


def _key_schema() -> Mapping[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}


def _statuses(route: Route) -> Sequence[HTTPStatus]:
    found = {route.status, *_ALWAYS}
    if route.path:
        found.add(HTTPStatus.NOT_FOUND)
    if route.body is not None:
        found.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if route.conflicts:
        found.add(HTTPStatus.CONFLICT)
    if route.method == "GET":
        found.add(HTTPStatus.NOT_MODIFIED)
    return sorted(found)


def _answer(route: Route, status: HTTPStatus) -> Mapping[str, Any]:
    if status >= HTTPStatus.BAD_REQUEST:
        schema = {"$ref": _REF.format(model=Problem.__name__)}
        return {"description": status.phrase, "content": {TYPE: {"schema": schema}}}
    told: dict[str, Any] = {"description": status.phrase}
    if status == route.status and route.answer is not None:
        schema = {"$ref": _REF.format(model=route.answer.__name__)}
        told["content"] = {"application/json": {"schema": schema}}
        named = {name: HEADERS[name] for name in route.headers if name != KEY}
        if named:
            told["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in named.items()
            }
    return told
