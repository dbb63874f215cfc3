"""The OpenAPI document is valid, refers to nothing outside, and says what the routes are."""

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from webui.api.v1.surface import ROUTES


def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    return dict(answer.json)


def references(part: Any) -> Iterator[str]:
    """Yield all references of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    for each in part if isinstance(part, list) else ():
        yield from references(each)


def test_the_document_is_valid_and_self_contained(client: FlaskClient) -> None:
    """H-039: OpenAPI 3.1; all that it refers to is in it, and all that is in it is referred to."""
    found = document(client)
    validate(found)
    assert found["openapi"].startswith("3.1.")
    named = {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    assert set(references(found)) == named
    assert "http" not in json.dumps(found)


def test_the_document_has_every_route_and_no_other(client: FlaskClient, app: Flask) -> None:
    """H-054 as far as there are no roles: what is not declared is not there."""
    told = {(method.upper(), path) for path, found in document(client)["paths"].items() for method in found}
    there = {
        (method, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert told == there
    assert len(told) == len(ROUTES)


def test_every_route_is_named_and_says_what_it_does(client: FlaskClient) -> None:
    operations = [each for path in document(client)["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    assert all(each["summary"] for each in operations)
