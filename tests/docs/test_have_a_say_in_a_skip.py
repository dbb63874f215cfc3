"""The page about on_skip is tried as it stands."""

from mcoflow.domain.states import PlanResult, PlanState, StepState
from tests.docs.pages import run
from tests.unit.engine.house import House


def test_the_report_of_the_page_takes_the_guess(house: House) -> None:
    page = run("have-a-say-in-a-skip")
    plan = house.run(page["CountAndReport"], table="users")
    assert plan.state is PlanState.PAUSED
    failed = next(step for step in house.steps(plan.id).values() if step.state is StepState.ERROR)

    house.skip(plan.id, failed.id)
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.WARNING
    assert house.output(plan.id, page["CountRows"]) == {"rows": 1000, "guessed": "the replica is away"}
    assert house.output(plan.id, page["Report"]) == {"text": "about 1000 rows"}
