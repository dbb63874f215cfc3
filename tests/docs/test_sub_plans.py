"""The page about sub-plans is tried as it stands."""

from uuid import UUID

from mcoflow.domain.states import PlanResult, PlanState
from tests.docs.pages import run
from tests.unit.engine.house import House
from tests.waiting import until


def test_the_fleet_of_the_page_is_upgraded(house: House) -> None:
    fleet = run("sub-plans")["UpgradeFleet"]
    hosts = [f"web{number}" for number in range(120)]

    parent = house.trigger(fleet, hosts=hosts)

    def rests() -> bool:
        house.advance(1)
        return house.store.plan(parent).state is PlanState.STOPPED

    until(rests, "all are upgraded")
    assert house.store.plan(parent).result is PlanResult.SUCCESS
    assert house.output(parent)["sub_plans"]["counts"]["success"] == len(hosts)


def test_the_action_of_the_page_that_triggers_another_plan_does_so(house: House) -> None:
    starter = run("sub-plans")["StartUpgrade"]

    plan = house.run(starter, host="web1")

    upgrade = house.rest(UUID(house.output(plan.id)["upgrade"]))
    assert (upgrade.result, upgrade.caller_plan_id) == (PlanResult.SUCCESS, plan.id)
