"""A chain that is made while what it waits for is written, in another order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import pytest

from mcoflow.clock import SystemClock
from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.store import Changes
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing.contracts.samples import living_world, owned
from mcoflow.testing.contracts.store_schedules import scheduled

pytestmark = pytest.mark.postgresql


@pytest.fixture
def store(postgresql_url: str) -> Iterator[SqlStore]:
    with closing(open_store(postgresql_url, SystemClock())) as opened:
        yield opened


def test_a_chain_and_a_commit_that_wait_for_each_other_both_get_through(store: SqlStore) -> None:
    """E-090: the server ends one of the two, which tries again."""
    me = living_world(store)
    plans = sorted((owned(store, me).plan for _ in range(40)), key=lambda plan: plan.id, reverse=True)

    def write(_number: int) -> None:
        for _ in range(100):
            try:
                store.commit(Changes(plans=plans))
            except StoreUnavailableError:
                continue
            break

    def chain(_number: int) -> UUID:
        return scheduled(store, after=[plan.id for plan in plans])

    with ThreadPoolExecutor(4) as threads:
        written = threads.map(write, range(20))
        chained = list(threads.map(chain, range(20)))
        list(written)

    assert [each.unmet for each in store.schedules(chained)] == [40] * 20
