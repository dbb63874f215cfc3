"""What a daemon answers to requests, from their receipt to their end."""

import pytest

from mcoflow.ports.bus import Verdict
from mcoflow.wire.kinds import Refusal
from tests.unit.agent.world import AgentWorld


@pytest.fixture
def agent(tmp_path):
    world = AgentWorld(tmp_path).start()
    yield world
    world.end()


def test_a_request_is_acknowledged_accepted_executed_and_answered(agent):
    request = agent.request()

    agent.begun(request).end(text="well")

    assert agent.result(request).values == {"text": "well"}
    assert [e.kind for e in agent.bus.replies(request.id)] == ["accepted", "result"]
