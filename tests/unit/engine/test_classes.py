"""Plans of classes that are gone, or have another name."""

from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import FOREVER, Action, Registry
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.testing.hosts import result, silence
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Compose,
    Do,
    Install,
    Listen,
    compose,
    one,
    play,
)
from tests.waiting import until


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


# -- classes ----------------------------------------------------------------------------------------------


def registry_with(*actions: type[Action]) -> Registry:
    registry = Registry()
    for action in actions:
        registry.add(action)
    return registry


def test_a_plan_of_a_class_that_is_gone_pauses_and_names_it(house: House) -> None:
    """E-085: a removed class: it is shown, and its steps say what is missing."""
    play.scripts["a"] = sleep

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Listen, name="a")
            plan.plan_action(Do, name="b")

    plan_id = compose(house, layout)
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    house.restart(actions=registry_with(Compose, Listen))
    house.send(plan_id, step.id, "go")

    plan = house.rest(plan_id)
    assert plan.state is PlanState.PAUSED
    error = house.step(plan_id, Do).error
    assert error is not None
    assert (error.kind, Do.name in error.message) == ("UnknownActionError", True)


def test_a_host_step_of_a_class_that_is_gone_ends_with_its_reply(house: House) -> None:
    """E-085: never hung."""
    house.hosts.default = silence
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "asked")
    house.restart(actions=registry_with(Compose))
    house.plan_when(plan_id, lambda plan: plan.epoch == 2)
    house.hosts.say(result())

    assert house.rest(plan_id).state is PlanState.PAUSED


def test_a_former_name_loads_as_the_renamed_class(house: House) -> None:
    """E-086: a former name."""

    class Renamed(Action):
        name = f"takeover.renamed_{uuid4().hex}"
        accepts = (str,)

        def run(self, event: Any) -> None:
            play.log.append(f"renamed: {event.value}")

    Renamed.former_names = (Listen.name,)  # only now: Listen itself is registered in this process
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    house.restart(actions=registry_with(Compose, Renamed))
    house.send(plan_id, step.id, "hello")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log[-1] == "renamed: hello"


@pytest.mark.parametrize("name", ["os.system", "subprocess:run", "../../etc/passwd", "", "a\0b"])
def test_no_name_ever_causes_an_import(house: House, name: str) -> None:
    """E-086: no stored string."""
    import sys

    from mcoflow.errors import UnknownActionError

    before = set(sys.modules)
    with pytest.raises(UnknownActionError):
        house.world.submit(name, {}, user="eve")
    assert set(sys.modules) == before
