"""Many executors on PostgreSQL, with much that is due at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from mcoflow.action import Action
from mcoflow.domain.recurrence import Recurrence
from mcoflow.domain.schedule import Schedule
from mcoflow.domain.states import PlanState
from mcoflow.storage.open import open_store
from mcoflow.testing import Ground, ManagedClock
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, play
from tests.waiting import until

pytestmark = pytest.mark.postgresql
DUE = 500
EXECUTORS = 4


@pytest.fixture
def many(postgresql_url: str) -> Iterator[House]:
    """A client on a server."""
    ground = Ground(ManagedClock(running=True))
    with closing(open_store(postgresql_url, ground.clock)) as store:
        ground.store = store
        house = House(ground)
        house.another(executor=False)
        try:
            yield house
        finally:
            house.close()
            ground.close()


def stopped(house: House) -> int:
    return house.store.count_plans(PlanState.STOPPED)


def test_four_executors_plan_and_run_each_of_500_due_plans_once(many: House) -> None:
    """E-089: claimed in small handfuls, so that all four take part."""
    planned: list[str] = []

    def layout(plan: Action) -> None:
        planned.append(str(plan.plan_id))
        plan.plan_action(Do, name=str(plan.plan_id))

    key = play.layout(layout)
    start = many.clock.now() + timedelta(hours=1)
    ids = [many.world.delay(Schedule(start), Compose, layout=key).plan_id for _ in range(DUE)]
    for _ in range(EXECUTORS):
        many.another()

    many.advance(3600)

    until(lambda: stopped(many) == DUE, f"all of them ended, so far {stopped(many)}", within=120.0)
    assert Counter(planned) == Counter(map(str, ids))
    assert Counter(play.log) == Counter(map(str, ids))
    assert many.store.schedules(ids) == []
    worlds = {line.world for plan_id in ids for line in many.store.history(plan_id) if line.world}
    assert len(worlds) > 1


def test_four_executors_make_each_run_of_a_recurrence_once(many: House) -> None:
    """E-091: whoever looks first."""
    key = play.layout(lambda plan: plan.plan_action(Do, name="a"))
    for _ in range(EXECUTORS):
        many.another()
    for _ in range(10):
        many.world.recur(Recurrence("0 * * * *", overlap="allow"), Compose, layout=key)

    for hour in range(1, 4):
        many.advance(3600)
        until(lambda hour=hour: stopped(many) == 10 * hour, f"{stopped(many)} runs", within=60.0)  # type: ignore[misc]

    assert play.log == ["a"] * 30
