"""Whatever is sent to the documented routes: never a 5xx, and always an answer that the document declares."""

import json
import re
from typing import Any, Final
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from webui.api.v1.document import document

DOCUMENT: Final = document()
NOT_NOW: Final = {("POST", "/api/v1/tasks/{task_id}/halt"), ("DELETE", "/api/v1/hosts/{name}")}
"""They would take away what other tests use."""
OPERATIONS: Final = [
    (method.upper(), path, told)
    for path, each in DOCUMENT["paths"].items()
    for method, told in each.items()
    if (method.upper(), path) not in NOT_NOW
]
SOME: Final = st.sampled_from(
    [
        "",
        "0",
        "1",
        "-1",
        "50",
        "501",
        "all",
        "stopped",
        "sim-00001",
        "ping",
        "os.id==",
        "\x00",
        "%",
        "é",
        "a,b",
    ]
)
TEXTS: Final = SOME | st.text(max_size=20)
VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PING: Final = {"action": "ping", "input": {"hosts": ["sim-00001"]}}


@st.composite
def requests(draw: Any, path: str, told: dict[str, Any]) -> dict[str, Any]:
    """Draw a request to a route: some of what it takes, and some of what it does not."""
    names = [each["name"] for each in told["parameters"] if each["in"] == "query"] or ["odd"]
    query = draw(st.dictionaries(st.sampled_from([*names, "odd"]), TEXTS, max_size=3))
    filled = re.sub(r"\{(\w+)\}", lambda found: _segment(draw, found[1]), path)
    request: dict[str, Any] = {"path": filled, "query_string": query}
    if "requestBody" in told:
        reference = told["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        members = list(DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]].get("properties", {}))
        body = draw(st.dictionaries(st.sampled_from([*members, "odd"]), VALUES, max_size=4) | VALUES)
        if isinstance(body, dict) and draw(st.booleans()):
            body = {**(PING if "action" in members else {}), **body}
        request["data"] = json.dumps(body)
    return request


def _segment(draw: Any, name: str) -> str:
    text = draw(TEXTS) if name == "name" else draw(st.sampled_from([str(uuid4()), "x", "1", "9" * 30]))
    return re.sub(r"[/?#]", "", text) or "x"


@pytest.mark.parametrize(("method", "path", "told"), OPERATIONS, ids=lambda each: str(each)[:60])
def test_any_request_gets_a_declared_answer(
    client: FlaskClient, method: str, path: str, told: dict[str, Any]
) -> None:
    """H-039, bounded: no 5xx, no undeclared status, no answer that does not fit its schema; 405 and 404 are
    of paths that are none."""

    @given(request=requests(path, told))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(request: dict[str, Any]) -> None:
        answer = client.open(method=method, **request)
        assert answer.status_code < 500, answer.text
        assert str(answer.status_code) in (*told["responses"], "404", "405")
        check(told["responses"].get(str(answer.status_code)), answer)

    holds()


def check(declared: dict[str, Any] | None, answer: Any) -> None:
    """Compare an answer with what the document says of it."""
    for kind, content in (declared or {}).get("content", {}).items():
        assert answer.content_type == kind
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(answer.json)
