"""memory:// is quick when idle, and costs nothing while nothing happens."""

from datetime import timedelta
from statistics import median
from time import monotonic, process_time
from uuid import uuid4

import pytest

from connectors.kombu import KombuAgentConnector, KombuExecutorConnector
from connectors.kombu.world import World
from mcoflow.errors import BusUnavailableError, TopologyMismatchError
from mcoflow.ports.bus import Delivery, Link, Parcel, Replies, Request, Shared, ToExecutor, Verdict
from mcoflow.testing.contracts.listening import Inbox, LinkLog, Receipts
from mcoflow.wire.topology import Queue, Topology
from tests.waiting import quickest

TOKEN = "x-abcdefghijkl"


def test_an_idle_round_trip_takes_under_50_ms() -> None:
    """B-030: the median is far below."""
    executor, agent = KombuExecutorConnector(prefix="idle"), KombuAgentConnector(prefix="idle")
    executor.open(LinkLog())
    agent.open(LinkLog())
    replies, times = Inbox(), []

    def answer(delivery: Delivery) -> None:
        agent.settle([delivery], Verdict.ACK)
        agent.publish([Parcel(ToExecutor(TOKEN, "web1"), "result", uuid4(), b"done")], Receipts())

    agent.attend("web1", answer)
    executor.consume(Replies(TOKEN), replies, prefetch=10)
    executor.declare_host("web1", {"main"})
    for count in range(1, 21):
        begun = monotonic()
        executor.publish([Parcel(Request("web1"), "request", uuid4(), b"do")], Receipts())
        executor.settle(replies.first(count)[-1:], Verdict.ACK)
        times.append(monotonic() - begun)

    agent.close(wait=timedelta(seconds=1))
    executor.close(wait=timedelta(seconds=1))
    assert median(times) < 0.05


def test_a_thousand_idle_hosts_cost_no_time() -> None:
    executor, agent, watch = (
        KombuExecutorConnector(prefix="many"),
        KombuAgentConnector(prefix="many"),
        LinkLog(),
    )
    executor.open(LinkLog())
    agent.open(watch)
    executor.declare_shared()
    for number in range(1_000):
        executor.declare_host(f"sim-{number:05}", {"main"})
        agent.attend(f"sim-{number:05}", Inbox())
    executor.publish([Parcel(Request("sim-00999"), "request", uuid4(), b"do")], receipts := Receipts())
    receipts.first()

    def idling() -> float:
        begun = process_time()
        assert watch.stays(len(watch), seconds=0.5)
        return process_time() - begun

    assert quickest(idling, below=0.1) < 0.1
    agent.close(wait=timedelta(seconds=1))
    executor.close(wait=timedelta(seconds=1))


def test_the_last_to_close_takes_the_world_with_it() -> None:
    first = KombuExecutorConnector(prefix="gone")
    first.open(LinkLog())
    first.declare_shared()
    first.close(wait=timedelta(seconds=1))

    second = KombuExecutorConnector(prefix="gone")
    second.open(LinkLog())

    assert second.census(Shared.PLANS) is None
    second.close(wait=timedelta(seconds=1))


def test_other_arguments_are_a_mismatch_here_too() -> None:
    executor, watch = KombuExecutorConnector(prefix="other"), LinkLog()
    executor.open(watch)
    watch.becomes(Link.UP)
    name = Topology("other").queue(Shared.PLANS)
    executor._world.declare((), [Queue(name, {"x-queue-type": "classic"})], ())

    with pytest.raises(TopologyMismatchError, match="nothing was deleted"):
        executor.declare_shared()

    executor.close(wait=timedelta(seconds=1))


def test_a_connector_that_is_not_open_says_so() -> None:
    with pytest.raises(BusUnavailableError, match=r"open\(\)"):
        KombuExecutorConnector().declare_shared()


def test_a_queue_is_there_before_anybody_uses_it() -> None:
    """kombu makes a queue at its first use: of two threads that used it first, one saw only its own."""
    world = World.enter("declared")

    world.declare((), [Queue("declared.one", {})], ())

    assert world._wire._channel._has_queue("declared.one")
    world.leave()
