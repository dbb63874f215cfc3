"""An executor is killed with -9, and another one has its plan in time; who waits for it hears its end."""

from datetime import timedelta
from random import Random
from time import monotonic

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.states import StepState
from mcoflow.engine.world import World
from tests.crash.supervisor import Supervisor
from tests.waiting import until

LEASE = 10.0


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Supervisor:
    """A site on one of the databases."""
    return request.getfixturevalue("site" if request.param == "sqlite" else "postgresql_site")


def test_a_plan_of_a_killed_owner_is_taken_over_in_time_and_its_first_future_resolves(
    either: Supervisor,
) -> None:
    """E-095: within lease + 5 s; history start, terminate, start, finish."""
    first, second = either.start_server(lease=LEASE), either.start_server(lease=LEASE)
    plan_id = first.submit("listen")
    assert plan_id is not None
    until(lambda: either.store.snapshot(plan_id).steps[1].state is StepState.SUSPENDED, "it sleeps")
    pids = {world.id: world.meta["pid"] for world in either.store.worlds()}
    owner, other = (first, second) if pids[either.store.plan(plan_id).owner] == first.pid else (second, first)
    client = World(either.store, None, clock=SystemClock(), chance=Random(), executor=False).start()
    future = client.future(plan_id)

    owner.kill()
    died = monotonic()
    until(lambda: pids.get(either.store.plan(plan_id).owner) == other.pid, "taken over", within=60)
    assert monotonic() - died < LEASE + 5
    client.event(plan_id, 2, "kept").wait(timedelta(seconds=60))

    assert future.wait(timedelta(seconds=60)).result == "success"
    names = [line.name for line in either.store.history(plan_id)]
    assert [name.split()[0] for name in names if name.endswith("execution")] == [
        "start",
        "terminate",
        "start",
        "finish",
    ]
    client.terminate()
    other.end()
