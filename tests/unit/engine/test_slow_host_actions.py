"""Host actions whose pure methods are not: they take long, or never come back."""

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from mcoflow.action import HostAction, HostRequest, Reply
from mcoflow.action.registry import REGISTERED
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.engine import here
from tests.unit.engine.house import House
from tests.unit.engine.play import Install, Layout, compose
from tests.waiting import until

inside = threading.Event()
let_go = threading.Event()


def new_class(where: str, name: str) -> type[HostAction]:
    """A class of its own: what was set apart stays so in the process."""

    def block(here_now: str) -> None:
        if here_now == where:
            inside.set()
            assert let_go.wait(20), "it was held too long"

    class Blocking(HostAction):
        """Blocks in one of its methods."""

        agent = "package"
        operation = "install"

        def request_for_host(self) -> HostRequest | None:
            block("request")
            return super().request_for_host()

        def result(self, reply: Reply) -> None:
            block("result")
            super().result(reply)
            self.output["thread"] = threading.current_thread().name

    Blocking.name = f"slow.{name}_{where}"
    REGISTERED.add(Blocking)
    return Blocking


def in_store(house: House, action: type[HostAction]) -> UUID:
    """Leave a plan in the store, so that nobody here waits for the director."""
    layout: Layout = lambda plan: plan.plan_action(action, host="web1", package="x")  # noqa: E731
    return compose(house, layout, plan_id=uuid4())


@pytest.fixture(autouse=True)
def _events() -> Any:
    inside.clear()
    let_go.clear()
    yield
    let_go.set()


def test_a_class_that_took_long_is_called_by_workers_from_then_on(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """E-117: one that blocks for a while holds the others up once."""
    monkeypatch.setattr(here, "LONG", 0.05)
    slow = new_class("request", "for_a_while")
    first = in_store(house, slow)
    assert inside.wait(10)
    assert not let_go.wait(0.1)
    let_go.set()
    assert house.rest(first).result is PlanResult.SUCCESS

    (told,) = [record for record in caplog.records if record.message == "action.set_apart"]
    assert (told.action, told.plan) == (slow.name, str(first))  # type: ignore[attr-defined]
    second = house.run(slow, host="web1", package="x")
    assert second.result is PlanResult.SUCCESS
    assert house.output(second.id)["thread"].startswith("worker-")
    assert house.step(second.id).outcome is not None


@pytest.mark.parametrize("where", ["request", "result"])
def test_a_call_that_does_not_come_back_holds_up_its_own_step_alone(
    house: House, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """E-117: another director goes on; the class is called by a worker there."""
    monkeypatch.setattr(here, "HELD", 0.3)
    monkeypatch.setattr(here, "LOOK", 0.1)
    house.world.terminate()
    house.another()
    stuck = new_class(where, "for_ever")
    held = in_store(house, stuck)
    assert inside.wait(10)

    other = in_store(house, Install)

    until(lambda: house.store.plan(other).result is PlanResult.SUCCESS, "others go on", within=30)
    assert house.step(held).state is not StepState.SUCCESS
    (told,) = [record for record in caplog.records if record.message == "director.held"]
    assert (told.action, told.plan) == (stuck.name, str(held))  # type: ignore[attr-defined]
    let_go.set()
    assert house.rest(held).result is PlanResult.SUCCESS
    assert house.output(held)["thread"].startswith("worker-")
    assert set(house.hosts.effects.values()) == {1}
