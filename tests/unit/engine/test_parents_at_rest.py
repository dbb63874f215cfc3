"""Sub-plans whose parent is paused: they still belong to it."""

from collections.abc import Iterable, Iterator
from uuid import UUID

import pytest

from mcoflow.action import Caller, SubPlan
from mcoflow.domain.records import HistoryRecord
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError, PlanNotFoundError
from mcoflow.ports.store import Listing
from tests.unit.engine.fleets import Child, Fleet, Helpful, children, fresh_classes, rest, standing, start
from tests.unit.engine.house import House
from tests.waiting import until


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    with fresh_classes():
        yield


def test_a_sub_plan_is_not_deleted_before_its_parent_has_ended(house: House) -> None:
    """E-110, E-068: the resumed parent would count one less, and plan it once more."""
    Child.fails.add("h0001")
    parent = start(house, Fleet, 2)
    assert rest(house, parent).state is PlanState.PAUSED
    made = children(house, parent)

    for child_id, *_ in made.values():
        with pytest.raises(CommandRefusedError, match=f"sub-plan of task {parent}.*end that first"):
            house.world.delete(child_id)
    assert children(house, parent) == made

    Child.fails.clear()
    house.resume(made["h0001"][0])
    rest(house, made["h0001"][0])
    house.resume(parent)
    assert rest(house, parent).result is PlanResult.SUCCESS
    house.world.delete(made["h0000"][0])
    with pytest.raises(PlanNotFoundError):
        house.store.plan(made["h0000"][0])


@pytest.mark.parametrize("kind", [CommandKind.CANCEL, CommandKind.ABORT])
def test_a_cancel_of_a_paused_parent_ends_its_paused_and_running_children(
    house: House, kind: CommandKind
) -> None:
    """E-070: no step of a paused parent sleeps that could forward it."""
    Child.fails.update({"h0000", "h0001"})
    parent = start(house, Fleet, 2, "sleep")
    assert rest(house, parent).state is PlanState.PAUSED
    (paused, *_), (running, *_) = children(house, parent).values()
    Child.fails.clear()
    house.resume(running)
    until(lambda: house.states(running) == ["suspended"], "one of them goes on")

    house.command(parent, kind)

    assert rest(house, parent).result is PlanResult.CANCELLED
    until(lambda: standing(house, parent) == {"cancelled": 2}, "the children hear of it")
    assert all(kind.value in house.history(each) for each in (paused, running))


def test_a_parent_is_deleted_with_its_sub_plans_once_all_have_stopped(house: House) -> None:
    """E-110: none is left without its parent; what it was only made for stays."""
    Child.fails.add("h0001")
    parent = start(house, Fleet, 3)
    assert rest(house, parent).state is PlanState.PAUSED
    alive = children(house, parent)["h0001"][0]
    beside = house.world.with_options(caller=Caller(parent, 1)).trigger(Child, "beside").plan_id
    house.rest(beside)
    plans = house.count("plans")

    with pytest.raises(CommandRefusedError, match=f"have not stopped: {alive}; cancel or halt it first"):
        house.world.delete(parent)
    assert house.count("plans") == plans == 5
    house.cancel(alive)
    house.rest(alive)
    house.world.delete(parent)

    assert [plan.id for plan in house.store.plans(Listing(limit=9))] == [beside]
    for table in ("steps", "actions", "history", "blueprints"):
        assert house.count(f"{table} WHERE plan_id != '{beside.hex}'") == 0


def test_a_halt_of_a_parent_halts_its_sub_plans_and_theirs(house: House) -> None:
    """E-061: none of them goes on for nobody."""
    parent = start(house, Nested, 2)
    until(lambda: len(live(house)) == 7, "two fleets of two sleep")

    house.world.halt(parent, reason="enough", actor="bob")

    assert live(house) == []
    told = [house.store.plan(each) for each in house.ids() if each != parent]
    assert {each.result for each in told} == {PlanResult.HALTED}
    assert {each.explanation for each in told} == {f"halted: enough (with task {parent})"}
    assert house.count("timers") == house.count("events") == house.count("bells") == 0
    with pytest.raises(CommandRefusedError, match="stopped"):
        house.world.halt(parent, reason="once more")


def test_a_halt_that_was_cut_short_is_given_again_for_the_rest(house: House) -> None:
    """E-061: who halted died after the parent."""
    parent = start(house, Fleet, 3, "sleep")
    until(lambda: len(live(house)) == 4, "they sleep")
    halted = HistoryRecord(parent, house.clock.now().timestamp(), "halt", None, "bob", "enough")
    assert house.store.halt(halted)
    assert len(live(house)) == 3

    house.world.halt(parent, reason="go on")

    assert live(house) == []


def test_a_parent_whose_sub_plans_failed_says_what_to_do(house: House) -> None:
    """E-068: a resume of it alone helps nobody, unless its class resumes them."""
    Child.fails.update({"h0000", "h0001"})
    strict, helpful = start(house, Fleet, 3), start(house, Helpful, 3)

    way_out = "2 sub-plans failed: resume those that are paused, then this task, or set resume_children"
    assert way_out in rest(house, strict).explanation
    assert "resume_children" not in rest(house, helpful).explanation


class Nested(Fleet):
    """Fleets of two that sleep, one for each name."""

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        names = self.input["who"][start : start + size]
        return [SubPlan(Fleet, kwargs={"who": ["x", "y"], "how": "sleep"}, key=each) for each in names]


def live(house: House) -> list[UUID]:
    """The plans that have not stopped; time passes for those who count them."""
    house.advance(0.5)
    return [each for each in house.ids() if house.store.plan(each).state is not PlanState.STOPPED]
