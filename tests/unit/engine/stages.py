"""Plans in every state, with all that can hang on them there: what a cancel, abort or halt has to end."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from mcoflow.action import FOREVER, Action, Lock, Polling, Retry, Singleton, plan_hook
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanState, StepState
from mcoflow.domain.view import PlanView
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import accepted, only, progress, silence
from tests.unit.engine.fleets import Fleet
from tests.unit.engine.play import Do, Install, Listen, Stoppable, play

LOCK: Final = "the house"
Made = Callable[[OneThreadWorld], UUID]
Then = Callable[[OneThreadWorld, UUID], None]


class Loaded(Singleton):
    """The plan that is ended: it has a lock and hooks, and what the layout says."""

    name = "stages.loaded"
    moments: ClassVar[list[str]] = []

    def plan(self, layout: str) -> None:
        play.layouts[layout](self)

    def locks(self) -> Iterable[Lock]:
        return [Lock(LOCK, conflict="wait")]

    @plan_hook()
    def tell(self, plan: PlanView) -> None:
        self.moments.append(plan.state.value)


class Waiter(Singleton):
    """Waits for the lock."""

    name = "stages.waiter"
    accepts = (str,)

    def locks(self) -> Iterable[Lock]:
        return [Lock(LOCK, conflict="wait")]

    def run(self, event: Any) -> None:
        play.perform(self, self.input["name"], event)


class Stubborn(Listen):
    """Tried again and again."""

    name = "stages.stubborn"
    retry = Retry(tries=9)


class Poll(Polling):
    """Polls until the test says that it is done."""

    name = "stages.poll"
    accepts = (str,)

    def invoke_external_task(self) -> Any:
        return {"up": False}

    def poll_external_task(self) -> Any:
        return {"up": "up" in play.log}

    def done(self) -> bool:
        return bool(self.output["task"]["up"])


@dataclass(frozen=True)
class Stage:
    """A plan brought somewhere. `state` and `step` say where it and its first step are then.

    `release` lets that step end by itself, and so the cancel that waits for it; without, a cancel ends the
    plan at once. So does an abort, unless it `is_told`. `ends` is how the first step is in the end, by order,
    where it is not cancelled.
    """

    name: str
    make: Made
    state: PlanState
    step: StepState | None = None
    release: Then | None = None
    is_told: bool = False
    ends: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def ends_at_once(self, order: str) -> bool:
        """Whether the plan is over when the order returns."""
        return order == "halt" or self.release is None or (order == "abort" and not self.is_told)

    def steps_after(self, order: str) -> list[str]:
        """The states of the steps in the end: the second one never begins."""
        if self.step is None and (self.state is PlanState.SCHEDULED or order == "halt"):
            return []
        return [self.ends.get(order, "cancelled"), "cancelled"]


# -- bringing plans there ----------------------------------------------------------------------------------


def layout(first: type[Action], **fields: Any) -> str:
    """One step that the stage is about, then one that must never begin."""

    def lay_out(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(first, **{"name": "a", **fields})
            plan.plan_action(Do, name="b")

    return play.layout(lay_out)


def later(schedule: Schedule | None = None) -> Made:
    """Scheduled."""

    def make(world: OneThreadWorld) -> UUID:
        day = world.clock.now() + timedelta(days=1)
        wanted = schedule or Schedule(start_at=day, start_before=day + timedelta(days=1))
        return world.delay(wanted, Loaded, layout(Do)).plan_id

    return make


def behind(world: OneThreadWorld) -> UUID:
    """Scheduled after a plan that never ends by itself."""
    play.scripts["before"] = sleep
    before = world.trigger(Listen, name="before").plan_id
    world.drain()
    return world.chain([before], Loaded, layout(Do)).plan_id


def in_planning(world: OneThreadWorld) -> UUID:
    """Claimed by an executor whose worker has not planned it yet."""
    plan_id = world.plan_elsewhere(Loaded, layout(Do)).plan_id
    moved_until(world, lambda: world.stored.plan(plan_id).state is PlanState.PLANNING)
    return plan_id


def unclaimed(world: OneThreadWorld) -> UUID:
    """Planned by one that only submits, and there is no executor."""
    world.terminate()
    return beside(world).trigger(Loaded, layout(Do)).plan_id


def beside(world: OneThreadWorld) -> OneThreadWorld:
    """Another world on the same ground, without an executor."""
    return OneThreadWorld(ground=world.ground, executor=False).start()


def waiting_for_lock(world: OneThreadWorld) -> UUID:
    play.scripts["holder"] = sleep
    world.trigger(Waiter, name="holder")
    world.drain()
    plan_id = world.trigger(Loaded, layout(Do)).plan_id
    world.drain()
    return plan_id


def inside(world: OneThreadWorld) -> UUID:
    """A worker has the step, a user event waits for it."""
    play.scripts["a"] = lambda action, event: action.plan_event("later", delay=timedelta(hours=1))
    plan_id = world.trigger(Loaded, layout(Listen)).plan_id
    moved_until(world, lambda: world.stored.steps(plan_id)[3].state is StepState.RUNNING)
    world.event(plan_id, 3, "too early")
    return plan_id


def running(first: type[Action], script: Any = None, **fields: Any) -> Made:
    """As far as it comes by itself."""

    def make(world: OneThreadWorld) -> UUID:
        if script is not None:
            play.scripts["a"] = script
        plan_id = world.trigger(Loaded, layout(first, **fields)).plan_id
        world.drain()
        return plan_id

    return make


def asked(*words: Any, heard: bool = True) -> Made:
    """A host was asked, and says so much; or the broker does not say that it took the request."""

    def make(world: OneThreadWorld) -> UUID:
        world.hosts.default = only(*words) if words else silence
        if not heard:
            world.ground.broker.receipt_for = lambda _parcel: None
        return running(Install, host="web1", package="x")(world)

    return make


def retrying(world: OneThreadWorld) -> UUID:
    """Waits for its next try, for which an event waits."""
    plan_id = running(Stubborn, fail)(world)
    world.event(plan_id, 3, "for the next try")
    world.drain()
    return plan_id


def paused(world: OneThreadWorld) -> UUID:
    """Paused on request, before its last step."""
    plan_id = inside(world)
    play.scripts["a"] = nothing
    world.pause(plan_id)
    world.drain()
    return plan_id


def moved_until(world: OneThreadWorld, there: Callable[[], bool]) -> None:
    """Make one move after another until the plan is there."""
    assert world.executor is not None
    world.executor.ring()
    while not there():
        assert world.ground.step(), "nothing moves any more"


# -- scripts -----------------------------------------------------------------------------------------------


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def bounded(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=timedelta(minutes=5))


def timed(action: Any, event: Any) -> None:
    if event is None:
        action.plan_event("in time", delay=timedelta(minutes=1))
        action.suspend(patience=FOREVER)


def fail(_action: Any, _event: Any) -> None:
    raise RuntimeError("broken")


def nothing(_action: Any, _event: Any) -> None:
    """End well."""


# -- letting steps end -------------------------------------------------------------------------------------


def drain(world: OneThreadWorld, _plan_id: UUID) -> None:
    world.drain()


def begin(world: OneThreadWorld, _plan_id: UUID) -> None:
    world.start()
    world.drain()


def send(world: OneThreadWorld, plan_id: UUID) -> None:
    world.event(plan_id, 3, "go")
    world.drain()


def wait(world: OneThreadWorld, _plan_id: UUID) -> None:
    play.log.append("up")
    world.advance(600)


# -- the stages --------------------------------------------------------------------------------------------

_P, _S = PlanState, StepState
_ALL_WELL: Final = dict.fromkeys(("cancel", "abort", "halt"), "success")
_BY_ITSELF: Final = {"cancel": "success"}

AT_REST: Final = (
    Stage("scheduled", later(), _P.SCHEDULED),
    Stage("frozen", later(Schedule(frozen=True)), _P.SCHEDULED),
    Stage("behind-another", behind, _P.SCHEDULED),
    Stage("planning", in_planning, _P.PLANNING),
    Stage("planned", unclaimed, _P.PLANNED, _S.PENDING, begin, is_told=True),
    Stage("waiting-for-a-lock", waiting_for_lock, _P.PLANNED, _S.PENDING),
    Stage("paused-in-error", running(Listen, fail), _P.PAUSED, _S.ERROR, ends={"halt": "error"}),
    Stage("paused-on-request", paused, _P.PAUSED, _S.SUCCESS, ends=_ALL_WELL),
)
RUNNING: Final = tuple(
    Stage(name, make, _P.RUNNING, step, release, is_told, ends)
    for name, make, step, release, is_told, ends in (
        ("inside", inside, _S.RUNNING, drain, True, {"cancel": "success", "abort": "success"}),
        ("request-unconfirmed", asked(heard=False), _S.SUSPENDED, wait, False, {}),
        ("request-unacknowledged", asked(), _S.SUSPENDED, wait, False, {}),
        ("request-accepted", asked(accepted()), _S.SUSPENDED, wait, False, {}),
        ("request-executing", asked(accepted(), progress()), _S.SUSPENDED, wait, False, {}),
        ("timer", running(Listen, timed), _S.SUSPENDED, wait, False, _BY_ITSELF),
        ("patience", running(Listen, bounded), _S.SUSPENDED, wait, False, _BY_ITSELF),
        ("person", running(Listen, sleep), _S.SUSPENDED, send, False, _BY_ITSELF),
        ("cancellable", running(Stoppable, sleep), _S.SUSPENDED, drain, True, {}),
        ("poll", running(Poll), _S.SUSPENDED, wait, False, _BY_ITSELF),
        ("retry", retrying, _S.SUSPENDED, None, False, {}),
        ("sub-plans", running(Fleet, who=["x", "y"], how="sleep"), _S.SUSPENDED, wait, True, {}),
    )
)
