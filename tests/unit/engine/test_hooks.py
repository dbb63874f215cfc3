"""Hooks: what is called when a plan changes its state."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from mcoflow.action import Action, Middleware, Middlewares, Registry, plan_hook
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.domain.view import PlanView
from mcoflow.engine.hooks import LOOK
from mcoflow.errors import ConfigurationError
from mcoflow.testing import OneThreadWorld
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Listen, play
from tests.waiting import until

told: list[tuple[str, str, str]] = []


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    told.clear()


class Told(Listen):
    """Notes each state."""

    name = "hooks.told"

    @plan_hook()
    def note(self, plan: PlanView) -> None:
        told.append((self.name, plan.state.value, plan.result.value))


class Ending(Listen):
    """Notes how it ends."""

    name = "hooks.ending"

    @plan_hook("success")
    def well(self, plan: PlanView) -> None:
        told.append(("well", plan.state.value, plan.result.value))

    @plan_hook("failure")
    def badly(self, plan: PlanView) -> None:
        told.append(("badly", plan.state.value, plan.result.value))


class Quiet(Ending):
    """Does without one."""

    name = "hooks.quiet"
    without_hooks = frozenset({"well"})


def heard(number: int) -> list[tuple[str, str, str]]:
    until(lambda: len(told) >= number, f"{number} calls; so far {told}")
    return told


def settled(house: House) -> None:
    """Wait until no hook is left to be called."""
    until(lambda: house.count("hooks") == 0, "all hooks were called")


def test_a_hook_on_every_state_is_called_in_their_order(house: House) -> None:
    """E-078: 5 calls, each with the state of its moment."""
    house.run(Told, name="a")

    settled(house)
    assert [state for _, state, _ in heard(5)] == ["pending", "planning", "planned", "running", "stopped"]
    assert [result for _, _, result in told] == ["pending"] * 4 + ["success"]


def test_a_pause_and_a_resume_are_told_too(house: House) -> None:
    """E-078: as often as they come."""
    tries: list[int] = []

    def script(_action: Any, _event: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("once")

    play.scripts["a"] = script
    plan_id = house.run(Told, name="a").id
    house.resume(plan_id)
    house.plan_when(plan_id, lambda plan: plan.state is PlanState.STOPPED)

    settled(house)
    assert [state for _, state, _ in heard(7)][3:] == ["running", "paused", "running", "stopped"]
    assert told[4][2] == "error"


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("no")


def warn(action: Any, _event: Any) -> None:
    action.warn("hm")


def suspend(action: Any, event: Any) -> None:
    if event is None:
        action.suspend()


def cancel(house: House, plan_id: UUID) -> None:
    house.rest(plan_id)
    house.cancel(plan_id)


def halt(house: House, plan_id: UUID) -> None:
    house.step_when(plan_id, StepState.SUSPENDED)
    house.world.halt(plan_id, reason="enough")


def nothing(house: House, plan_id: UUID) -> None:
    """It ends by itself."""


def test_a_delayed_plan_is_pending_once(house: House) -> None:
    """E-079: told when it is stored; the rest when it is planned."""
    house.world.plan_elsewhere(Told, name="a")

    assert [state for _, state, _ in heard(6)] == [
        "pending",
        "scheduled",
        "planning",
        "planned",
        "running",
        "stopped",
    ]
    settled(house)


def test_a_scheduled_plan_that_is_cancelled_is_a_failure(house: House) -> None:
    """E-079: its action has no row yet, only its class."""
    later = house.world.delay(Schedule(frozen=True), Ending, name="a")
    house.cancel(later.plan_id)

    assert heard(1) == [("badly", "stopped", "cancelled")]
    settled(house)


@pytest.mark.parametrize(
    ("script", "act", "result"),
    [(warn, nothing, "warning"), (fail, cancel, "cancelled"), (suspend, halt, "halted")],
)
def test_the_failure_hook_comes_for_all_that_is_no_success(
    house: House, script: Callable[..., None], act: Callable[[House, UUID], None], result: str
) -> None:
    """E-079: error, warning, cancelled, halted."""
    play.scripts["a"] = script
    plan_id = house.trigger(Ending, name="a")
    act(house, plan_id)
    house.plan_when(plan_id, lambda plan: plan.state is PlanState.STOPPED)

    assert heard(1) == [("badly", "stopped", result)]


def test_the_failure_hook_comes_for_a_planning_that_failed(house: House) -> None:
    """E-079: error; the actions that were planned so far are asked."""

    class Unplannable(Ending):
        name = "hooks.unplannable"

        def plan(self, **fields: Any) -> None:
            raise RuntimeError("no plan")

    house.trigger(Unplannable, name="a")

    assert heard(1) == [("badly", "stopped", "error")]


def test_the_success_hook_comes_for_a_success_only(house: House) -> None:
    """E-079: and a hook that is turned off does not come at all (E-081)."""
    house.run(Ending, name="a")
    house.run(Quiet, name="a")

    settled(house)
    assert told == [("well", "stopped", "success")]


def test_a_hook_that_raises_is_logged_and_hurts_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """E-080: not the plan, nor other hooks, nor the worker."""

    class Raising(Told):
        name = "hooks.raising"

        @plan_hook()
        def breaks(self, plan: PlanView) -> None:
            raise SystemExit("a bad hook")

    assert house.run(Raising, name="a").result is PlanResult.SUCCESS
    settled(house)

    assert len(heard(5)) == 5
    assert [record.message for record in caplog.records].count("hook.failed") == 5


def test_hooks_are_inherited_and_those_of_nested_actions_are_called_too(house: House) -> None:
    """E-081: is_root tells the root."""
    roots: list[tuple[str, bool, str]] = []

    class Base(Action):
        name = "hooks.base"

        @plan_hook(PlanState.STOPPED)
        def note(self, plan: PlanView) -> None:
            roots.append((self.name, self.is_root, plan.label))

    class Outer(Base):
        name = "hooks.outer"
        title = "Outer"

        def plan(self) -> None:
            self.plan_action(Inner, name="a")

    class Inner(Base, Do):
        name = "hooks.inner"

        def note(self, plan: PlanView) -> None:
            super().note(plan)
            roots.append(("output", self.output["by"] == "a", ""))

    house.run(Outer)

    settled(house)
    assert roots == [("hooks.outer", True, "Outer"), ("hooks.inner", False, "Outer"), ("output", True, "")]


def test_hooks_have_workers_of_their_own_and_keep_their_order(house: House) -> None:
    """E-078: a hook that takes long holds up no step, and no hook of another plan."""
    held = threading.Event()

    class Slow(Told):
        name = "hooks.slow"

        @plan_hook("pending")  # type: ignore[arg-type]  # a state by its name
        def wait(self, plan: PlanView) -> None:
            assert held.wait(20)

    house.run(Slow, name="a")
    house.run(Told, name="b")
    until(lambda: sum(name == Told.name for name, _, _ in told) == 5, "the other plan's hooks")
    assert not any(name == Slow.name and state != "pending" for name, state, _ in told)
    held.set()

    settled(house)
    assert [state for name, state, _ in told if name == Slow.name] == [
        "pending",
        "planning",
        "planned",
        "running",
        "stopped",
    ]


def test_what_a_client_planned_is_told_by_the_executor_that_runs_it(empty_house: House) -> None:
    """E-080: a row, so that it does not matter where it was planned."""
    empty_house.another()
    client = empty_house.another(executor=False)
    client.submit(Told.name, {"name": "a"}, user="ann")

    settled(empty_house)
    assert [state for _, state, _ in heard(5)] == ["pending", "planning", "planned", "running", "stopped"]


def test_hooks_that_a_dead_executor_left_are_called_by_the_next(house: House) -> None:
    """E-080: killed after the commit, before the hooks ran; at least once, in order."""
    held = threading.Event()

    class Stuck(Told):
        name = "hooks.stuck"

        @plan_hook("pending")  # type: ignore[arg-type]
        def wait(self, plan: PlanView) -> None:
            if not held.is_set():
                held.wait(20)
                raise RuntimeError("its executor is dead by now")

    house.run(Stuck, name="a")
    assert house.count("hooks") == 5
    house.restart()
    house.advance(1)
    until(lambda: held.set() or len(told) >= 5, "the next one calls them")

    settled(house)
    assert Counter(state for _, state, _ in told).keys() == {
        "pending",
        "planning",
        "planned",
        "running",
        "stopped",
    }


def test_a_plan_without_hooks_costs_not_one_statement(house: House) -> None:
    """E-080: neither to write nor to read."""
    seen: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    house.run(Do, name="warm")
    event.listen(Engine, "before_cursor_execute", count)
    try:
        house.run(Do, name="a")
    finally:
        event.remove(Engine, "before_cursor_execute", count)

    assert not [text for text in seen if "INTO hooks" in text or "DELETE FROM hooks" in text]
    assert house.count("hooks") == 0


def test_hooks_of_a_class_that_is_gone_are_left_out(
    empty_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """E-085: the plan was made by an older release; nobody waits for ever."""
    registry = Registry()
    registry.add(Do)
    empty_house.another(actions=registry)
    plan_id = empty_house.another(executor=False).submit(Told.name, {"name": "a"}, user="ann").plan_id

    assert empty_house.rest(plan_id).state is PlanState.PAUSED
    settled(empty_house)
    assert told == []
    assert "hook.unknown_action" in [record.message for record in caplog.records]


def test_a_hook_on_what_never_happens_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no plan is ever finished; there are .*success"):
        plan_hook("finished")  # type: ignore[arg-type]


class Around(Middleware):
    """Around hooks."""

    def hook(self, action: Action, proceed: Callable[[PlanView], None], plan: PlanView) -> None:
        told.append(("around", plan.state.value, ""))
        proceed(plan)


class Wrapped(Ending):
    """With middleware."""

    name = "hooks.wrapped"
    middleware = Middlewares().use(Around)


def test_middleware_goes_around_hooks(house: House) -> None:
    """E-082: hook."""
    house.run(Wrapped, name="a")

    settled(house)
    assert told == [("around", "stopped", ""), ("well", "stopped", "success")]


class Again(Told):
    """May be repeated."""

    name = "hooks.again"
    rerunnable = True


@pytest.mark.parametrize("point", ["director.before_commit", "director.after_commit"])
@pytest.mark.parametrize("hit", [1, 2])
def test_wherever_the_executor_crashes_all_hooks_are_called_in_order(point: str, hit: int) -> None:
    """E-080: in one thread, so that it is the same each time."""
    with OneThreadWorld() as world:
        made = world.with_options(plan_id=uuid4())
        with world.crash_at(point, hit=hit):
            plan_id = made.trigger(Again, name="a").plan_id
            world.drain()
        world.restart()
        world.drain()
        world.advance(LOOK)
        world.drain()

        assert world.presented(plan_id).state(1) == "success"
    states = list(dict.fromkeys(state for _, state, _ in told))
    assert states == ["pending", "planning", "planned", "running", "stopped"]
