"""A server that is stopped and started again under worlds that are at work, and under one that takes over."""

import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event
from typing import Any

import pytest

from mcoflow.action import FOREVER
from mcoflow.clock import SystemClock
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.services import build_services
from mcoflow.storage.open import open_store
from mcoflow.testing import Ground, ManagedClock
from tests.servers.postgresql import PostgreSQL
from tests.unit.engine.house import House
from tests.unit.engine.play import Listen, compose, one, play
from tests.waiting import until

pytestmark = pytest.mark.postgresql
AWAY = 8.0
"""Seconds. That a minute is no different is proven with managed time, in test_several_worlds."""
RESUMES_WITHIN = 5.0


@pytest.fixture
def house(postgresql_url: str) -> Iterator[House]:
    """One executor on a server."""
    ground = Ground(ManagedClock(running=True))
    with closing(open_store(postgresql_url, ground.clock)) as store:
        ground.store = store
        made = House(ground)
        made.another()
        try:
            yield made
        finally:
            made.close()
            ground.close()


@pytest.fixture
def server(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """The server of the house, there again afterwards."""
    yield postgresql
    postgresql.start()


def sleep(action: Any, event: Any) -> None:
    if event is None:
        action.suspend(patience=FOREVER)


def test_a_server_that_is_gone_while_an_executor_takes_over_is_waited_for(
    house: House, server: PostgreSQL
) -> None:
    """E-104: the real outage is short, the minute is proven in managed time (test_several_worlds).

    No exit, not ready, resumes within 5 s, also during recovery.
    """
    play.scripts["a"] = sleep
    plan_id = compose(house, one(Listen))
    step = house.step_when(plan_id, StepState.SUSPENDED)
    real, came = house.store.claim, Event()

    def claim(*args: Any, **fields: Any) -> Any:
        if not came.is_set():
            server.stop()
            came.set()
        return real(*args, **fields)

    house.store.claim = claim  # type: ignore[method-assign]
    house.kill()
    house.another()
    assert came.wait(30)
    health = build_services(house.world, house.store, SystemClock()).health
    until(lambda: health.checks()["store"] != "ok", "not ready")
    Event().wait(AWAY)
    executor = house.world._executor
    assert executor is not None
    assert executor._director.alive

    server.start()
    back = time.monotonic()
    house.plan_when(plan_id, lambda plan: plan.epoch == 2)
    assert health.checks()["store"] == "ok"
    assert time.monotonic() - back < RESUMES_WITHIN
    house.send(plan_id, step.id, "go")
    assert house.rest(plan_id).result is PlanResult.SUCCESS
