"""How far plans and steps are."""

import logging
import math
from typing import Any, ClassVar

import pytest

from mcoflow.action import FOREVER, Polling, Retry
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import ConfigurationError
from mcoflow.services.present import plan_view, step_words
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Finish, Listen, Tidy, compose, one, play
from tests.waiting import until


class Percent(Polling):
    """A task elsewhere that tells how far it is."""

    name = "progress.percent"
    told: ClassVar[list[float]] = []

    def invoke_external_task(self) -> Any:
        return {"percent": self.told.pop(0)}

    def poll_external_task(self) -> Any:
        return {"percent": self.told.pop(0)}

    def done(self) -> bool:
        return bool(self.output["task"]["percent"] >= 100)

    def run_progress(self) -> float:
        return float(self.output["task"]["percent"] / 100)


class Telling(Listen):
    """Tells what its output says."""

    name = "progress.telling"
    retry = Retry(tries=2)

    def run_progress(self) -> Any:
        told = self.output.get("told")
        return {"nan": math.nan, "infinity": math.inf, "text": "half"}.get(told, told)


class Heavy(Do):
    """Counts four times."""

    name = "progress.heavy"
    run_weight = 4


class Both(Finish):
    """Five for the run, one for the end."""

    name = "progress.both"
    run_weight = 5
    finalize_weight = 1


class Broken(Tidy):
    """Fails to say how far it is, when its finalize failed."""

    name = "progress.broken"

    def finalize_progress(self) -> float:
        raise SystemExit(3)


def progress(house: House, plan_id: Any) -> float:
    return house.store.plan(plan_id).progress


def tells(*told: Any) -> Any:
    """Suspend with each of these as the progress."""
    left = list(told)

    def script(action: Any, _event: Any) -> None:
        if left:
            action.output["told"] = left.pop(0)
            action.suspend(patience=FOREVER)

    return script


def test_a_poll_at_twenty_percent_is_a_plan_at_twenty_percent(house: House) -> None:
    """E-054: one polling step at 20 %: plan progress 0.2."""
    Percent.told[:] = [20, 60, 100]
    plan_id = house.trigger(Percent)
    step = house.step_when(plan_id, StepState.SUSPENDED)

    assert (step.progress, progress(house, plan_id)) == (0.2, 0.2)
    assert step_words(step) == "waits for the next poll, 20%"
    assert plan_view(house.store.plan(plan_id), (), 0.0).words() == "0 of 1 done, 20%"
    house.advance(0.5)
    until(lambda: progress(house, plan_id) == 0.6, "it has gone on")
    house.advance(0.5)
    plan = house.rest(plan_id)

    assert (plan.result, plan.progress) == (PlanResult.SUCCESS, 1.0)


def test_weights_count(house: House) -> None:
    """E-054: weights 4, 5, 1 as computed."""
    held = {name: play.hold(name) for name in ("b", "b!")}

    def layout(plan: Any) -> None:
        with plan.sequence():
            plan.plan_action(Heavy, name="a")
            plan.plan_action(Both, name="b")

    plan_id = compose(house, layout)
    play.wait_inside("b")
    until(lambda: progress(house, plan_id) == 0.4, "4 of 10 are done")
    held["b"].set()
    play.wait_inside("b!")
    until(lambda: progress(house, plan_id) == 0.9, "9 of 10 are done")
    held["b!"].set()

    assert house.rest(plan_id).progress == 1.0


def test_unknown_counts_nothing_and_shows_as_running(house: House) -> None:
    """E-054: unknown is 0 and "running"."""
    held = play.hold("b")
    plan_id = compose(house, lambda plan: [plan.plan_action(Do, name=name) for name in "ab"])
    play.wait_inside("b")
    until(lambda: house.states(plan_id).count("success") == 1, "the other one is done")

    plan = house.store.plan(plan_id)
    assert plan.progress == 0.5
    assert plan_view(plan, (), 0.0).words() == "1 of 2 done"
    assert [step_words(step) for step in house.steps(plan_id).values()] == ["success", "running"]
    held.set()
    house.rest(plan_id)


@pytest.mark.parametrize("told", ["nan", "infinity", "text"])
def test_nonsense_is_logged_and_unknown(house: House, told: str, caplog: pytest.LogCaptureFixture) -> None:
    """E-054: NaN is logged; infinity and what is no number, too."""
    play.scripts["a"] = tells(told)
    plan_id = compose(house, one(Telling))
    step = house.step_when(plan_id, StepState.SUSPENDED)

    assert (step.progress, progress(house, plan_id)) == (None, 0.0)
    assert "progress.unknown" in caplog.messages
    house.send(plan_id, step.id, "end")
    assert house.rest(plan_id).result is PlanResult.SUCCESS


def test_a_progress_that_raises_does_not_change_how_the_step_ended(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """E-054: an exception, whatever it is."""

    def fail(_action: Any, _event: Any) -> None:
        raise RuntimeError("cannot tidy")

    play.scripts["a!"] = fail
    plan = house.rest(compose(house, one(Broken)))

    assert (plan.state, plan.explanation) == (PlanState.PAUSED, "cannot tidy")
    assert [record.levelno for record in caplog.records if record.message == "progress.unknown"] == [
        logging.WARNING
    ]


def test_progress_never_goes_back_within_an_attempt_and_keeps_to_the_whole(house: House) -> None:
    play.scripts["a"] = tells(0.5, 0.2, None, 7)
    plan_id = compose(house, one(Telling))
    for expected in (0.5, 0.5, 0.5):
        step_id = house.step_when(plan_id, StepState.SUSPENDED).id
        assert progress(house, plan_id) == expected
        called = len(play.log)
        house.send(plan_id, step_id, "go on")
        until(lambda: len(play.log) > called, "it went on")  # noqa: B023 - looked at at once
    until(lambda: progress(house, plan_id) == 1.0, "7 is as much as 1")
    house.send(plan_id, house.step_when(plan_id, StepState.SUSPENDED).id, "end")

    assert house.rest(plan_id).progress == 1.0


def test_a_new_attempt_begins_at_nothing(house: House) -> None:
    def script(action: Any, event: Any) -> None:
        action.output["told"] = 0.7
        if event is None:
            action.suspend(patience=FOREVER)
        raise RuntimeError("broken")

    play.scripts["a"] = script
    plan_id = compose(house, one(Telling))
    house.send(plan_id, house.step_when(plan_id, StepState.SUSPENDED).id, "fail")
    until(lambda: house.step(plan_id).tries == 1, "one try is borne")
    play.scripts["a"] = tells(0.1)
    house.advance(1)
    until(lambda: progress(house, plan_id) == 0.1, "the second try begins anew")


def test_progress_is_kept_across_a_restart(house: House) -> None:
    play.scripts["a"] = tells(0.3, 0.1)
    layout = {"a": Telling, "b": Heavy}
    plan_id = compose(
        house, lambda plan: [plan.plan_action(each, name=name) for name, each in layout.items()]
    )
    step_id = house.step_when(plan_id, StepState.SUSPENDED, Telling).id
    until(lambda: progress(house, plan_id) == 0.86, "0.3 of 1 and all of 4")
    house.restart()
    house.send(plan_id, step_id, "go on")
    until(lambda: play.log.count("a") == 2, "it went on")
    house.step_when(plan_id, StepState.SUSPENDED, Telling)

    assert progress(house, plan_id) == 0.86
    house.send(plan_id, step_id, "end")
    assert house.rest(plan_id).progress == 1.0


def test_a_plan_without_steps_is_done(house: House) -> None:
    """E-054: 1 if there is none."""
    assert house.rest(compose(house, lambda _plan: None)).progress == 1.0


def test_a_plan_that_failed_says_how_far_it_came(house: House) -> None:
    def fail(_action: Any, _event: Any) -> None:
        raise RuntimeError("broken")

    play.scripts["b"] = fail
    plan = house.rest(compose(house, lambda plan: [plan.plan_action(Do, name=name) for name in "ab"]))
    assert (plan.state, plan.progress) == (PlanState.PAUSED, 0.5)

    house.skip(plan.id, next(step.id for step in house.steps(plan.id).values() if step.error))
    house.resume(plan.id)

    assert house.rest(plan.id).progress == 1.0


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ConfigurationError, match="a weight is zero or more"):
        type("Wrong", (Do,), {"name": "progress.wrong", "run_weight": weight})


def test_a_plan_of_weightless_steps_is_done_when_it_has_ended(house: House) -> None:
    weightless = type("Weightless", (Do,), {"name": "progress.weightless", "run_weight": 0})

    assert house.rest(compose(house, one(weightless))).progress == 1.0
