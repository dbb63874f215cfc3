"""User events: models, what a step accepts, and events from steps to other steps and plans."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from pydantic import BaseModel

from mcoflow.action import FOREVER, UserEvent, user_event
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.errors import ConfigurationError, EventDroppedError
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Listen, compose, one, play
from tests.waiting import until


@user_event("test.approved")
class Approved(BaseModel):
    """Somebody agrees."""

    by: str
    at: datetime


@user_event("test.refused")
class Refused(BaseModel):
    """Somebody does not."""

    by: str


class Nameless(BaseModel):
    """Nobody registered it."""

    by: str = "nobody"


class Ask(Listen):
    """Takes approvals, and text."""

    name = "user_events.ask"
    accepts: ClassVar[tuple[type, ...]] = (Approved, str)


class AskAgain(Ask):
    """The same, for a plan with two."""

    name = "user_events.ask_again"


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def hears(heard: list[Any], wanted: int = 1) -> Any:
    def script(action: Any, event: Any) -> None:
        if isinstance(event, UserEvent):
            heard.append(event.value)
        if len(heard) < wanted:
            action.suspend(patience=FOREVER)

    return script


def waiting(house: House, heard: list[Any], name: str = "a") -> tuple[Any, int]:
    """A plan whose step waits for an event; return plan and step."""
    play.scripts[name] = hears(heard)
    plan_id = compose(house, one(Ask, name))
    return plan_id, house.step_when(plan_id, StepState.SUSPENDED).id


def sends(**how: Any) -> Any:
    """A script that sends one event and ends."""
    value = how.pop("value", "x")
    return lambda action, _event: action.plan_event(value, **how)


def dropped(house: House, plan_id: Any) -> list[str]:
    return [line.detail for line in house.store.history(plan_id) if line.name == "event dropped"]


# -- models -----------------------------------------------------------------------------------------------


def test_a_model_comes_back_as_its_model(house: House) -> None:
    """E-032: a pydantic event comes back as its model, after a restart too."""
    heard: list[Any] = []
    held = play.hold("b")
    plan_id, step = waiting(house, heard)
    play.scripts["b"] = hears(heard, 2)
    other = compose(house, one(AskAgain, "b"))
    play.wait_inside("b")

    house.send(plan_id, step, Approved(by="ann", at=NOON))
    house.send(other, house.step(other).id, Approved(by="bob", at=NOON))
    (event,) = house.store.events([other])
    assert event.value == (
        '{"$mcoflow_event": "test.approved", "value": {"by": "bob", "at": "2026-11-21T12:00:00Z"}}'
    )
    held.set()

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert house.rest(other).result is PlanResult.SUCCESS
    assert sorted(heard, key=lambda each: each.by) == [
        Approved(by="ann", at=NOON),
        Approved(by="bob", at=NOON),
    ]


def test_people_may_send_a_model_as_json(house: House) -> None:
    """E-032: what the command line and HTTP send; it is checked before it is stored."""
    heard: list[Any] = []
    plan_id, step = waiting(house, heard)
    for wrong, why in (
        ({"$mcoflow_event": "test.approved", "value": {"by": 7}}, "by: Input should be a valid string"),
        ({"$mcoflow_event": "test.unheard", "value": {}}, "no event is registered as 'test.unheard'"),
        ({"$mcoflow_event": ["x"]}, "no event is registered"),
    ):
        with pytest.raises(EventDroppedError, match=why):
            house.send(plan_id, step, wrong)

    given = {"by": "ann", "at": NOON.isoformat()}
    house.send(plan_id, step, {"$mcoflow_event": "test.approved", "value": given})

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == [Approved(by="ann", at=NOON)]


def test_an_unregistered_model_is_refused_at_its_sender(house: House) -> None:
    """E-032: refused at the sender, a person or a step."""
    plan_id, step = waiting(house, [])
    with pytest.raises(EventDroppedError, match="Nameless is no registered event"):
        house.send(plan_id, step, Nameless())

    play.scripts["b"] = sends(value=Nameless(), step_id=step)
    other = compose(house, one(Listen, "b"))
    house.rest(other)
    error = house.step(other).error
    assert error is not None
    assert "@user_event" in error.message


def test_a_name_belongs_to_one_class() -> None:
    with pytest.raises(ConfigurationError, match=r"'test\.refused' is taken by Refused"):
        user_event("test.refused")(Nameless)


# -- what is accepted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [7, None, Refused(by="ann")])
def test_what_is_not_accepted_is_refused_and_the_step_waits_on(house: House, value: Any) -> None:
    """E-027: a value not in `accepts`."""
    heard: list[Any] = []
    plan_id, step = waiting(house, heard)

    with pytest.raises(EventDroppedError, match=r"user_events\.ask takes Approved, str, not"):
        house.send(plan_id, step, value)
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.send(plan_id, step, "yes")

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["yes"]


def test_a_step_may_not_send_itself_what_it_does_not_accept(house: House) -> None:
    """E-027: plan_event to oneself."""
    play.scripts["a"] = sends(value=7)
    plan_id = compose(house, one(Ask))
    house.rest(plan_id)

    error = house.step(plan_id).error
    assert error is not None
    assert (error.kind, error.message) == ("EventDroppedError", "user_events.ask takes Approved, str, not 7")


@pytest.mark.parametrize("optional", [False, True])
def test_what_another_step_does_not_accept_is_dropped(house: House, optional: bool) -> None:
    """E-027: plan_event to another step; an optional one is not complained of."""
    heard: list[Any] = []
    play.scripts["a"] = hears(heard)
    held = play.hold("b")
    plan_id = compose(
        house, lambda plan: [plan.plan_action(Ask, name="a"), plan.plan_action(AskAgain, name="b")]
    )
    step = house.step_when(plan_id, StepState.SUSPENDED, Ask).id
    play.scripts["b"] = sends(value=7, step_id=step, optional=optional)
    held.set()
    house.step_when(plan_id, StepState.SUCCESS, AskAgain)

    told = [] if optional else [f"step {step}: user_events.ask takes Approved, str, not 7"]
    assert dropped(house, plan_id) == told
    house.send(plan_id, step, "yes")
    assert house.rest(plan_id).result is PlanResult.SUCCESS


# -- to other plans ----------------------------------------------------------------------------------------


def test_a_step_wakes_a_step_of_another_plan(house: House) -> None:
    heard: list[Any] = []
    plan_id, step = waiting(house, heard)
    play.scripts["b"] = sends(value=Approved(by="b", at=NOON), plan_id=plan_id, step_id=step)

    assert house.rest(compose(house, one(Do, "b"))).result is PlanResult.SUCCESS

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == [Approved(by="b", at=NOON)]
    assert house.count("events") == 0


def test_a_step_wakes_a_step_of_a_plan_that_another_executor_runs(empty_house: House) -> None:
    house, heard = empty_house, []  # type: ignore[var-annotated]
    house.another()
    plan_id, step = waiting(house, heard)
    house.another()
    play.scripts["b"] = sends(plan_id=plan_id, step_id=step)

    house.rest(compose(house, one(Do, "b")))

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["x"]


def test_an_event_to_another_plan_keeps_its_time_and_survives_restarts(house: House) -> None:
    """E-031: to another plan, too; once."""
    heard: list[Any] = []
    plan_id, step = waiting(house, heard)
    play.scripts["b"] = sends(plan_id=plan_id, step_id=step, delay=timedelta(seconds=60))
    house.rest(compose(house, one(Do, "b")))
    until(lambda: house.count("timers") == 1, "it has its timer")

    house.advance(30)
    house.restart()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    house.advance(29)
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.advance(1)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["x"]


def test_an_event_may_name_its_time(house: House) -> None:
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        if event is None:
            action.plan_event("noon", at=house.clock.now() + timedelta(hours=7))
            action.suspend(patience=FOREVER)
        heard.append(event.value)

    play.scripts["a"] = script
    plan_id = compose(house, one(Ask))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.advance(7 * 3600 - 1)
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.advance(1)

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == ["noon"]


@pytest.mark.parametrize("optional", [False, True])
def test_an_event_to_a_plan_that_does_not_run_is_dropped(house: House, optional: bool) -> None:
    """E-029: an unknown plan, one that is over."""
    over = house.rest(compose(house, one(Listen)))
    for plan_id in (over.id, uuid4()):
        name = str(plan_id)
        play.scripts[name] = sends(plan_id=plan_id, step_id=2, optional=optional)
        sender = house.rest(compose(house, one(Do, name)))

        assert sender.result is PlanResult.SUCCESS
        told = dropped(house, sender.id)
        assert told == [] if optional else str(plan_id) in told[0]
    assert house.count("commands") == 0


def test_an_event_to_a_step_that_another_plan_has_not_is_answered_and_forgotten(house: House) -> None:
    heard: list[Any] = []
    plan_id, step = waiting(house, heard)
    play.scripts["b"] = sends(plan_id=plan_id, step_id=999)

    house.rest(compose(house, one(Do, "b")))

    until(lambda: not house.store.waiting(uuid4(), limit=10).commands, "it was answered")
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.send(plan_id, step, "yes")
    assert house.rest(plan_id).result is PlanResult.SUCCESS


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"delay": timedelta(1), "at": NOON}, "not both"),
        ({"at": datetime(2026, 11, 21)}, "needs a timezone"),  # noqa: DTZ001 - that is the point
        ({"plan_id": uuid4()}, "needs the id of a step"),
    ],
)
def test_events_that_cannot_be_meant_are_refused(house: House, how: dict[str, Any], why: str) -> None:
    play.scripts["a"] = sends(**how)
    plan_id = compose(house, one(Ask))
    house.rest(plan_id)

    error = house.step(plan_id).error
    assert error is not None
    assert why in error.message


def test_a_registered_name_that_is_gone_is_an_error_of_the_step_alone(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An event stored by a release that had the class."""
    from mcoflow.action import user_events

    heard: list[Any] = []
    held = play.hold("a")
    play.scripts["a"] = hears(heard)
    plan_id = compose(house, one(Ask))
    play.wait_inside("a")
    house.send(plan_id, house.step(plan_id).id, Approved(by="ann", at=NOON))
    monkeypatch.delitem(user_events._MODELS, "test.approved")
    held.set()

    house.rest(plan_id)

    error = house.step(plan_id).error
    assert error is not None
    assert "no event is registered as 'test.approved'" in error.message
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
