"""Looking after worlds: who lives, and declaring one dead."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from mcoflow.action import FOREVER
from mcoflow.domain.census import Census
from mcoflow.domain.requests import WorldRecord
from mcoflow.domain.states import PlanResult, StepState
from tests.unit.engine.house import House
from tests.unit.engine.play import Listen, compose, one, play
from tests.waiting import until


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def test_check_tells_who_lives_and_changes_nothing(house: House) -> None:
    """E-103: `check` changes nothing."""
    first = house.world._executor
    assert first is not None
    house.kill()
    house.another()
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    house.step_when(plan_id, StepState.SUSPENDED)
    before = house.store.versions([plan_id])

    found = house.world.check()

    assert first.world.id not in [world.id for world in (*found.live, *found.late)]
    assert len(found.live) == 1
    assert found.orphans == {}
    assert house.store.versions([plan_id]) == before


def test_a_world_that_was_not_heard_of_for_two_heartbeats_is_late() -> None:
    here = WorldRecord(uuid4(), "executor", "a", {}, seen_at=97.0)
    quiet = WorldRecord(uuid4(), "executor", "b", {}, seen_at=93.0)
    gone = WorldRecord(uuid4(), "executor", "c", {}, seen_at=1.0, alive=False)

    found = Census.of([here, quiet, gone], now=100.0, heartbeat=3.0, orphans={})

    assert (found.live, found.late, found.dead) == ((here,), (quiet,), (gone,))


def test_an_invalidated_world_loses_its_plans_once_and_lives_on_under_a_new_id(house: House) -> None:
    """E-103: `invalidate` twice at once acts once; E-095: the history says who began and who took over."""
    play.scripts["a"] = sleep
    first = house.world._executor
    assert first is not None
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    second = house.another()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(second.invalidate, [first.world.id] * 2))

    assert sorted(done) == [False, True]
    until(lambda: house.store.plan(plan_id).owner not in (None, first.world.id), "it is taken over")
    until(lambda: house.history(plan_id).count("start execution") == 2, "it goes on")
    house.send(plan_id, step.id, "go")
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    lines = [(line.name, line.world) for line in house.store.history(plan_id)]
    assert [name for name, _ in lines] == [
        "start execution",
        "terminate execution",
        "start execution",
        "finish execution",
    ]
    assert lines[1][1] == first.world.id != lines[2][1]
    assert not second.invalidate(uuid4())
