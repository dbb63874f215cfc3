"""Triggering from code: what comes back, and futures that are resolved wherever the plan comes to rest."""

from datetime import timedelta
from uuid import uuid4

import pytest

from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.engine.handles import Planned, PlanningFailed, Triggered
from mcoflow.engine.world import World
from mcoflow.errors import (
    CommandRefusedError,
    NotSerialisableError,
    PlanExistsError,
    PlanNotFoundError,
    WaitTimeoutError,
)
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, do, play

SOON = timedelta(seconds=10)


def triggered(world: World, name: str = "a") -> Triggered:
    made = world.trigger(Do, name=name)
    assert isinstance(made, Triggered)
    return made


def test_a_triggered_plan_is_waited_for_through_its_future(house: House) -> None:
    made = triggered(house.world)

    view = made.future.wait(SOON)

    assert (view.id, view.state, view.result) == (made.plan_id, PlanState.STOPPED, PlanResult.SUCCESS)
    assert view.at_rest
    assert made.future.done()


def test_the_future_of_our_own_plan_is_resolved_without_a_query(house: House) -> None:
    go = play.hold("a")
    made = triggered(house.world)
    house.valve.before["plan"] = house.valve.before["versions"] = lambda *_: pytest.fail("a query")

    go.set()

    assert made.future.wait(timedelta(seconds=0.9)).result is PlanResult.SUCCESS


def test_a_plan_that_cannot_be_planned_raises_nothing(house: House) -> None:
    """E-001: PlanningFailed, and the plan is stored as stopped/error."""
    made = house.world.trigger(Compose, layout="no such layout")

    assert isinstance(made, PlanningFailed)
    assert made.error.kind == "KeyError"
    stored = house.store.plan(made.plan_id)
    assert (stored.state, stored.result) == (PlanState.STOPPED, PlanResult.ERROR)


def test_positional_arguments_reach_the_plan_method_and_are_stored(house: House) -> None:
    made = house.world.trigger(Compose, play.layout(do("a")))

    assert isinstance(made, Triggered)
    assert made.future.wait(SOON).result is PlanResult.SUCCESS
    assert house.store.plan(made.plan_id).args == '{"*":["0"]}'


def test_arguments_that_are_no_json_are_refused_and_nothing_is_stored(house: House) -> None:
    """E-003: to the caller, for there is nothing that could be stored."""
    with pytest.raises(NotSerialisableError):
        house.world.trigger(Do, name={1, 2})

    assert house.store.count_plans(None) == 0


def test_the_same_id_and_arguments_are_the_same_plan_and_others_are_refused(house: House) -> None:
    """E-016: one plan, run once."""
    options = house.world.with_options(plan_id=uuid4(), user="ann")
    first = options.trigger(Do, name="a")
    assert isinstance(first, Triggered)
    first.future.wait(SOON)

    again = options.trigger(Do, name="a")

    assert isinstance(again, Triggered)
    assert again.future.wait(SOON).id == first.plan_id
    assert play.log == ["a"]
    with pytest.raises(PlanExistsError):
        options.trigger(Do, name="b")


def test_a_client_waits_for_what_another_process_runs(house: House) -> None:
    """E-105: a client world waits for plans run elsewhere."""
    client = house.another(executor=False)

    assert triggered(client).future.wait(SOON).result is PlanResult.SUCCESS


def test_the_future_of_a_plan_at_rest_is_resolved_at_once(house: House) -> None:
    made = triggered(house.world)
    made.future.wait(SOON)

    future = house.world.future(made.plan_id)

    assert future.done()
    with pytest.raises(PlanNotFoundError):
        house.world.future(uuid4()).wait(SOON)


def test_a_wait_that_is_too_short_says_so_and_the_plan_goes_on(house: House) -> None:
    go = play.hold("a")
    made = triggered(house.world)

    with pytest.raises(WaitTimeoutError, match=str(made.plan_id)):
        made.future.wait(timedelta(seconds=0.01))

    go.set()
    assert made.future.wait(SOON).result is PlanResult.SUCCESS


def test_a_paused_plan_resolves_its_future_and_resume_gives_a_new_one(house: House) -> None:
    def fail(*_: object) -> None:
        raise ValueError("not yet")

    play.scripts["a"] = fail
    made = triggered(house.world)
    assert made.future.wait(SOON).state is PlanState.PAUSED

    del play.scripts["a"]
    resumed = house.world.resume(made.plan_id)

    assert resumed.wait(SOON).result is PlanResult.SUCCESS


def test_a_callback_is_called_once_with_the_future(house: House) -> None:
    made, heard = triggered(house.world), []
    made.future.on_done(heard.append)
    made.future.wait(SOON)

    made.future.on_done(heard.append)

    assert heard == [made.future, made.future]
    assert len(set(map(id, heard))) == 1


def test_a_future_outlives_the_executor_that_ran_the_plan(house: House) -> None:
    """E-095: the client's first future resolves."""
    client = house.another(executor=False)
    go = play.hold("a")
    future = triggered(client).future
    play.wait_inside("a")
    house.worlds.reverse()  # the newest is the executor again
    house.valves.reverse()

    house.kill()
    go.set()
    house.another()

    assert future.wait(SOON).at_rest


def test_a_plan_that_is_only_planned_runs_once_it_is_executed(house: House) -> None:
    """E-100: only planned, never ordered: it does not run."""
    made = house.world.plan(Do, name="a")
    assert isinstance(made, Planned)
    triggered(house.world, "b").future.wait(SOON)
    waiting = house.store.plan(made.plan_id)
    assert (waiting.state, waiting.explanation) == (PlanState.PLANNED, "waits for the order to run")
    assert play.log == ["b"]

    view = house.world.execute(made.plan_id).wait(SOON)

    assert (view.result, play.log) == (PlanResult.SUCCESS, ["b", "a"])
    with pytest.raises(CommandRefusedError):
        house.world.execute(made.plan_id)


def test_a_plan_that_is_only_planned_can_be_cancelled(house: House) -> None:
    made = house.world.plan(Do, name="a")

    house.world.cancel(made.plan_id)

    assert house.rest(made.plan_id).result is PlanResult.CANCELLED
    assert play.log == []


def test_planning_alone_fails_as_triggering_does(house: House) -> None:
    made = house.world.plan(Compose, layout="no such layout")

    assert isinstance(made, PlanningFailed)
    assert house.store.plan(made.plan_id).state is PlanState.STOPPED
