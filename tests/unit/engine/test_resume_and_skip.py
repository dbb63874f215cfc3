"""What people do with a paused plan: resume, skip."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import Action
from mcoflow.domain.records import StepRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import CommandRefusedError, PlanNotFoundError
from mcoflow.testing.hosts import error
from tests.unit.engine.house import House
from tests.unit.engine.play import (
    Do,
    Finish,
    Install,
    compose,
    do,
    one,
    play,
)
from tests.waiting import until


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


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


# -- resume -----------------------------------------------------------------------------------------------


def test_resume_runs_the_failed_step_and_what_follows_it_and_nothing_else(house: House) -> None:
    """E-042: only the failed step and those after it run."""
    play.scripts["b"] = fail
    plan = paused(house, in_sequence((Do, "a"), (Do, "b"), (Do, "c")))
    del play.scripts["b"]

    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS
    assert play.log == ["a", "b", "b", "c"]
    assert [step.attempt for step in house.steps(plan.id).values()] == [1, 2, 1]
    lines = [(line.name, line.actor, line.detail) for line in house.store.history(plan.id)]
    assert ("start execution", "bob", "resumed") in lines


def test_resume_of_a_plan_with_many_done_steps_dispatches_one_job(house: House) -> None:
    """E-043: exactly one job, 10,000 done steps or not; and none but the failed step is written."""
    play.scripts["bad"] = fail

    def layout(plan: Action) -> None:
        for number in range(10_000):
            plan.plan_action(Do, name=str(number))
        plan.plan_action(Do, name="bad")

    plan_id = compose(house, layout)
    until(lambda: house.store.plan(plan_id).state is PlanState.PAUSED, "only the bad one is left", within=60)
    assert house.store.plan(plan_id).counts == {StepState.SUCCESS: 10_000, StepState.ERROR: 1}
    del play.scripts["bad"]
    before = len(play.log)
    written: list[StepRecord] = []
    house.valve.before["commit"] = lambda changes: written.extend(change.step for change in changes.steps)

    house.resume(plan_id)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert play.log[before:] == ["bad"]
    assert len({step.id for step in written}) == 1
    assert written[-1].attempt == 2


def test_a_resumed_host_step_sends_a_new_request(house: House) -> None:
    house.hosts.answers["x"] = error()
    plan = paused(house, lambda plan: plan.plan_action(Install, host="web1", package="x"))
    del house.hosts.answers["x"]

    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS
    assert len({each.id for each in house.hosts.requests}) == 2
    assert set(house.hosts.effects.values()) == {1}
    assert [each.body.attempt for each in house.hosts.requests] == [1, 2]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", [CommandKind.RESUME, CommandKind.SKIP, CommandKind.CANCEL])
def test_of_many_who_ask_at_once_one_is_obeyed_and_the_others_are_told(
    house: House, kind: CommandKind
) -> None:
    """E-044: one effect; the other is told the state it met."""
    play.scripts["a"] = fail
    plan = paused(house, one(Finish))
    step = house.step(plan.id, Finish).id
    held = play.hold("a")
    start = Barrier(4)

    def ask(_number: int) -> str:
        start.wait(10)
        try:
            house.command(plan.id, kind, **({"step_id": step} if kind is CommandKind.SKIP else {}))
        except CommandRefusedError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    held.set()

    assert answers.count("") == 1
    line, lines = (kind.value, 1) if kind is not CommandKind.RESUME else ("start execution", 2)
    assert house.history(plan.id).count(line) == lines


def test_a_command_to_an_unknown_plan_is_refused(house: House) -> None:
    with pytest.raises(PlanNotFoundError):
        house.cancel(uuid4())


# -- skip -------------------------------------------------------------------------------------------------


def test_skipping_skips_those_who_read_the_output_and_their_finalize(house: House) -> None:
    """E-045: consumers by reference, transitively, finalize too; others run; result warning."""
    play.scripts["a"] = fail

    def layout(plan: Action) -> None:
        first = plan.plan_action(Do, name="a")
        other = plan.plan_action(Do, name="other")
        second = plan.plan_action(Finish, name="b", value=[first.output["by"], other.output["by"]])
        plan.plan_action(Finish, name="c", value=second.output["by"])
        plan.plan_action(Finish, name="independent")

    plan = paused(house, layout)
    failed = next(iter(house.steps(plan.id).values()))

    skipped = house.skip(plan.id, failed.id)
    house.resume(plan.id)

    ended = house.rest(plan.id)
    assert (ended.state, ended.result) == (PlanState.STOPPED, PlanResult.WARNING)
    assert ended.explanation == "broken"
    assert sorted(play.log) == ["a", "independent", "independent!", "other"]
    assert len(skipped) == 5


def test_one_who_can_do_without_is_not_skipped(house: House) -> None:
    """E-011: the alternative, if the producer was skipped."""
    seen: list[Any] = []
    play.scripts["a"] = fail
    play.scripts["b"] = lambda action, _event: seen.append(action.input["value"])

    def layout(plan: Action) -> None:
        first = plan.plan_action(Do, name="a")
        plan.plan_action(Finish, name="b", value=first.output["version"].or_else("none"))

    plan = paused(house, layout)
    house.skip(plan.id, house.step(plan.id, Do).id)
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.WARNING
    assert seen == ["none"]
    assert house.states(plan.id) == ["skipped", "success", "success"]


def test_in_a_plain_sequence_what_came_later_is_skipped_too(house: House) -> None:
    """E-046: by default; `dry_run` names them, changes nothing."""
    play.scripts["b"] = fail
    plan = paused(house, in_sequence((Do, "a"), (Do, "b"), (Do, "c"), (Do, "d")))
    _, b, c, d = house.steps(plan.id)

    assert house.skip(plan.id, b, dry_run=True) == [b, c, d]
    assert house.states(plan.id) == ["success", "error", "pending", "pending"]
    assert house.skip(plan.id, b) == [b, c, d]
    assert house.states(plan.id) == ["success", "skipping", "skipped", "skipped"]
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.WARNING
    assert house.states(plan.id) == ["success", "skipped", "skipped", "skipped"]
    assert play.log == ["a", "b"]


def test_one_of_many_before_a_gate_is_skipped_and_the_gate_opens(house: House) -> None:
    """E-047: the next group runs."""
    play.scripts["1.3"] = fail

    def layout(plan: Action) -> None:
        with plan.sequence():
            for group in (1, 2):
                with plan.concurrence():
                    for number in range(6):
                        plan.plan_action(Do, name=f"{group}.{number}")

    plan = paused(house, layout)
    failed = next(s.id for s in house.steps(plan.id).values() if s.state is StepState.ERROR)

    assert house.skip(plan.id, failed) == [failed]
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.WARNING
    assert sum(name.startswith("2.") for name in play.log) == 6


def test_what_waits_for_two_that_are_skipped_one_after_the_other_is_skipped(house: House) -> None:
    play.scripts["a"] = play.scripts["b"] = fail

    def layout(plan: Action) -> None:
        with plan.sequence():
            with plan.concurrence():
                plan.plan_action(Do, name="a")
                plan.plan_action(Do, name="b")
            plan.plan_action(Do, name="after both")

    plan = paused(house, layout)
    a, b, after = house.steps(plan.id)

    assert house.skip(plan.id, a) == [a]
    assert house.skip(plan.id, b) == [b, after]


def test_a_finalize_step_is_skipped_by_itself(house: House) -> None:
    """E-048: a finalize step is skipped directly."""
    play.scripts["a!"] = fail

    def layout(plan: Action) -> None:
        plan.plan_action(Finish, name="a")
        plan.plan_action(Finish, name="b")

    plan = paused(house, layout)
    failed = next(s.id for s in house.steps(plan.id).values() if s.state is StepState.ERROR)
    assert house.skip(plan.id, failed) == [failed]
    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.WARNING
    assert play.log[-1] == "b!"


def test_only_a_step_in_error_can_be_skipped(house: House) -> None:
    play.scripts["b"] = fail
    plan = paused(house, in_sequence((Do, "a"), (Do, "b"), (Do, "c")))
    a, b, c = house.steps(plan.id)

    for step in (a, c, 999, "x", None):
        with pytest.raises(CommandRefusedError, match=f"those that can: {b}"):
            house.skip(plan.id, step)  # type: ignore[arg-type]
    assert house.states(plan.id) == ["success", "error", "pending"]


def test_a_refused_command_leaves_the_plan_to_the_next_one(house: House) -> None:
    play.scripts["a"] = fail
    plan = paused(house, do("a"))
    with pytest.raises(CommandRefusedError):
        house.skip(plan.id, 999)
    del play.scripts["a"]

    house.resume(plan.id)

    assert house.rest(plan.id).result is PlanResult.SUCCESS
