"""Plans of every kind: trees whose leaves fail, sleep, lock, poll, ask hosts and have sub-plans, as drawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

from mcoflow.action import (
    FOREVER,
    Action,
    Cancellable,
    Event,
    HostAction,
    Limits,
    Lock,
    Middleware,
    Middlewares,
    Polling,
    Reply,
    Rescue,
    Retry,
    Singleton,
    SubPlan,
    SubPlanCounts,
    UserEvent,
    WithSubPlans,
    plan_hook,
)
from mcoflow.domain.view import PlanView
from mcoflow.errors import StepCancelledError
from tests.unit.engine.machine.ledger import Ledger


class Around(Middleware):
    """Goes around run and revert, and changes nothing."""

    def run(self, action: Action, proceed: Any, event: Any) -> None:
        proceed(event)

    def revert(self, action: Action, proceed: Any, event: Any) -> None:
        proceed(event)


class Beast(Action):
    """What all leaves have: a strategy, and failures that end after so many calls of a phase."""

    def rescue_strategy(self) -> Rescue:
        return Rescue(self.input.get("rescue", "pause"))

    def fail_at_first(self, phase: str) -> None:
        key = f"failed_{phase}"
        failed = self.output.get(key, 0)
        if failed < self.input.get(phase, 0):
            self.output[key] = failed + 1
            raise RuntimeError(f"{phase} fails for the {failed + 1}. time")


class Once(Beast):
    """Fails so often in run, finalize, revert; must never be repeated by the engine itself."""

    name = "zoo.once"

    def run(self) -> None:
        Ledger.now.called(beginning=True)
        self.output["number"] = self.input.get("number", 0)
        if self.input.get("warn"):
            self.warn("not sure")
        self.fail_at_first("run")

    def revert(self) -> None:
        Ledger.now.called(beginning=True)
        if self.input.get("revert"):
            raise RuntimeError("it cannot be undone")

    def finalize(self) -> None:
        if self.input.get("finalize"):
            raise RuntimeError("it cannot be finalized")

    def on_skip(self) -> None:
        self.output["number"] = -1
        if self.input.get("on_skip"):
            raise RuntimeError("it cannot be skipped")


class Again(Once):
    """May be repeated, and is tried three times."""

    name = "zoo.again"
    rerunnable = True
    retry = Retry(tries=3, base=timedelta(seconds=5))
    middleware = Middlewares().use(Around)


class Sleeper(Beast, Cancellable):
    """Waits for a person, for a while or for ever, and does with a cancel as it likes."""

    name = "zoo.sleeper"
    accepts: ClassVar[tuple[type, ...]] = (int, str)
    time_limit = timedelta(hours=2)

    def run(self, event: Event | None) -> None:
        value = event.value if isinstance(event, UserEvent) else None
        Ledger.now.called(beginning=event is None, value=value)
        if event is None and self.input.get("remind"):
            self.plan_event("remind", delay=timedelta(minutes=30))
        if event is None or value == "remind" or (isinstance(value, int) and value % 3 == 0):
            self.suspend(patience=FOREVER if self.input.get("patient") else timedelta(minutes=5))
        if isinstance(value, int) and value % 3 == 1:
            raise RuntimeError(f"refused with {value}")

    def on_cancel(self) -> None:
        match self.input.get("cancel"):
            case "obey":
                raise StepCancelledError("stopped")
            case "fail":
                raise RuntimeError("it cannot be cancelled")
            case "sleep":
                self.suspend(patience=timedelta(minutes=1))


class Deaf(Beast):
    """Sleeps a while and hears no cancel; it undoes itself in two steps."""

    name = "zoo.deaf"
    rerunnable = True

    def run(self, event: Event | None) -> None:
        Ledger.now.called(beginning=event is None)
        if event is None:
            self.suspend(patience=timedelta(seconds=20))

    def revert(self, event: Event | None) -> None:
        Ledger.now.called(beginning=event is None)
        if event is None:
            self.suspend(patience=timedelta(seconds=20))


class Poller(Polling, Beast, Cancellable):
    """Is done after some polls, some of which fail."""

    name = "zoo.poller"

    def invoke_external_task(self) -> int:
        Ledger.now.called(beginning=True)
        return 0

    def poll_external_task(self) -> int:
        polls = self.output["poll_attempts"]["total"]
        if polls % 2 and self.input.get("shaky"):
            raise RuntimeError("no answer")
        return int(polls)

    def done(self) -> bool:
        return bool(self.output["task"] >= self.input["polls"])

    def on_cancel(self) -> None:
        raise StepCancelledError("polled no longer")


class Remote(HostAction):
    """Asks a host."""

    name = "zoo.remote"
    agent = "package"
    operation = "install"
    retry = Retry(tries=2, base=timedelta(seconds=5))

    def rescue_strategy(self) -> Rescue:
        return Rescue(self.input.get("rescue", "pause"))


class Asker(Beast):
    """Asks a host twice, one request after the other."""

    name = "zoo.asker"

    def run(self, event: Event | None) -> None:
        Ledger.now.called(beginning=event is None)
        asked = self.output.get("asked", 0)
        if isinstance(event, Reply) and not event.ok:
            raise RuntimeError(event.outcome)
        if asked < 2:
            self.output["asked"] = asked + 1
            self.suspend(until=self.request("package", "install", {"package": str(asked)}))


class Lonely(Singleton, Beast):
    """Holds locks, and sleeps a while with them."""

    name = "zoo.lonely"
    rerunnable = True

    def locks(self) -> Iterable[Lock]:
        return [Lock(*each) for each in self.input["locks"]]

    def run(self, event: Event | None) -> None:
        Ledger.now.called(beginning=event is None)
        if event is None and self.input.get("long"):
            self.suspend(patience=timedelta(seconds=40))
        self.fail_at_first("run")


class Herd(WithSubPlans, Beast):
    """Has sub-plans, each of a tree of its own."""

    name = "zoo.herd"
    batch_size = 2
    resume_children = True

    def total_count(self) -> int:
        return len(self.input["kids"])

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        kids = self.input["kids"][start : start + size]
        return [SubPlan(Zoo, (kid,), key=str(start + place)) for place, kid in enumerate(kids)]

    def limits(self) -> Limits:
        spacing, window = self.input.get("spacing"), self.input.get("window")
        return Limits(
            concurrency=self.input.get("concurrency"),
            spacing=timedelta(seconds=spacing) if spacing else None,
            window=timedelta(seconds=window) if window else None,
            max_failures=self.input.get("max_failures"),
        )

    def verdict(self, counts: SubPlanCounts) -> None:
        if not self.input.get("lenient"):
            super().verdict(counts)


class Zoo(Action):
    """Plans what is drawn; in a sequence each leaf may read of the one before."""

    name = "zoo.zoo"
    kinds: ClassVar[dict[str, type[Action]]] = {
        each.name.partition(".")[2]: each
        for each in (Once, Again, Sleeper, Deaf, Poller, Remote, Asker, Lonely, Herd)
    }

    def plan(self, tree: list[Any]) -> None:
        self._grow(tree)

    def _grow(self, node: list[Any], before: Action | None = None) -> Action | None:
        kind, what = node
        if kind in ("S", "C"):
            last = before
            with self.sequence() if kind == "S" else self.concurrence():
                for below in what:
                    grown = self._grow(below, last)
                    last = grown if kind == "S" else before
            return last
        if kind == "unplannable":
            raise RuntimeError("this cannot be planned")
        fields = dict(what)
        if fields.pop("reads", None) and isinstance(before, Once):
            fields["read"] = before.output["number"]
        elif isinstance(before, Once) and "number" in fields:
            fields["read"] = before.output["nothing"].or_else(0)
        return self.plan_action(self.kinds[kind], **fields)


class Watched(Zoo):
    """Tells of its states, and once fails at that."""

    name = "zoo.watched"

    @plan_hook()
    def tell(self, plan: PlanView) -> None:
        Ledger.now.hooks[plan.id, plan.state.value] += 1
        if plan.state.value == "running":
            raise RuntimeError("nobody listens")
