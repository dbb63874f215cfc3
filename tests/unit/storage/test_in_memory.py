"""A store in the memory of the process: the same store, for any number of threads, gone at its end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mcoflow.action import Action
from mcoflow.clock import SystemClock
from mcoflow.domain.states import PlanResult
from mcoflow.errors import StoreError
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing import Ground, ManagedClock
from mcoflow.testing.contracts.samples import draft, stored
from tests.unit.engine.house import House
from tests.unit.storage.test_sqlite_files import PLANS, write_and_read

URL = "sqlite:///:memory:"


class Remember(Action):
    def run(self) -> None:
        self.output["done"] = True


@pytest.fixture
def store() -> Iterator[SqlStore]:
    opened = open_store(URL, SystemClock())
    yield opened
    opened.close()


def test_eight_threads_wait_for_each_other_and_see_no_locked_table(store: SqlStore) -> None:
    """E-106: one connection, which all have in turn."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: write_and_read(store), range(8)))

    assert store.count_plans(None) == 8 * PLANS


def test_each_store_is_one_of_its_own(store: SqlStore) -> None:
    stored(store, draft())

    other = open_store(URL, SystemClock())

    assert (store.count_plans(None), other.count_plans(None)) == (1, 0)
    other.close()


@pytest.mark.parametrize("way", ["reading", "glancing"])
def test_readers_cannot_write_and_writers_can_again(store: SqlStore, way: str) -> None:
    stored(store, draft())

    with pytest.raises(StoreError, match="readonly"), getattr(store._database, way)() as connection:
        connection.exec_driver_sql("DELETE FROM plans")

    stored(store, draft())
    assert store.count_plans(None) == 2


@pytest.mark.parametrize("way", ["reading", "glancing", "writing"])
def test_a_query_that_was_broken_off_loses_nothing_and_locks_nobody_out(store: SqlStore, way: str) -> None:
    """Any other connection would be dropped; this one is the database."""
    stored(store, draft(), draft(), draft())
    kept = []

    try:
        with getattr(store._database, way)() as connection:
            rows = connection.exec_driver_sql("SELECT id FROM plans").yield_per(1)
            assert [int(row.id) for row in rows]  # which a row cannot be
    except ValueError as error:
        kept.append(error)
    stored(store, draft())

    assert store.count_plans(None) == 4
    assert len(kept) == 1


def delete(store: SqlStore, *tables: str) -> None:
    with store._database.writing() as connection:
        for table in tables:
            connection.exec_driver_sql(f"DELETE FROM {table}")


def test_a_transaction_that_fails_leaves_nothing(store: SqlStore) -> None:
    (plan_id,) = stored(store, draft())

    with pytest.raises(StoreError, match="no_table"):
        delete(store, "steps", "no_table")

    assert store.steps(plan_id)


def test_worlds_with_their_threads_live_on_it_one_after_another(store: SqlStore) -> None:
    """A world that is dead for all others is followed by the next on the same store."""
    ground = Ground(ManagedClock(running=True))
    ground.store = store
    house = House(ground)
    house.another()
    try:
        first = house.run(Remember)
        house.restart()
        second = house.run(Remember)

        assert [first.result, second.result] == [PlanResult.SUCCESS] * 2
        assert store.plan(first.id).result is PlanResult.SUCCESS
    finally:
        house.close()
        ground.close()
