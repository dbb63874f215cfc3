"""Hosts over the API, and asking which are there."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from mcoflow.domain.requests import HostRecord
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import draft, request
from tests.servers.house import House
from tests.unit.webui.api.conftest import API, Call
from tests.waiting import until
from webui.app import create_app, stop


def test_hosts_are_paged_by_name_and_told_with_their_facts(call: Call, house: House) -> None:
    house.store.save_hosts([HostRecord(f"paged-{number}") for number in range(5)])
    names, cursor = [], ""
    while True:
        page: dict[str, Any] = call("GET", f"/hosts?q=paged&limit=2&cursor={cursor}", 200).json or {}
        names += [each["name"] for each in page["items"]]
        if not (cursor := page["next"]):
            break
    assert names == [f"paged-{number}" for number in range(5)]
    host = call("GET", "/hosts/SIM-00001", 200).json or {}
    assert (host["name"], host["presence"], host["simulated"]) == ("sim-00001", "online", True)
    assert "package.install" in host["operations"]
    facts = call("GET", "/hosts/sim-00001/facts", 200).json or {}
    assert facts
    for name in ("never-seen", "-x", "%00", "a%2Fb", "x" * 100):
        call("GET", f"/hosts/{name}", 404)
        call("GET", f"/hosts/{name}/facts", 404)
        call("POST", f"/hosts/{name}/admit", 404)
        call("DELETE", f"/hosts/{name}", 404)


def test_a_host_is_let_in_and_forgotten(call: Call, house: House) -> None:
    house.store.save_hosts([HostRecord("stranger", admitted=False)])
    assert (call("GET", "/hosts/stranger", 200).json or {})["presence"] == "pending"
    for _ in range(2):
        assert call("POST", "/hosts/stranger/admit", 202).json == {"name": "stranger"}
    assert (call("GET", "/hosts/stranger", 200).json or {})["presence"] != "pending"
    assert call("DELETE", "/hosts/stranger", 204).data == b""
    call("GET", "/hosts/stranger", 404)


def test_a_host_with_open_requests_is_not_forgotten(tmp_path: Path) -> None:
    """4.1: 409, and it is there still."""
    with House(tmp_path) as house:
        app = create_app(house.services, house.settings)
        house.store.save_hosts([HostRecord("web1")])
        plan = draft(1, plan_id=uuid4(), label="at work", args="{}")
        plan.plan.ordered = False
        house.store.commit(Changes(new_plans=[plan]))
        house.store.commit(Changes(new_requests=[request(plan.plan.id)]))
        refused = app.test_client().delete(f"{API}/hosts/web1")
        assert (refused.status_code, refused.json["type"]) == (409, "/problems/conflict")
        assert str(plan.plan.id) in refused.json["detail"]
        assert app.test_client().get(f"{API}/hosts/web1").status_code == 200
        stop(app)


def test_a_discovery_names_who_answered_and_who_did_not(call: Call, house: House) -> None:
    """H-058: with 3 of 4, and their times."""
    until(lambda: len(house.services.hosts.list().items) >= 3, "the hosts")
    house.store.save_hosts([HostRecord("mute", last_seen=house.services.clock.now().timestamp(), state="up")])
    question = {"hosts": ["sim-00001", "sim-00002", "sim-00003", "MUTE"], "window": 0.5}
    answer = call("POST", "/discoveries", 202, question)
    assert answer.headers["Location"] == (answer.json or {})["links"]["self"]

    def told() -> dict[str, Any]:
        return dict(call("GET", f"/discoveries/{(answer.json or {})['id']}", 200).json or {})

    until(lambda: told()["complete"], "the end of the window")
    found = told()
    assert sorted(each["host"] for each in found["answered"]) == ["sim-00001", "sim-00002", "sim-00003"]
    assert all(0 <= each["ms"] < 60_000 for each in found["answered"])
    assert found["silent"] + found["offline"] == ["mute"]
    assert found["expected"] == 4
    house.services.admissions.remove("mute")


def test_a_question_that_asks_nobody_is_refused(client: FlaskClient, call: Call) -> None:
    for question, pointer in (
        ({}, ""),
        ({"targets": "all", "hosts": ["a"]}, ""),
        ({"targets": "os.id=="}, ""),
        ({"targets": "all", "window": 61}, "/window"),
        ({"hosts": ["-x"]}, "/hosts/0"),
    ):
        problem = call("POST", "/discoveries", 422, question).json or {}
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer], question
    call("GET", f"/discoveries/{uuid4()}", 404)
