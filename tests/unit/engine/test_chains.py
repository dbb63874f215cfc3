"""Plans that start after others."""

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError, PlanNotFoundError, ScheduleInvalidError
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, GiveUp, compose, do, one, play
from tests.unit.engine.test_schedules import LATER, at
from tests.waiting import until

SOON = timedelta(seconds=10)


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def after(house: House, *ids: Any, name: str = "after") -> Any:
    return house.world.chain(ids, Compose, layout=play.layout(do(name)))


def test_a_chained_plan_starts_within_a_second_of_the_last_end(house: House) -> None:
    """E-090: on many; the executor is told, it does not only look."""
    held = [play.hold(name) for name in "abc"]
    plans = [compose(house, do(name)) for name in "abc"]
    chained = after(house, *plans)
    until(lambda: play.log.count("a") + play.log.count("b") + play.log.count("c") == 3, "all run")
    until(lambda: all(house.store.plan(each).chained for each in plans), "they know")
    until(lambda: not house.store.waiting(house.world._executor.world.id, limit=9).commands, "told")  # type: ignore[union-attr]
    held[0].set()
    held[1].set()
    for plan_id in plans[:2]:
        house.rest(plan_id)
    assert house.store.plan(chained.plan_id).state is PlanState.SCHEDULED
    held[2].set()
    house.rest(plans[2])
    ended = time.monotonic()

    until(lambda: "after" in play.log, "it starts")

    assert time.monotonic() - ended < 1.0
    assert chained.future.wait(SOON).result is PlanResult.SUCCESS


def test_a_plan_that_ends_before_it_hears_of_its_follower_opens_it_all_the_same(house: House) -> None:
    """E-090: the command that tells it is applied to the stopped plan."""
    held = play.hold("a")
    first = compose(house, do("a"))
    play.wait_inside("a")
    house.valve.before["waiting"] = lambda *_args, **_fields: held.set()  # the end is on its way first

    chained = after(house, first)

    assert house.rest(chained.plan_id).result is PlanResult.SUCCESS
    assert play.log == ["a", "after"]


def test_a_plan_at_rest_opens_or_stops_its_followers_at_once(house: House) -> None:
    """E-090: success, and halted, open; the error is named."""
    play.scripts["bad"] = fail
    good, bad = house.rest(compose(house, do("a"))).id, house.rest(compose(house, one(GiveUp, "bad"))).id
    halted = compose(house, do("bad"))
    house.rest(halted)
    house.world.halt(halted, reason="enough")

    assert house.rest(after(house, good, halted).plan_id).result is PlanResult.SUCCESS
    failed = after(house, good, bad).future.wait(SOON)
    assert failed.result is PlanResult.ERROR
    assert str(bad) in failed.explanation
    assert str(good) not in failed.explanation


def test_what_did_not_succeed_stops_the_whole_chain(house: House) -> None:
    """E-090: error and cancelled stop it naming the ids."""
    play.scripts["bad"] = fail
    held = play.hold("bad")
    first = compose(house, one(GiveUp, "bad"))
    second = after(house, first)
    third = after(house, second.plan_id)
    held.set()

    assert str(first) in second.future.wait(SOON).explanation
    assert str(second.plan_id) in third.future.wait(SOON).explanation
    assert house.history(third.plan_id) == ["delay", "failed-dependency"]
    assert play.log == ["bad"]


def test_a_cancelled_prerequisite_stops_what_waits_for_it(house: House) -> None:
    """E-090: also one that was only scheduled."""
    first = house.world.delay(Schedule(start_at=at(house, LATER)), Compose, layout=play.layout(do("a")))
    second = after(house, first.plan_id)

    house.cancel(first.plan_id)

    assert str(first.plan_id) in second.future.wait(SOON).explanation


@pytest.mark.parametrize("state", ["paused", "running", "scheduled"])
def test_a_halted_prerequisite_opens_what_waits_for_it(house: House, state: str) -> None:
    """E-090: halted opens it."""
    play.scripts["a"] = fail
    held = play.hold("a")
    if state == "scheduled":
        schedule = Schedule(start_at=at(house, LATER))
        first = house.world.delay(schedule, Compose, layout=play.layout(do("a"))).plan_id
    else:
        first = compose(house, do("a"))
        play.wait_inside("a")
    if state == "paused":
        held.set()
        house.rest(first)
    chained = after(house, first)

    house.world.halt(first, reason="in the way")
    held.set()

    assert chained.future.wait(SOON).result is PlanResult.SUCCESS


def test_a_paused_prerequisite_is_waited_for_until_it_was_resumed(house: House) -> None:
    """E-090: a pause is no end."""
    play.scripts["a"] = fail
    first = compose(house, do("a"))
    house.rest(first)
    chained = after(house, first)
    assert house.store.plan(chained.plan_id).state is PlanState.SCHEDULED
    del play.scripts["a"]

    house.resume(first)

    assert chained.future.wait(SOON).result is PlanResult.SUCCESS
    assert play.log == ["a", "a", "after"]


def test_a_chain_goes_on_on_another_executor(house: House) -> None:
    """E-090: who takes the first plan over knows of its follower from the plan's row."""
    held = play.hold("a")
    first = compose(house, do("a"))
    play.wait_inside("a")
    chained = after(house, first)
    ending = threading.Thread(target=house.world.terminate)
    ending.start()
    held.set()
    ending.join(10)
    house.another()

    assert house.rest(chained.plan_id).result is PlanResult.SUCCESS
    assert play.log.count("after") == 1


def test_a_chain_that_cannot_be_kept_is_refused(house: House) -> None:
    """E-090: unknown ids, itself, nothing; no plan is stored."""
    unknown, own = uuid4(), uuid4()
    with pytest.raises(PlanNotFoundError, match=str(unknown)):
        after(house, unknown)
    with pytest.raises(ScheduleInvalidError, match="its own end"):
        house.world.with_options(plan_id=own).chain([own], Compose, layout="x")
    with pytest.raises(ScheduleInvalidError, match="a plan to wait for"):
        house.world.chain([], Compose, layout="x")

    assert house.store.count_plans(None) == 0


def test_plans_that_nobody_follows_pay_nothing_for_it(house: House) -> None:
    """No statement, no command."""
    house.rest(compose(house, one(Do, "a")))

    assert house.count("prerequisites") == 0
    assert house.count("commands") == 0


def test_a_plan_is_not_deleted_as_long_as_another_waits_for_it(house: House) -> None:
    """E-110: its follower would wait for ever."""
    play.scripts["a"] = fail
    first = compose(house, do("a"))
    house.rest(first)
    chained = after(house, first)
    with pytest.raises(CommandRefusedError):
        house.world.delete(first)
    del play.scripts["a"]
    house.resume(first)
    assert chained.future.wait(SOON).result is PlanResult.SUCCESS

    house.world.delete(first)

    assert house.count("prerequisites") == 0
