"""Actions that do what a test says: a script by name for what they run, a layout for what they plan."""

import threading
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID, uuid4

from mcoflow.action import Action, Cancellable, Event, HostAction, Rescue
from mcoflow.domain.records import PlanDraft
from mcoflow.engine.planner import make_plan
from mcoflow.errors import StepCancelledError
from tests.unit.engine.house import House
from tests.waiting import until

Script = Callable[[Any, Event | None], None]
Layout = Callable[[Any], None]


class Play:
    """What the actions of the test that runs now shall do, and what they did."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.layouts: dict[str, Layout] = {}
        self.rescues: dict[str, Rescue] = {}
        self.log: list[str] = []
        self._held: dict[str, threading.Event] = {}

    def layout(self, layout: Layout) -> str:
        key = str(len(self.layouts))
        self.layouts[key] = layout
        return key

    def hold(self, name: str) -> threading.Event:
        """Let `run` of this name wait inside until the returned event is set."""
        self._held[name] = threading.Event()
        return self._held[name]

    def wait_inside(self, name: str) -> None:
        """Wait until `run` of this name was entered."""
        until(lambda: name in self.log, f"{name} runs; so far: {self.log}")

    def perform(self, action: Action, name: str, event: Event | None = None) -> None:
        self.log.append(name)
        if name in self._held:
            assert self._held[name].wait(20), f"{name} was held too long"
        if name in self.scripts:
            self.scripts[name](action, event)


play = Play()


def new_play() -> Play:
    play.__init__()  # type: ignore[misc]  # the actions know this one object
    return play


class Compose(Action):
    """Plans what the layout says."""

    name = "play.compose"
    title = "Compose"

    def plan(self, layout: str) -> None:
        play.layouts[layout](self)


class Do(Action):
    """Run a script; no events."""

    name = "play.do"

    def run(self) -> None:
        self.output["by"] = self.input["name"]
        play.perform(self, self.input["name"])


class Listen(Action):
    """Run a script that may suspend."""

    name = "play.listen"
    accepts: ClassVar[tuple[type, ...]] = (str, int, dict)

    def run(self, event: Event | None) -> None:
        play.perform(self, self.input["name"], event)


class Repeat(Listen):
    """One that may be repeated after a crash."""

    name = "play.repeat"
    rerunnable = True


class Stoppable(Cancellable):
    """Run a script that may suspend; `<name> cancel` is the script of a cancel."""

    name = "play.stoppable"
    accepts: ClassVar[tuple[type, ...]] = (str,)

    def run(self, event: Event | None) -> None:
        play.perform(self, self.input["name"], event)

    def on_cancel(self) -> None:
        play.perform(self, self.input["name"] + " cancel")
        if self.input["name"] + " cancel" not in play.scripts:
            super().on_cancel()


class Abortable(Stoppable):
    """`<name> abort` is the script of an abort."""

    name = "play.abortable"

    def on_abort(self) -> None:
        play.perform(self, self.input["name"] + " abort")
        raise StepCancelledError("aborted")


class Finish(Do):
    """Run a script, and `<name>!` when all has run."""

    name = "play.finish"

    def finalize(self) -> None:
        play.perform(self, self.input["name"] + "!")


class Tidy(Action):
    """Only a finalize."""

    name = "play.tidy"

    def finalize(self) -> None:
        play.perform(self, self.input["name"] + "!")


class Undo(Listen):
    """`<name> undone` is the script of its revert."""

    name = "play.undo"

    def revert(self, event: Event | None) -> None:
        play.perform(self, f"{self.input['name']} undone", event)

    def rescue_strategy(self) -> Rescue:
        return play.rescues.get(self.input["name"], Rescue.PAUSE)


class Rescued(Do):
    """Wants what the test says for its name."""

    name = "play.rescued"

    def rescue_strategy(self) -> Rescue:
        play.perform(self, f"{self.input['name']} asked")
        return play.rescues[self.input["name"]]


class RescuedFinish(Rescued):
    """One that only finalizes."""

    name = "play.rescued_finish"
    run = None  # type: ignore[assignment]

    def finalize(self) -> None:
        play.perform(self, self.input["name"] + "!")


class Guardian(Action):
    """Plans what the layout says, and has the last word on it."""

    name = "play.guardian"

    def plan(self, layout: str) -> None:
        play.layouts[layout](self)

    def rescue_strategy_for(self, planned: Action) -> Rescue | None:
        return play.rescues.get(f"for {planned.name}")


class GiveUp(Do):
    """A failure of it fails the plan."""

    name = "play.give_up"

    def rescue_strategy(self) -> Rescue:
        return Rescue.FAIL


class Install(HostAction):
    """Ask for a package."""

    name = "play.install"
    agent = "package"
    operation = "install"


def compose(house: House, layout: Layout, *, plan_id: UUID | None = None) -> UUID:
    """Trigger a plan that the layout plans."""
    return house.trigger(Compose, layout=play.layout(layout), plan_id=plan_id)


def draft_of(layout: Layout) -> PlanDraft:
    """Plan only."""
    return make_plan(Compose, {"layout": play.layout(layout)}, plan_id=uuid4(), user="ann", now=1.0)


def do(name: str, **fields: Any) -> Layout:
    """The layout of a plan with one Do."""
    return lambda plan: plan.plan_action(Do, name=name, **fields)


def one(action: type[Action], name: str = "a", **fields: Any) -> Layout:
    """The layout of a plan with one action."""
    return lambda plan: plan.plan_action(action, name=name, **fields)
