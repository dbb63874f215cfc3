"""Factories for actions that poll, time out, or have much to say."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from mcoflow.action import FOREVER, Action, Event, Poll, Polling, Timeout, UserEvent, user_event
from mcoflow.domain.states import StepState
from mcoflow.testing import finalize_action, plan_action, run_action
from mcoflow.testing.factories import SetTimer


@user_event("kit.approved")
class Approved(BaseModel):
    """Somebody agrees."""

    by: str


class Wordy(Action):
    """Says something in each phase."""

    name = "kit.wordy"
    accepts: ClassVar[tuple[type, ...]] = (Approved,)

    def run(self, event: Event | None) -> None:
        self.chunk("asked" if event is None else f"answered, after {len(list(self.chunks()))}")
        if event is None:
            self.schedule_timeout(timedelta(minutes=2))
            self.plan_event(Approved(by="me"), at=datetime(2100, 1, 1, tzinfo=UTC))
            self.suspend(patience=FOREVER)

    def finalize(self) -> None:
        self.output["said"] = [chunk.text for chunk in self.chunks()]
        self.drop_chunks()


class Watched(Polling):
    """A task elsewhere."""

    name = "kit.watched"

    def invoke_external_task(self) -> Any:
        return 0

    def poll_external_task(self) -> Any:
        return self.output["task"] + 50

    def done(self) -> bool:
        return bool(self.output["task"] >= 100)

    def run_progress(self) -> float:
        return float(self.output["task"] / 100)


def test_chunks_timers_and_models_of_each_call_are_there_to_be_looked_at() -> None:
    asked = run_action(plan_action(Wordy))
    assert asked.state is StepState.SUSPENDED
    assert [chunk.text for chunk in asked.chunks] == ["asked"]
    sent, timeout = asked.timers
    assert (sent.what, sent.value) == ("event", Approved(by="me"))
    assert timeout == SetTimer(timedelta(minutes=2), "timeout")

    answered = run_action(asked, UserEvent(Approved(by="ann")))
    assert [chunk.text for chunk in answered.chunks] == ["asked", "answered, after 1"]
    done = finalize_action(answered)
    assert done.output["said"] == ["asked", "answered, after 1"]
    assert done.chunks == []


def test_a_poll_is_called_for_by_its_signal() -> None:
    started = run_action(plan_action(Watched))
    assert (started.state, started.progress) == (StepState.SUSPENDED, 0.0)
    assert started.timers == [SetTimer(timedelta(seconds=0.5), "poll")]

    half = run_action(started, Poll())
    assert (half.state, half.progress) == (StepState.SUSPENDED, 0.5)
    assert run_action(half, Poll()).state is StepState.SUCCESS


@pytest.mark.parametrize("action", [Wordy, Watched])
def test_a_timeout_is_called_for_by_its_signal(action: type[Action]) -> None:
    late = run_action(run_action(plan_action(action)), Timeout(90.0))

    assert late.error is not None
    assert late.error.message == f"{action.name}: no end within 0:01:30"
