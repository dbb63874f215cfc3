"""Actions for crash tests; the local ones leave a trace as the operations of the plug-in agent do."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from mcoflow.action import (
    FOREVER,
    Action,
    Event,
    HostAction,
    HostRequest,
    Limits,
    Lock,
    Rescue,
    Singleton,
    SubPlan,
    UserEvent,
    WithSubPlans,
)
from tests.crash.effects_agent import leave_trace


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    host: str
    operation: Literal["once", "again"] = "once"
    gate: str = ""
    after: list[str] = []


class Effect(HostAction):
    """Have an operation of the plug-in performed on a host."""

    name = "crash.effect"
    Input = _Wanted

    def request_for_host(self) -> HostRequest:
        """The request; its key tells plan and action."""
        args = {"key": f"{self.plan_id}-{self.id}", "gate": self.input["gate"]}
        return self.request("effects", self.input["operation"], args)

    def rescue_strategy(self) -> Rescue:
        """A plan that fails is over."""
        return Rescue.FAIL


class Local(Action):
    """Work in the executor that nobody may repeat without asking."""

    name = "crash.local"

    def run(self) -> None:
        """Leave a trace."""
        key = f"{self.plan_id}-{self.id}"
        leave_trace("begin", key, operation=self.name)
        leave_trace("end", key, operation=self.name)
        self.output["key"] = key


class LocalAgain(Local):
    """Work in the executor that may be repeated."""

    name = "crash.local_again"
    rerunnable = True


class Nap(Action):
    """Sleep until the silence was long enough."""

    name = "crash.nap"
    rerunnable = True

    def run(self, event: Event | None) -> None:
        """Sleep once."""
        if event is None:
            self.suspend(patience=timedelta(milliseconds=300))


class Listen(Action):
    """Sleep until an event comes, and keep what was heard."""

    name = "crash.listen"
    rerunnable = True
    accepts = (str,)

    def run(self, event: Event | None) -> None:
        """Hear one event."""
        if not isinstance(event, UserEvent):
            self.suspend(patience=FOREVER)
        self.output.setdefault("heard", []).append(event.value)


class Chain(Action):
    """Two operations at a time, a local step that reads their outputs, and then another operation."""

    name = "crash.chain"

    def plan(self, **fields: Any) -> None:
        """Plan the three parts in sequence."""
        host = fields["host"]
        with self.sequence():
            with self.concurrence():
                first = [self.plan_action(Effect, host=host, operation="again") for _ in range(2)]
            local = self.plan_action(LocalAgain, keys=[each.output["key"] for each in first])
            self.plan_action(Effect, host=host, after=[local.output["key"]], gate=fields.get("gate", ""))


class Many(Action):
    """The same operation on each of some hosts, several times, all at once."""

    name = "crash.many"

    def plan(self, **fields: Any) -> None:
        """Plan one step each."""
        for host in fields["hosts"]:
            self.plan_action(Effect, host=host, operation=fields["operation"], gate=fields["gate"])


class Errand(LocalAgain, Singleton):
    """Local work of which only one of its kind may be under way."""

    name = "crash.errand"

    def locks(self) -> Iterable[Lock]:
        """Three kinds, each waits for its turn."""
        return [Lock(f"errand/{self.input['number'] % 3}", conflict="wait")]


class Errands(WithSubPlans):
    """Let other plans run errands, a few in a batch."""

    name = "crash.errands"
    batch_size = 7

    def total_count(self) -> int:
        """As many as asked for."""
        return int(self.input["total"])

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        """One errand each."""
        return [SubPlan(Errand, kwargs={"number": start + place}) for place in range(size)]


class Waves(WithSubPlans):
    """Let other plans have operations performed on a host, a few at a time behind a gate of their own."""

    name = "crash.waves"
    wave = 3

    def total_count(self) -> int:
        """As many as asked for."""
        return int(self.input["total"])

    def limits(self) -> Limits:
        """One wave after the other."""
        return Limits(concurrency=self.wave)

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        """One operation each."""
        host, gate = self.input["host"], self.input["gate"]
        return [
            SubPlan(Effect, kwargs={"host": host, "gate": f"{gate}-{number // self.wave}"})
            for number in range(start, start + size)
        ]
