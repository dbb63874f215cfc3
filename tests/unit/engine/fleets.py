"""Actions with sub-plans that do as they are told, and what a test wants to know of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import text

from mcoflow.action import Cancellable, Event, Limits, SubPlan, SubPlanCounts, UserEvent, WithSubPlans
from mcoflow.domain.states import PlanState
from mcoflow.errors import StepCancelledError
from tests.unit.engine.house import House
from tests.waiting import until


class Child(Cancellable):
    """Does as `how` says; `fails` names those that fail now."""

    accepts = (str,)
    fails: ClassVar[set[str]] = set()
    unplannable: ClassVar[set[str]] = set()
    began: ClassVar[list[str]] = []

    def plan(self, who: str, how: str = "end") -> None:
        if who in self.unplannable:
            raise RuntimeError(f"{who} cannot be planned")
        self.plan_self(who=who, how=how)

    def run(self, event: Event | None) -> None:
        who = self.input["who"]
        self.began.append(who)
        if who in self.fails:
            raise RuntimeError(f"{who} failed")
        if self.input["how"] == "warn":
            self.warn("as told")
        if self.input["how"] == "sleep" and not isinstance(event, UserEvent):
            self.suspend()

    def on_cancel(self) -> None:
        raise StepCancelledError("stopped")


class Fleet(WithSubPlans):
    """One child for each name in `who`."""

    heard: ClassVar[list[str]] = []
    asked: ClassVar[list[tuple[int, int]]] = []
    limited: ClassVar[Limits] = Limits()

    def total_count(self) -> int:
        return len(self.input["who"])

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        self.asked.append((start, size))
        names = self.input["who"][start : start + size]
        return [SubPlan(Child, kwargs={"who": each, "how": self.input["how"]}, key=each) for each in names]

    def limits(self) -> Limits:
        return self.limited

    def on_planning_finished(self) -> None:
        self.heard.append("planned")

    def on_finish(self) -> None:
        self.heard.append("finished")


class Tens(Fleet):
    batch_size = 10


class Helpful(Fleet):
    resume_children = True


class Lenient(Fleet):
    def verdict(self, counts: SubPlanCounts) -> None:
        assert counts.error == 0


def names(number: int) -> list[str]:
    return [f"h{place:04}" for place in range(number)]


def start(house: House, action: type[Fleet], number: int, how: str = "end") -> UUID:
    return house.trigger(action, who=names(number), how=how)


def children(house: House, parent: UUID) -> dict[str, tuple[UUID, str, str, float]]:
    """The children that count: key → id, state, result, time of creation."""
    with house.store._database.reading() as connection:
        rows = connection.execute(
            text(
                "SELECT p.id, p.state, p.result, p.created_at, b.args FROM plans p "
                "JOIN blueprints b ON b.plan_id = p.id "
                "WHERE p.caller_plan_id = :id AND p.caller_action_id > 0 ORDER BY p.created_at"
            ),
            {"id": parent.hex},
        ).all()
    found = {}
    for row in rows:
        who = row.args.split('"who":"')[1].split('"')[0]
        assert who not in found, f"{who} has two children"
        found[who] = (UUID(str(row.id)), row.state, row.result, row.created_at)
    return found


def standing(house: House, parent: UUID) -> Counter[str]:
    return Counter(
        result if state == "stopped" else state for _, state, result, _ in children(house, parent).values()
    )


def counts(house: House, parent: UUID) -> dict[str, Any]:
    found = house.output(parent)["sub_plans"]["counts"]
    return {name: number for name, number in found.items() if number}


def rest(house: House, parent: UUID) -> Any:
    """Let a second pass whenever the parent waits for its next count, until it rests."""

    def rested() -> Any:
        plan = house.store.plan(parent)
        if plan.state in (PlanState.PAUSED, PlanState.STOPPED):
            return plan
        house.advance(0.5)
        return None

    return until(rested, f"{parent}: {standing(house, parent)}", within=30.0)


def asleep(house: House, parent: UUID, wanted: int) -> list[UUID]:
    house.advance(0.5)
    live = [plan_id for plan_id, state, _, _ in children(house, parent).values() if state != "stopped"]
    assert len(live) <= 5
    return live if len(live) == wanted and all(house.states(each) == ["suspended"] for each in live) else []


@contextmanager
def fresh_classes() -> Iterator[None]:
    """Let no test see what another one left in the classes."""
    for kept in (Child.fails, Child.unplannable, Child.began, Fleet.heard, Fleet.asked):
        kept.clear()
    Fleet.limited = Limits()
    yield
    Fleet.limited = Limits()
