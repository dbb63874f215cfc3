"""Locks that executors on a server want in different orders."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Lock as Mutex
from uuid import UUID

import pytest

from mcoflow.action import Lock, Singleton
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.engine.handles import Triggered
from mcoflow.storage.open import open_store
from mcoflow.testing import Ground, ManagedClock
from tests.unit.engine.house import House
from tests.waiting import until

pytestmark = pytest.mark.postgresql
PLANS = 120
EXECUTORS = 2
BESIDE = 6
"""Threads that trigger at the same time."""
_MUTEX, _INSIDE = Mutex(), set[str]()
_CLASHES: list[str] = []


class Transfer(Singleton):
    """Has two accounts for itself, named in the order of its input."""

    name = "locks.transfer"

    def locks(self) -> Iterable[Lock]:
        return [Lock(f"account/{name}", conflict="wait") for name in self.input["accounts"]]

    def run(self) -> None:
        wanted = set(self.input["accounts"])
        with _MUTEX:
            _CLASHES.extend(_INSIDE & wanted)
            _INSIDE.update(wanted)
        self.output["between"] = sorted(wanted)
        with _MUTEX:
            _INSIDE.difference_update(wanted)


@pytest.fixture
def many(postgresql_url: str) -> Iterator[House]:
    """Executors on a server."""
    ground = Ground(ManagedClock(running=True))
    with closing(open_store(postgresql_url, ground.clock)) as store:
        ground.store = store
        house = House(ground)
        for _ in range(EXECUTORS):
            house.another()
        try:
            yield house
        finally:
            house.close()
            ground.close()


def test_plans_that_want_two_locks_in_both_orders_all_run_one_at_a_time(many: House) -> None:
    """E-076: two locks in both orders: no deadlock, neither between plans nor in the server."""
    _CLASHES.clear()
    orders = (["ann", "bob"], ["bob", "ann"])

    def trigger(number: int) -> UUID:
        order = orders[number // EXECUTORS % 2]  # so that each executor stores both
        made = many.worlds[number % EXECUTORS].trigger(Transfer, accounts=order)
        assert isinstance(made, Triggered)
        return made.plan_id

    with ThreadPoolExecutor(BESIDE) as threads:
        ids = list(threads.map(trigger, range(PLANS)))
    until(lambda: many.store.count_plans(PlanState.STOPPED) == PLANS, "all of them ended", within=90.0)

    plans = [many.store.plan(plan_id) for plan_id in ids]
    assert {plan.result for plan in plans} == {PlanResult.SUCCESS}
    assert _CLASHES == []
    assert many.count("locks") == 0
    assert deadlocks(many) == 0


def deadlocks(house: House) -> int:
    """How many the server has broken up in this database."""
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with house.store._database.reading() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())
