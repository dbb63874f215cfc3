"""The names and arguments on the broker: they cannot change once they live there."""

import pytest

from mcoflow.ports.bus import (
    AgentQueue,
    Ask,
    AskAll,
    Bell,
    Bells,
    HostRequests,
    Plans,
    Presence,
    Replies,
    Request,
    Shared,
    ToExecutor,
)
from mcoflow.wire.topology import Topology

TOPOLOGY = Topology()
TOKEN = "x-abcdefghijkl"


@pytest.mark.parametrize(
    ("address", "exchange", "key", "mandatory"),
    [
        (Request("web1.example.com"), "mcoflow.to-hosts", "request.web1_example_com", True),
        (Ask("web1"), "mcoflow.to-hosts", "ask.web1", True),
        (AskAll("main"), "mcoflow.to-hosts", "discover.main", False),
        (ToExecutor(TOKEN, "web1.a"), "mcoflow.to-server", f"{TOKEN}.web1_a", True),
        (Presence("web1"), "mcoflow.to-server", "presence.web1", True),
        (Plans(), "mcoflow.engine", "plans", True),
        (Bell(TOKEN), "mcoflow.engine", f"bell.{TOKEN}", True),
    ],
)
def test_each_address_has_its_exchange_and_key(address, exchange, key, mandatory):
    route = TOPOLOGY.route(address)

    assert (route.exchange, route.key, route.mandatory) == (exchange, key, mandatory)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Replies(TOKEN), f"mcoflow.reply.{TOKEN}"),
        (Bells(TOKEN), f"mcoflow.bell.{TOKEN}"),
        (HostRequests("a.b"), "mcoflow.agent.a_b"),
        (Shared.PRESENCE, "mcoflow.presence"),
        (Shared.STRAY, "mcoflow.stray"),
    ],
)
def test_each_source_has_its_queue(source, name):
    assert TOPOLOGY.queue(source) == name


def test_the_queues_of_a_host_are_named_by_host():
    assert TOPOLOGY.agent_queue("a.b", AgentQueue.QUESTIONS) == "mcoflow.ask.a_b"
    with pytest.raises(ValueError, match="belongs to a host"):
        TOPOLOGY.queue(AgentQueue.QUESTIONS)


def test_every_queue_says_its_type_and_those_with_effects_drop_nothing():
    """B-011: as far as arguments go."""
    requests, questions = TOPOLOGY.host_queues("web1")
    replies, bell = TOPOLOGY.executor_queues(TOKEN)
    everything = [requests, questions, replies, bell, *TOPOLOGY.shared_queues()]

    assert all(queue.arguments["x-queue-type"] in ("classic", "quorum") for queue in everything)
    for queue in (requests, replies):
        assert queue.arguments["x-overflow"] == "reject-publish"
        assert queue.arguments["x-dead-letter-exchange"] == "mcoflow.dead"
    assert questions.arguments["x-message-ttl"] == 60_000


def test_replicated_queues_are_quorum_queues_that_dead_letter_safely():
    requests, questions = Topology(replicated=True).host_queues("web1")

    assert requests.arguments["x-queue-type"] == "quorum"
    assert requests.arguments["x-dead-letter-strategy"] == "at-least-once"
    assert questions.arguments["x-queue-type"] == "classic"


def test_bindings_reach_only_what_is_declared():
    exchanges = {exchange.name for exchange in TOPOLOGY.exchanges()}
    queues = {queue.name for queue in (*TOPOLOGY.shared_queues(), *TOPOLOGY.host_queues("a"))}
    bindings = [*TOPOLOGY.shared_bindings(), *TOPOLOGY.host_bindings("a", {"main", "more"})]

    assert {binding.exchange for binding in bindings} <= exchanges
    assert {binding.queue for binding in bindings} == queues


def test_another_prefix_shares_no_name():
    mine, yours = Topology("one"), Topology("two")

    assert {queue.name for queue in mine.shared_queues()}.isdisjoint(q.name for q in yours.shared_queues())
    assert mine.exchanges()[3].arguments == {"alternate-exchange": "one.stray"}
