"""Actions of a small release, to test the kit with."""

from typing import Any, ClassVar

from pydantic import BaseModel

from mcoflow.action import FOREVER, Action, Cancellable, Event, HostAction, Reply, Silence, UserEvent


class Built(BaseModel):
    version: str


class Build(Action):
    name = "kit.build"
    Output = Built

    def plan(self, package: str) -> None:
        self.plan_self(package=package)

    def run(self) -> None:
        self.output["version"] = "2.1"

    def finalize(self) -> None:
        self.output["tidied"] = True


class Install(HostAction):
    name = "kit.install"
    agent = "package"
    operation = "install"


class Announce(Action):
    name = "kit.announce"

    def run(self) -> None:
        self.warn("nobody listens")
        self.output["said"] = self.input.get("text", "done")


class Release(Action):
    """Build, install everywhere, then announce."""

    name = "kit.release"
    title = "Release"

    def plan(self, hosts: list[str], package: str) -> None:
        with self.sequence():
            built = self.plan_action(Build, package)
            with self.concurrence():
                for host in hosts:
                    self.plan_action(Install, host=host, package=package, version=built.output["version"])
            self.plan_action(Announce)


class Approve(Cancellable):
    """Wait for a person, and remind oneself."""

    name = "kit.approve"
    title = "Approve"
    accepts: ClassVar[tuple[type, ...]] = (str,)

    def run(self, event: Event | None) -> None:
        self.output["asked"] = self.output.get("asked", 0) + 1
        match event:
            case UserEvent(value="yes"):
                self.output["by"] = "ann"
            case UserEvent(value="no"):
                raise PermissionError("refused")
            case _:
                self.suspend(patience=FOREVER)


class Ask(Action):
    """One request, and what came of it."""

    name = "kit.ask"
    title = "Ask"

    def run(self, event: Event | None) -> None:
        match event:
            case None:
                request = self.request("package", "install", {"package": self.input["package"]})
                self.suspend(until=request)
            case Reply(ok=ok, data=data):
                self.output.update(data, ok=ok)
            case Silence(waited=waited):
                self.output["waited"] = waited
            case UserEvent():
                self.suspend()


class Twins(Action):
    """Plans two that wait for each other."""

    name = "kit.twins"

    def plan(self) -> None:
        with self.sequence():
            first = self.plan_action(Announce, text="first")
            self.plan_action(Announce, text=first.output["said"])


def of(plan: Any) -> tuple[str, str]:
    """State and result of a plan."""
    return plan.state.value, plan.result.value
