"""Revert: what was done is undone, the last step first."""

from typing import Any
from uuid import UUID

import pytest

from mcoflow.action import FOREVER, Action, Rescue
from mcoflow.domain.graph import Graph
from mcoflow.domain.records import StepRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.engine.undo import undo_graph
from mcoflow.errors import CommandRefusedError
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Finish, Listen, Undo, compose, play
from tests.waiting import until


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def in_sequence(*parts: tuple[type[Action], str]) -> Any:
    def layout(plan: Action) -> None:
        with plan.sequence():
            for action, name in parts:
                plan.plan_action(action, name=name)

    return layout


def undone() -> list[str]:
    return [each for each in play.log if each.endswith(" undone")]


def reverted(house: House, plan_id: UUID, *, wholly: bool = True) -> None:
    plan = house.plan_when(plan_id, lambda plan: plan.state is PlanState.STOPPED)
    assert (plan.state, plan.result, plan.reverted) == (PlanState.STOPPED, PlanResult.ERROR, wholly)
    assert "broken" in plan.explanation


def of_revert(house: House, plan_id: UUID) -> list[str]:
    return [step.state.value for step in house.steps(plan_id).values() if step.phase is Phase.REVERT]


def test_what_ran_is_undone_in_reverse_and_others_are_passed_over(house: House) -> None:
    """E-052: A→B→C, C failed, B without `revert`: C, then A; the history names B."""
    play.scripts["c"] = fail
    play.rescues["c"] = Rescue.REVERT
    plan_id = compose(house, in_sequence((Undo, "a"), (Do, "b"), (Undo, "c"), (Finish, "d")))

    reverted(house, plan_id)

    assert undone() == ["c undone", "a undone"]
    (line,) = [line for line in house.store.history(plan_id) if line.name == "revert"]
    assert "step 5 (play.do)" in line.detail
    assert of_revert(house, plan_id) == ["success", "success"]
    assert [house.steps(plan_id)[each].state for each in (9, 10)] == ["pending", "pending"]
    assert "pause execution" not in house.history(plan_id)


def test_a_person_reverts_a_paused_plan(house: House) -> None:
    """E-053: `world.revert` works on a paused plan."""
    play.scripts["b"] = fail
    plan_id = compose(house, in_sequence((Undo, "a"), (Do, "b")))
    house.rest(plan_id)

    view = house.world.revert(plan_id, actor="ann").wait()

    assert view.state is PlanState.STOPPED
    reverted(house, plan_id)
    assert undone() == ["a undone"]


def test_a_running_plan_cannot_be_reverted(house: House) -> None:
    """E-053: not on a running one, nor on a stopped one."""
    play.scripts["a"] = lambda action, _event: action.suspend(patience=FOREVER)
    plan_id = compose(house, in_sequence((Listen, "a")))
    house.step_when(plan_id, StepState.SUSPENDED)
    with pytest.raises(CommandRefusedError, match="running"):
        house.world.revert(plan_id)
    house.world.halt(plan_id, reason="test")
    with pytest.raises(CommandRefusedError, match="stopped"):
        house.world.revert(plan_id)


def test_a_plan_of_which_nothing_can_be_undone_stays_as_it_is(house: House) -> None:
    play.scripts["a"] = fail
    plan_id = compose(house, in_sequence((Do, "a")))
    house.rest(plan_id)

    with pytest.raises(CommandRefusedError, match="nothing that can be reverted"):
        house.world.revert(plan_id)

    assert house.store.plan(plan_id).state is PlanState.PAUSED
    house.resume(plan_id)
    assert house.rest(plan_id).state is PlanState.PAUSED


def test_an_undoing_step_that_fails_pauses_and_resume_repeats_no_finished_one(house: House) -> None:
    """E-053: a revert step fails: paused; resume repeats no finished one."""
    play.scripts["c"] = play.scripts["a undone"] = fail
    plan_id = compose(house, in_sequence((Undo, "a"), (Undo, "b"), (Undo, "c")))
    house.rest(plan_id)
    plan = house.world.revert(plan_id).wait()
    assert (plan.state, plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert not house.store.plan(plan_id).reverted
    del play.scripts["a undone"]

    house.resume(plan_id)

    reverted(house, plan_id)
    assert undone() == ["c undone", "b undone", "a undone", "a undone"]


def test_reverting_a_paused_revert_goes_on_with_it(house: House) -> None:
    play.scripts["a"] = play.scripts["a undone"] = fail
    plan_id = compose(house, in_sequence((Undo, "a")))
    house.rest(plan_id)
    assert house.world.revert(plan_id).wait().state is PlanState.PAUSED
    del play.scripts["a undone"]

    house.world.revert(plan_id)

    reverted(house, plan_id)
    assert of_revert(house, plan_id) == ["success"]


def test_an_undoing_step_may_be_skipped(house: House) -> None:
    """E-052, E-053: the others are undone; a plan of which something is left is not reverted."""
    play.scripts["b"] = play.scripts["b undone"] = fail
    plan_id = compose(house, in_sequence((Undo, "a"), (Undo, "b")))
    house.rest(plan_id)
    assert house.world.revert(plan_id).wait().state is PlanState.PAUSED
    (failed,) = [
        step
        for step in house.steps(plan_id).values()
        if step.state is StepState.ERROR and step.phase is Phase.REVERT
    ]

    assert house.skip(plan_id, failed.id) == [failed.id]
    house.resume(plan_id)

    reverted(house, plan_id, wholly=False)
    assert of_revert(house, plan_id).count("skipped") == 1
    assert undone()[-1] == "a undone"


def test_revert_may_sleep_and_sees_input_and_output_of_run(house: House) -> None:
    """Rules as for run."""
    play.scripts["a"] = lambda action, _event: action.output.update(made=7)
    seen: list[Any] = []

    def undo(action: Any, event: Any) -> None:
        if event is None:
            action.suspend(patience=FOREVER)
        seen.append((action.input["name"], action.output["made"], event.value))

    play.scripts["a undone"] = undo
    play.scripts["b"] = fail
    plan_id = compose(house, in_sequence((Undo, "a"), (Do, "b")))
    house.rest(plan_id)
    house.command(plan_id, CommandKind.REVERT)
    step = until(
        lambda: next((s for s in house.steps(plan_id).values() if s.state is StepState.SUSPENDED), None),
        "it sleeps",
    )

    house.send(plan_id, step.id, "go")

    reverted(house, plan_id)
    assert seen == [("a", 7, "go")]


def test_an_undoing_step_found_running_is_repeated_by_the_next_owner(house: House) -> None:
    """E-096: finalize and revert steps are pending again, attempt + 1."""
    play.scripts["b"] = fail
    held = play.hold("a undone")
    plan_id = compose(house, in_sequence((Undo, "a"), (Do, "b")))
    house.rest(plan_id)
    house.command(plan_id, CommandKind.REVERT)
    play.wait_inside("a undone")
    house.restart()
    until(lambda: undone() == ["a undone", "a undone"], "it is repeated")
    held.set()

    reverted(house, plan_id)
    (step,) = [step for step in house.steps(plan_id).values() if step.phase is Phase.REVERT]
    assert step.attempt == 2


def test_a_cancel_ends_a_revert(house: House) -> None:
    play.scripts["a"] = play.scripts["a undone"] = fail
    plan_id = compose(house, in_sequence((Undo, "a")))
    house.rest(plan_id)
    assert house.world.revert(plan_id).wait().state is PlanState.PAUSED

    house.cancel(plan_id)

    plan = house.rest(plan_id)
    assert (plan.state, plan.result) == (PlanState.STOPPED, PlanResult.CANCELLED)


def test_the_undoing_graph_keeps_gates_and_is_no_larger() -> None:
    """Two groups of 1,000 that meet in a gate: 2,000 edges, the second group first."""
    first, second = range(1, 1001), range(1001, 2001)
    needs: dict[int, tuple[int, ...]] = dict.fromkeys(first, ())
    needs[-1] = tuple(first)
    needs |= dict.fromkeys(second, (-1,))
    run = [StepRecord(each, each, Phase.RUN, "a") for each in (*first, *second)]
    undoing = [StepRecord(each + 2000, each, Phase.REVERT, "a") for each in (*first, *second)]

    graph = undo_graph(Graph(needs), [*run, *undoing])

    assert sum(map(len, graph.needs.values())) == 2000
    assert all(graph.needs[each + 2000] == () for each in second)
    assert all(graph.needs[each + 2000] == (-1,) for each in first)
    graph.check()
