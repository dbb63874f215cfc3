"""Making tasks over the API, and looking at what would be done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from mcoflow.services.views import PlanView
from tests.servers.house import House
from tests.unit.webui.api.conftest import API, Call
from tests.waiting import until
from webui.app import create_app, stop

Ended = Callable[[str | UUID], PlanView]
PING: dict[str, Any] = {"action": "ping", "input": {"hosts": ["sim-00001"]}}


def faults(call: Call, order: dict[str, Any], path: str = "/tasks") -> dict[str, str]:
    """Send what is refused, and return what is said at each pointer."""
    problem = call("POST", path, 422, order).json or {}
    return {fault["pointer"]: fault["message"] for fault in problem["errors"]}


def test_a_task_is_made_and_its_place_is_told(call: Call, ended: Ended) -> None:
    """H-041: 201 and `Location`."""
    answer = call("POST", "/tasks", 201, PING)
    task = answer.json or {}
    assert answer.headers["Location"] == f"{API}/tasks/{task['id']}"
    assert ended(task["id"]).word == "success"
    assert task["action"] == "ping"


def test_a_task_whose_planning_fails_is_made_and_stopped(call: Call) -> None:
    """H-041: 201 and stopped/error."""
    task = call("POST", "/tasks", 201, {"action": "test_api_unplannable"}).json or {}
    assert (task["state"], task["result"]) == ("stopped", "error")
    assert "no plan for this" in task["explanation"]


@pytest.mark.parametrize(
    ("order", "pointers"),
    [
        ({}, {"/action"}),
        ({"action": "ping", "now": 1, "later": 2}, {"/now", "/later"}),
        ({"action": 5}, {"/action"}),
        ({"action": "no-such-thing"}, {"/action"}),
        ({"action": "no.such"}, {"/action"}),
        ({"action": "ping"}, {"/input"}),
        ({"action": "ping", "input": {"hosts": ["a", "-x", "b_"]}}, {"/input/hosts/1", "/input/hosts/2"}),
        ({"action": "ping", "input": {"hosts": ["a"], "more/~": 1}}, {"/input/more~1~0"}),
        ({"action": "ping", "targets": "os.id=="}, {"/targets"}),
        ({"action": "ping", "targets": "group:nobody"}, {"/targets"}),
        ({"action": "ping", "targets": "never-seen-*"}, {"/targets"}),
        ({"action": "ping", "input": {"target": "and"}}, {"/input/target"}),
        ({"action": "ping", "input": {"target": "all"}, "targets": "all"}, {"/targets"}),
        ({"action": "ping", "input": {"hosts": ["a"]}, "targets": "all"}, {"/input"}),
        ({"action": "test_api_rests", "targets": "all"}, {"/targets"}),
        ({**PING, "rollout": {"batch": "0"}}, {"/rollout"}),
        ({**PING, "rollout": {"batch": True, "canary": -1}}, {"/rollout/batch", "/rollout/canary"}),
        ({**PING, "rollout": {"offline": "skip"}, "offline": "wait"}, {"/offline"}),
        ({**PING, "offline": "never"}, {"/offline"}),
        ({"action": "test_api_rests", "offline": "skip"}, {"/offline"}),
        ({**PING, "start_at": "tomorrow"}, {"/start_at"}),
        ({**PING, "start_at": "2999-01-01T00:00:00"}, {"/start_at"}),
        ({**PING, "start_at": 5}, {"/start_at"}),
        ({**PING, "start_at": "0001-01-01T00:00:00+23:59"}, {"/start_at"}),
        (
            {**PING, "start_at": "2999-01-01T00:00:00Z", "start_before": "2998-01-01T00:00:00Z"},
            {"/start_before"},
        ),
        ({"action": "package.search", "targets": "all"}, {"/input/text"}),
        ({"action": "package.search", "input": {"text": "x"}}, {"/targets"}),
        ({"action": "operation", "input": {"hosts": 5, "operation": "package.search"}}, {"/input/hosts"}),
        (
            {"action": "operation", "input": {"hosts": ["sim-00001"], "operation": "no.such"}},
            {"/input/operation"},
        ),
        (
            {
                "action": "operation",
                "input": {"hosts": ["sim-00001"], "operation": "package.search", "args": {"text": "-rf"}},
            },
            {"/input/args/text"},
        ),
    ],
)
@pytest.mark.parametrize("path", ["/tasks", "/tasks/preview"])
def test_each_fault_of_an_order_has_a_pointer_and_makes_no_task(
    call: Call, house: House, tasks: Callable[[], int], order: dict[str, Any], pointers: set[str], path: str
) -> None:
    """H-041: schema faults and unknown members are 422, of a preview the same."""
    until(house.services.operations.list, "a host has told what it offers")
    before = tasks()
    assert set(faults(call, order, path)) == pointers
    assert tasks() == before


@pytest.mark.parametrize("name", ["-rf", "a;b", "$(id)", "a\nb", "nginx\n", "\u00e9clair", " ", "a b"])
def test_no_name_that_a_tool_could_misread_reaches_the_bus(
    call: Call, tasks: Callable[[], int], name: str
) -> None:
    """H-061: 422, and nothing is made; NUL is 400 already."""
    before = tasks()
    install = {"hosts": ["sim-00001"], "package": name}
    assert set(faults(call, {"action": "install", "input": install})) == {"/input/package"}
    restart = {"hosts": ["sim-00001"], "service": name}
    assert set(faults(call, {"action": "restart", "input": restart})) == {"/input/service"}
    if name.strip():
        assert set(faults(call, {"action": "ping", "input": {"hosts": [name]}})) <= {"/input/hosts/0"}
    call("POST", "/tasks", 400, {"action": "install", "input": {**install, "package": "a\0"}})
    assert tasks() == before


def test_targets_portions_and_offline_come_to_the_action(call: Call, house: House, ended: Ended) -> None:
    order = {"action": "ping", "targets": "sim-0000[12]", "rollout": {"batch": 1}, "offline": "skip"}
    task = call("POST", "/tasks", 201, order).json or {}
    told = ended(task["id"])
    assert told.word == "success"
    assert list(told.hosts) == ["sim-00001", "sim-00002"]
    assert told.arguments["target"] == "sim-0000[12]"
    assert told.arguments["rollout"]["offline"] == "skip"
    assert told.rollouts[0].waves == 2


def test_an_operation_is_run_by_its_short_name(call: Call, house: House, ended: Ended) -> None:
    """B-041 over the API: by the hosts' own declaration."""
    until(house.services.operations.list, "a host has told what it offers")
    order = {"action": "package.search", "input": {"text": "ngin"}, "targets": "sim-00001"}
    task = call("POST", "/tasks", 201, order).json or {}
    assert ended(task["id"]).arguments["operation"] == "package.search"


def test_a_task_can_begin_later(call: Call) -> None:
    order = {**PING, "start_at": "2999-01-01T01:00:00+01:00", "start_before": "2999-01-02T00:00:00Z"}
    task = call("POST", "/tasks", 201, order).json or {}
    assert (task["state"], task["start_at"]) == ("scheduled", "2999-01-01T00:00:00.000Z")
    assert task["start_before"] == "2999-01-02T00:00:00.000Z"


def test_a_preview_tells_hosts_steps_and_waves_and_stores_nothing(
    call: Call, tasks: Callable[[], int]
) -> None:
    before = tasks()
    hosts = ["sim-00001", "sim-00002", "gone"]
    order = {"action": "ping", "input": {"hosts": hosts}, "rollout": {"canary": 1}}
    found = call("POST", "/tasks/preview", 200, order).json or {}
    assert found["hosts"] == hosts
    assert (found["steps"], found["waves"], found["offline"]) == (3, [1, 2], ["gone"])
    assert found["simulated"] == hosts[:2]
    assert found["unknown"] == []
    mistyped = {"action": "ping", "targets": "sim-00001,sim-0001,web* and not db1"}
    assert (call("POST", "/tasks/preview", 200, mistyped).json or {})["unknown"] == ["sim-0001"]
    none = call("POST", "/tasks/preview", 200, {"action": "test_api_walk"}).json or {}
    assert (none["hosts"], none["steps"], none["waves"]) == ([], 2, [])
    assert "no plan for this" in str(faults(call, {"action": "test_api_unplannable"}, "/tasks/preview"))
    assert tasks() == before


def test_an_order_with_the_digest_of_a_preview_is_taken_only_as_long_as_it_holds(
    call: Call, house: House, tasks: Callable[[], int]
) -> None:
    """4.1: a stale digest is 409, and nothing is made."""
    name = f"g-{uuid4().hex[:8]}"
    house.services.targets.set_group(name, "sim-00001", user="t")
    order = {"action": "ping", "targets": f"group:{name}"}
    digest = (call("POST", "/tasks/preview", 200, order).json or {})["digest"]
    call("POST", "/tasks", 201, {**order, "digest": digest})
    house.services.targets.set_group(name, "sim-00002", user="t")
    before = tasks()
    problem = call("POST", "/tasks", 409, {**order, "digest": digest}).json or {}
    assert problem["type"] == "/problems/stale-digest"
    call("POST", "/tasks", 409, {**order, "digest": "x"})
    assert tasks() == before


def test_equal_orders_with_one_key_are_one_task_also_after_a_restart(tmp_path: Path) -> None:
    """H-042: 20 at once, another body 422, the same after a restart; without a key each is its own."""
    key = {"Idempotency-Key": f"k-{uuid4()}"}

    def order(app: Flask, body: dict[str, Any], headers: dict[str, str]) -> Any:
        return app.test_client().post(f"{API}/tasks", json=body, headers=headers)

    with House(tmp_path) as house:
        app = create_app(house.services, house.settings)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: order(app, PING, key), range(20)))
        assert {answer.status_code for answer in answers} == {201}
        (made,) = {answer.json["id"] for answer in answers}
        again = order(app, PING, key)
        assert (again.json["id"], again.headers["Idempotent-Replay"]) == (made, "true")
        for other in (
            {"action": "ping", "input": {"hosts": ["sim-00002"]}},
            {**PING, "action": "test_api_rests", "input": {}},
            {**PING, "start_at": "2999-01-01T00:00:00Z"},
        ):
            assert order(app, other, key).status_code == 422
        later = {"Idempotency-Key": "later"}
        one = order(app, {**PING, "start_at": "2999-01-01T00:00:00Z"}, later)
        assert order(app, {**PING, "start_at": "2999-01-01T00:00:00Z"}, later).json["id"] == one.json["id"]
        for other in (PING, {**PING, "start_at": "2999-01-01T00:00:01Z"}):
            assert order(app, other, later).status_code == 422
        assert house.services.plans.counts()["all"] == 2
        assert "Idempotent-Replay" not in order(app, PING, {}).headers
        stop(app)
    with House(tmp_path) as house:
        app = create_app(house.services, house.settings)
        again = order(app, PING, key)
        assert (again.json["id"], again.headers["Idempotent-Replay"]) == (made, "true")
        assert house.services.plans.counts()["all"] == 3
        stop(app)


def test_a_key_is_kept_by_what_was_asked_whatever_it_means_by_now(call: Call, house: House) -> None:
    """H-042: of a target that means nobody any more, and of an operation with what it is filled up with."""
    until(house.services.operations.list, "a host has told what it offers")
    name, key = f"g-{uuid4().hex[:8]}", f"k-{uuid4()}"
    house.services.targets.set_group(name, "sim-00001", user="t")
    order = {"action": "ping", "targets": f"group:{name}", "rollout": {"batch": 1}}
    made = (call("POST", "/tasks", 201, order, Idempotency_Key=key).json or {})["id"]
    house.services.targets.set_group(name, "nobody-at-all", user="t")
    again = call("POST", "/tasks", 201, order, Idempotency_Key=key)
    assert ((again.json or {})["id"], again.headers["Idempotent-Replay"]) == (made, "true")
    call("POST", "/tasks", 422, {**order, "rollout": {"batch": 2}}, Idempotency_Key=key)
    call("POST", "/tasks", 422, order, Idempotency_Key=f"{key}-2")

    search = {"action": "package.search", "input": {"text": "ngin"}, "targets": "sim-00001"}
    made = (call("POST", "/tasks", 201, search, Idempotency_Key=f"{key}-3").json or {})["id"]
    again = call("POST", "/tasks", 201, search, Idempotency_Key=f"{key}-3")
    assert (again.json or {})["id"] == made
    call("POST", "/tasks", 422, {**search, "input": {"text": "php"}}, Idempotency_Key=f"{key}-3")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\u00e9"])
def test_a_key_that_is_none_is_refused(call: Call, key: str) -> None:
    problem = call("POST", "/tasks", 422, PING, Idempotency_Key=key).json or {}
    assert problem["errors"][0]["pointer"] == "/Idempotency-Key"


def test_bodies_and_inputs_beyond_their_limits_are_refused(app: Flask, call: Call) -> None:
    """H-056, as far as it is offered: 413 above 4 and 1 MiB, 422 above 1 MiB of input and 20,000 hosts."""
    client = app.test_client()
    for path, size in (("/tasks", 4), ("/tasks/preview", 4), (f"/tasks/{uuid4()}/cancel", 1)):
        answer = client.post(f"{API}{path}", data=b" " * ((size << 20) + 1))
        assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert set(faults(call, {"action": "test_api_rests", "input": {"x": "y" * (1 << 20)}})) == {"/input"}
    hosts = [f"h{number}" for number in range(20_001)]
    assert set(faults(call, {"action": "ping", "input": {"hosts": hosts}})) == {"/input/hosts"}


def test_bodies_that_can_be_read_in_two_ways_are_refused(app: Flask) -> None:
    client = app.test_client()
    for body in (
        b"{",
        b"\xff",
        b'{"action": "ping", "action": "ping"}',
        b'{"x": NaN}',
        b"[" * 30 + b"]" * 30,
    ):
        answer = client.post(f"{API}/tasks", data=body)
        assert (answer.status_code, answer.json["type"]) == (400, "/problems/bad-request")
