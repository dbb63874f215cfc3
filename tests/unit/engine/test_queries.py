"""`world.plans`: asking about plans without the director."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.query import PlanQuery, PlanStatus
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import PlanNotFoundError, QueryError
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Finish, compose, do, one, play


def ran(house: House, plans: int) -> list[UUID]:
    ids = [compose(house, do(f"a{n}")) for n in range(plans)]
    for each in ids:
        house.rest(each)
    return ids


def test_plans_are_found_page_by_page(house: House) -> None:
    """E-107: pages by number and by cursor: each row once."""
    ids = ran(house, 5)
    plans = house.world.plans
    where = {"action": Compose.name, "state": ["stopped", "paused"]}

    first = plans.find(PlanQuery(where, per_page=2))
    second = plans.find(PlanQuery(where, per_page=2, after=first.next))
    third = plans.find(PlanQuery(where, per_page=2, page=2))

    assert third.next is None
    assert {each.id for page in (first, second, third) for each in page.items} == set(ids)
    assert plans.find(PlanQuery({"state": []})).items == ()
    with pytest.raises(QueryError, match="there are id, name, label"):
        plans.find(PlanQuery({"colour": "red"}))


def test_plans_are_counted_and_their_statuses_told(house: House) -> None:
    """E-108: `get` of an unknown id: PlanNotFoundError."""
    play.scripts["bad"] = lambda _action, _event: 1 / 0
    (good,) = ran(house, 1)
    bad = compose(house, do("bad"))
    house.rest(bad)
    plans = house.world.plans

    assert plans.count() == 2
    assert plans.count({"result": "error"}) == 1
    assert plans.count_ended_since(datetime(1970, 1, 1, tzinfo=UTC)) == 1
    assert plans.statuses([good, bad, uuid4()]) == {
        good: PlanStatus(PlanState.STOPPED, PlanResult.SUCCESS),
        bad: PlanStatus(PlanState.PAUSED, PlanResult.ERROR),
    }
    assert plans.get(good).result is PlanResult.SUCCESS
    with pytest.raises(PlanNotFoundError):
        plans.get(uuid4())


def test_a_plan_is_found_by_its_name(house: House) -> None:
    layout = play.layout(do("a"))
    made = house.world.with_options(name="nightly-14").trigger(Compose, layout)

    assert house.world.plans.by_name("nightly-14").id == made.plan_id
    with pytest.raises(PlanNotFoundError, match="nightly-15"):
        house.world.plans.by_name("nightly-15")


def test_the_parts_of_a_plan_are_told(house: House) -> None:
    plan_id = compose(house, one(Finish))
    house.rest(plan_id)
    plans = house.world.plans

    assert [(each.name, each.parent_id) for each in plans.actions(plan_id)] == [
        (Compose.name, None),
        (Finish.name, 1),
    ]
    assert [step.phase.value for step in plans.steps(plan_id)] == ["plan", "plan", "run", "finalize"]
    assert [line.name for line in plans.history(plan_id)] == ["start execution", "finish execution"]
    assert plans.sub_plans(plan_id).items == ()
