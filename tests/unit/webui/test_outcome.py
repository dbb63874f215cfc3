"""The output of a step as people read it."""

import json
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.records import JsonObject
from mcoflow.domain.requests import HostRecord
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import draft
from tests.servers.house import House
from webui.pages.outcome import Move, outcome_of

INSTALLED: JsonObject = {
    "after": "2.10-3",
    "before": None,
    "changed": True,
    "exit_code": 0,
    "packages": [{"name": "hello", "before": None, "after": "2.10-3"}],
    "packages_total": 3,
    "duration_ms": 9272,
    "colour": "green",
    "log": "Reading package lists...\nSetting up hello\n",
}


def test_what_changed_comes_first_and_unknown_names_stay() -> None:
    found = outcome_of(INSTALLED)
    assert found.lines == [
        ("changed", "yes"),
        ("before → after", "absent → 2.10-3"),
        ("exit code", "0"),
        ("duration", "9.3 s"),
        ("colour", "green"),
    ]
    assert found.packages == [Move("hello", "absent", "2.10-3")]
    assert found.left_out == 2
    assert found.logs == [("log", INSTALLED["log"])]


@pytest.mark.parametrize(
    ("odd", "line"),
    [
        ({"packages": [{"name": "hello"}]}, ("packages", '[\n  {\n    "name": "hello"\n  }\n]')),
        ({"packages": "all"}, ("packages", "all")),
        ({"log": 5}, ("log", "5")),
        ({"duration_ms": "long"}, ("duration_ms", "long")),
        ({"before": "1.0"}, ("before", "1.0")),
        ({"exit_code": None}, ("exit code", "none: nothing was run")),
    ],
)
def test_what_has_another_shape_than_its_name_promises_is_shown_as_it_is(
    odd: JsonObject, line: tuple[str, str]
) -> None:
    assert outcome_of(odd).lines == [line]


def test_no_output_is_nothing() -> None:
    assert not outcome_of({})
    assert not outcome_of({"packages": [], "packages_total": 0}).lines


@pytest.fixture(scope="module")
def plan(house: House) -> UUID:
    """A task whose step has an output, on a host that is not simulated beside one that is."""
    made = draft(hosts=2, plan_id=uuid4(), label="outcome", args="{}")
    made.plan.simulated = True
    for action in made.actions:
        action.output = json.dumps(INSTALLED)
    house.store.commit(Changes(new_plans=[made]))
    host = next(step.host for step in made.steps if step.host)
    house.store.save_hosts([HostRecord(host, simulated=True)])
    return made.plan.id


def test_the_step_page_has_a_table_of_packages_and_the_log_last(client: FlaskClient, plan: UUID) -> None:
    steps = client.get(f"/tasks/{plan}?part=steps").text
    page = client.get(f"/tasks/{plan}/steps/{_first(steps)}").text
    assert '<th scope="row">hello</th><td>absent</td><td>2.10-3</td>' in page
    assert "and 2 more" in page
    assert page.index("output-heading") < page.index('<pre class="log"')
    assert "In code" not in page


def test_only_hosts_that_are_simulated_are_marked_so(client: FlaskClient, plan: UUID) -> None:
    steps = client.get(f"/tasks/{plan}?part=steps").text.partition("<details")[0]
    assert steps.count(">simulated</span>") == 1


def _first(steps: str) -> str:
    return steps.partition("/steps/")[2].partition('"')[0]
