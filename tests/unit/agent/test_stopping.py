"""Cancels and time limits: before the start nothing happens, after it the process group ends."""

from datetime import UTC, datetime

import pytest

from mcoflow.wire.kinds import Work
from mcoflow.wire.messages import CancelBody
from tests.unit.agent.world import OTHER_TOKEN, AgentWorld, request

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def agent(tmp_path):
    world = AgentWorld(tmp_path, parallel=2, max_waiting=3).start()
    yield world
    world.end()


def cancel(agent, asked, *, force=False):
    agent.say(asked.id, CancelBody(reply_to=OTHER_TOKEN, reason="enough", force=force))


def test_a_cancelled_execution_is_terminated(agent):
    """B-043: executing."""
    asked = agent.request()
    run = agent.begun(asked)

    cancel(agent, asked)

    body = agent.result(asked)
    assert (body.outcome, body.reason, run.terminated, run.killed) == ("killed", "cancel", True, False)


def test_what_does_not_heed_term_is_killed_after_its_grace(agent):
    """B-043: the group is empty after grace."""
    asked = agent.request(grace_ms=10)
    run = agent.begun(asked)
    run.heeds_term = False

    cancel(agent, asked)

    assert (agent.result(asked).outcome, run.killed) == ("killed", True)


def test_a_cancel_after_the_end_is_answered_with_the_result(agent):
    """B-043: done: too late, the result stays."""
    asked = agent.request()
    agent.begun(asked).end(text="done")
    agent.result(asked)

    cancel(agent, asked)

    again = agent.result(asked, 2)
    assert (again.outcome, again.values, again.repeat) == ("ok", {"text": "done"}, True)


def test_a_cancel_that_is_there_before_its_request_wins(agent):
    """B-019: the agent's part."""
    asked = request()
    cancel(agent, asked)

    agent.bus.deliver(asked)

    assert agent.result(asked).outcome == "cancelled"
    assert agent.execution.of(asked.id) == []


def test_an_end_before_the_cancel_took_hold_is_told_as_it_was(agent):
    asked = agent.request()
    run = agent.begun(asked)
    run.heeds_term = False

    cancel(agent, asked)
    agent.bus.wait_for(lambda: agent.bus.replies(asked.id, "progress"))
    run.end(text="just in time")

    assert agent.result(asked).outcome == "ok"


def test_what_must_not_be_interrupted_runs_on_unless_forced(agent):
    """B-044: the agent's part."""
    asked = agent.request("stubborn")
    run = agent.begun(asked)

    cancel(agent, asked)
    assert agent.bus.reply(asked.id, "progress").state is Work.STOPPING
    assert not run.terminated

    cancel(agent, asked, force=True)
    assert agent.result(asked).outcome == "killed"


def test_an_execution_past_its_time_is_killed(agent):
    """B-026: timed out, killed."""
    asked = agent.request(timeout_ms=1)
    agent.begun(asked)

    body = agent.result(asked)

    assert (body.outcome, body.reason) == ("killed", "timeout")
