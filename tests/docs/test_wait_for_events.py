"""The page about events is tried as it stands."""

from uuid import UUID

from mcoflow.domain.states import PlanResult, StepState
from tests.docs.pages import run
from tests.unit.engine.house import House
from tests.waiting import until


def test_the_approval_of_the_page_reminds_and_then_takes_the_word_of_a_colleague(house: House) -> None:
    page = run("wait-for-events")
    plan_id = house.trigger(page["Approval"])
    step = house.step_when(plan_id, StepState.SUSPENDED).id
    house.advance(4 * 3600)
    until(lambda: house.output(plan_id)["reminders"] == 1, "it was reminded")

    sender: UUID = house.trigger(page["Colleague"], task=str(plan_id), step=step)
    error = house.rest(sender).explanation

    assert error == ""
    until(lambda: house.count("timers") == 2, "the event waits for its time")
    house.advance(300)
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.output(plan_id) == {"reminders": 1, "by": "the night shift"}


def test_the_json_of_the_page_is_taken(house: House) -> None:
    page = run("wait-for-events")
    plan_id = house.trigger(page["Approval"])
    step = house.step_when(plan_id, StepState.SUSPENDED).id

    house.send(plan_id, step, {"$mcoflow_event": "how_to.approved", "value": {"by": "ann"}})

    assert house.rest(plan_id).result is PlanResult.SUCCESS
