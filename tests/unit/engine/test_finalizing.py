"""Finalize phases that are one job, and the user's own transaction around planning and finalizing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mcoflow.action import Action, Middleware, Middlewares
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.domain.view import PlanView
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Finish, play


class Ledger:
    """A database of the user's."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.broken = False
        self._of_thread = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        written = self._of_thread.written = list[str]()
        yield
        if self.broken:
            raise ConnectionError("the ledger is away")
        self.kept += written

    def write(self, line: str) -> None:
        """Write in the transaction of this thread; what is written outside of any is lost."""
        getattr(self._of_thread, "written", []).append(line)


class Booking(Finish):
    """Writes into the ledger when it is planned and when it is finalized."""

    name = "finalizing.booking"
    ledger = Ledger()

    def plan(self, name: str) -> None:
        self.ledger.write(f"plan {name}")
        if name == "unplannable":
            raise RuntimeError("no")
        self.plan_self(name=name)

    def finalize(self) -> None:
        self.ledger.write(self.input["name"])
        super().finalize()
        self.output["booked"] = True


@pytest.fixture
def ledger() -> Ledger:
    Booking.ledger = Ledger()
    return Booking.ledger


@pytest.fixture
def booked(empty_house: House, ledger: Ledger) -> House:
    empty_house.another(transaction=ledger)
    return empty_house


def three(plan: Action) -> None:
    for name in ("a", "b", "c"):
        plan.plan_action(Booking, name=name)


def finalizing(house: House, plan_id: Any) -> list[str]:
    steps = house.steps(plan_id).values()
    return [step.state.value for step in steps if step.phase is Phase.FINALIZE]


def failing_once(name: str) -> None:
    tries: list[int] = []

    def script(_action: Any, _event: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("not yet")

    play.scripts[name] = script


def test_planning_and_finalizing_are_one_transaction_each(booked: House, ledger: Ledger) -> None:
    """E-041: the user's commit comes first."""
    plan = booked.run(Compose, layout=play.layout(three))

    assert plan.result is PlanResult.SUCCESS
    assert ledger.kept == ["plan a", "plan b", "plan c", "a", "b", "c"]
    assert [log for log in play.log if log.endswith("!")] == ["a!", "b!", "c!"]
    assert '"booked":true' in booked.store.whole(plan.id).actions[1]["output"]


@pytest.mark.parametrize("failing", ["a", "b", "c"])
def test_a_finalize_that_fails_rolls_back_and_a_resume_repeats_the_phase(
    booked: House, ledger: Ledger, failing: str
) -> None:
    """E-041: with a transaction adapter the whole phase again, the user's writes rolled back."""
    failing_once(f"{failing}!")
    plan = booked.run(Compose, layout=play.layout(three))

    assert (plan.state, ledger.kept) == (PlanState.PAUSED, ["plan a", "plan b", "plan c"])
    wanted = [StepState.ERROR if name == failing else StepState.PENDING for name in ("a", "b", "c")]
    assert finalizing(booked, plan.id) == wanted
    assert '"booked"' not in booked.store.whole(plan.id).actions[1]["output"]

    booked.resume(plan.id)
    done = booked.plan_when(plan.id, lambda plan: plan.state is PlanState.STOPPED)
    assert done.result is PlanResult.SUCCESS
    assert ledger.kept[3:] == ["a", "b", "c"]
    assert [log for log in play.log if not log.endswith("!")] == ["a", "b", "c"]


def test_a_commit_that_fails_is_an_error_of_the_phase(booked: House, ledger: Ledger) -> None:
    """E-041: nothing counts as done that the user's database does not have."""
    held = play.hold("c")
    plan_id = booked.trigger(Compose, layout=play.layout(three))
    play.wait_inside("c")
    ledger.broken = True
    held.set()

    plan = booked.rest(plan_id)
    assert plan.state is PlanState.PAUSED
    assert "the ledger is away" in plan.explanation
    assert finalizing(booked, plan.id) == ["error", "pending", "pending"]

    ledger.broken = False
    booked.resume(plan.id)
    booked.plan_when(plan.id, lambda plan: plan.result is PlanResult.SUCCESS)
    assert ledger.kept[3:] == ["a", "b", "c"]


def test_a_phase_whose_executor_died_is_repeated_whole(booked: House, ledger: Ledger) -> None:
    """E-041: by the next owner; the transaction of the dead one was never committed."""
    held = play.hold("b!")
    plan_id = booked.trigger(Compose, layout=play.layout(three))
    play.wait_inside("b!")
    booked.kill()
    Booking.ledger = Ledger()
    booked.another(transaction=Booking.ledger)
    held.set()

    assert booked.rest(plan_id).result is PlanResult.SUCCESS
    assert Booking.ledger.kept == ["a", "b", "c"]


def test_a_planning_that_fails_rolls_back(booked: House, ledger: Ledger) -> None:
    """E-041: and is stored as failed."""

    def layout(plan: Action) -> None:
        plan.plan_action(Booking, name="a")
        plan.plan_action(Booking, name="unplannable")

    plan = booked.store.plan(booked.trigger(Compose, layout=play.layout(layout)))

    assert (plan.state, plan.result, ledger.kept) == (PlanState.STOPPED, PlanResult.ERROR, [])


def test_without_an_adapter_a_resume_starts_at_the_step_that_failed(house: House, ledger: Ledger) -> None:
    """E-041: what was done stays done."""
    failing_once("b!")
    plan = house.run(Compose, layout=play.layout(three))
    assert finalizing(house, plan.id) == ["success", "error", "pending"]

    house.resume(plan.id)
    house.plan_when(plan.id, lambda plan: plan.result is PlanResult.SUCCESS)
    assert [log for log in play.log if log.endswith("!")] == ["a!", "b!", "b!", "c!"]


# -- middleware -----------------------------------------------------------------------------------------


class Phases(Middleware):
    """Notes the phase, and each step of it."""

    def finalize_phase(self, plan: PlanView, proceed: Callable[[], None]) -> None:
        play.log.append(f"phase of {plan.label}")
        proceed()
        play.log.append("phase over")
        if "break" in play.scripts:
            play.scripts["break"](plan, None)

    def finalize(self, action: Action, proceed: Callable[[], None]) -> None:
        play.log.append("step")
        proceed()


class Around(Compose):
    """Has middleware around the finalizing of all it planned."""

    name = "finalizing.around"
    middleware = Middlewares().use(Phases)


class LeftOut(Middleware):
    """Finalizes nothing."""

    def finalize_phase(self, plan: PlanView, proceed: Callable[[], None]) -> None:
        """Do not proceed."""


class Unfinalized(Compose):
    """Leaves the finalize phase out."""

    name = "finalizing.unfinalized"
    middleware = Middlewares().use(LeftOut)


def two(plan: Action) -> None:
    plan.plan_action(Finish, name="a")
    plan.plan_action(Finish, name="b")


def test_middleware_goes_once_around_the_finalize_phase(house: House) -> None:
    """E-082: finalize_phase, of the root's class."""
    plan = house.run(Around, layout=play.layout(two))

    assert plan.result is PlanResult.SUCCESS
    assert sorted(play.log[:2]) == ["a", "b"]
    assert play.log[2:] == ["phase of Compose", "a!", "b!", "phase over"]


def test_with_middleware_alone_done_steps_stay_done(house: House) -> None:
    """E-041: only a transaction makes all of it one."""
    failing_once("b!")
    plan = house.run(Around, layout=play.layout(two))
    assert finalizing(house, plan.id) == ["success", "error"]

    house.resume(plan.id)
    house.plan_when(plan.id, lambda plan: plan.result is PlanResult.SUCCESS)
    assert [log for log in play.log if log.endswith("!")] == ["a!", "b!", "b!"]


def test_a_middleware_that_fails_after_the_phase_is_an_error_of_its_last_step(house: House) -> None:
    failing_once("break")
    plan = house.run(Around, layout=play.layout(two))

    assert plan.state is PlanState.PAUSED
    assert "not yet" in plan.explanation
    assert finalizing(house, plan.id) == ["success", "error"]


def test_a_middleware_may_leave_the_phase_out(house: House) -> None:
    plan = house.run(Unfinalized, layout=play.layout(two))

    assert plan.result is PlanResult.SUCCESS
    assert sorted(play.log) == ["a", "b"]
    assert finalizing(house, plan.id) == ["success", "success"]
