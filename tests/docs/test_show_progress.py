"""The page about progress is tried as it stands."""

from mcoflow.domain.states import PlanResult
from mcoflow.services.present import plan_view
from tests.docs.pages import run
from tests.unit.engine.house import House
from tests.waiting import until


def test_the_task_of_the_page_is_at_forty_five_percent_after_a_poll(house: House) -> None:
    page = run("show-progress")
    plan_id = house.trigger(page["CopyAndCheck"])
    until(lambda: "suspended" in house.states(plan_id), "it sleeps")
    house.advance(0.5)
    until(lambda: house.store.plan(plan_id).progress == 0.45, "it was polled")

    assert plan_view(house.store.plan(plan_id), (), 0.0).words() == "0 of 2 done, 45%"
    house.advance(0.5)

    plan = house.rest(plan_id)
    assert (plan.result, plan.progress) == (PlanResult.SUCCESS, 1.0)
