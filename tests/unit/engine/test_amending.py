"""What operators do by the methods of the world: amend an input, skip, send an event."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import Cover
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError, EventDroppedError, InputInvalidError
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, Finish, Listen, one, play

SOON = timedelta(seconds=10)


def take(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def one_after_another(plan: Action) -> None:
    with plan.sequence():
        for name in "abc":
            plan.plan_action(Do, name=name)


class Fetch(Action):
    """Needs a mirror that is there."""

    name = "resume.fetch"

    class Input(BaseModel):
        mirror: str

    def run(self) -> None:
        play.log.append(self.input["mirror"])
        if self.input["mirror"] == "away":
            raise ConnectionError("the mirror is away")
        self.output["file"] = f"file of {self.input['mirror']}"

    def finalize(self) -> None:
        play.log.append(f"{self.input['mirror']} done with")


def fetch_between_others(plan: Action) -> None:
    plan.plan_action(Finish, name="beside")
    with plan.sequence():
        plan.plan_action(Finish, name="before")
        fetched = plan.plan_action(Fetch, mirror="away")
        plan.plan_action(Finish, name="reader", value=fetched.output["file"])
        plan.plan_action(Do, name="later")


def test_a_resumed_step_works_with_the_amended_input_and_so_does_what_follows_it(house: House) -> None:
    """E-042: only the failed step and those after it run; the history has the amendment and its actor."""
    read: list[Any] = []
    play.scripts["reader"] = lambda action, _event: read.append(action.input["value"])
    plan = house.run(Compose, layout=play.layout(fetch_between_others))
    assert plan.state is PlanState.PAUSED
    assert sorted(play.log) == ["away", "before", "beside"]
    failed = house.step(plan.id, Fetch)

    house.world.amend_input(plan.id, failed.action_id, {"mirror": "near"}, actor="bob")
    assert house.world.resume(plan.id, actor="carol").wait(SOON).result is PlanResult.SUCCESS

    assert play.log[3:] == ["near", "reader", "later", "beside!", "before!", "near done with", "reader!"]
    assert read == ["file of near"]
    run_steps = [step for step in house.steps(plan.id).values() if step.phase is Phase.RUN]
    assert [step.attempt for step in run_steps] == [2 if step.id == failed.id else 1 for step in run_steps]
    lines = [(line.name, line.actor, line.detail) for line in house.store.history(plan.id)]
    assert lines[-3:-1] == [
        ("amend input", "bob", f"of action {failed.action_id}"),
        ("start execution", "carol", "resumed"),
    ]
    assert house.history(plan.id)[-1] == "finish execution"


def test_an_amendment_that_does_not_fit_changes_nothing(house: House) -> None:
    plan = house.run(Fetch, mirror="away")

    with pytest.raises(InputInvalidError, match="mirror"):
        house.world.amend_input(plan.id, 1, {"miror": "near"})
    with pytest.raises(CommandRefusedError, match="those in error: 1"):
        house.world.amend_input(plan.id, 7, {"mirror": "near"})

    house.world.resume(plan.id).wait(SOON)
    assert play.log == ["away", "away"]


def test_an_amended_input_cannot_have_the_key_of_references(house: House) -> None:
    """E-042: refused in the words of planning; the input stays, and the step can be resumed."""
    play.scripts["a"] = fail
    plan = house.run(Do, name="a")
    for value in ({"$mcoflow_ref": 1}, [{"deep": {"$mcoflow_ref": {}}}]):
        with pytest.raises(CommandRefusedError, match=r"'\$mcoflow_ref' is mcoflow's own and cannot be used"):
            house.world.amend_input(plan.id, 1, {"name": "a", "value": value})
    play.scripts.clear()

    assert house.world.resume(plan.id).wait(SOON).result is PlanResult.SUCCESS
    assert "amend input" not in house.history(plan.id)


def test_a_skip_that_covers_references_lets_later_steps_run(house: House) -> None:
    """E-046: `Cover.REFERENCES`."""
    play.scripts["b"] = fail
    plan = house.run(Compose, layout=play.layout(one_after_another))
    _, b, _ = house.steps(plan.id)

    skipped = house.world.skip(plan.id, b, cover=Cover.REFERENCES)
    assert skipped.step_ids == (b,)
    house.world.resume(plan.id).wait(SOON)

    assert house.states(plan.id) == ["success", "skipped", "success"]
    assert play.log == ["a", "b", "c"]


def test_an_event_wakes_its_step_and_one_that_nobody_takes_is_refused(house: House) -> None:
    """E-029: optional: no error."""
    play.scripts["a"] = take
    plan_id = house.trigger(Compose, layout=play.layout(one(Listen)))
    step = house.step_when(plan_id, StepState.SUSPENDED)

    with pytest.raises(EventDroppedError):
        house.world.event(plan_id, 99, "go").wait()
    house.world.event(plan_id, 99, "go", optional=True).wait()
    house.world.event(plan_id, step.id, "go").wait()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
