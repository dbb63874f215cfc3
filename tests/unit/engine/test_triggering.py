"""Giving plans to a world."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from pydantic import BaseModel

from mcoflow.action import Action
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.errors import (
    InputInvalidError,
    PlanExistsError,
    UnknownActionError,
)
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Compose,
    Do,
    compose,
    do,
    play,
)

# -- triggering -------------------------------------------------------------------------------------------


def test_an_unknown_action_is_refused_and_the_nearest_is_named(house: House) -> None:
    with pytest.raises(UnknownActionError, match=r"play\.compose"):
        house.world.submit("play.compos", {}, user="ann")


class Typed(BaseModel):
    size: int


class Sized(Do):
    """Has an Input."""

    name = "running.sized"
    Input = Typed


def test_arguments_that_do_not_fit_the_root_are_refused_and_nothing_is_stored(house: House) -> None:
    """E-001: the caller of the root is told at once."""
    with pytest.raises(InputInvalidError, match="size"):
        house.world.submit(Sized.name, {"size": "many"}, user="ann")
    assert house.store.count_plans(None) == 0


def test_a_planning_error_is_told_and_stored(house: House) -> None:
    """E-001: PlanningFailed."""

    def layout(plan: Action) -> None:
        plan.plan_action(Sized, size="many")

    submitted = house.world.submit(Compose.name, {"layout": play.layout(layout)}, user="ann")

    assert "size" in submitted.error
    plan = house.store.plan(submitted.plan_id)
    assert (plan.state, plan.result, plan.owner) == (PlanState.STOPPED, PlanResult.ERROR, None)


def test_the_same_plan_id_and_arguments_make_one_plan_that_runs_once(house: House) -> None:
    """E-016: twice."""
    plan_id, key = uuid4(), play.layout(do("a"))
    for _ in range(2):
        assert (
            house.world.submit(Compose.name, {"layout": key}, user="ann", plan_id=plan_id).plan_id == plan_id
        )
        house.rest(plan_id)

    assert play.log == ["a"]
    assert house.store.count_plans(None) == 1


def test_the_same_plan_id_with_other_arguments_is_refused(house: House) -> None:
    """E-016: PlanExistsError."""
    plan_id = compose(house, do("a"), plan_id=uuid4())

    with pytest.raises(PlanExistsError, match=str(plan_id)):
        compose(house, do("b"), plan_id=plan_id)
    with pytest.raises(PlanExistsError):
        house.trigger(Sized, plan_id=plan_id, size=3)
    house.rest(plan_id)
    assert play.log == ["a"]


def test_one_plan_id_from_many_threads_at_once_makes_one_plan(house: House) -> None:
    """E-016: concurrently too."""
    plan_id, key = uuid4(), play.layout(do("a"))
    start = threading.Barrier(8)

    def submit(_number: int) -> object:
        start.wait(10)
        return house.world.submit(Compose.name, {"layout": key}, user="ann", plan_id=plan_id).plan_id

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(submit, range(8))) == {plan_id}
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log == ["a"]


def test_one_plan_id_from_many_threads_with_different_arguments_goes_to_one_of_them(house: House) -> None:
    """E-016: the others get PlanExistsError."""
    plan_id = uuid4()
    keys = [play.layout(do(str(number))) for number in range(6)]
    start = threading.Barrier(6)

    def submit(key: str) -> bool:
        start.wait(10)
        try:
            house.world.submit(Compose.name, {"layout": key}, user="ann", plan_id=plan_id)
        except PlanExistsError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(submit, keys)) == 1
    house.rest(plan_id)
    assert len(play.log) == 1


def test_a_cancel_does_not_touch_code_that_is_inside_run(house: House) -> None:
    """E-058: nothing cancellable, no signal; every step succeeded all the same: success."""
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")

    assert house.command(plan_id, CommandKind.CANCEL) == {"step_ids": []}
    held.set()
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.step(plan_id, phase=Phase.RUN).state is StepState.SUCCESS
