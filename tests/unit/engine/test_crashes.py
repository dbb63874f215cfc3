"""Executors that die or freeze: every plan goes on, and nothing runs twice."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import CommandKind, RequestState, WorldRecord
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.engine.settings import WorldSettings
from mcoflow.errors import StoreUnavailableError, WaitTimeoutError
from mcoflow.testing.hosts import accepted, only, result, silence
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Do,
    Finish,
    Install,
    Listen,
    Repeat,
    Stoppable,
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


# -- a crash ----------------------------------------------------------------------------------------------


def test_a_plan_of_a_dead_executor_is_taken_over(house: House) -> None:
    """E-095: and the history says so."""
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    first = house.store.plan(plan_id).owner

    house.restart()

    plan = house.plan_when(plan_id, lambda plan: plan.owner not in (None, first))
    assert plan.epoch == 2
    house.send(plan_id, step.id, "go")
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    lines = house.history(plan_id)
    assert lines[0] == lines[-2] == "start execution"
    assert lines[-1] == "finish execution"


def test_a_step_that_was_inside_run_is_an_error_unless_it_may_be_repeated(house: House) -> None:
    """E-096: RunInterruptedError, effect unknown; rerunnable runs as attempt 2."""
    held = [play.hold("a"), play.hold("b")]

    def layout(plan: Action) -> None:
        plan.plan_action(Do, name="a")
        plan.plan_action(Repeat, name="b")

    plan_id = compose(house, layout)
    play.wait_inside("a")
    play.wait_inside("b")

    house.kill()
    for event in held:
        event.set()
    house.another()
    plan = house.rest(plan_id)

    assert plan.state is PlanState.PAUSED
    interrupted = house.step(plan_id, Do)
    assert interrupted.error is not None
    assert interrupted.error.kind == "RunInterruptedError"
    assert "effect unknown" in interrupted.error.message
    assert (house.step(plan_id, Repeat).state, house.step(plan_id, Repeat).attempt) == (StepState.SUCCESS, 2)
    assert sorted(play.log) == ["a", "b", "b"]


def test_a_finalize_that_was_interrupted_is_repeated(house: House) -> None:
    """E-096: finalize is idempotent by contract."""
    held = play.hold("a!")
    plan_id = compose(house, one(Finish))
    play.wait_inside("a!")
    house.kill()
    held.set()
    house.another()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log == ["a", "a!", "a!"]
    assert house.step(plan_id, Finish, Phase.FINALIZE).attempt == 2


def test_a_request_whose_fate_is_unknown_is_sent_again_after_a_crash(house: House) -> None:
    """E-035: the same id, the same bytes; the agent's journal drops the double."""
    house.broker.receipt_for = lambda parcel: None if parcel.kind == "request" else "confirmed"
    plan_id = compose(house, install)
    until(lambda: house.broker.of_kind("request"), "it was published")
    house.broker.receipt_for = lambda _parcel: "confirmed"

    house.restart()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    first, again = house.broker.of_kind("request")
    assert (first.message_id, first.body, first.reply_to) == (again.message_id, again.body, again.reply_to)


def test_a_confirmed_request_is_not_sent_again(house: House) -> None:
    house.hosts.default = only(accepted())
    plan_id = compose(house, install)
    until(lambda: house.store.open_requests([plan_id]), "stored")
    until(lambda: house.store.open_requests([plan_id])[0].state is RequestState.ACCEPTED, "accepted")

    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch == 2)
    house.hosts.say(result())

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert len(house.broker.of_kind("request")) == 1


def test_on_a_bus_that_forgets_every_open_request_is_sent_again(house: House) -> None:
    """B-029: memory://."""
    house.hosts.default = only(accepted())
    plan_id = compose(house, install)
    until(lambda: house.store.open_requests([plan_id]), "stored")
    until(lambda: house.store.open_requests([plan_id])[0].state is RequestState.ACCEPTED, "accepted")
    house.hosts.default = only(result())

    house.restart(confirm=False)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert len(house.broker.of_kind("request")) == 2


def test_a_reply_that_came_while_nobody_was_there_ends_its_step(house: House) -> None:
    """B-015: the queue of the dead executor is read, and retired when it is empty."""
    house.hosts.default = silence
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "asked")
    token = house.hosts.requests[0].body.reply_to  # type: ignore[union-attr]
    house.kill()
    house.worlds[0]._executor._connector.close(wait=timedelta(0))  # type: ignore[union-attr]
    house.hosts.say(result())

    house.another(settings=WorldSettings(heartbeat=timedelta(milliseconds=50)))

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    until(lambda: token in house.broker.retired, "the queue is retired")
    until(lambda: all(world.alive for world in house.store.worlds()), "the dead one is forgotten")


def test_a_cancel_that_was_given_before_a_crash_holds_after_it(house: House) -> None:
    """E-058: a durable mark."""
    play.scripts["a"] = sleep

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Listen, name="a")
            plan.plan_action(Do, name="b")

    plan_id = compose(house, layout)
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    house.cancel(plan_id)

    house.restart()
    house.send(plan_id, step.id, "go")

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert "b" not in play.log


def test_a_request_that_was_told_to_stop_is_told_again_after_a_crash(house: House) -> None:
    house.hosts.default = silence
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "asked")
    house.cancel(plan_id)
    until(lambda: house.broker.of_kind("cancel"), "told")
    house.hosts.on_cancel = lambda _cancel: [result("cancelled")]

    house.restart()

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    first, again = house.broker.of_kind("cancel")
    assert first.message_id == again.message_id


def test_a_step_that_knows_of_the_cancel_is_not_told_again_after_a_crash(house: House) -> None:
    """E-056: one Cancel."""
    play.scripts["a"] = lambda action, _event: action.suspend(patience=FOREVER)
    play.scripts["a cancel"] = lambda action, _event: action.suspend(patience=FOREVER)
    plan_id = compose(house, one(Stoppable))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.cancel(plan_id)
    until(lambda: "a cancel" in play.log, "told")
    step = house.step_when(plan_id, StepState.SUSPENDED)

    house.restart()
    house.send(plan_id, step.id, "one more round")
    until(lambda: play.log.count("a") == 2, "it ran on")
    house.step_when(plan_id, StepState.SUSPENDED)

    assert play.log.count("a cancel") == 1


def test_a_second_crash_while_taking_over_loses_nothing(house: House) -> None:
    """E-099: during recovery."""
    play.scripts["a"] = sleep
    plan_ids = [compose(house, one(Listen)) for _ in range(5)]
    steps = {each: house.step_when(each, StepState.SUSPENDED).id for each in plan_ids}
    for _ in range(3):
        house.restart()
    for plan_id, step in steps.items():
        house.send(plan_id, step, "go")

    assert {house.rest(plan_id).result for plan_id in plan_ids} == {PlanResult.SUCCESS}


# -- a zombie ---------------------------------------------------------------------------------------------


def test_nothing_that_a_frozen_executor_writes_is_accepted(house: House) -> None:
    """E-098: no write of the zombie, no effect twice; it drops the plan and lives on under a new id."""
    house.hosts.default = silence
    play.scripts["a"] = sleep
    host_id, plan_id = compose(house, install), compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    until(lambda: house.hosts.requests, "asked")
    frozen, valve = house.world, house.valve
    before = {world.id for world in house.store.worlds()}

    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch == 2)
    valve.open()
    zombie = frozen._executor
    assert zombie is not None
    zombie._reply(house.hosts.say(result(values={"by": "zombie"}), to="x-nobody0000"))
    until(lambda: house.rest(host_id), "it was applied by whoever owns the plan")

    assert house.history(host_id).count("finish execution") == 1
    until(lambda: frozen.execution_status()["plans"] == 0, "the zombie let go", within=15)
    until(lambda: frozen._executor is not zombie, "it lives on under a new id", within=15)
    assert not before & {world.id for world in house.store.worlds() if world.alive}
    house.send(plan_id, step.id, "go")
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_world_that_was_declared_dead_goes_on_although_the_database_is_away_at_first(house: House) -> None:
    """E-103: registers anew, goes on."""
    house.worlds[0].terminate()
    world = house.another(settings=WorldSettings(heartbeat=timedelta(milliseconds=50)))
    first = world._executor
    refused = threading.Event()

    def before(*_args: Any, **_fields: Any) -> None:
        if not refused.is_set():
            refused.set()
            raise StoreUnavailableError("away")

    house.valve.before["register_world"] = before
    for each in house.store.worlds():
        house.store.expire_world(each.id)

    assert refused.wait(10)
    until(lambda: world._executor is not first and world._executor is not None, "a new registration")
    assert house.rest(compose(house, do("a"))).result is PlanResult.SUCCESS


def test_a_claim_that_loses_the_race_calls_no_code(house: House) -> None:
    """E-018: nothing of a lost batch is seen: no job, no answer; the next owner applies the command."""
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    thief = WorldRecord(uuid4(), "executor", "x-thief0000000", {})
    stolen = threading.Event()

    def steal(changes: Any) -> None:
        if changes.steps and not stolen.is_set():
            house.store.expire_world(house.store.plan(plan_id).owner or thief.id)
            house.store.register_world(thief, lease=60.0)
            assert house.store.claim(thief.id, [plan_id])
            stolen.set()

    house.valve.before["commit"] = steal
    with pytest.raises(WaitTimeoutError):
        house.world.command(
            plan_id,
            CommandKind.EVENT,
            {"step_id": step.id, "value": "go"},
            actor="bob",
            wait=timedelta(seconds=0.5),
        )
    assert stolen.is_set()
    assert play.log == ["a"]
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.store.expire_world(thief.id)

    house.another()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log == ["a", "a"]


def test_a_reply_to_a_plan_that_is_lost_at_that_moment_is_not_acknowledged(house: House) -> None:
    """B-015: it is applied by whoever owns the plan, and acknowledged then."""
    house.hosts.default = silence
    plan_id = compose(house, install)
    until(lambda: house.hosts.requests, "asked")
    until(lambda: house.store.open_requests([plan_id]), "stored")
    stolen = threading.Event()
    heir: list[UUID] = []

    def steal(changes: Any) -> None:
        if changes.steps and not stolen.is_set():
            (mine,) = [world for world in house.store.worlds() if world.id == house.store.plan(plan_id).owner]
            other = WorldRecord(uuid4(), "executor", "x-heir00000000", {})
            heir.append(other.id)
            house.store.register_world(other, lease=60.0)
            house.store.expire_world(mine.id)
            assert house.store.claim(other.id, [plan_id])
            stolen.set()

    house.valve.before["commit"] = steal
    delivery = house.hosts.say(result())
    assert stolen.wait(10)
    assert house.broker.verdicts(delivery) == []
    house.store.expire_world(heir[0])
    house.another()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
