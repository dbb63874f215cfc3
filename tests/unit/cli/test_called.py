"""Tasks that call other tasks, on the command line."""

import re

import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow
from tests.unit.webui.called import Greet, GreetAll
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("services")


def test_a_task_shows_what_it_called_and_a_child_its_parent(mcoflow: Mcoflow, services: Services) -> None:
    parent = services.plans.submit(GreetAll.name, {"who": ["ann", "bob", "nobody"]}, user="eve").plan_id
    until(lambda: services.plans.show(parent).at_rest, "all were greeted", within=20.0)

    shown = mcoflow("task", "show", str(parent)).out
    assert f"3 sub-plans: 1 paused, 2 succeeded; mcoflow task list --of {parent}" in shown
    assert f"the paused one first: mcoflow task list --of {parent} --filter paused" in shown
    as_json = mcoflow("task", "show", str(parent), "--output", "json").json
    assert as_json["sub_plans"] == {"all": 3, "paused": 1, "succeeded": 2}

    items = mcoflow("task", "list", "--of", str(parent), "--output", "json").json["items"]
    assert len(items) == 3
    assert {each["caller"] for each in items} == {str(parent)}
    child = mcoflow("task", "show", items[0]["id"]).out
    assert f"for    task {parent}" in child
    assert "sub-plans:" not in child
    assert "hint" not in child


def test_an_action_that_takes_any_input_does_not_take_options_that_it_may_not_heed(mcoflow: Mcoflow) -> None:
    """It would really run although --check was said, and nowhere in particular."""
    for option, way_out in (("--check", "--set check:=true"), ("--host=web1", "--set hosts:=")):
        refused = mcoflow("run", Greet.name, "--set", "who=ann", option)
        assert refused.code == ExitCode.USAGE
        assert way_out in refused.err
        assert refused.out == ""


def test_a_time_that_has_passed_is_refused_before_which_to_start(mcoflow: Mcoflow) -> None:
    for words in (("--before", "2020-01-01T00:00Z"), ("--at", "+2h", "--before", "+1h")):
        refused = mcoflow("run", "ping", "--host", "sim-00001", *words)
        assert refused.code == ExitCode.USAGE
        assert not re.search(r"\d\d:\d\d:\d\d\.\d", refused.err)
        assert re.search(r"\d\d:\d\d:\d\d", refused.err)
