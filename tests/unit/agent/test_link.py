"""What a daemon does when its link comes, goes, or its host is not admitted."""

import logging
from datetime import timedelta

import pytest

from mcoflow.ports.bus import Link
from mcoflow.wire.kinds import Up
from mcoflow.wire.messages import CancelBody
from tests.unit.agent.world import TOKEN, AgentWorld, request
from tests.waiting import until


@pytest.fixture
def agent(tmp_path):
    world = AgentWorld(tmp_path, parallel=1).start()
    yield world
    world.end()


def test_an_agent_that_is_cut_off_begins_nothing_and_a_cancel_that_waits_wins(agent):
    """R-026: also what was accepted before."""
    first, second = agent.request(), agent.request()
    run = agent.begun(first)
    agent.bus.wait_for(lambda: len(agent.bus.settled) == 2)

    agent.bus.report(Link.DOWN, "the broker is gone")
    agent.bus.flush()
    run.end()
    agent.result(first)
    agent.bus.report(Link.UP)
    agent.say(second.id, CancelBody(reply_to=TOKEN, reason="too late", force=False))

    assert agent.result(second).outcome == "cancelled"
    assert agent.execution.of(second.id) == []


def test_after_the_link_is_back_work_goes_on(agent):
    first, second = agent.request(), agent.request()
    run = agent.begun(first)

    agent.bus.report(Link.DOWN, "the broker is gone")
    agent.bus.report(Link.UP)
    run.end()

    agent.begun(second).end()


def test_what_was_not_confirmed_is_sent_again_when_the_link_is_back(agent):
    """R-014: the same bytes."""
    agent.bus.receipt_for = lambda parcel: "unknown" if parcel.kind == "result" else "confirmed"
    asked = agent.request()
    agent.begun(asked).end()
    agent.result(asked)

    agent.bus.receipt_for = lambda _parcel: "confirmed"
    agent.bus.report(Link.DOWN, "the broker is gone")
    agent.bus.report(Link.UP)

    agent.result(asked, 2)
    sent = [parcel for parcel in agent.bus.published if parcel.kind == "result"]
    assert sent[0].body == sent[1].body


def test_a_host_that_is_not_admitted_says_that_it_is_there(tmp_path):
    """B-012: the agent's part."""
    world = AgentWorld(tmp_path)
    world.bus.opens_with = (Link.DOWN, "not admitted: host web1 has no queues yet")
    world.start()

    assert {body.state for body in world.presences()} == {Up.UP}
    world.bus.wait_for(lambda: len(world.presences()) >= 3)

    world.bus.report(Link.UP)
    world.begun(world.request()).end()
    world.end()


def test_what_is_in_the_queue_at_the_start_is_read_before_anything_begins(tmp_path):
    """5.1: the backlog first; a cancel at its end wins."""
    world = AgentWorld(tmp_path)
    asked = [request() for _ in range(20)]
    world.daemon.start()
    for one in asked:
        world.bus.deliver(one)
    for one in asked:
        world.say(one.id, CancelBody(reply_to=TOKEN, reason="all off", force=False))

    assert {world.result(one).outcome for one in asked} == {"cancelled"}
    assert world.execution.runs == []
    world.end()


def test_facts_change_without_a_restart(agent):
    """B-040: the daemon's part."""
    agent.facts.facts = {"os": {"name": "newer"}}

    agent.daemon.reload()

    agent.bus.wait_for(lambda: agent.presences()[-1].facts == {"os": {"name": "newer"}})


def test_facts_that_fit_into_no_message_are_told_as_an_error(agent):
    agent.facts.facts = {"huge": ["x" * 1000] * 200}

    agent.daemon.reload()

    told = agent.bus.wait_for(lambda: agent.presences()[1:])[0].facts
    assert "at most" in told["mcoflow"]["facts_errors"][0]


def test_an_error_nobody_expected_ends_the_daemon_and_is_told(tmp_path):
    world = AgentWorld(tmp_path)
    world.facts.error = RuntimeError("a bug in a source of facts")
    world.daemon.start()

    with pytest.raises(RuntimeError, match="a bug"):
        world.daemon.wait(timedelta(seconds=10))

    assert world.bus.closed


def test_a_lost_link_is_a_warning_and_not_being_admitted_is_said_once(agent, caplog):
    with caplog.at_level(logging.DEBUG, "mcoflow.agent.daemon"):
        agent.bus.report(Link.DOWN, "the broker is gone")
        for more in range(3):
            agent.bus.report(Link.DOWN, f"not admitted: host web1 has no queues yet (and {more} more)")
        until(lambda: len(caplog.records) == 4, "the reports are logged")

    told = [(record.levelname, record.message) for record in caplog.records]
    assert told[0] == ("WARNING", "link.changed")
    assert told[1:] == [("INFO", "link.not_admitted"), *2 * [("DEBUG", "link.not_admitted")]]
