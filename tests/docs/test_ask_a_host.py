"""The page about host actions is tried as it stands."""

from mcoflow.domain.states import PlanResult
from mcoflow.testing import error
from tests.docs.pages import run
from tests.unit.engine.house import House
from tests.waiting import until


def test_the_tool_of_the_page_is_installed_at_the_second_try(house: House) -> None:
    page = run("ask-a-host")
    house.hosts.answers["jq"] = error()
    plan_id = house.trigger(page["InstallTool"], host="web1", package="jq")
    until(lambda: house.step(plan_id).tries == 1, "a try failed")
    del house.hosts.answers["jq"]
    house.advance(1)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    (said,) = house.store.chunks(plan_id, house.step(plan_id).action_id)
    assert said.text == "web1 has jq\n"


def test_the_tool_of_the_page_is_not_asked_for_where_it_is_known(house: House) -> None:
    page = run("ask-a-host")

    plan = house.run(page["InstallTool"], host="web1", package="jq", known=["jq"])

    assert plan.result is PlanResult.SUCCESS
    assert house.hosts.requests == []
