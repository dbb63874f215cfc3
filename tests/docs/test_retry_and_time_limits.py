"""The page about retries and time limits is tried as it stands."""

from mcoflow.domain.states import PlanResult, PlanState, StepState
from tests.docs.pages import run
from tests.unit.engine.house import House
from tests.waiting import until


def test_the_download_is_tried_three_times(house: House) -> None:
    page = run("retry-and-time-limits")
    plan_id = house.trigger(page["FetchRelease"], url="https://example.org/1.tar")

    for borne in (1, 2):
        until(lambda: house.step(plan_id).tries == borne, "a try failed")  # noqa: B023 - looked at at once
        assert house.step(plan_id).reason == f"try {borne + 1} of 3"
        house.advance(60)

    assert house.rest(plan_id).state is PlanState.PAUSED
    assert house.step(plan_id).attempt == 3


def test_nobody_objects_within_seven_days(house: House) -> None:
    page = run("retry-and-time-limits")
    plan_id = house.trigger(page["AskForApproval"])
    house.step_when(plan_id, StepState.SUSPENDED)

    house.advance(7 * 86400)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.output(plan_id) == {"by": "nobody objected"}
