"""PostgreSQL that goes away: nothing is written twice, nothing is lost, and it comes back by itself."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event

from mcoflow.clock import SystemClock
from mcoflow.domain.states import StepState
from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.store import Changes
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing.contracts.samples import draft, living_world, moved, owned, stored
from tests.servers.postgresql import PostgreSQL

pytestmark = pytest.mark.postgresql


@pytest.fixture
def store(postgresql_url: str) -> Iterator[SqlStore]:
    opened = open_store(postgresql_url, SystemClock())
    yield opened
    opened.close()


def broken_commit(store: SqlStore, *, done: bool) -> Callable[[], None]:
    """Break the connection at the next COMMIT, after or before the server has done it; return the repair."""

    def cut(connection: Any) -> None:
        driver = connection.connection.driver_connection
        if done:
            driver.commit()
        driver.close()

    event.listen(store._database.sender, "commit", cut)
    return lambda: event.remove(store._database.sender, "commit", cut)


@pytest.mark.parametrize("done", [True, False])
def test_a_batch_whose_answer_was_lost_is_written_once(store: SqlStore, done: bool) -> None:
    snapshot = owned(store, living_world(store), hosts=2)
    changes = Changes(
        new_plans=[draft()], plans=[snapshot.plan], steps=[moved(snapshot, 2, StepState.RUNNING)]
    )
    repair = broken_commit(store, done=done)
    with pytest.raises(StoreUnavailableError):
        store.commit(changes)
    repair()
    assert (store.step(snapshot.plan.id, 2).step.state is StepState.RUNNING) is done

    store.commit(changes)

    assert store.step(snapshot.plan.id, 2).step.state is StepState.RUNNING
    assert store.plan(snapshot.plan.id).version == snapshot.plan.version + 1
    assert store.count_plans(None) == 2


@pytest.mark.parametrize("done", [True, False])
def test_a_plan_whose_claim_was_not_answered_waits_again(store: SqlStore, done: bool) -> None:
    me, (plan_id,) = living_world(store), stored(store, draft())
    repair = broken_commit(store, done=done)
    with pytest.raises(StoreUnavailableError):
        store.claim(me, [plan_id])
    repair()

    assert store.waiting(me, limit=10).plans == [plan_id]
    assert [each.plan.owner for each in store.claim(me, [plan_id])] == [me]
    assert store.waiting(me, limit=10).plans == []


def test_a_server_that_was_killed_is_found_again(store: SqlStore, postgresql: PostgreSQL) -> None:
    snapshot = owned(store, living_world(store))
    changes = Changes(plans=[snapshot.plan], steps=[moved(snapshot, 2, StepState.RUNNING)])
    postgresql.kill()
    for call in (lambda: store.commit(changes), store.hosts, lambda: store.plan(snapshot.plan.id)):
        with pytest.raises(StoreUnavailableError, match="away"):
            call()

    postgresql.start()

    store.commit(changes)
    assert store.step(snapshot.plan.id, 2).step.state is StepState.RUNNING
