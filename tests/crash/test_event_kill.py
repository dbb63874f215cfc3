"""An executor is killed with -9 when it has accepted an event, before the step's answer to it is stored."""

import json
from datetime import timedelta
from random import Random

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.states import StepState
from mcoflow.engine.world import World
from tests.crash.supervisor import Supervisor
from tests.crash.work import KILLED
from tests.waiting import until


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Supervisor:
    """A site on one of the databases."""
    return request.getfixturevalue("site" if request.param == "sqlite" else "postgresql_site")


@pytest.mark.parametrize(
    "fault",
    [
        "command.committed:kill:1",  # accepted, and its sender not told
        "run.mid:kill:1",  # given to the step, which has taken it
    ],
)
def test_an_accepted_event_is_delivered_once_and_its_sender_hears_of_it(
    either: Supervisor, fault: str
) -> None:
    """E-030: after the restart; the future is the one that was there before the kill."""
    server = either.start_server(fault)
    plan_id = server.submit("listen")
    assert plan_id is not None
    until(lambda: either.store.snapshot(plan_id).steps[1].state is StepState.SUSPENDED, "it sleeps")
    client = World(either.store, None, clock=SystemClock(), chance=Random(), executor=False).start()

    future = client.event(plan_id, 2, "kept")
    assert server.await_death() == KILLED
    assert not future.done()
    sound = either.start_server()

    future.wait(timedelta(seconds=60))
    plan = either.await_rest(plan_id)
    assert (plan.state, plan.result) == ("stopped", "success"), plan.explanation
    (output,) = [texts[1] for texts in either.store.action_data([(plan_id, 1)]).values()]
    assert json.loads(output) == {"heard": ["kept"]}
    assert either.store.events([plan_id]) == []
    client.terminate()
    sound.end()
