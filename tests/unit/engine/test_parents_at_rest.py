"""Sub-plans whose parent is paused: they still belong to it."""

from collections.abc import Iterator

import pytest

from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import CommandRefusedError, PlanNotFoundError
from tests.unit.engine.fleets import Child, Fleet, children, fresh_classes, rest, standing, start
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
