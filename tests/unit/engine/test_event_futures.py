"""What became of an event: the future of who sent it, wherever its step runs."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from mcoflow.action import FOREVER, Action, Event, UserEvent, user_event
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.engine.event_futures import EventFuture
from mcoflow.errors import (
    CommandRefusedError,
    EventDroppedError,
    NotSerialisableError,
    PlanNotFoundError,
    WaitTimeoutError,
)
from mcoflow.testing import OneThreadWorld
from tests.unit.engine.house import House
from tests.waiting import until

SOON = timedelta(seconds=20)


@user_event("event_futures.signed")
class Signed(BaseModel):
    by: str


class Unknown(BaseModel):
    by: str


class Hear(Action):
    """Takes as many events as `wanted`; while `meanwhile` has something, it is done inside run."""

    name = "event_futures.hear"
    accepts = (str, int, Signed)
    rerunnable = True
    meanwhile: ClassVar[list[Any]] = []

    def run(self, event: Event | None) -> None:
        while self.meanwhile:
            self.meanwhile.pop()(self)
        heard = self.output.setdefault("heard", [])
        if isinstance(event, UserEvent):
            heard.append(event.value.by if isinstance(event.value, Signed) else event.value)
        if len(heard) < self.input.get("wanted", 1):
            self.suspend(patience=FOREVER)


class Deaf(Action):
    name = "event_futures.deaf"

    def run(self) -> None:
        Hear.meanwhile.pop()(self)


class Tell(Action):
    """Sends an event from inside run, and waits for nobody; fails as often as `fails` says."""

    name = "event_futures.tell"
    rerunnable = True
    fails: ClassVar[list[str]] = []

    def run(self) -> None:
        self.world.event(UUID(self.input["plan"]), 2, "from a step")
        if self.fails:
            raise RuntimeError(self.fails.pop())


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    Hear.meanwhile.clear()
    Tell.fails.clear()
    with OneThreadWorld() as opened:
        yield opened


def asleep(world: OneThreadWorld, **fields: Any) -> UUID:
    """A plan whose step 2 sleeps."""
    plan = world.run(Hear, **fields)
    assert world.stored.step(plan.id).state is StepState.SUSPENDED
    return plan.id


def test_an_event_that_its_step_took_resolves_the_future(world: OneThreadWorld) -> None:
    """Chapter 1.5: only once the result of taking it is stored."""
    plan_id = asleep(world)
    told: list[EventFuture] = []

    future = world.event(plan_id, 2, "yes")
    future.on_done(told.append)

    assert not future.done()
    assert future.wait() is None
    assert (future.done(), told) == (True, [future])
    assert world.stored.output(plan_id) == {"heard": ["yes"]}


@pytest.mark.parametrize("value", [1.5, [1], None, {"by": "ann"}])
def test_a_value_that_the_step_does_not_take_is_refused_at_once(world: OneThreadWorld, value: Any) -> None:
    """E-027: the future has the reason, and the step waits on."""
    plan_id = asleep(world)

    future = world.event(plan_id, 2, value)

    assert future.done()
    with pytest.raises(EventDroppedError, match="takes str, int, Signed, not"):
        future.wait()
    assert world.stored.step(plan_id).state is StepState.SUSPENDED
    world.event(plan_id, 2, "fine").wait()


def test_a_run_without_events_refuses_any_at_once(world: OneThreadWorld) -> None:
    """E-027: any for run(self)."""
    sent: list[EventFuture] = []
    Hear.meanwhile.append(lambda step: sent.append(world.event(step.plan_id, 2, "x")))

    plan = world.run(Deaf)

    assert plan.result is PlanResult.SUCCESS
    with pytest.raises(EventDroppedError, match="no user events"):
        sent[0].wait()


def test_ten_events_that_come_while_run_is_inside_keep_their_order(world: OneThreadWorld) -> None:
    """E-028: they are delivered after its suspend."""
    sent: list[EventFuture] = []

    def send_ten(step: Action) -> None:
        sent.extend(world.event(step.plan_id, 2, number) for number in range(10))
        assert not any(future.done() for future in sent)

    Hear.meanwhile.append(send_ten)
    plan = world.run(Hear, wanted=10)

    assert world.stored.output(plan.id) == {"heard": list(range(10))}
    assert all(future.done() for future in sent)


def test_what_is_left_at_the_end_of_the_step_is_dropped(world: OneThreadWorld) -> None:
    """E-029: left over; an optional one is no error."""
    sent: list[EventFuture] = []

    def send_three(step: Action) -> None:
        sent.append(world.event(step.plan_id, 2, "taken"))
        sent.append(world.event(step.plan_id, 2, "too late"))
        sent.append(world.event(step.plan_id, 2, "too late as well", optional=True))

    Hear.meanwhile.append(send_three)
    plan = world.run(Hear)

    sent[0].wait()
    with pytest.raises(EventDroppedError, match="step 2 ended before"):
        sent[1].wait()
    sent[2].wait()
    assert world.stored.history(plan.id).count("event dropped") == 1


def test_who_finds_nobody_hears_it_at_once(world: OneThreadWorld, caplog: pytest.LogCaptureFixture) -> None:
    """E-029: a final step, an unknown one, a plan that has stopped, one there is not; optional: no error."""
    plan_id = asleep(world)
    refused = {
        EventDroppedError: world.event(plan_id, 99, "x"),
        PlanNotFoundError: world.event(uuid4(), 2, "x"),
    }
    quiet = [world.event(plan_id, 99, "x", optional=True), world.event(uuid4(), 2, "x", optional=True)]
    world.event(plan_id, 2, "go").wait()
    world.drain()
    refused[CommandRefusedError] = world.event(plan_id, 2, "x")
    quiet.append(world.event(plan_id, 2, "x", optional=True))

    for error, future in refused.items():
        assert future.done()
        with pytest.raises(error):
            future.wait()
    for future in quiet:
        future.wait()
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]


def test_what_cannot_be_sent_is_refused_at_the_sender(world: OneThreadWorld) -> None:
    """E-032: a class that is not registered, what is no JSON; nothing is stored."""
    plan_id = asleep(world)

    with pytest.raises(EventDroppedError, match="Unknown is no registered event"):
        world.event(plan_id, 2, Unknown(by="ann"))
    with pytest.raises(NotSerialisableError):
        world.event(plan_id, 2, {1, 2})
    assert world.stored.count("events") == 0
    world.event(plan_id, 2, Signed(by="ann")).wait()
    assert world.stored.output(plan_id) == {"heard": ["ann"]}


def test_an_event_outlives_its_executor_and_so_does_the_future(world: OneThreadWorld) -> None:
    """E-030: accepted, and killed before it was delivered: delivered once after the restart."""
    sent: list[EventFuture] = []
    client = OneThreadWorld(ground=world.ground, executor=False).start()
    plan_id = asleep(world)

    with world.crash_at("director.after_commit"):
        sent.append(client.event(plan_id, 2, "kept"))
        world.drain()
    assert world.stored.count("events") == 1
    assert not sent[0].done()
    world.restart()
    world.drain()

    sent[0].wait()
    assert world.stored.output(plan_id) == {"heard": ["kept"]}
    client.close()


def test_a_halt_rejects_what_was_not_delivered(world: OneThreadWorld) -> None:
    """Chapter 3: halt rejects events."""
    sent: list[EventFuture] = []

    def halted(step: Action) -> None:
        sent.append(world.event(step.plan_id, 2, "too late"))
        assert not sent[0].done()
        world.halt(step.plan_id, reason="enough")

    Hear.meanwhile.append(halted)
    plan = world.run(Hear)

    assert plan.result is PlanResult.HALTED
    with pytest.raises(EventDroppedError, match="halted"):
        sent[0].wait()


def test_a_plan_that_was_deleted_leaves_nobody_waiting(world: OneThreadWorld) -> None:
    plan_id = asleep(world)
    future = world.event(plan_id, 2, "yes")
    world.drain()

    world.delete(plan_id)

    with pytest.raises(PlanNotFoundError):
        future.wait()


def test_waiting_has_an_end(world: OneThreadWorld) -> None:
    client = OneThreadWorld(ground=world.ground, executor=False).start()
    plan_id = asleep(world)
    world.terminate()

    future = client.event(plan_id, 2, "yes")

    with pytest.raises(WaitTimeoutError, match="stays stored"):
        future.wait(timedelta(seconds=1))
    assert client.awaited_events() == [future.event_id]
    world.restart()
    world.drain()
    future.wait()
    client.close()


def test_a_step_sends_events_to_other_plans_once_however_often_it_is_called(world: OneThreadWorld) -> None:
    """Chapter 3: a rerun finds what it sent."""
    plan_id = asleep(world, wanted=3)
    Tell.fails.append("once")
    teller = world.run(Tell, plan=str(plan_id))
    assert teller.state is PlanState.PAUSED

    world.command(teller.id, CommandKind.RESUME, {}, actor="ann", wait=SOON)
    world.drain()

    assert world.stored.plan(teller.id).result is PlanResult.SUCCESS
    assert world.stored.output(plan_id) == {"heard": ["from a step"]}
    for word in ("second", "third"):
        world.event(plan_id, 2, word).wait()


def test_who_does_not_wait_costs_no_statement(house: House) -> None:
    """The fate of an event is asked for by those who wait for it, and by nobody else."""
    Hear.meanwhile.clear()
    plan_id = house.trigger(Hear)
    house.step_when(plan_id, StepState.SUSPENDED)

    house.world.event(plan_id, 2, "yes")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert "event_fates" not in house.valve.calls
    assert house.count("commands") == house.count("dropped_events") == 0


def test_a_database_that_is_away_is_asked_again(house: House) -> None:
    """E-104: who waits goes on waiting."""
    Hear.meanwhile.clear()
    plan_id = house.trigger(Hear)
    house.step_when(plan_id, StepState.SUSPENDED)
    client = house.another(executor=False)
    future = client.event(plan_id, 2, "yes")

    house.valve.shut()
    assert not future.done()
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert not future.done()
    house.valve.open()

    future.wait(SOON)


@pytest.mark.parametrize("executor", [True, False], ids=["another executor", "a client"])
def test_events_to_plans_of_other_processes_are_watched(house: House, executor: bool) -> None:
    """E-105: the stored state is, each second; refusals too."""
    Hear.meanwhile.clear()
    plan_id = house.trigger(Hear)
    house.step_when(plan_id, StepState.SUSPENDED)
    other = house.another(executor=executor)
    done: list[EventFuture] = []

    refused, taken = other.event(plan_id, 2, 1.5), other.event(plan_id, 2, "yes")
    refused.on_done(done.append)

    taken.wait(SOON)
    assert house.rest(plan_id).result is PlanResult.SUCCESS
    with pytest.raises(EventDroppedError, match="takes str"):
        refused.wait(SOON)
    until(lambda: done == [refused], "it was told")
    with pytest.raises(CommandRefusedError, match="stopped"):
        other.event(plan_id, 2, "x").wait(SOON)
