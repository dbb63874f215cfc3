"""Plans with rollouts in them, and what may be around those."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from mcoflow.action import Action, Event, Lock, Rescue, Retry, Singleton
from mcoflow.domain.rollout import Offline, Rollout, Share
from tests.unit.testing.actions import Install

MINUTE = timedelta(minutes=1)
LOG: list[tuple[str, Any]] = []
BROKEN: set[Any] = set()


class Do(Action):
    name = "among.do"

    def run(self) -> None:
        LOG.append(("run", self.input["n"]))
        if self.input["n"] in BROKEN:
            raise ValueError(f"no {self.input['n']}")
        self.output["v"] = self.input["n"]

    def finalize(self) -> None:
        LOG.append(("finalize", self.input["n"]))


class Undoable(Do):
    name = "among.undoable"

    def revert(self) -> None:
        LOG.append(("revert", self.input["n"]))

    def rescue_strategy(self) -> Rescue:
        return Rescue.REVERT


class Skippable(Do):
    name = "among.skippable"

    def rescue_strategy(self) -> Rescue:
        return Rescue.SKIP


class Persistent(Do):
    name = "among.persistent"
    retry = Retry(tries=3, base=MINUTE, cap=MINUTE)


class InstallAndTidy(Install):
    name = "among.install"

    def finalize(self) -> None:
        LOG.append(("finalize", self.input["host"]))


class Later(Action):
    """Ends ten minutes later."""

    name = "among.later"

    def run(self, event: Event | None) -> None:
        if event is None:
            self.suspend(patience=10 * MINUTE)
        self.output["v"] = 1


class Read(Action):
    name = "among.read"

    def run(self) -> None:
        LOG.append(("read", self.input["v"]))


class Many(Action):
    """So many hosts with two steps each, of the class that a test names."""

    name = "among.many"

    def plan(self, kind: str, hosts: int, how: dict[str, Any]) -> None:
        step = {each.__name__: each for each in (Do, Undoable, Skippable, Persistent)}[kind]
        with self.rollout(Rollout.from_json(how)):
            for number in range(hosts):
                with self.branch(), self.sequence():
                    self.plan_action(step, n=number)
                    self.plan_action(step, n=number + 100)


class Beside(Action):
    """Each host waits, between two steps, for something that is not of the rollout."""

    name = "among.beside"

    def plan(self) -> None:
        beside = self.plan_action(Later)
        with self.rollout(Rollout(batch=Share(1))):
            for host in ("web1", "web2"):
                with self.branch(), self.sequence():
                    self.plan_action(Install, host=host, package="nginx")
                    self.plan_action(Read, v=beside.output["v"])


class FirstNeeds(Action):
    """The first host needs what is not of the rollout."""

    name = "among.first"

    def plan(self) -> None:
        beside = self.plan_action(Do, n="beside")
        with self.rollout(Rollout(batch=Share(1))):
            with self.branch():
                self.plan_action(Read, v=beside.output["v"])
            with self.branch():
                self.plan_action(Do, n="second")


class RoundAbout(Action):
    """The first host waits for the second, by way of something that is of no host."""

    name = "among.round"

    def plan(self) -> None:
        with self.rollout(Rollout(batch=Share(1))):
            with self.branch():
                first = self.plan_action(Do, n=1)
            with self.branch():
                second = self.plan_action(Do, n=2)
            between = self.plan_action(Do, n=3)
            self.order(second, between)
            self.order(between, first)


class TwoRounds(Action):
    """Install on each host, then do something there with what came of it; then read all of it."""

    name = "among.two"

    def plan(self, hosts: list[str]) -> None:
        with self.sequence():
            with self.rollout(Rollout(offline=Offline.SKIP, batch=Share(1))):
                installed = []
                for host in hosts:
                    with self.branch():
                        installed.append(self.plan_action(InstallAndTidy, host=host, package="nginx"))
            with self.rollout(Rollout(batch=Share(1))):
                for host, each in zip(hosts, installed, strict=True):
                    with self.branch():
                        self.plan_action(Do, n=host, version=each.output["version"])
            self.plan_action(Read, v=[each.output["version"].or_else("none") for each in installed])


class Nothings(Action):
    """Every other host has nothing to do."""

    name = "among.nothings"

    def plan(self) -> None:
        with self.rollout(Rollout(canary=1, batch=Share(2), wait=MINUTE)):
            for number in range(6):
                with self.branch():
                    if number % 2:
                        self.plan_action(Do, n=number)


class Alone(Singleton):
    name = "among.alone"

    def plan(self, first: int) -> None:
        with self.rollout(Rollout(canary=1)):
            for number in range(first, first + 3):
                with self.branch():
                    self.plan_action(Do, n=number)

    def locks(self) -> Iterable[Lock]:
        return [Lock("among", conflict="wait")]
