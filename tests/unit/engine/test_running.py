"""How plans run: order and ends."""

import threading
from typing import Any

import pytest

from mcoflow.action import Action
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import (
    CommandRefusedError,
    StepCancelledError,
)
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Do,
    Finish,
    GiveUp,
    Listen,
    Tidy,
    compose,
    do,
    one,
    play,
)
from tests.waiting import until


def fail(why: str = "broken") -> Any:
    def script(_action: Any, _event: Any) -> None:
        raise RuntimeError(why)

    return script


# -- order ------------------------------------------------------------------------------------------------


def test_a_step_runs_while_others_that_it_does_not_need_are_held(house: House) -> None:
    """E-004: 11 runs while 7 and 9 are held."""
    held = [play.hold("7"), play.hold("9")]

    def layout(plan: Action) -> None:
        with plan.sequence():
            three = plan.plan_action(Do, name="3")
            plan.plan_action(Do, name="7")
        with plan.sequence():
            five = plan.plan_action(Do, name="5")
            plan.plan_action(Do, name="9")
        plan.plan_action(Do, name="11", reads=[three.output["by"], five.output["by"]])

    plan_id = compose(house, layout)

    play.wait_inside("11")
    for event in held:
        event.set()
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_the_second_group_starts_after_the_whole_first(house: House) -> None:
    """E-005: through the gate."""
    held = play.hold("1.3")

    def layout(plan: Action) -> None:
        with plan.sequence():
            for group in (1, 2):
                with plan.concurrence():
                    for number in range(5):
                        plan.plan_action(Do, name=f"{group}.{number}")

    plan_id = compose(house, layout)
    until(lambda: len(play.log) == 5, "the first group runs")
    until(lambda: house.states(plan_id).count("success") == 4, "four have ended")
    assert all(name.startswith("1.") for name in play.log)
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert all(name.startswith("2.") for name in play.log[5:])


def test_a_consumer_gets_the_exact_values_of_its_producer(house: House) -> None:
    """E-007: also deep inside lists and objects; the stored input keeps the reference."""
    seen: list[Any] = []

    def produce(action: Any, _event: Any) -> None:
        action.output["deep"] = {"list": ["é", 1.5, None, {"x": True}]}

    play.scripts["a"] = produce
    play.scripts["b"] = lambda action, _event: seen.append(action.input["value"])

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Do, name="b", value=[{"it": made.output["deep"]["list"]}, made.output["by"]])

    assert house.rest(compose(house, layout)).result is PlanResult.SUCCESS

    assert seen == [[{"it": ["é", 1.5, None, {"x": True}]}, "a"]]


def test_a_finalize_gets_the_values_that_its_input_refers_to(house: House) -> None:
    """E-007: in finalize as in run."""
    seen: list[Any] = []
    play.scripts["b!"] = lambda action, _event: seen.append((action.input["value"], action.output["by"]))

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Finish, name="b", value=made.output["by"])

    assert house.rest(compose(house, layout)).result is PlanResult.SUCCESS
    assert seen == [("a", "b")]


def test_a_subkey_that_is_missing_at_run_time_is_a_step_error(house: House) -> None:
    """E-010: names both steps, path and keys; plan paused; never success, never hung."""

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Listen, name="b", value=made.output["deep"]["down"])

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    step = house.step(plan.id, Listen)
    assert step.error is not None
    assert step.error.kind == "ReferenceMissingError"
    producer = house.step(plan.id, Do).id
    assert f'step {producer} output["deep"]["down"] is missing: its keys are by' in step.error.message
    assert play.log == ["a"]


def test_an_alternative_is_taken_when_the_producer_lacks_the_key(house: House) -> None:
    """E-011: else the real value."""
    seen: list[Any] = []
    play.scripts["b"] = lambda action, _event: seen.extend(action.input["values"])

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Do, name="b", values=[made.output["x"].or_else(7), made.output["by"].or_else(7)])

    house.rest(compose(house, layout))

    assert seen == [7, "a"]


# -- ends -------------------------------------------------------------------------------------------------


def test_a_plan_without_steps_is_a_success_and_cannot_be_run_again(house: House) -> None:
    """E-017: empty."""
    plan = house.rest(compose(house, lambda _plan: None))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    with pytest.raises(CommandRefusedError, match="stopped"):
        house.resume(plan.id)


def test_a_plan_with_a_finalize_alone_is_a_success(house: House) -> None:
    """E-017: finalize only."""
    plan = house.rest(compose(house, one(Tidy)))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert play.log == ["a!"]


def test_an_error_stops_what_follows_it_and_nothing_else(house: House) -> None:
    """E-019: what follows stays pending, other branches end, finalize does not start, paused/error."""
    play.scripts["bad"] = fail()

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Do, name="bad")
            plan.plan_action(Do, name="after bad")
        with plan.sequence():
            plan.plan_action(Do, name="good")
            plan.plan_action(Finish, name="after good")

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert plan.explanation == "broken"
    assert house.states(plan.id) == ["error", "pending", "success", "success", "pending"]
    assert "pause execution" in house.history(plan.id)


def test_finalize_runs_after_all_run_steps_one_by_one_in_plan_order(house: House) -> None:
    """E-040: in plan order."""
    running, most = [0], [0]
    lock = threading.Lock()

    def script(_action: Any, _event: Any) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.01)
        with lock:
            running[0] -= 1

    for number in range(4):
        play.scripts[f"{number}!"] = script

    def layout(plan: Action) -> None:
        for number in range(4):
            plan.plan_action(Finish, name=str(number))

    plan = house.rest(compose(house, layout))

    assert plan.result is PlanResult.SUCCESS
    assert play.log[4:] == ["0!", "1!", "2!", "3!"]
    assert most == [1]


def test_a_failed_finalize_pauses_and_resume_starts_at_it(house: House) -> None:
    """E-041: without a transaction adapter done steps stay done."""
    play.scripts["b!"] = fail("disk full")

    def layout(plan: Action) -> None:
        for name in "abc":
            plan.plan_action(Finish, name=name)

    plan = house.rest(compose(house, layout))
    assert (plan.state, plan.explanation) == (PlanState.PAUSED, "disk full")
    del play.scripts["b!"]
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS
    assert [name for name in play.log if name.endswith("!")] == ["a!", "b!", "b!", "c!"]


def test_a_step_that_warned_is_a_success_and_its_plan_a_warning(house: House) -> None:
    """E-116: message shown; finalize runs, nothing pauses."""
    play.scripts["a"] = lambda action, _event: action.warn("disk nearly full")

    plan = house.rest(compose(house, one(Finish)))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.WARNING)
    assert plan.explanation == "disk nearly full"
    assert house.step(plan.id).warnings == ("disk nearly full",)
    assert play.log == ["a", "a!"]


def test_what_a_failing_run_warned_of_is_forgotten_when_it_is_tried_again(house: House) -> None:
    def warn_and_fail(action: Any, _event: Any) -> None:
        action.warn("odd")
        raise RuntimeError("broken")

    play.scripts["a"] = warn_and_fail
    plan = house.rest(compose(house, do("a")))
    del play.scripts["a"]
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS


def test_an_action_may_fail_its_plan_instead_of_pausing_it(house: House) -> None:
    """E-049: Fail gives stopped/error, the rest stays pending."""
    play.scripts["a"] = fail("hopeless")

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(GiveUp, name="a")
            plan.plan_action(Do, name="b")

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result, plan.explanation) == (PlanState.STOPPED, PlanResult.ERROR, "hopeless")
    assert plan.counts == {StepState.ERROR: 1, StepState.PENDING: 1}


def test_failed_steps_that_do_not_agree_pause_the_plan(house: House) -> None:
    """E-050: Fail and Pause: Pause."""
    play.scripts["a"] = play.scripts["b"] = fail()

    def layout(plan: Action) -> None:
        plan.plan_action(GiveUp, name="a")
        plan.plan_action(Do, name="b")

    assert house.rest(compose(house, layout)).state is PlanState.PAUSED


def test_what_an_action_wants_for_its_plan_survives_a_restart(house: House) -> None:
    held = play.hold("slow")
    play.scripts["bad"] = fail("hopeless")

    def layout(plan: Action) -> None:
        plan.plan_action(GiveUp, name="bad")
        plan.plan_action(Listen, name="slow")

    play.scripts["slow"] = lambda action, event: action.suspend() if event is None else None
    plan_id = compose(house, layout)
    held.set()
    slow = house.step_when(plan_id, StepState.SUSPENDED, Listen)
    until(lambda: house.step(plan_id, GiveUp).state is StepState.ERROR, "the other one failed")
    house.restart()
    house.send(plan_id, slow.id, "go on")

    assert house.rest(plan_id).state is PlanState.STOPPED


def test_a_step_that_ends_itself_as_cancelled_does_not_leave_its_followers_pending_for_ever(
    house: House,
) -> None:
    def cancel(_action: Any, _event: Any) -> None:
        raise StepCancelledError("not needed any more")

    play.scripts["a"] = cancel

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Do, name="a")
            plan.plan_action(Finish, name="b")
        plan.plan_action(Do, name="other")

    plan = house.rest(compose(house, layout))

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)
    assert house.states(plan.id) == ["cancelled", "cancelled", "cancelled", "success"]
    assert sorted(play.log) == ["a", "other"]
