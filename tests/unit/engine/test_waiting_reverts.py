"""Undoing steps that sleep: the rules are those of run."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from mcoflow.action import FOREVER, Action, Event
from mcoflow.domain.records import StepRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import Phase, PlanState, StepState
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, compose, play
from tests.waiting import until


class Asks(Do):
    """Its run takes no events, its revert does."""

    name = "reverts.asks"
    accepts = (str,)
    time_limit = timedelta(minutes=5)

    def revert(self, event: Event | None) -> None:
        if event is None:
            self.suspend(patience=FOREVER)
        play.log.append(f"undone by {event.value}")  # type: ignore[union-attr]


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def layout(plan: Action) -> None:
    with plan.sequence():
        plan.plan_action(Asks, name="a")
        plan.plan_action(Do, name="b")


def undoing(house: House) -> tuple[UUID, StepRecord]:
    """A plan whose undoing step sleeps."""
    play.scripts["b"] = fail
    plan_id = compose(house, layout)
    house.rest(plan_id)
    house.command(plan_id, CommandKind.REVERT)

    def asleep() -> StepRecord | None:
        live = (step for step in house.steps(plan_id).values() if step.state is StepState.SUSPENDED)
        return next(live, None)

    return plan_id, until(asleep, "it sleeps")


def test_an_undoing_step_takes_events_by_its_own_signature(house: House) -> None:
    """E-052: that of run does not matter."""
    plan_id, step = undoing(house)

    house.send(plan_id, step.id, "ann")

    house.plan_when(plan_id, lambda plan: plan.state is PlanState.STOPPED)
    assert "undone by ann" in play.log


def test_an_undoing_step_that_sleeps_beyond_its_limit_is_in_error(house: House) -> None:
    """E-036, E-052: the time limit is one for an attempt, whatever it does."""
    plan_id, _ = undoing(house)
    house.advance(300)

    house.plan_when(plan_id, lambda plan: plan.state is PlanState.PAUSED)
    (step,) = [each for each in house.steps(plan_id).values() if each.phase is Phase.REVERT]
    assert step.error is not None
    assert step.error.kind == "StepTimeoutError"
    assert house.count("timers") == 0
