"""Rescue: what becomes of a plan with failed steps, when its actions have a say."""

import threading
from typing import Any

import pytest

from mcoflow.action import Action, Registry, Rescue
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.settings import WorldSettings
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Compose,
    Do,
    Finish,
    Guardian,
    Rescued,
    RescuedFinish,
    compose,
    do,
    play,
)
from tests.waiting import until


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def together(*parts: tuple[type[Action], str]) -> Any:
    def layout(plan: Action) -> None:
        for action, name in parts:
            plan.plan_action(action, name=name)

    return layout


def in_sequence(*parts: tuple[type[Action], str]) -> Any:
    def layout(plan: Action) -> None:
        with plan.sequence():
            together(*parts)(plan)

    return layout


def failing(*names: str, **rescues: Rescue) -> None:
    for name in [*names, *rescues]:
        play.scripts[name] = fail
    play.rescues.update(rescues)


def test_skip_goes_on_without_a_person(house: House) -> None:
    """E-049: result warning; what comes later in the sequence runs, for only references are covered."""
    failing(a=Rescue.SKIP)
    plan_id = compose(house, in_sequence((Rescued, "a"), (Do, "b")))

    plan = house.rest(plan_id)

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.WARNING)
    assert house.states(plan_id) == ["skipped", "success"]
    assert "rescue" in house.history(plan_id)
    assert "pause execution" not in house.history(plan_id)


def test_skip_covers_those_who_read_the_output(house: House) -> None:
    """E-049: consumers by reference are skipped with it."""
    failing(a=Rescue.SKIP)

    def layout(plan: Action) -> None:
        first = plan.plan_action(Rescued, name="a")
        plan.plan_action(Finish, name="b", given=first.output["by"])
        plan.plan_action(Do, name="c")

    plan_id = compose(house, layout)

    assert house.rest(plan_id).result is PlanResult.WARNING
    assert house.states(plan_id) == ["skipped", "skipped", "skipped", "success"]


def test_fail_stops_the_plan_and_counts_are_exact(house: House) -> None:
    """E-049: stopped/error with exact counts of success, pending, error."""
    failing(b=Rescue.FAIL)
    plan_id = compose(house, in_sequence((Do, "a"), (Rescued, "b"), (Finish, "c")))

    plan = house.rest(plan_id)

    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.ERROR)
    assert plan.counts == {StepState.SUCCESS: 1, StepState.ERROR: 1, StepState.PENDING: 2}


def test_children_that_do_not_agree_pause_the_plan(house: House) -> None:
    """E-050: children say Skip and Fail: Pause."""
    failing(a=Rescue.SKIP, b=Rescue.FAIL)

    plan = house.rest(compose(house, together((Rescued, "a"), (Rescued, "b"))))

    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)


def test_the_word_of_the_parent_overrules(house: House) -> None:
    """E-050: rescue_strategy_for is the last word on a child."""
    failing("c", a=Rescue.FAIL, b=Rescue.PAUSE)
    play.rescues |= {"for play.rescued": Rescue.SKIP, "for play.do": Rescue.SKIP}
    inner = play.layout(together((Rescued, "a"), (Rescued, "b"), (Do, "c")))
    plan_id = compose(house, lambda plan: plan.plan_action(Guardian, inner))

    assert house.rest(plan_id).result is PlanResult.WARNING
    assert house.states(plan_id) == ["skipped", "skipped", "skipped"]


def test_a_parent_without_a_word_leaves_it_to_its_children(house: House) -> None:
    """E-050: else their own, recursively."""
    failing(a=Rescue.SKIP)
    inner = play.layout(together((Rescued, "a"), (Do, "b")))
    plan_id = compose(house, lambda plan: plan.plan_action(Guardian, inner))

    assert house.rest(plan_id).result is PlanResult.WARNING


def test_skip_works_in_finalize(house: House) -> None:
    """E-050: the finalize steps after it run."""
    play.scripts["a!"] = fail
    play.rescues["a"] = Rescue.SKIP
    plan_id = compose(house, together((RescuedFinish, "a"), (Finish, "b")))

    assert house.rest(plan_id).result is PlanResult.WARNING
    assert play.log[-1] == "b!"


def test_without_auto_rescue_the_plan_pauses_and_nobody_is_asked(empty_house: House) -> None:
    """E-050: auto_rescue=False."""
    house = empty_house
    house.another(settings=WorldSettings(auto_rescue=False))
    failing(a=Rescue.SKIP)

    assert house.rest(compose(house, together((Rescued, "a")))).state is PlanState.PAUSED
    assert "a asked" not in play.log


def test_nobody_is_asked_while_a_branch_goes_on(house: House) -> None:
    """Rescue is asked when the plan is at rest with errors."""
    failing(a=Rescue.FAIL)
    held = play.hold("b")
    plan_id = compose(house, together((Rescued, "a"), (Do, "b")))
    house.step_when(plan_id, StepState.ERROR, Rescued)
    play.wait_inside("b")
    assert "a asked" not in play.log
    held.set()

    assert house.rest(plan_id).result is PlanResult.ERROR
    assert play.log.count("a asked") == 1


def test_a_step_that_fails_after_another_was_rescued_is_rescued_too(house: House) -> None:
    """E-051: a different step failing later is rescued again."""
    failing(a=Rescue.SKIP, b=Rescue.SKIP)
    plan_id = compose(house, in_sequence((Rescued, "a"), (Rescued, "b"), (Do, "c")))

    assert house.rest(plan_id).result is PlanResult.WARNING
    assert house.states(plan_id) == ["skipped", "skipped", "success"]
    assert house.history(plan_id).count("rescue") == 2


def test_a_strategy_that_fails_leaves_the_plan_to_people(house: House) -> None:
    """E-051: nothing is tried again by itself."""
    failing("a")  # what it wants is nowhere said: asking it raises

    assert house.rest(compose(house, together((Rescued, "a")))).state is PlanState.PAUSED
    assert play.log.count("a asked") == 1


def test_after_a_resume_a_step_is_rescued_again(house: House) -> None:
    """E-051: once per step and execution."""
    failing(a=Rescue.PAUSE)
    plan_id = compose(house, together((Rescued, "a")))
    house.rest(plan_id)
    play.rescues["a"] = Rescue.SKIP

    house.resume(plan_id)
    plan = house.plan_when(plan_id, lambda plan: plan.state is PlanState.STOPPED)

    assert plan.result is PlanResult.WARNING


def test_the_input_is_there_when_an_action_is_asked(house: House) -> None:
    """References are replaced by what their producers said."""
    failing(a=Rescue.SKIP)

    def layout(plan: Action) -> None:
        name = plan.plan_action(Do, name="z").output["by"]
        plan.plan_action(Rescued, name="a", given=name)

    assert house.rest(compose(house, layout)).result is PlanResult.WARNING


def test_a_cancel_while_actions_are_asked_ends_the_plan(house: House) -> None:
    failing(a=Rescue.SKIP)
    held = play.hold("a asked")
    plan_id = compose(house, together((Rescued, "a")))
    play.wait_inside("a asked")
    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    held.set()
    assert house.run(Do, name="b").result is PlanResult.SUCCESS  # the answer came to nothing
    assert house.states(plan_id) == ["cancelled"]


def test_a_plan_is_asked_about_by_its_next_owner_if_this_one_ends(house: House) -> None:
    """A process that is about to end starts no code; nothing is lost by it."""
    failing(a=Rescue.SKIP)
    held = play.hold("a")
    plan_id = compose(house, together((Rescued, "a")))
    play.wait_inside("a")
    leaving = house.world
    executor = leaving._executor
    assert executor is not None
    ending = threading.Thread(target=leaving.terminate)
    ending.start()
    until(lambda: executor._director._draining, "it takes its leave")
    held.set()
    ending.join(20)
    assert house.store.plan(plan_id).state is PlanState.RUNNING
    assert "a asked" not in play.log

    house.another()

    assert house.rest(plan_id).result is PlanResult.WARNING


def test_a_plan_of_classes_without_a_say_asks_the_store_nothing(empty_house: House) -> None:
    """What is not used costs nothing."""
    house, known = empty_house, Registry()
    known.add(Compose)
    known.add(Do)
    house.another(actions=known)
    play.scripts["a"] = fail

    house.rest(compose(house, do("a")))

    assert "outline" not in house.valve.calls


@pytest.mark.parametrize("strategy", list(Rescue))
def test_an_interrupted_step_is_rescued_by_the_next_owner(house: House, strategy: Rescue) -> None:
    """E-096: its rescue strategy is honoured."""
    play.rescues["a"] = strategy
    held = play.hold("a")
    plan_id = compose(house, together((Rescued, "a")))
    play.wait_inside("a")
    house.restart()
    held.set()

    plan = house.rest(plan_id)

    ends = {
        Rescue.PAUSE: (PlanState.PAUSED, PlanResult.ERROR),
        Rescue.SKIP: (PlanState.STOPPED, PlanResult.WARNING),
        Rescue.FAIL: (PlanState.STOPPED, PlanResult.ERROR),
        Rescue.REVERT: (PlanState.PAUSED, PlanResult.ERROR),  # its class has none
    }
    assert (plan.state, plan.result) == ends[strategy]
