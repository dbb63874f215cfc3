"""What goes to PostgreSQL: statements that stay prepared, and nothing that alarms without need."""

import logging
from collections.abc import Iterator

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.states import StepState
from mcoflow.errors import LeaseLostError
from mcoflow.ports.store import Changes
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing.contracts.samples import draft, living_world, moved, owned, request, stored

pytestmark = pytest.mark.postgresql


@pytest.fixture
def store(postgresql_url: str) -> Iterator[SqlStore]:
    opened = open_store(postgresql_url, SystemClock())
    yield opened
    opened.close()


def test_statements_stay_prepared_from_one_transaction_to_the_next(store: SqlStore) -> None:
    owner = living_world(store)
    for _ in range(8):
        (plan_id,) = stored(store, draft())
        store.plan(plan_id)
        store.waiting(owner, limit=10)

    with store._database.glancing() as connection:
        reads = set(connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars())
    with store._database.sender.begin() as connection:
        writes = set(connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars())

    assert any("FROM plans JOIN blueprints" in each for each in reads)
    assert any("FROM worlds" in each for each in reads)
    assert any(each.startswith("INSERT INTO steps") for each in writes)


def test_a_refused_batch_leaves_the_log_quiet_and_the_connection_whole(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot, taken = owned(store, living_world(store)), draft()
    many = [draft() for _ in range(50)]
    stored(store, taken)

    with caplog.at_level(logging.INFO):
        for _ in range(8):
            stored(store, taken, *many)
        snapshot.plan.epoch -= 1
        with pytest.raises(LeaseLostError):
            store.commit(Changes(plans=[snapshot.plan], new_requests=[request(snapshot.plan.id)]))
    snapshot.plan.epoch += 1
    store.commit(Changes(plans=[snapshot.plan], steps=[moved(snapshot, 2, StepState.RUNNING)]))

    assert caplog.records == []
    assert store.count_plans(None) == 52
    assert store.step(snapshot.plan.id, 2).step.state is StepState.RUNNING
