"""Tasks that call other tasks, on the command line."""

import pytest

from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow
from tests.unit.webui.called import GreetAll
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("services")


def test_a_task_shows_what_it_called_and_a_child_its_parent(mcoflow: Mcoflow, services: Services) -> None:
    parent = services.plans.submit(GreetAll.name, {"who": ["ann", "bob", "nobody"]}, user="eve").plan_id
    until(lambda: services.plans.show(parent).at_rest, "all were greeted", within=20.0)

    shown = mcoflow("task", "show", str(parent)).out
    assert f"3 called: 1 paused, 2 succeeded; mcoflow task list --of {parent}" in shown
    as_json = mcoflow("task", "show", str(parent), "--output", "json").json
    assert as_json["sub_plans"] == {"all": 3, "paused": 1, "succeeded": 2}

    items = mcoflow("task", "list", "--of", str(parent), "--output", "json").json["items"]
    assert len(items) == 3
    assert {each["caller"] for each in items} == {str(parent)}
    child = mcoflow("task", "show", items[0]["id"]).out
    assert f"for    task {parent}" in child
    assert "called:" not in child
