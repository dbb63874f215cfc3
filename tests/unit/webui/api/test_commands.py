"""Commands to tasks over the API."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Changes
from mcoflow.services.views import PlanView
from mcoflow.testing.contracts.samples import draft
from tests.servers.house import House
from tests.unit.webui.api.conftest import Call, Stumbles
from tests.waiting import until

Ended = Callable[[str | UUID], PlanView]
Make = Callable[[], str]
COMMANDS = {
    "cancel": ("POST", "/cancel"),
    "abort": ("POST", "/abort"),
    "halt": ("POST", "/halt"),
    "pause": ("POST", "/pause"),
    "resume": ("POST", "/resume"),
    "retry": ("POST", "/retry"),
    "skip": ("POST", "/steps/4/skip"),
    "amend": ("PUT", "/actions/2/input"),
    "rerun": ("POST", "/rerun"),
}
STATUS = {"rerun": 201, "amend": 200}
ALLOWED = {
    "scheduled": {"cancel", "abort", "halt"},
    "planned": {"cancel", "abort", "halt"},
    "running": {"cancel", "abort", "halt", "pause"},
    "paused": {"cancel", "abort", "halt", "resume", "retry", "skip", "amend"},
    "stopped": {"rerun"},
}


@pytest.fixture(autouse=True)
def wall() -> Iterator[None]:
    """Let Walk stumble, whatever a test before did."""
    Stumbles.wall = True
    yield
    Stumbles.wall = True


@pytest.fixture
def in_state(house: House, ended: Ended, call: Call) -> Callable[[str], str]:
    """Makes a task that stands so."""

    def submit(action: str) -> str:
        return str(house.services.plans.submit(action, {}, user="t").plan_id)

    def make(state: str) -> str:
        match state:
            case "scheduled":
                order = {"action": "test_api_rests", "start_at": "2999-01-01T00:00:00Z"}
                return str((call("POST", "/tasks", 201, order).json or {})["id"])
            case "planned":
                plan = draft(1, plan_id=uuid4(), label="waits", args="{}")
                plan.plan.ordered = False
                house.store.commit(Changes(new_plans=[plan]))
                return str(plan.plan.id)
            case "running":
                made = submit("test_api_sleeps")
                until(lambda: suspended(call, made), "it to sleep")
                return made
            case "paused":
                made = submit("test_api_walk")
            case _:
                made = submit("test_api_rests")
        ended(made)
        return made

    return make


def suspended(call: Call, task: str) -> list[dict[str, Any]]:
    return list((call("GET", f"/tasks/{task}/steps?state=suspended", 200).json or {})["items"])


def standing(call: Call, task: str) -> str:
    return str((call("GET", f"/tasks/{task}", 200).json or {})["state"])


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_taken_where_the_task_allows_it_and_else_refused_with_what_it_allows(
    call: Call, in_state: Callable[[str], str], state: str, name: str
) -> None:
    """H-045"""
    task = in_state(state)
    told: dict[str, Any] = call("GET", f"/tasks/{task}", 200).json or {}
    assert (told["state"], set(told["allowed"])) == (state, ALLOWED[state])
    method, path = COMMANDS[name]
    if name == "skip":
        failed = (call("GET", f"/tasks/{task}/steps?state=error", 200).json or {})["items"]
        path = f"/steps/{failed[0]['id'] if failed else 1}/skip"
    if name in told["allowed"]:
        call(method, f"/tasks/{task}{path}", STATUS.get(name, 202))
    else:
        problem = call(method, f"/tasks/{task}{path}", 409).json or {}
        assert (problem["state"], set(problem["allowed"])) == (state, ALLOWED[state])
        assert problem["type"] == "/problems/not-now"
    if state == "running":
        call("POST", f"/tasks/{task}/halt", None)  # it may be over


def test_a_cancel_tells_which_steps_it_told(call: Call, in_state: Callable[[str], str], ended: Ended) -> None:
    task = in_state("running")
    (step,) = (call("GET", f"/tasks/{task}/steps?phase=run", 200).json or {})["items"]
    answer = call("POST", f"/tasks/{task}/cancel", 202, {"force": False})
    assert answer.json == {"canceled_steps": [step["id"]]}
    assert ended(task).word == "cancelled"


def test_a_pause_can_be_asked_for_twice_and_withdrawn_as_often(
    call: Call, in_state: Callable[[str], str]
) -> None:
    """H-046: and it goes on where it stood."""
    task = in_state("running")
    for _ in range(2):
        noted = call("POST", f"/tasks/{task}/pause", 202).json
        assert noted == {"state": "running", "pause_requested": True}
    assert (call("GET", f"/tasks/{task}", 200).json or {})["pause_requested"]
    for _ in range(2):
        noted = call("DELETE", f"/tasks/{task}/pause", 202).json
        assert noted == {"state": "running", "pause_requested": False}
    call("POST", f"/tasks/{task}/halt", 202)
    call("DELETE", f"/tasks/{task}/pause", 409)


def test_a_paused_task_starts_nothing_and_goes_on_when_it_is_resumed(
    call: Call, house: House, ended: Ended
) -> None:
    """H-046: the step under way ends, the next begins after the resume alone."""
    made = house.services.plans.submit("test_api_sleeps_then_rests", {}, user="t").plan_id
    (sleeping,) = until(lambda: suspended(call, str(made)), "it to sleep")
    call("POST", f"/tasks/{made}/pause", 202)
    house.services.operating.event(made, sleeping["id"], "wake", actor="t", wait=timedelta(seconds=5))
    ended(made)
    steps = (call("GET", f"/tasks/{made}/steps?phase=run", 200).json or {})["items"]
    assert [step["state"] for step in steps] == ["success", "pending"]
    call("POST", f"/tasks/{made}/resume", 202)
    until(lambda: standing(call, str(made)) == "stopped", "the end")
    steps = (call("GET", f"/tasks/{made}/steps?phase=run", 200).json or {})["items"]
    assert [step["attempt"] for step in steps] == [1, 1]


def test_a_dry_run_of_a_skip_names_the_same_steps_and_changes_nothing(
    call: Call, in_state: Callable[[str], str], ended: Ended
) -> None:
    """H-047: and the task can end with a warning."""
    task = in_state("paused")
    (failed,) = (call("GET", f"/tasks/{task}/steps?state=error", 200).json or {})["items"]
    path = f"/tasks/{task}/steps/{failed['id']}/skip"
    before = call("GET", f"/tasks/{task}/steps", 200).json
    tried = call("POST", path, 202, {"dry_run": True}).json or {}
    assert call("GET", f"/tasks/{task}/steps", 200).json == before
    assert tried["skipped"][0] == failed["id"]
    alone = call("POST", path, 202, {"dry_run": True, "cover": "references"}).json or {}
    assert set(alone["skipped"]) < set(tried["skipped"])
    assert call("POST", path, 202).json == tried
    call("POST", path, 409)
    call("POST", f"/tasks/{task}/steps/9999/skip", 409)
    call("POST", f"/tasks/{task}/resume", 202)
    until(lambda: standing(call, task) == "stopped", "the end")
    assert ended(task).word == "warning"


def test_a_retry_is_another_attempt_of_what_failed_alone(
    call: Call, in_state: Callable[[str], str], ended: Ended
) -> None:
    """H-048: as attempt 2; an amended input is not offered yet."""
    task = in_state("paused")
    Stumbles.wall = False
    call("POST", f"/tasks/{task}/retry", 202)
    until(lambda: standing(call, task) == "stopped", "the end")
    steps = (call("GET", f"/tasks/{task}/steps?phase=run", 200).json or {})["items"]
    assert [(step["state"], step["attempt"]) for step in steps] == [("success", 2), ("success", 1)]


def test_a_retry_works_with_an_amended_input_and_the_history_names_who_amended(
    call: Call, house: House, ended: Ended
) -> None:
    """H-048: the action's own model checks it; what is done keeps its input."""
    task = str(house.services.plans.submit("test_api_fetches", {"mirror": "away"}, user="t").plan_id)
    ended(task)
    (failed,) = (call("GET", f"/tasks/{task}/steps?state=error", 200).json or {})["items"]
    path = f"/tasks/{task}/actions/{failed['action_id']}/input"
    assert "mirror" in (call("PUT", path, 422, {"odd": 1}).json or {})["detail"]
    call("PUT", path, 422, [])
    call("PUT", f"/tasks/{task}/actions/99/input", 409, {"mirror": "near"})
    call("PUT", path, 200, {"mirror": "near"})
    call("POST", f"/tasks/{task}/retry", 202)
    until(lambda: standing(call, task) == "stopped", "the end")
    (step,) = (call("GET", f"/tasks/{task}/steps?phase=run", 200).json or {})["items"]
    told = call("GET", f"/tasks/{task}/steps/{step['id']}", 200).json or {}
    assert (told["state"], told["attempt"], told["input"]) == ("success", 2, {"mirror": "near"})
    lines = (call("GET", f"/tasks/{task}/history", 200).json or {})["items"]
    assert ("amend input", "local") in [(line["name"], line["actor"]) for line in lines]
    call("PUT", path, 409, {"mirror": "far"})


def test_a_task_is_run_again_on_all_its_hosts_or_those_that_stand_so(call: Call, ended: Ended) -> None:
    hosts = ["sim-00001", "sim-00002", "never-there"]
    order = {"action": "ping", "input": {"hosts": hosts, "rollout": {"offline": "fail"}}}
    first = str((call("POST", "/tasks", 201, order).json or {})["id"])
    if ended(first).state is PlanState.PAUSED:
        call("POST", f"/tasks/{first}/cancel", 202)
        until(lambda: standing(call, first) == "stopped", "the end")
    answer = call("POST", f"/tasks/{first}/rerun", 201, {"hosts": "failed"})
    again = answer.json or {}
    assert answer.headers["Location"] == again["links"]["self"]
    assert sum(again["hosts"].values()) == 1
    assert sum((call("POST", f"/tasks/{first}/rerun", 201).json or {})["hosts"].values()) == 3
    call("POST", f"/tasks/{first}/rerun", 422, {"hosts": "lost"})
    ok = (call("POST", f"/tasks/{first}/rerun", 201, {"hosts": "succeeded"}).json or {})["id"]
    ended(ok)
    problem = call("POST", f"/tasks/{ok}/rerun", 422, {"hosts": "failed"}).json or {}
    assert "there is nothing to run again" in problem["detail"]


@pytest.mark.parametrize("path", [path for method, path in COMMANDS.values() if method == "POST"])
def test_a_command_with_members_that_it_does_not_know_is_refused(call: Call, path: str) -> None:
    """An unknown member is 422, and a body that is no object, too; an unknown task 404."""
    task = uuid4()
    problem = call("POST", f"/tasks/{task}{path}", 422, {"now": True}).json or {}
    assert [fault["pointer"] for fault in problem["errors"]] == ["/now"]
    call("POST", f"/tasks/{task}{path}", 422, [])
    call("POST", f"/tasks/{task}{path}", 404)
