"""What a cancel does, to plans and on hosts."""

from datetime import timedelta
from typing import Any

import pytest

from mcoflow.action import FOREVER, Action
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError, StepCancelledError, WaitTimeoutError
from mcoflow.testing.hosts import accepted, only, progress, result, silence
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Compose,
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


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def in_sequence(*parts: tuple[type[Action], str]) -> Any:
    def layout(plan: Action) -> None:
        with plan.sequence():
            for action, name in parts:
                plan.plan_action(action, name=name)

    return layout


def paused(house: House, layout: Any) -> Any:
    plan = house.rest(compose(house, layout))
    assert plan.state is PlanState.PAUSED
    return plan


# -- cancel -----------------------------------------------------------------------------------------------


def test_a_cancel_reaches_a_suspended_step_and_nothing_more_starts(house: House) -> None:
    """E-056: one Cancel; StepCancelledError: stopped/cancelled, pending steps cancelled."""
    play.scripts["a"] = sleep
    plan_id = compose(house, in_sequence((Stoppable, "a"), (Finish, "b")))
    step = house.step_when(plan_id, StepState.SUSPENDED, Stoppable)

    assert house.cancel(plan_id) == {"step_ids": [step.id]}

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert house.states(plan_id) == ["cancelled", "cancelled", "cancelled"]
    assert play.log == ["a", "a cancel"]
    assert "cancel" in house.history(plan_id)


def test_a_step_that_waits_for_its_own_end_after_a_cancel_is_not_told_again(house: House) -> None:
    """E-056: one Cancel, though on_cancel suspends once more."""
    play.scripts["a"] = sleep
    play.scripts["a cancel"] = lambda action, _event: action.suspend(patience=timedelta(seconds=60))
    plan_id = compose(house, one(Stoppable))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.cancel(plan_id)
    until(lambda: "a cancel" in play.log, "it was told")
    house.step_when(plan_id, StepState.SUSPENDED)
    house.send(plan_id, house.step(plan_id).id, "it is over")

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert play.log == ["a", "a cancel", "a"]


def test_an_action_that_ends_well_on_cancel_is_a_success_if_nothing_is_left(house: House) -> None:
    """E-057: with no step left the plan is success, finalize included."""
    play.scripts["a"] = sleep
    play.scripts["a cancel"] = lambda action, _event: action.output.update(stopped=True)
    plan_id = compose(house, one(Stoppable))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_an_action_that_ends_well_on_cancel_lets_no_later_step_run(house: House) -> None:
    """E-057: else stopped/cancelled."""
    play.scripts["a"] = sleep
    play.scripts["a cancel"] = lambda action, _event: action.output.update(stopped=True)
    plan_id = compose(house, in_sequence((Stoppable, "a"), (Do, "b")))
    house.step_when(plan_id, StepState.SUSPENDED, Stoppable)
    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert house.states(plan_id) == ["success", "cancelled"]
    assert "b" not in play.log


def test_a_failure_after_a_cancel_stops_the_plan_and_never_pauses_it(house: House) -> None:
    """E-056: the plan is stopped, never paused."""
    play.scripts["a"] = sleep
    play.scripts["a cancel"] = fail
    plan_id = compose(house, one(Stoppable))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.cancel(plan_id)

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)


def test_a_finalize_that_fails_after_a_cancel_does_not_pause_either(house: House) -> None:
    play.scripts["a"] = sleep
    play.scripts["b!"] = fail

    def layout(plan: Action) -> None:
        plan.plan_action(Listen, name="a")
        plan.plan_action(Finish, name="b")

    plan_id = compose(house, layout)
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    until(lambda: "b" in play.log, "b ran")
    house.cancel(plan_id)
    house.send(plan_id, step.id, "end")

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)


def test_a_cancel_with_nothing_to_tell_starts_nothing_more(house: House) -> None:
    """E-058: no signal, yet no further step starts."""
    play.scripts["a"] = sleep
    plan_id = compose(house, in_sequence((Listen, "a"), (Do, "b")))
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen)

    assert house.cancel(plan_id) == {"step_ids": []}
    assert house.step(plan_id, Listen).state is StepState.SUSPENDED
    house.send(plan_id, step.id, "end")

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert play.log == ["a", "a"]


def test_a_cancel_while_code_is_inside_is_told_at_its_suspend(house: House) -> None:
    held = play.hold("a")
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Stoppable))
    play.wait_inside("a")
    house.cancel(plan_id)
    held.set()

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert play.log == ["a", "a cancel"]


def test_a_cancel_of_a_paused_plan_ends_it_at_once(house: House) -> None:
    """E-060: paused."""
    play.scripts["a"] = fail
    plan = paused(house, in_sequence((Do, "a"), (Do, "b")))

    assert house.cancel(plan.id) == {"step_ids": []}

    ended = house.store.plan(plan.id)
    assert (ended.state, ended.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert house.states(plan.id) == ["cancelled", "cancelled"]


def test_a_cancel_of_a_planned_plan_ends_it_at_once(empty_house: House) -> None:
    """E-060: planned; nothing ran."""
    empty_house.another(executor=False)
    plan_id = compose(empty_house, do("a"))
    with pytest.raises(WaitTimeoutError, match="no executor has taken"):
        empty_house.world.command(
            plan_id, CommandKind.CANCEL, {}, actor="bob", wait=timedelta(milliseconds=10)
        )
    empty_house.another()

    plan = empty_house.rest(plan_id)
    assert plan.state is PlanState.STOPPED


def test_a_cancel_of_a_stopped_plan_changes_nothing(house: House) -> None:
    """E-060: no signal, no change."""
    plan = house.rest(compose(house, do("a")))

    with pytest.raises(CommandRefusedError, match="stopped"):
        house.cancel(plan.id)
    assert house.store.plan(plan.id).version == plan.version
    assert house.store.plan(plan.id).result is PlanResult.SUCCESS


# -- cancel, and hosts ------------------------------------------------------------------------------------


def test_a_cancelled_host_step_tells_the_agent_and_takes_its_word(house: House) -> None:
    """E-056: of a host step."""
    house.hosts.default = only(accepted(), progress())
    house.hosts.on_cancel = lambda _cancel: [result("killed")]
    plan_id = compose(house, lambda plan: plan.plan_action(Install, host="web1", package="x"))
    until(lambda: house.store.open_requests([plan_id]) and house.hosts.requests, "it was asked")
    until(lambda: house.store.open_requests([plan_id])[0].executing, "it is executing")

    assert len(house.cancel(plan_id)["step_ids"]) == 1

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert plan.explanation == "web1: cancelled, killed"


def test_a_second_cancel_waits_for_nobody(house: House) -> None:
    """E-059: by force, "may still run"."""
    house.hosts.default = only(accepted())
    plan_id = compose(house, lambda plan: plan.plan_action(Install, host="web1", package="x"))
    until(lambda: any(r.state == "accepted" for r in house.store.open_requests([plan_id])), "accepted")
    house.cancel(plan_id)
    assert house.store.plan(plan_id).state is PlanState.RUNNING

    house.cancel(plan_id)

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert "may still run" in plan.explanation


def test_a_cancel_before_pickup_ends_after_the_grace(house: House) -> None:
    house.hosts.default = silence
    plan_id = compose(house, lambda plan: plan.plan_action(Install, host="web1", package="x"))
    until(lambda: house.hosts.requests, "it was asked")
    house.cancel(plan_id)
    until(lambda: house.broker.of_kind("cancel"), "the agent is told")
    house.advance(31)

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)


def test_a_failed_installation_after_a_cancel_is_a_failure_in_a_cancelled_plan(house: House) -> None:
    house.hosts.default = silence
    house.hosts.on_cancel = lambda _cancel: [result("failed", exit_code=1)]
    plan_id = compose(house, lambda plan: plan.plan_action(Install, host="web1", package="x"))
    until(lambda: house.hosts.requests, "it was asked")
    house.cancel(plan_id)

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert house.step(plan_id).reason == "exit 1"


def test_a_cancelled_step_says_so(house: House) -> None:
    play.scripts["a"] = sleep

    def stop(_action: Any, _event: Any) -> None:
        raise StepCancelledError("stopped by hand")

    play.scripts["a cancel"] = stop
    plan_id = compose(house, one(Stoppable))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.cancel(plan_id)
    house.rest(plan_id)

    error = house.step(plan_id).error
    assert error is not None
    assert error.message == "stopped by hand"
    assert Compose.title in house.store.plan(plan_id).label


def test_nothing_waits_for_a_step_that_was_to_run_again_and_never_will(house: House) -> None:
    """I-12: its executor died inside it; the plan is cancelled before another one lets it run."""
    go = play.hold("a")
    plan_id = house.trigger(Repeat, name="a")
    play.wait_inside("a")
    house.world.event(plan_id, 2, "somebody wants it")
    client = house.another(executor=False)
    house.worlds.reverse()
    house.valves.reverse()
    house.kill()

    with pytest.raises(WaitTimeoutError):
        client.command(plan_id, CommandKind.CANCEL, {}, actor="ann", wait=timedelta(0))
    go.set()
    house.another()

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert house.store.events([plan_id]) == []
    assert "event dropped" in [line.name for line in house.store.history(plan_id)]
