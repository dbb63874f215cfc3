"""Acting on tasks while no executor is there, or the database is away."""

from uuid import UUID, uuid4

import pytest

from mcoflow.domain.states import PlanState, StepState
from mcoflow.errors import CommandRefusedError, NotStoredYetError
from mcoflow.services import Services, build_services
from tests.unit.engine.conftest import empty_house, house
from tests.unit.engine.house import House
from tests.unit.engine.play import Listen, compose, do, one, play

__all__ = ["empty_house", "house"]


def services_of(house: House) -> Services:
    return build_services(house.world, house.store, house.clock)


def waiting(house: House) -> UUID:
    """A task that waits for an executor."""
    house.another(executor=False)
    return compose(house, do("a"))


def test_a_command_that_no_executor_has_applied_yet_is_committed_and_told_no_step(
    empty_house: House,
) -> None:
    """202 means committed: whoever comes next applies it."""
    plan_id = waiting(empty_house)

    assert services_of(empty_house).acting.cancel(plan_id, actor="ann") == ()
    empty_house.another()

    assert empty_house.rest(plan_id).state is PlanState.STOPPED


def test_what_the_task_does_not_allow_is_refused_before_anything_is_stored(empty_house: House) -> None:
    """H-045: in the words of the API."""
    plan_id = waiting(empty_house)

    with pytest.raises(CommandRefusedError, match="cannot take a resume") as refused:
        services_of(empty_house).acting.resume(plan_id, actor="ann")

    assert refused.value.allowed == ("cancel", "abort", "halt")
    assert empty_house.store.waiting(uuid4(), limit=10).commands == []


def test_a_command_that_is_not_stored_yet_is_not_told_as_committed(house: House) -> None:
    """The database is away: it may be stored later, or never."""
    play.scripts["a"] = lambda action, event: None if event else action.suspend()
    plan_id = compose(house, one(Listen))
    house.step_when(plan_id, StepState.SUSPENDED)
    house.valve.shut()

    with pytest.raises(NotStoredYetError, match="not stored yet"):
        services_of(house).acting.cancel(plan_id, actor="ann")

    house.valve.open()
