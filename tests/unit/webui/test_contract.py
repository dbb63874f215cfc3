"""The contract for clients of a smart proxy's Dynflow API, as a black box."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from mcoflow.action import Action
from mcoflow.services.views import PlanView
from tests.servers.house import House
from tests.waiting import until

Ended = Callable[[str], PlanView]
PLAN_KEYS = {
    "id", "class", "label", "state", "result", "root_plan_step_id", "run_flow", "finalize_flow", "step_ids",
    "started_at", "ended_at", "execution_time", "real_time", "execution_history", "actions",
}  # fmt: skip
ACTION_KEYS = {
    "class", "execution_plan_id", "id", "plan_step_id", "run_step_id", "finalize_step_id",
    "caller_execution_plan_id", "caller_action_id", "input", "output",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
PING = {"action_name": "ping", "action_input": {"hosts": ["sim-00001"]}}


class PlanningFails(Action):
    """Cannot be planned; known under an older name too."""

    name = "test_planning_fails"
    former_names = ("Old::PlanningFails",)

    def plan(self, **fields: Any) -> None:
        """Fail."""
        raise ValueError("no plan for this")


def create(client: FlaskClient, body: dict[str, Any]) -> str:
    """Create a task and return its id."""
    answer = client.post("/dynflow/tasks", json=body)
    assert answer.status_code == 200, answer.text
    assert set(answer.json or {}) == {"task_id"}
    return str((answer.json or {})["task_id"])


@pytest.mark.parametrize("path", ["/dynflow/tasks", "/dynflow/tasks/"])
def test_a_known_action_makes_a_task_whose_status_can_be_asked(client: FlaskClient, path: str) -> None:
    """H-001: the body is one key `task_id`, a UUID; also with a trailing slash."""
    answer = client.post(path, json=PING)
    assert answer.status_code == 200
    assert set(answer.json) == {"task_id"}
    task = UUID(answer.json["task_id"])
    assert client.get(f"/dynflow/tasks/{task}/status").status_code == 200
    assert client.get(f"/dynflow/tasks/{task}/status/").status_code == 200


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/json", None]
)
def test_the_declared_type_of_the_body_does_not_matter(client: FlaskClient, kind: str | None) -> None:
    """H-002: answered alike, without a redirect."""
    answer = client.post("/dynflow/tasks", data=json.dumps(PING), content_type=kind)
    assert (answer.status_code, set(answer.json)) == (200, {"task_id"})


def test_a_task_whose_planning_fails_has_an_id_and_is_an_error(client: FlaskClient) -> None:
    """H-003: 200 with an id, status stopped/error."""
    task = create(client, {"action_name": "test_planning_fails", "action_input": {}})
    status = client.get(f"/dynflow/tasks/{task}/status").json
    assert (status["state"], status["result"]) == ("stopped", "error")


@pytest.mark.parametrize("name", ["String", "os.system", "mcoflow.engine.world.World", "nothing"])
def test_what_is_not_registered_cannot_be_run(
    client: FlaskClient, tasks: Callable[[], int], name: str
) -> None:
    """H-004: 422, and no task."""
    before = tasks()
    answer = client.post("/dynflow/tasks", json={"action_name": name, "action_input": {}})
    assert answer.status_code == 422
    assert name in answer.json["error"]
    assert tasks() == before


def test_an_alias_of_a_registered_action_works(client: FlaskClient) -> None:
    """H-004: by a former name, and by `action_class`."""
    create(client, {"action_class": "Old::PlanningFails", "action_input": {}})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"action_name": "ping", "action_name": "ping"}', 400),
        (b'{"x": NaN}', 400),
        (b'{"x": 1e999}', 400),
        (b'{"x": 9007199254740992}', 400),
        (b'{"x": "\\u0000"}', 400),
        (b'{"x": ["\\ud800"]}', 400),
        (b"[" * 21 + b"]" * 21, 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"action_name": "ping"}', 422),
        (b'{"action_name": ["ping"], "action_input": {}}', 422),
        (b'{"action_name": "ping", "action_input": "x"}', 422),
        (b'{"action_name": "ping", "action_input": {"hosts": []}}', 422),
        (b'{"action_name": "ping", "action_input": {"hosts": ["-x"]}}', 422),
        (b'{"action_name": "install", "action_input": {"hosts": ["a"], "package": "$(id)"}}', 422),
        (b'{"action_name": "install", "action_input": {"hosts": ["a"], "package": "x\\n"}}', 422),
    ],
)
def test_bad_bodies_are_refused_in_json(
    client: FlaskClient, tasks: Callable[[], int], body: bytes, status: int
) -> None:
    """H-005, H-061: every refusal is `application/json` with one text, and nothing is made."""
    before = tasks()
    answer = client.post("/dynflow/tasks", data=body)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/json"
    assert isinstance(answer.json["error"], str)
    assert tasks() == before


def test_the_full_status_has_exactly_its_keys(client: FlaskClient, ended: Ended) -> None:
    """H-006: 15 of the plan, 10 of each action; times match the format or are null."""
    task = create(
        client,
        {
            "action_name": "install_and_restart",
            "action_input": {"hosts": ["sim-00001"], "packages": ["nginx", "php"], "services": ["web"]},
        },
    )
    ended(task)
    status = client.get(f"/dynflow/tasks/{task}/status").json
    assert set(status) == PLAN_KEYS
    assert all(set(action) == ACTION_KEYS for action in status["actions"])
    assert TIME.fullmatch(status["started_at"])
    assert TIME.fullmatch(status["ended_at"])
    assert status["class"] == "install_and_restart"
    assert all(set(line) == {"time", "name", "world_id"} for line in status["execution_history"])
    numbers = [step for step in flat(status["run_flow"]) if isinstance(step, int)]
    assert set(numbers) <= set(status["step_ids"])
    assert status["run_flow"][0] == "S"
    assert status["run_flow"][1][0] == "C"
    assert status["finalize_flow"] == ["S"]
    assert "$mcoflow_ref" not in json.dumps(status)


@pytest.mark.parametrize("task", ["abc", "0f269c44-6baf-419c-ade2-845479414755"])
def test_the_status_of_an_unknown_task_is_empty(client: FlaskClient, task: str) -> None:
    """H-009: 404 with `{}`."""
    answer = client.get(f"/dynflow/tasks/{task}/status")
    assert (answer.status_code, answer.json) == (404, {})


def test_counts_echo_their_state(client: FlaskClient, ended: Ended) -> None:
    """H-011: no state echoes `all`, unknown and empty ones count 0, `stopped` grows with each ended task."""
    count = "/dynflow/tasks/count"
    every, stopped = client.get(count).json, client.get(f"{count}?state=stopped").json
    assert every["state"] == "all"
    assert client.get(f"{count}?state=all").json == every
    assert client.get(f"{count}?state=bogus").json == {"count": 0, "state": "bogus"}
    assert client.get(f"{count}/?state=").json == {"count": 0, "state": ""}
    ended(create(client, PING))
    assert client.get(f"{count}?state=stopped").json["count"] == stopped["count"] + 1


def test_wrong_methods_and_paths_are_refused_in_json(client: FlaskClient) -> None:
    """H-027: GET on a POST path is 405 with `Allow`; what is not there is 404."""
    wrong = client.get("/dynflow/tasks")
    assert wrong.status_code == 405
    assert "POST" in wrong.headers["Allow"]
    for answer in (
        wrong,
        client.get("/dynflow/nothing"),
        client.post("/dynflow/tasks/launch", json={}),
        client.get("/dynflow//tasks"),
    ):
        assert answer.content_type == "application/json"
        assert answer.status_code in (404, 405)


def test_a_body_beyond_the_limit_is_refused(client: FlaskClient) -> None:
    answer = client.post("/dynflow/tasks", data=b" " * (8 * 2**20 + 1))
    assert (answer.status_code, answer.content_type) == (413, "application/json")


def flat(flow: Any) -> list[Any]:
    """Return what stands in a flow, without its nesting."""
    return [inner for part in flow for inner in flat(part)] if isinstance(flow, list) else [flow]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"operation": "package.search", "args": {}}, "text: is missing"),
        ({"operation": "package.search", "args": {"text": "-rf"}}, "text: should match"),
        ({"operation": "host.ping", "args": {}, "check": True}, "cannot predict"),
        ({"operation": "no.such", "args": {}}, "no host offers"),
    ],
)
def test_an_operation_that_its_declaration_refuses_makes_no_task(
    client: FlaskClient, house: House, tasks: Callable[[], int], asked: dict[str, Any], said: str
) -> None:
    """B-041: the API refuses as the form, the command line and the agent do, before anything is stored."""
    until(house.services.operations.list, "a host has told what it offers")
    before = tasks()

    answer = client.post(
        "/dynflow/tasks", json={"action_name": "operation", "action_input": {"hosts": ["sim-00001"], **asked}}
    )

    assert answer.status_code == 422, answer.text
    assert said in answer.text
    assert tasks() == before
