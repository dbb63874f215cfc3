"""Several worlds: executors not there yet, beside each other, and ending."""

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import CommandKind, CommandRecord
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError, StoreUnavailableError
from mcoflow.ports.bus import Link
from mcoflow.testing.hosts import result, silence
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Compose,
    Do,
    Finish,
    Install,
    Listen,
    Repeat,
    compose,
    do,
    one,
    play,
)
from tests.waiting import until


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


# -- several ----------------------------------------------------------------------------------------------


def test_a_plan_waits_for_an_executor_and_runs_when_one_starts(empty_house: House) -> None:
    """E-100: no executor: trigger succeeds; one starts: it runs."""
    empty_house.another(executor=False)
    plan_id = compose(empty_house, do("a"))
    assert empty_house.store.plan(plan_id).state is PlanState.PLANNED
    assert empty_house.world.executors_alive() == 0

    empty_house.another()

    assert empty_house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_client_triggers_commands_and_waits_for_plans_run_elsewhere(house: House) -> None:
    """E-105: a client world."""
    play.scripts["a"] = sleep
    client = house.another(executor=False)
    plan_id = client.submit(Compose.name, {"layout": play.layout(one(Listen))}, user="eve").plan_id
    step = house.step_when(plan_id, StepState.SUSPENDED)
    seen = house.store.versions([plan_id])

    client.command(
        plan_id,
        CommandKind.EVENT,
        {"step_id": step.id, "value": "go"},
        actor="eve",
        wait=timedelta(seconds=10),
    )

    assert client.wait_for_change(seen, wait=timedelta(seconds=10)).keys() == {plan_id}
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.worlds[0].executors_alive() == 1


def test_two_executors_share_the_plans_and_each_runs_once(house: House) -> None:
    """E-089: each run once."""
    client = house.another(executor=False)
    house.another()
    plans = [
        client.submit(Compose.name, {"layout": play.layout(do(str(n)))}, user="ann").plan_id
        for n in range(30)
    ]

    assert {house.rest(each).result for each in plans} == {PlanResult.SUCCESS}
    assert sorted(play.log, key=int) == [str(n) for n in range(30)]


def test_a_reply_for_a_plan_of_another_executor_reaches_it(house: House) -> None:
    """B-015: it is sent on, and acknowledged once it is there."""
    house.hosts.default = silence
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "asked")
    other = house.another()
    executor = other._executor
    assert executor is not None

    delivery = house.hosts.say(result(), to=executor.world.token)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    until(lambda: house.broker.verdicts(delivery), "it is acknowledged")


def test_a_plan_that_another_executor_changed_meanwhile_is_read_anew(house: House) -> None:
    """Outputs are cached only as long as the plan is owned."""
    seen: list[str] = []

    def layout(plan: Action) -> None:
        with plan.sequence():
            made = plan.plan_action(Do, name="a")
            plan.plan_action(Finish, name="b", value=made.output["version"].or_else("none"))
            plan.plan_action(Repeat, name="c", value=made.output["version"].or_else("none"))

    def fail(_action: Any, _event: Any) -> None:
        raise RuntimeError("not yet")

    play.scripts["a"] = fail
    plan_id = compose(house, layout)
    assert house.rest(plan_id).state is PlanState.PAUSED
    first = house.world
    house.valve.before["claim"] = lambda *_args, **_fields: (_ for _ in ()).throw(
        StoreUnavailableError("busy")
    )
    play.scripts["a"] = lambda action, _event: action.output.update(version="2")
    play.scripts["b"] = fail
    house.another()
    house.resume(plan_id)
    until(lambda: house.history(plan_id).count("pause execution") == 2, "it paused at b")
    house.worlds[-1].terminate()
    house.valves[0].open()
    play.scripts["b"] = lambda action, _event: seen.append(action.input["value"])
    play.scripts["c"] = lambda action, _event: seen.append(action.input["value"])
    first.command(plan_id, CommandKind.RESUME, {}, actor="bob", wait=timedelta(seconds=10))

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert seen == ["2", "2"]


def test_a_command_that_another_executor_has_obeyed_meanwhile_is_not_obeyed_again(house: House) -> None:
    """E-044: one effect, though this executor saw the command before the other one claimed the plan."""

    def fail(_action: Any, _event: Any) -> None:
        raise RuntimeError("again")

    play.scripts["a"] = fail
    plan_id = compose(house, do("a"))
    house.rest(plan_id)
    slow, go_on = threading.Event(), threading.Event()

    def late(*_args: Any, **_fields: Any) -> None:
        slow.set()
        assert go_on.wait(20)

    house.valve.before["claim"] = late
    first, valve = house.world, house.valve
    house.another(executor=False)
    house.store.add_command(CommandRecord(uuid4(), plan_id, CommandKind.RESUME, 0.0))
    assert slow.wait(10)
    house.another()
    until(lambda: house.history(plan_id).count("pause execution") == 2, "the other one obeyed")
    house.world.terminate()
    go_on.set()
    until(lambda: house.valves[0].calls.count("claim") == 1, "the slow one claims")
    valve.open()
    with pytest.raises(CommandRefusedError):
        first.command(plan_id, CommandKind.SKIP, {"step_id": 999}, actor="bob", wait=timedelta(seconds=10))

    assert play.log == ["a", "a"]
    plan = house.rest(plan_id)
    assert (plan.state, plan.owner) == (PlanState.PAUSED, None)


# -- the end of a process ---------------------------------------------------------------------------------


def test_terminating_waits_for_code_inside_and_not_for_suspended_steps(house: House) -> None:
    """E-101: twice, too."""
    play.scripts["b"] = sleep
    held = play.hold("a")

    def layout(plan: Action) -> None:
        plan.plan_action(Do, name="a")
        plan.plan_action(Listen, name="b")

    plan_id = compose(house, layout)
    play.wait_inside("a")
    house.step_when(plan_id, StepState.SUSPENDED, Listen)
    ended: list[bool] = []
    ending = threading.Thread(target=lambda: ended.append(house.world.terminate()))
    ending.start()
    ending.join(0.3)
    assert ending.is_alive()
    held.set()
    ending.join(10)

    assert ended == [True]
    assert house.step(plan_id, Do).state is StepState.SUCCESS
    plan = house.store.plan(plan_id)
    assert (plan.state, plan.owner) == (PlanState.RUNNING, None)
    assert house.world.terminate() is True


def test_an_executor_that_waits_for_code_to_end_does_not_spin(house: House) -> None:
    """E-101: it sleeps meanwhile, the machine may have better things to do."""
    held = play.hold("a")
    compose(house, do("a"))
    play.wait_inside("a")
    executor = house.world._executor
    assert executor is not None
    ending = threading.Thread(target=house.world.terminate)
    ending.start()
    until(lambda: executor._director._draining, "it drains")
    takes = 0
    take = executor.mailbox.take

    def counted(**how: Any) -> Any:
        nonlocal takes
        takes += 1
        return take(**how)

    executor.mailbox.take = counted  # type: ignore[method-assign]
    threading.Event().wait(1.0)
    held.set()
    ending.join(10)

    assert takes < 20


def test_terminating_right_after_the_start(empty_house: House) -> None:
    """E-101: right after start."""
    assert empty_house.another().terminate() is True


def test_plans_of_an_executor_that_ended_go_on_elsewhere_at_once(house: House) -> None:
    """E-102: no lease wait."""
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    ending = house.world
    house.another()
    ending.terminate()

    house.send(plan_id, step.id, "go")

    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_replies_that_come_while_an_executor_ends_are_read_by_the_next(house: House) -> None:
    """E-102: its queue is not forgotten as long as something waits in it."""
    house.hosts.default = silence
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "asked")
    house.broker.stop_consuming(house.world._connector)  # type: ignore[arg-type]
    house.hosts.say(result())
    house.world.terminate()

    house.another()

    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_plan_with_an_error_is_not_paused_only_because_the_executor_ends(house: House) -> None:
    """E-019: its other branches have not been started yet; the next owner starts them."""
    held = play.hold("slow")

    def fail(_action: Any, _event: Any) -> None:
        raise RuntimeError("broken")

    play.scripts["bad"] = fail

    def layout(plan: Action) -> None:
        plan.plan_action(Do, name="bad")
        with plan.sequence():
            plan.plan_action(Do, name="slow")
            plan.plan_action(Do, name="next")

    plan_id = compose(house, layout)
    play.wait_inside("slow")
    until(lambda: "error" in house.states(plan_id), "one branch failed")
    ending = threading.Thread(target=house.world.terminate)
    ending.start()
    until(lambda: house.world._executor is None, "it ends")
    ending.join(0.2)
    held.set()
    ending.join(10)
    assert house.store.plan(plan_id).state is PlanState.RUNNING
    house.another()

    assert house.rest(plan_id).state is PlanState.PAUSED
    assert "next" in play.log


def test_terminating_ends_with_the_database_away(house: House) -> None:
    """E-101: database or not."""
    play.scripts["a"] = sleep
    house.step_when(compose(house, one(Listen)), StepState.SUSPENDED)
    house.valve.shut()

    house.world.terminate(timeout=timedelta(seconds=2))

    assert house.world._executor is None


# -- the database, the broker -----------------------------------------------------------------------------


def test_a_database_that_is_away_for_a_while_stops_nothing_for_good(house: House) -> None:
    """E-104: no exit, goes on when it is back."""
    house.hosts.default = silence
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "asked")
    house.valve.shut()
    reply = house.hosts.say(result())
    threading.Event().wait(0.5)
    assert house.broker.verdicts(reply) == []
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.valve.open()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    until(lambda: house.broker.verdicts(reply), "acknowledged after the commit")


def test_a_database_that_is_away_for_a_minute_amid_recovery_is_waited_for(house: House) -> None:
    """E-104: for 60 s, so that our own lease runs out as well; no exit, resumes within 5 s."""
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    real, away = house.store.claim, threading.Event()

    def claim(*args: Any, **fields: Any) -> Any:
        if not away.is_set():
            house.valve.shut()
            away.set()
            raise StoreUnavailableError("gone while it takes over")
        return real(*args, **fields)

    house.store.claim = claim  # type: ignore[method-assign]
    house.kill()
    house.another()
    assert away.wait(10)
    for world in house.store.worlds():
        house.store.expire_world(world.id)
    for _ in range(60):
        house.advance(1)
    executor = house.world._executor
    assert executor is not None
    assert executor._director.alive
    assert house.store.plan(plan_id).epoch == 1

    house.valve.open()
    back = time.monotonic()
    house.plan_when(plan_id, lambda plan: plan.epoch == 2)
    assert time.monotonic() - back < 5
    house.send(plan_id, step.id, "go")
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_the_link_is_told_to_those_who_ask(house: House) -> None:
    until(lambda: house.world.link().link is Link.UP, "up")
    house.world._connector.report(Link.DOWN, "no route")  # type: ignore[union-attr]

    until(lambda: house.world.link().why == "no route", "down")
