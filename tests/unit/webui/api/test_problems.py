"""What goes wrong is told in one way, and explained."""

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.servers.house import House
from tests.unit.webui.conftest import Person
from tests.waiting import until
from webui.api.v1.problems import KINDS

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SECRET = "-hunter2 of all"
MEMBERS = {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1", 404, "not-found"),
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("GET", "/api/v1/tasks/", 404, "not-found"),
        ("GET", f"/api/v1/tasks/{UNKNOWN}", 404, "not-found"),
        ("PUT", "/api/v1/tasks", 405, "wrong-method"),
        ("OPTIONS", "/api/v1/openapi.json", 405, "wrong-method"),
        ("GET", "/api/v1/tasks?limit=0", 422, "invalid"),
        ("GET", f"/api/v1/tasks?q={'x' * 9000}", 414, "url-too-long"),
    ],
)
def test_every_error_is_a_problem_with_five_members(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    """H-055, H-056: and its type opens a page that explains it."""
    answer = client.open(path, method=method, headers={"X-Request-ID": "r-1"})
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert set(answer.json) - {"errors"} == MEMBERS
    assert ("errors" in answer.json) == (status == 422)
    assert (answer.json["status"], answer.json["type"]) == (status, f"/problems/{code}")
    assert answer.json["instance"] == "r-1"
    assert client.get(answer.json["type"]).status_code == 200
    if status == 405:
        assert answer.headers["Allow"]


def test_a_foreign_origin_and_an_unknown_host_are_problems_too(client: FlaskClient) -> None:
    """H-029, H-055"""
    foreign = client.post("/api/v1/tasks", headers={"Origin": "https://elsewhere.example"})
    assert (foreign.status_code, foreign.json["type"]) == (403, "/problems/forbidden")
    without_token = client.post("/api/v1/tasks", headers={"Origin": "http://localhost"})
    assert (without_token.status_code, without_token.json["type"]) == (403, "/problems/forbidden")
    unknown = client.get("/api/v1/tasks", headers={"Host": "elsewhere.example"})
    assert (unknown.status_code, unknown.json["type"]) == (400, "/problems/bad-request")


@pytest.mark.parametrize(
    "order",
    [
        {"action": "install", "input": {"hosts": ["sim-00001"], "package": SECRET}},
        {"action": "restart", "input": {"hosts": ["sim-00001"], "service": SECRET, "odd": SECRET}},
        {"action": "package.search", "input": {"text": SECRET, "limit": SECRET}, "targets": "sim-00001"},
        {"action": "test_api_fetches", "input": {"mirror": [SECRET]}},
        {"action": "ping", "input": SECRET, "start_at": SECRET, "rollout": {"canary": SECRET}},
    ],
)
def test_no_value_of_an_input_is_repeated_in_what_is_wrong_with_it(
    client: FlaskClient, house: House, order: dict[str, Any]
) -> None:
    """H-055: it may be secret."""
    until(house.services.operations.list, "a host has told what it offers")
    for path in ("/api/v1/tasks", "/api/v1/tasks/preview"):
        answer = client.post(path, json=order)
        assert answer.status_code == 422
        assert "hunter2" not in answer.text


MANY = {f"odd{number}": 1 for number in range(20_000)}


@pytest.mark.parametrize(
    "order",
    [
        {"action": "install", "input": {"hosts": ["sim-00001"], "package": "nginx", **MANY}},
        {"action": "install", "input": {"hosts": [[]] * 15_000, "package": "nginx"}},
        {"action": "package.search", "input": {"text": "nginx", **MANY}, "targets": "sim-00001"},
        {"action": "ping", "input": {"hosts": ["sim-00001"]}, "rollout": MANY},
        {"action": "ping", **MANY},
        {
            "action": "operation",
            "input": {"operation": "package.search", "hosts": ["sim-00001"], "args": MANY},
        },
    ],
)
def test_who_sends_thousands_of_wrong_members_is_not_sent_thousands(
    client: FlaskClient, house: House, order: dict[str, Any]
) -> None:
    """H-039: they are refused; the first of them are named."""
    until(house.services.operations.list, "a host has told what it offers")

    answer = client.post("/api/v1/tasks/preview", json=order)

    assert answer.status_code == 422
    assert 1 <= len(answer.json["errors"]) <= 50
    assert len(answer.data) < 20_000


def test_a_page_of_ours_may_command_with_its_token(person: Person) -> None:
    """Chapter 1: what carries signs of a browser needs the token; a program needs none."""
    task = person.client.post("/api/v1/tasks", json={"action": "test_api_rests"})
    assert task.status_code == 403
    headers = {"Origin": "http://localhost", "X-CSRFToken": person.token}
    made = person.client.post("/api/v1/tasks", json={"action": "test_api_rests"}, headers=headers)
    assert made.status_code == 201


def test_every_kind_of_problem_has_a_page_and_an_example_that_can_be_read(client: FlaskClient) -> None:
    """H-055"""
    index = client.get("/problems").text
    for kind in KINDS:
        page = client.get(f"/problems/{kind.code}")
        assert page.status_code == 200
        assert f"/problems/{kind.code}" in index
        example = re.search(r"<pre>(.*?)</pre>", page.text)
        assert example is not None
        assert set(json.loads(example[1].replace("&#34;", '"').replace("&#39;", "'"))) == MEMBERS
    assert client.get("/problems/nothing").status_code == 404
