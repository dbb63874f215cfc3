"""The page about chunks is tried as it stands."""

from mcoflow.domain.states import Phase, PlanResult, PlanState
from tests.docs.pages import run
from tests.unit.engine.house import House


def test_the_chunks_of_the_page_are_read_and_dropped(house: House) -> None:
    page = run("keep-what-a-step-says")

    plan = house.run(page["Migrate"], tables=["users", "groups"])

    assert plan.result is PlanResult.SUCCESS
    step = house.step(plan.id, phase=Phase.RUN)
    assert house.output(plan.id) == {"tables": 2}
    assert list(page["output_of"](house.store, plan.id, step.action_id)) == []


def test_the_chunks_of_the_page_are_kept_when_it_fails(house: House) -> None:
    page = run("keep-what-a-step-says")

    plan = house.run(page["Migrate"], tables=["users", "accounts"])

    assert plan.state is PlanState.PAUSED
    step = house.step(plan.id, phase=Phase.RUN)
    said = [chunk.text for chunk in page["output_of"](house.store, plan.id, step.action_id)]
    assert said == ["migrating users\n", "users is done\n", "migrating accounts\n"]
