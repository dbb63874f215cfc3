"""on_skip: what an action has to say when its failed step is skipped."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from mcoflow.action import Rescue
from mcoflow.domain.requests import Cover
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, compose, one, play
from tests.waiting import until


class Replaced(Do):
    """Says what to take instead."""

    name = "on_skip.replaced"

    def on_skip(self) -> None:
        assert self.error is not None
        self.output["instead"] = self.error.message
        play.perform(self, self.input["name"] + " skip")


class Rescued(Replaced):
    """Skipped without a person."""

    name = "on_skip.rescued"

    def rescue_strategy(self) -> Rescue:
        return Rescue.SKIP


class Sized(BaseModel):
    """An input with a type."""

    name: str
    size: int


class Typed(Do):
    """Reads its input as a model."""

    name = "on_skip.typed"

    def run(self) -> None:
        self.output["double"] = 2 * self.input_as(Sized).size


def fail(action: Any, _event: Any) -> None:
    raise RuntimeError(f"{action.input['name']} is broken")


def layout(first: type[Do] = Replaced) -> Any:
    """A step that fails, one that copes without its output, one that does not, one beside them."""

    def plan(root: Any) -> None:
        made = root.plan_action(first, name="a")
        root.plan_action(Do, name="copes", given=made.output["instead"].or_else("nothing"))
        root.plan_action(Do, name="reads", given=made.output["by"])
        root.plan_action(Do, name="beside")

    return plan


def states(house: House, plan_id: Any) -> dict[str, str]:
    rows = [row for row in house.store.steps(plan_id, limit=100) if row.step.phase is Phase.RUN]
    return {json.loads(row.input)["name"]: row.step.state.value for row in rows}


def failed(house: House, plan_id: Any) -> int:
    return next(step.id for step in house.steps(plan_id).values() if step.state is StepState.ERROR)


def paused(house: House, first: type[Do] = Replaced) -> Any:
    play.scripts["a"] = fail
    plan = house.rest(compose(house, layout(first)))
    assert plan.state is PlanState.PAUSED
    return plan.id


def test_on_skip_writes_output_from_the_error_and_those_who_cope_read_it(house: House) -> None:
    """E-048: writes output from `self.error`."""
    plan_id = paused(house)
    house.skip(plan_id, failed(house, plan_id))
    assert states(house, plan_id)["reads"] == "pending"
    assert "a skip" not in play.log

    house.resume(plan_id)

    assert house.rest(plan_id).result is PlanResult.WARNING
    assert states(house, plan_id) == {
        "a": "skipped",
        "copes": "success",
        "reads": "skipped",
        "beside": "success",
    }
    first = min(house.steps(plan_id).values(), key=lambda step: step.id)
    assert '"instead":"a is broken"' in house.store.step(plan_id, first.id).output
    assert play.log.count("a skip") == 1


@pytest.mark.parametrize(("cover", "after"), [(Cover.FOLLOWERS, "skipped"), (Cover.REFERENCES, "success")])
def test_on_skip_keeps_to_what_the_skip_was_to_cover(house: House, cover: Cover, after: str) -> None:
    """E-046: later steps of a plain sequence, with an action that has a say; after a restart, too."""

    def in_sequence(root: Any) -> None:
        with root.sequence():
            root.plan_action(Replaced, name="a")
            root.plan_action(Do, name="after")

    play.scripts["a"] = fail
    plan_id = house.rest(compose(house, in_sequence)).id
    house.skip(plan_id, failed(house, plan_id), cover=cover)
    house.restart()
    house.resume(plan_id)

    assert house.rest(plan_id).result is PlanResult.WARNING
    assert states(house, plan_id) == {"a": "skipped", "after": after}


def test_an_on_skip_that_fails_leaves_all_as_it_was_and_may_be_tried_again(house: House) -> None:
    """E-048: if it raises: step in error, no other step touched, a second skip is possible."""
    play.scripts["a skip"] = fail
    plan_id = paused(house)
    before = states(house, plan_id)
    step_id = failed(house, plan_id)
    house.skip(plan_id, step_id)
    house.resume(plan_id)

    until(lambda: "a skip" in play.log, "it was heard")
    assert house.rest(plan_id).state is PlanState.PAUSED
    assert states(house, plan_id) == before
    error = house.store.step(plan_id, step_id).step.error
    assert error is not None
    assert error.message == "a is broken"
    assert any("its on_skip failed: a is broken" in line.detail for line in house.store.history(plan_id))

    del play.scripts["a skip"]
    house.skip(plan_id, step_id)
    house.resume(plan_id)
    assert house.rest(plan_id).result is PlanResult.WARNING


def test_a_rescue_by_skip_hears_on_skip_and_skips_only_those_who_read(house: House) -> None:
    """E-049, E-048: without a person."""
    play.scripts["a"] = fail

    plan = house.rest(compose(house, layout(Rescued)))

    assert plan.result is PlanResult.WARNING
    assert states(house, plan.id)["reads"] == "skipped"
    assert states(house, plan.id)["copes"] == "success"


def test_a_failing_skip_handler_is_tried_once_and_then_the_plan_is_paused(house: House) -> None:
    """E-051: a failing skip handler."""
    play.scripts["a"] = play.scripts["a skip"] = fail

    plan = house.rest(compose(house, layout(Rescued)))

    assert plan.state is PlanState.PAUSED
    assert play.log.count("a skip") == 1


def test_on_skip_is_called_again_by_the_next_executor(house: House) -> None:
    """A crash while on_skip is inside."""
    plan_id = paused(house)
    house.skip(plan_id, failed(house, plan_id))
    held = play.hold("a skip")
    house.resume(plan_id)
    play.wait_inside("a skip")

    house.restart()
    until(lambda: play.log.count("a skip") == 2, "it is heard again")
    held.set()

    assert house.rest(plan_id).result is PlanResult.WARNING
    assert states(house, plan_id)["a"] == "skipped"


def test_the_plan_waits_for_on_skip(house: House) -> None:
    plan_id = paused(house)
    house.skip(plan_id, failed(house, plan_id))
    held = play.hold("a skip")
    house.resume(plan_id)
    play.wait_inside("a skip")

    assert house.store.plan(plan_id).state is PlanState.RUNNING
    assert states(house, plan_id)["copes"] == "pending"
    held.set()
    house.rest(plan_id)


def test_input_as_gives_the_typed_model(house: House) -> None:
    plan = house.rest(compose(house, one(Typed, "a", size="21")))
    assert house.output(plan.id) == {"double": 42}


def test_an_input_that_does_not_fit_the_model_is_an_error_of_the_step(house: House) -> None:
    plan = house.rest(compose(house, one(Typed, "a", size="large")))

    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "InputInvalidError"
    assert error.message.startswith("on_skip.typed: size: Input should be a valid integer")


@pytest.mark.parametrize("action", [Do, Typed])
def test_without_on_skip_a_skip_covers_at_once(house: House, action: type[Do]) -> None:
    play.scripts["a"] = fail
    plan = house.rest(compose(house, layout(Do)))
    house.skip(plan.id, failed(house, plan.id))

    assert states(house, plan.id)["reads"] == "skipped"
    assert action.on_skip is Do.on_skip
