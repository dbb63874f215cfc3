"""The page about locks is tried as it stands."""

from mcoflow.action import Singleton
from mcoflow.domain.states import PlanResult
from mcoflow.engine.handles import PlanningFailed
from tests.docs.pages import run
from tests.unit.engine.house import House


def test_the_singletons_of_the_page_run_and_refuse_each_other(house: House) -> None:
    page = run("locks")
    rebuild: type[Singleton] = page["RebuildIndex"]
    idle = house.another(executor=False)
    house.worlds[0].terminate()

    first, second = idle.trigger(rebuild), idle.trigger(rebuild)
    accounts = [idle.trigger(page["CreateAccount"], user="ann") for _ in range(2)]

    assert isinstance(second, PlanningFailed)
    assert second.error.kind == "LockTakenError"
    house.another()
    for each in (first, *accounts):
        assert house.rest(each.plan_id).result is PlanResult.SUCCESS
