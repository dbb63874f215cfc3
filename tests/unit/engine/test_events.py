"""Suspending, and what wakes a step: events, timers, silence."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import FOREVER, Action, Silence, UserEvent
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError, EventDroppedError, PlanNotFoundError
from mcoflow.services.present import step_words
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Listen, Repeat, compose, do, one, play
from tests.waiting import until


def collects(wanted: int, heard: list[Any]) -> Any:
    """Suspend until so many events have come, and keep them."""

    def script(action: Any, event: Any) -> None:
        if event is not None:
            heard.append(event.value if isinstance(event, UserEvent) else event)
        if len(heard) < wanted:
            action.suspend(patience=FOREVER)

    return script


def suspended(house: House, script: Any, action: type[Action] = Listen) -> tuple[Any, int]:
    """Trigger a plan of one step that suspends; return plan and step."""
    play.scripts["a"] = script
    plan_id = compose(house, one(action))
    return plan_id, house.step_when(plan_id, StepState.SUSPENDED, action).id


def test_a_suspended_step_holds_no_worker_and_goes_on_with_its_event(house: House) -> None:
    heard: list[Any] = []
    plan_id, step = suspended(house, collects(1, heard))

    house.send(plan_id, step, {"approved": [1, None]})

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == [{"approved": [1, None]}]
    assert house.count("events") == 0


@pytest.mark.parametrize("value", [[1], None, 1.5])
def test_a_value_that_the_action_does_not_accept_is_refused_and_the_step_waits_on(
    house: House, value: Any
) -> None:
    """E-027: at once with the reason."""
    heard: list[Any] = []
    plan_id, step = suspended(house, collects(1, heard))

    with pytest.raises(EventDroppedError, match="takes str, int, dict"):
        house.send(plan_id, step, value)
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.send(plan_id, step, "fine")
    house.rest(plan_id)
    assert heard == ["fine"]


def test_a_run_without_events_refuses_any(house: House) -> None:
    """E-027: any for run(self)."""
    held = play.hold("a")
    plan_id = compose(house, do("a"))
    play.wait_inside("a")

    with pytest.raises(EventDroppedError, match="no user events"):
        house.send(plan_id, house.step(plan_id).id, "x")
    held.set()
    house.rest(plan_id)


def test_events_that_come_while_run_is_inside_wait_for_its_suspend_and_keep_their_order(
    house: House,
) -> None:
    """E-028: ten keep their order."""
    heard: list[Any] = []
    held = play.hold("a")
    play.scripts["a"] = collects(10, heard)
    plan_id = compose(house, one(Listen))
    play.wait_inside("a")
    step = house.step(plan_id).id
    for number in range(10):
        house.send(plan_id, step, number)
    assert heard == []
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == list(range(10))


def test_events_left_at_the_end_of_the_step_are_dropped_and_the_history_says_so(house: House) -> None:
    """E-029: left over."""
    held = play.hold("a")
    plan_id = compose(house, one(Listen))
    play.wait_inside("a")
    house.send(plan_id, house.step(plan_id).id, "too late")
    held.set()

    house.rest(plan_id)

    assert "event dropped" in house.history(plan_id)
    assert house.count("events") == 0


def test_events_to_a_step_that_does_not_wait_are_refused(house: House) -> None:
    """E-029: final, never started, failed; a paused plan; an unknown one."""
    heard: list[Any] = []

    def layout(plan: Action) -> None:
        plan.plan_action(Do, name="done")
        with plan.sequence():
            plan.plan_action(Listen, name="a")
            plan.plan_action(Repeat, name="later")
        plan.plan_action(Do, name="broken")

    def broken(_action: Any, _event: Any) -> None:
        raise RuntimeError("broken")

    play.scripts["a"] = collects(1, heard)
    play.scripts["broken"] = broken
    plan_id = compose(house, layout)
    waiting = house.step_when(plan_id, StepState.SUSPENDED, Listen).id
    until(lambda: {"success", "error"} <= set(house.states(plan_id)), "the others ended")
    for step in house.steps(plan_id).values():
        if step.id != waiting:
            with pytest.raises(EventDroppedError, match="waits for events"):
                house.send(plan_id, step.id, "x")
    with pytest.raises(EventDroppedError):
        house.send(plan_id, 999, "x")
    house.send(plan_id, waiting, "x")
    assert house.rest(plan_id).state is PlanState.PAUSED
    with pytest.raises(CommandRefusedError, match="paused"):
        house.send(plan_id, waiting, "x")
    with pytest.raises(PlanNotFoundError):
        house.send(uuid4(), waiting, "x")


def test_an_accepted_event_is_delivered_once_after_a_crash(house: House) -> None:
    """E-030: killed between acceptance and delivery."""
    heard: list[Any] = []
    held = play.hold("a")
    play.scripts["a"] = collects(1, heard)
    plan_id = compose(house, one(Repeat))
    play.wait_inside("a")
    house.send(plan_id, house.step(plan_id).id, "kept")

    house.restart()
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["kept"]
    assert house.step(plan_id).attempt == 2


def test_a_delayed_event_keeps_its_time_across_a_restart(house: House) -> None:
    """E-031: delay 60 s, restart at 30 s: delivered at 60 s, once."""
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.plan_event("tick", delay=timedelta(seconds=60))
            action.suspend(patience=FOREVER)
        heard.append(event.value)

    plan_id, _ = suspended(house, script)
    house.advance(30)
    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    house.advance(29)
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.advance(1)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["tick"]
    assert house.count("timers") == 0


def test_an_event_to_oneself_without_delay_comes_at_once_yet_after_the_suspend(house: House) -> None:
    """E-031: never before the suspend."""
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.plan_event("now")
            heard.append("before the suspend")
            action.suspend(patience=FOREVER)
        heard.append(event.value)

    play.scripts["a"] = script

    assert house.rest(compose(house, one(Listen))).result is PlanResult.SUCCESS
    assert heard == ["before the suspend", "now"]


def test_a_step_may_wake_another_one(house: House) -> None:
    heard: list[Any] = []
    plan_id, step = None, 0

    def layout(plan: Action) -> None:
        plan.plan_action(Listen, name="a")
        plan.plan_action(Repeat, name="b")

    play.scripts["a"] = collects(1, heard)
    held = play.hold("b")
    plan_id = compose(house, layout)
    step = house.step_when(plan_id, StepState.SUSPENDED, Listen).id
    play.scripts["b"] = lambda action, _event: action.plan_event("wake up", step_id=step)
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["wake up"]


@pytest.mark.parametrize(("optional", "told"), [(False, True), (True, False)])
def test_an_event_to_a_step_that_has_ended_is_dropped_and_stored_for_nobody(
    house: House, optional: bool, told: bool
) -> None:
    """E-029: optional: no complaint."""

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Do, name="first")
            plan.plan_action(Repeat, name="b")

    held = play.hold("b")
    plan_id = compose(house, layout)
    play.wait_inside("b")
    first = house.step(plan_id, Do).id
    play.scripts["b"] = lambda action, _event: action.plan_event("x", step_id=first, optional=optional)
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert ("event dropped" in house.history(plan_id)) is told
    assert house.count("events") == 0


def test_silence_comes_when_patience_ends_and_not_before(house: House) -> None:
    """E-033: Silence at `patience`."""
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.suspend(patience=timedelta(minutes=5))
        heard.append(event)

    plan_id, _ = suspended(house, script)
    house.advance(299)
    until(lambda: house.count("timers") == 1, "the timer stands")
    assert heard == []
    house.advance(1)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == [Silence(300.0)]


def test_forever_means_no_silence(house: House) -> None:
    """E-033: with FOREVER none."""
    plan_id, step = suspended(house, collects(1, []))

    assert house.count("timers") == 0
    house.advance(10 * 365 * 86400)
    house.send(plan_id, step, "at last")
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_an_event_ends_the_old_patience_and_a_new_suspend_begins_a_new_one(house: House) -> None:
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        heard.append(event)
        if not isinstance(event, Silence):
            action.suspend(patience=timedelta(seconds=100))

    plan_id, step = suspended(house, script)
    house.advance(90)
    house.send(plan_id, step, "x")
    until(lambda: len(heard) == 2, "it was heard")
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(90)
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.advance(10)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert len(heard) == 3


def test_a_step_suspended_at_a_crash_just_goes_on_waiting(house: House) -> None:
    """E-097: run is not called; its event wakes it on the new owner."""
    heard: list[Any] = []
    plan_id, step = suspended(house, collects(1, heard))
    called = len(play.log)

    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    assert len(play.log) == called
    house.send(plan_id, step, "good morning")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["good morning"]


def test_stored_events_are_plain_json(house: House) -> None:
    """E-032: the rows."""
    held = play.hold("a")
    play.scripts["a"] = collects(1, [])
    plan_id = compose(house, one(Listen))
    play.wait_inside("a")
    house.send(plan_id, house.step(plan_id).id, {"né": "ü"})

    (event,) = house.store.events([plan_id])
    assert event.value == '{"n\\u00e9": "\\u00fc"}'
    held.set()
    house.rest(plan_id)


def test_an_event_that_is_no_json_is_refused_at_its_sender(house: House) -> None:
    """E-032: at the sender."""
    play.scripts["a"] = lambda action, _event: action.plan_event({1, 2})
    plan = house.rest(compose(house, one(Listen)))

    error = house.step(plan.id).error
    assert error is not None
    assert error.kind == "NotSerialisableError"


def test_a_step_that_sleeps_says_what_it_waits_for(house: House) -> None:
    """E-033: with FOREVER the view says "waits for a person"."""
    plan_id, step = suspended(house, collects(2, []))
    assert step_words(house.step(plan_id)) == "waits for a person"

    play.scripts["a"] = lambda action, event: None if event == Silence(60.0) else action.suspend()
    house.send(plan_id, step, "x")
    until(lambda: step_words(house.step(plan_id)) == "waits for an event", "it sleeps again")
