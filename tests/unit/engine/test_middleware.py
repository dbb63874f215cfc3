"""What middlewares see of plans that run, and what they can do to them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from mcoflow.action import Action, HostAction, Middleware, Middlewares, Rescue
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.domain.view import PlanView
from mcoflow.engine.handles import Scheduled
from mcoflow.testing.hosts import error, ok, result, silence
from tests.unit.engine.house import House
from tests.unit.engine.play import Finish, Stoppable, play
from tests.waiting import until


class Noting(Middleware):
    """Notes when it is entered and left."""

    def note(self, what: str, proceed: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        play.log.append(f"{type(self).__name__}>{what}")
        try:
            proceed(*args, **kwargs)
        finally:
            play.log.append(f"{what}<{type(self).__name__}")

    def delay(self, action: Action, proceed: Callable[..., None], /, *args: Any, **kwargs: Any) -> None:
        self.note("delay", proceed, *args, **kwargs)

    def plan(self, action: Action, proceed: Callable[..., None], /, *args: Any, **kwargs: Any) -> None:
        self.note("plan", proceed, *args, **kwargs)

    def run(self, action: Action, proceed: Callable[[Any], None], event: Any) -> None:
        self.note(f"run {type(event).__name__}", proceed, event)

    def finalize(self, action: Action, proceed: Callable[[], None]) -> None:
        self.note("finalize", proceed)

    def plan_phase(self, plan: PlanView, proceed: Callable[[], None]) -> None:
        self.note(f"plan_phase of {plan.action}", proceed)

    def finalize_phase(self, plan: PlanView, proceed: Callable[[], None]) -> None:
        self.note(f"finalize_phase of {plan.action}", proceed)


class OfWorld(Noting):
    """Used by the world."""


class OfBase(Noting):
    """Used by the base class."""


class OfSub(Noting):
    """Used by the subclass."""


class Based(Finish):
    """Run and finalize."""

    name = "middleware.based"
    middleware = Middlewares().use(OfBase)

    def delay(self, _schedule: Schedule, *_args: Any, **_fields: Any) -> None:
        play.log.append("delayed")

    def plan(self, **fields: Any) -> None:
        play.log.append("planned")
        self.plan_self(fields)


class Derived(Based):
    """Adds one."""

    name = "middleware.derived"
    middleware = Middlewares().use(OfSub)


def around(what: str, *inside: str) -> list[str]:
    names = ("OfWorld", "OfBase", "OfSub")
    return [f"{name}>{what}" for name in names] + [*inside] + [f"{what}<{name}" for name in reversed(names)]


def test_the_worlds_come_first_then_those_of_bases_then_those_of_subclasses(empty_house: House) -> None:
    """E-082: delay, plan_phase, plan, run, finalize_phase, finalize: the whole life of a delayed plan."""
    world = empty_house.another(middleware=Middlewares().use(OfWorld))
    due = Schedule(start_at=empty_house.clock.now() + timedelta(minutes=5))

    made = world.delay(due, Derived, name="a")

    assert isinstance(made, Scheduled)
    assert play.log == around("delay", "delayed")
    empty_house.advance(301)
    assert empty_house.rest(made.plan_id).result is PlanResult.SUCCESS
    assert play.log[len(around("delay", "delayed")) :] == [
        *around(f"plan_phase of {Derived.name}", *around("plan", "planned")),
        *around("run NoneType", "a"),
        *around(f"finalize_phase of {Derived.name}", *around("finalize", "a!")),
    ]


def test_a_suspend_passes_through_and_each_call_of_run_is_wrapped(house: House) -> None:
    """E-082: also what is called for a signal."""

    class Watched(Stoppable):
        name = "middleware.watched"
        middleware = Middlewares().use(OfBase)

    play.scripts["a"] = lambda action, event: action.suspend() if event is None else None
    plan_id = house.trigger(Watched, name="a")
    house.step_when(plan_id, StepState.SUSPENDED)
    house.cancel(plan_id)

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert "OfBase>run Cancel" in play.log
    assert play.log.count("OfBase>run NoneType") == 1


class Changing(Middleware):
    """Passes on other arguments, and catches what is raised."""

    def plan(self, action: Action, proceed: Callable[..., None], /, *args: Any, **kwargs: Any) -> None:
        proceed(*args, **{**kwargs, "name": kwargs["name"].upper()})

    def run(self, action: Action, proceed: Callable[[Any], None], event: Any) -> None:
        try:
            proceed(event)
        except RuntimeError as error:
            action.output["caught"] = str(error)


class Changed(Finish):
    """Changed."""

    name = "middleware.changed"
    middleware = Middlewares().use(Changing)


def test_a_middleware_may_pass_other_arguments_and_catch_what_is_raised(house: House) -> None:
    """E-082: proceed is a function like any other."""

    def script(_action: Any, _event: Any) -> None:
        raise RuntimeError("no")

    play.scripts["A"] = script
    plan = house.run(Changed, name="a")

    assert plan.result is PlanResult.SUCCESS
    assert house.store.whole(plan.id).actions[0]["output"] == '{"by":"A","caught":"no"}'


class Leaving(Middleware):
    """Does not proceed."""

    def run(self, action: Action, proceed: Callable[[Any], None], event: Any) -> None:
        action.output["instead"] = True


class Left(Finish):
    """Never run."""

    name = "middleware.left"
    middleware = Middlewares().use(Leaving)


def test_a_middleware_may_leave_the_run_out(house: House) -> None:
    plan = house.run(Left, name="a")

    assert plan.result is PlanResult.SUCCESS
    assert play.log == ["a!"]


class Breaking(Middleware):
    """Fails."""

    def run(self, action: Action, proceed: Callable[[Any], None], event: Any) -> None:
        raise LookupError("broken middleware")


class Broken(Finish):
    """Fails before it runs."""

    name = "middleware.broken"
    middleware = Middlewares().use(Breaking)


def test_what_a_middleware_raises_is_the_error_of_the_step(house: House) -> None:
    plan = house.run(Broken, name="a")

    assert plan.state is PlanState.PAUSED
    assert "broken middleware" in plan.explanation


# -- host actions ---------------------------------------------------------------------------------------


class Ask(HostAction):
    """A host action with middleware around it."""

    name = "middleware.ask"
    agent = "package"
    operation = "install"
    middleware = Middlewares().use(OfBase)


def test_around_a_host_action_it_sees_the_request_and_the_reply(house: House) -> None:
    """E-082: on a worker; without middleware there is none (E-117)."""
    house.hosts.default = ok(changed=True)

    plan = house.run(Ask, host="web1", package="nginx")

    assert plan.result is PlanResult.SUCCESS
    assert play.log[4:] == [
        "OfBase>run NoneType",
        "run NoneType<OfBase",
        "OfBase>run Reply",
        "run Reply<OfBase",
    ]
    assert house.output(plan.id)["changed"] is True


def test_a_host_action_with_middleware_ends_with_the_exact_word_too(house: House) -> None:
    house.hosts.default = error(3)

    plan = house.run(Ask, host="web1", package="nginx")

    step = house.step(plan.id)
    assert (plan.state, step.outcome, step.reason) == (PlanState.PAUSED, "failed", "exit 3")


def test_a_host_action_with_middleware_is_cancelled_like_any(house: House) -> None:
    house.hosts.default = silence
    plan_id = house.trigger(Ask, host="web1", package="nginx")
    until(lambda: house.hosts.requests, "asked")
    house.step_when(plan_id, StepState.SUSPENDED)
    house.command(plan_id, CommandKind.CANCEL)
    until(lambda: house.broker.of_kind("cancel"), "told")
    house.hosts.say(result("cancelled"))

    assert house.rest(plan_id).result is PlanResult.CANCELLED
    assert house.step(plan_id).state is StepState.CANCELLED


# -- revert ---------------------------------------------------------------------------------------------


class Undo(Middleware):
    """Notes what is undone."""

    def revert(self, action: Action, proceed: Callable[[Any], None], event: Any) -> None:
        play.log.append(f"undo {action.input['name']}")
        proceed(event)


class Undone(Finish):
    """Can be undone."""

    name = "middleware.undone"
    middleware = Middlewares().use(Undo)

    def revert(self, _event: Any) -> None:
        play.log.append(f"{self.input['name']} undone")

    def rescue_strategy(self) -> Rescue:
        return Rescue.REVERT


def test_middleware_goes_around_what_undoes_an_action(house: House) -> None:
    """E-082: revert."""

    def script(_action: Any, _event: Any) -> None:
        raise RuntimeError("no")

    play.scripts["a"] = script
    plan = house.run(Undone, name="a")

    assert (plan.state, plan.reverted) == (PlanState.STOPPED, True)
    assert play.log == ["a", "undo a", "a undone"]
