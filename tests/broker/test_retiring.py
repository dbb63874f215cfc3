"""Reply queues that are deleted while agents publish."""

import threading
from collections.abc import Iterator

import pytest

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from mcoflow.ports.bus import Census, Replies, Shared, ToExecutor, Verdict
from mcoflow.testing.contracts.bus import Bus, opened
from mcoflow.testing.contracts.listening import Inbox, Receipts, eventually, parcel, publish_all, send
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQ

pytestmark = pytest.mark.rabbitmq
TOKEN, HOST = "x-abcdefghijkl", "web1.example.org"
QUEUES, MESSAGES = 60, 20


@pytest.fixture
def direct(rabbitmq: RabbitMQ, rabbitmq_url: str) -> Iterator[Bus]:
    """Connectors that no proxy slows down."""
    yield from opened(
        Bus(
            lambda prefix: AmqpExecutorConnector(rabbitmq_url, prefix=prefix),
            lambda prefix: AmqpAgentConnector(rabbitmq_url, prefix=prefix),
            rabbitmq.new_prefix(),
        )
    )


@pytest.fixture
def replicated(rabbitmq: RabbitMQ, rabbitmq_url: str) -> Iterator[Bus]:
    """Connectors with `[broker] replicated`."""
    yield from opened(
        Bus(
            lambda prefix: AmqpExecutorConnector(rabbitmq_url, prefix=prefix, replicated=True),
            lambda prefix: AmqpAgentConnector(rabbitmq_url, prefix=prefix, replicated=True),
            rabbitmq.new_prefix(),
        )
    )


def test_what_is_published_while_the_queue_is_deleted_is_stray_not_lost(bus: Bus) -> None:
    """B-016: of 60 queues deleted while they were bound, the broker lost what it had confirmed in five."""
    executor, agent = bus.executor(), bus.agent()
    executor.declare_shared()
    stray: set[bytes] = set()
    executor.consume(
        Shared.STRAY, lambda got: stray.add(got.body) or executor.settle([got], Verdict.ACK), prefetch=50
    )
    for number in range(QUEUES):
        token, receipts, gone = f"x-{number:012}", Receipts(), []
        bodies = {f"{token} {each}".encode() for each in range(MESSAGES)}
        executor.declare_executor(token)
        retiring = threading.Thread(target=lambda: gone.append(executor.retire_executor(token)))  # noqa: B023
        retiring.start()
        for body in bodies:
            publish_all(agent, [parcel(ToExecutor(token, HOST), body)], receipts)
        retiring.join()
        assert receipts.first(MESSAGES) == ["confirmed"] * MESSAGES
        if gone == [True]:
            eventually(lambda: bodies <= stray)  # noqa: B023
        else:
            found = executor.census(Replies(token))
            assert found is not None
            eventually(lambda: found.messages + len(bodies & stray) == MESSAGES)  # noqa: B023


def test_what_was_taken_and_not_settled_is_not_deleted_along(bus: Bus, direct: Bus, proxy: Proxy) -> None:
    """I-4: a queue whose messages are all under way looks empty, and unused once nobody consumes it."""
    slow, quick, replies = bus.executor(), direct.executor(bus.prefix), Inbox()
    quick.declare_shared()
    quick.declare_executor(TOKEN)
    slow.consume(Replies(TOKEN), replies, prefetch=10)
    send(quick, parcel(ToExecutor(TOKEN, HOST)))
    replies.first()
    proxy.delay = 0.2

    slow.stop_consuming(Replies(TOKEN))

    eventually(lambda: quick.retire_executor(TOKEN) or quick.census(Replies(TOKEN)) == Census(1, 0))
    assert quick.census(Replies(TOKEN)) == Census(1, 0)


def test_a_replicated_queue_is_retired_when_empty_and_unused(replicated: Bus) -> None:
    """B-015: a quorum queue does not look itself whether it is; asked to, the broker cuts the connection."""
    executor, agent, replies = replicated.executor(), replicated.agent(), Inbox()
    executor.declare_shared()
    executor.declare_executor("x-quorum000001")
    send(agent, parcel(ToExecutor("x-quorum000001", HOST)))
    eventually(lambda: executor.census(Replies("x-quorum000001")) == Census(1, 0))
    assert executor.retire_executor("x-quorum000001") is False

    executor.consume(Replies("x-quorum000001"), replies, prefetch=10)
    executor.settle(replies.first(), Verdict.ACK)
    assert executor.retire_executor("x-quorum000001") is False
    executor.stop_consuming(Replies("x-quorum000001"))

    eventually(lambda: executor.retire_executor("x-quorum000001"))
    assert executor.census(Replies("x-quorum000001")) is None
    assert executor.retire_executor("x-quorum000001") is True
