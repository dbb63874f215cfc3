"""The page about polling is tried as it stands."""

from typing import Any

from mcoflow.domain.states import PlanResult, StepState
from tests.docs.pages import run
from tests.unit.engine.house import House
from tests.waiting import until


class Cloud:
    """Two polls until a machine is up."""

    polls = 0

    def start(self, image: str) -> dict[str, Any]:
        return {"id": image, "state": "starting"}

    def status(self, task_id: str) -> dict[str, Any]:
        self.polls += 1
        return {"id": task_id, "state": "starting" if self.polls < 2 else "up", "address": "192.0.2.7"}

    def stop(self, task_id: str) -> str:
        return f"stopped {task_id}"


def test_the_machine_of_the_page_comes_up(house: House) -> None:
    cloud = Cloud()
    page = run("poll-a-task-elsewhere", cloud=cloud)
    plan_id = house.trigger(page["StartVm"], image="debian")
    house.step_when(plan_id, StepState.SUSPENDED)
    for number in (1, 2):
        house.advance(0.5)
        until(lambda: cloud.polls == number, "it polled")  # noqa: B023 - looked at at once
        until(lambda: house.states(plan_id) != ["running"], "the poll is stored")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.output(plan_id)["address"] == "192.0.2.7"


def test_the_machine_of_the_page_can_be_cancelled(house: House) -> None:
    page = run("poll-a-task-elsewhere", cloud=Cloud())
    plan_id = house.trigger(page["StartVm"], image="debian")
    house.step_when(plan_id, StepState.SUSPENDED)

    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.CANCELLED
