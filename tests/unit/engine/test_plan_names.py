"""Plans with a name of their own."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from mcoflow.domain.states import PlanResult
from mcoflow.engine.handles import Triggered
from mcoflow.errors import InputInvalidError, NameTakenError
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, play

SOON = timedelta(seconds=10)


def test_a_plan_with_a_name_runs_and_keeps_it(house: House) -> None:
    """E-016: by our own executor, though only the database knows whether the name was free."""
    made = house.world.with_options(name="nightly-14").trigger(Do, name="a")

    assert isinstance(made, Triggered)
    assert made.future.wait(SOON).result is PlanResult.SUCCESS
    assert house.store.plan(made.plan_id).name == "nightly-14"


def test_a_name_that_is_taken_is_refused_and_nothing_runs(house: House) -> None:
    """E-016: NameTakenError names the plan that has it."""
    options = house.world.with_options(name="nightly-14")
    first = options.trigger(Do, name="a")

    with pytest.raises(NameTakenError, match=f"task {first.plan_id} is named 'nightly-14' already"):
        options.trigger(Do, name="b")

    house.rest(first.plan_id)
    assert play.log == ["a"]
    assert house.store.count_plans(None) == 1


def test_the_same_plan_with_the_same_name_twice_is_one_plan(house: House) -> None:
    """E-016: an id makes it the same."""
    options = house.world.with_options(plan_id=uuid4(), name="nightly-14")

    assert options.trigger(Do, name="a").plan_id == options.trigger(Do, name="a").plan_id


def test_of_many_that_want_one_name_at_once_one_runs(house: House) -> None:
    """E-016: the others are told."""

    def take(number: int) -> bool:
        try:
            house.world.with_options(name="the-one").trigger(Do, name=str(number))
        except NameTakenError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 1


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", "a\0b", "\ud800"])
def test_what_is_no_name_is_refused(house: House, name: str) -> None:
    with pytest.raises(InputInvalidError, match="printable"):
        house.world.with_options(name=name)
