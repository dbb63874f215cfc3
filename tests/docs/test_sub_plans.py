"""The page about sub-plans is tried as it stands."""

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
