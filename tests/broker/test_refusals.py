"""What the broker refuses, and how the connector lives with it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pika
import pytest

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from mcoflow.errors import BusAccessError, TopologyMismatchError
from mcoflow.ports.bus import (
    Bells,
    Census,
    HostRequests,
    Link,
    Plans,
    Presence,
    Replies,
    Request,
    Shared,
    ToExecutor,
    Verdict,
)
from mcoflow.testing.contracts.bus import Bus
from mcoflow.testing.contracts.listening import (
    Inbox,
    LinkLog,
    Receipts,
    eventually,
    parcel,
    publish_all,
    send,
)
from tests.servers.rabbitmq import RabbitMQ

pytestmark = pytest.mark.rabbitmq
TOKEN, HOST = "x-abcdefghijkl", "web1.example.org"


@pytest.fixture
def alarm(rabbitmq: RabbitMQ) -> Iterator[RabbitMQ]:
    """The broker, whose memory alarm is cleared afterwards."""
    yield rabbitmq
    rabbitmq.set_memory_alarm(False)


@pytest.fixture
def full_vhost(rabbitmq: RabbitMQ, rabbitmq_url: str) -> str:
    """The URL of a virtual host that takes no connections."""
    vhost = rabbitmq.new_prefix()
    rabbitmq.ctl("add_vhost", vhost)
    rabbitmq.ctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")
    rabbitmq.ctl("set_vhost_limits", "-p", vhost, json.dumps({"max-connections": 0}))
    return rabbitmq.url_of("guest", "guest", vhost=vhost)


def pika_channel(rabbitmq: RabbitMQ) -> "pika.adapters.blocking_connection.BlockingChannel":
    """A channel of somebody else."""
    return pika.BlockingConnection(pika.URLParameters(rabbitmq.url)).channel()


def test_a_memory_alarm_stops_publishing_only(alarm: RabbitMQ, bus: Bus) -> None:
    """B-008: replies are consumed and settled, the link says blocked, nothing is lost when it clears."""
    executor, agent, replies, receipts = bus.executor(), bus.agent(), Inbox(), Receipts()
    executor.declare_shared()
    executor.declare_executor(TOKEN)
    publish_all(agent, [parcel(ToExecutor(TOKEN, HOST), b"%d" % n) for n in range(20)], receipts)
    receipts.first(20)

    alarm.set_memory_alarm(True)
    held = Receipts()
    sent = [parcel(Plans(), b"%d" % n) for n in range(100)]
    publish_all(executor, sent[:50], held)  # the broker only blocks who publishes
    bus.watch(executor).becomes(Link.BLOCKED, "short of memory or disk")
    publish_all(executor, sent[50:], held)

    executor.consume(Replies(TOKEN), replies, prefetch=5)
    for count in range(1, 21):
        executor.settle(replies.first(count)[-1:], Verdict.ACK)
    assert executor.census(Replies(TOKEN)) == Census(messages=0, consumers=1)
    assert len(held) == 0

    alarm.set_memory_alarm(False)
    bus.watch(executor).becomes(Link.UP)
    assert held.first(100) == ["confirmed"] * 100


def test_a_channel_closed_by_the_broker_opens_again(rabbitmq: RabbitMQ, bus: Bus) -> None:
    """B-009: 404 while publishing, before there is any exchange; the queue of a consumer deleted."""
    agent = bus.agent()
    assert send(agent, parcel(Presence(HOST))) == ["unknown"]
    bus.watch(agent).was(Link.DOWN, "no exchange")

    executor, replies = bus.executor(), Inbox()
    executor.declare_shared()
    eventually(lambda: send(agent, parcel(Presence(HOST))) == ["confirmed"], patience=5)

    executor.consume(Replies(TOKEN), replies, prefetch=10)
    eventually(lambda: executor.census(Replies(TOKEN)) == Census(0, 1))
    assert send(agent, parcel(ToExecutor(TOKEN, HOST))) == ["confirmed"]
    executor.settle(replies.first(), Verdict.ACK)
    pika_channel(rabbitmq).queue_delete(f"{bus.prefix}.reply.{TOKEN}")

    eventually(lambda: executor.census(Replies(TOKEN)) == Census(0, 1), patience=5)
    assert send(agent, parcel(ToExecutor(TOKEN, HOST), b"again")) == ["confirmed"]
    assert replies.first(2)[1].body == b"again"
    bus.watch(executor).becomes(Link.UP)


def test_a_wrong_acknowledgement_costs_one_channel_and_no_message(bus: Bus) -> None:
    """B-009: 406 closes the consuming channel; its messages come again."""
    executor, agent, requests = bus.executor(), bus.agent(), Inbox()
    executor.declare_shared()
    executor.declare_host(HOST, {"main"})
    agent.attend(HOST, requests)
    send(executor, parcel(Request(HOST), b"kept"))
    [got] = requests.first()
    intake, tag = got.tag  # type: ignore[misc]  # what only a broken connector would do
    forged = type(got)(got.source, b"", None, tag=(intake, tag + 100))

    agent.settle([forged], Verdict.ACK)

    again = requests.first(2, patience=5)[1]
    assert (again.body, again.redelivered) == (b"kept", True)
    agent.settle([again], Verdict.ACK)
    bus.watch(agent).becomes(Link.UP)


def test_a_connection_limit_is_waited_out(rabbitmq: RabbitMQ, full_vhost: str) -> None:
    """B-010: 530 names user and virtual host, and is retried."""
    connector, watch = AmqpExecutorConnector(full_vhost), LinkLog()
    connector.open(watch)
    report = watch.becomes(Link.DOWN, "connection limit (0) is reached")
    vhost = full_vhost.rpartition("/")[2]
    assert "guest@127.0.0.1" in report.why
    assert f"virtual host {vhost}" in report.why

    rabbitmq.ctl("clear_vhost_limits", "-p", vhost)

    watch.becomes(Link.UP)
    connector.close(wait=timedelta(seconds=1))


def test_a_refused_login_is_retried_until_the_user_is_let_in(rabbitmq: RabbitMQ) -> None:
    """B-010: the error names the user, never the password."""
    user = f"late-{rabbitmq.new_prefix()}"
    connector = AmqpExecutorConnector(rabbitmq.url_of(user, "s3cret-word"), prefix=rabbitmq.new_prefix())
    watch = LinkLog()
    connector.open(watch)
    report = watch.becomes(Link.DOWN, f"{user}@127.0.0.1")
    assert "ACCESS_REFUSED" in report.why
    assert "[broker] url" in report.why

    rabbitmq.add_user(user, "s3cret-word", configure=".*", write=".*", read=".*")

    watch.becomes(Link.UP)
    assert not any("s3cret" in heard.why for heard in watch.all)
    connector.close(wait=timedelta(seconds=1))


def test_a_missing_permission_names_the_queue(rabbitmq: RabbitMQ) -> None:
    """B-010: 403 on an object."""
    url = rabbitmq.add_user(f"reader-{rabbitmq.new_prefix()}", "x", configure="^$", write=".*", read=".*")
    prefix = rabbitmq.new_prefix()
    connector, watch = AmqpExecutorConnector(url, prefix=prefix), LinkLog()
    connector.open(watch)
    watch.becomes(Link.UP)

    with pytest.raises(BusAccessError, match=rf"{prefix}\.dead.*refused for user"):
        connector.declare_shared()

    connector.close(wait=timedelta(seconds=1))


def test_an_agent_needs_no_right_to_configure(rabbitmq: RabbitMQ, bus: Bus) -> None:
    """B-012: the connector's part: it starts, waits, is admitted, works."""
    name, prefix, host = f"agent-{rabbitmq.new_prefix()}", bus.prefix, "web1"
    url = rabbitmq.add_user(
        name,
        "x",
        configure=r"\A\z",
        write=rf"\A{prefix}\.to-server\z",
        read=rf"\A{prefix}\.(agent|ask)\.{host}\z",
    )
    executor, replies, requests = bus.executor(), Inbox(), Inbox()
    executor.declare_shared()
    agent, watch = AmqpAgentConnector(url, prefix=prefix), LinkLog()
    agent.open(watch)
    agent.attend(host, requests)
    watch.becomes(Link.DOWN, "not admitted")

    executor.consume(Shared.PRESENCE, replies, prefetch=10)
    assert send(agent, parcel(Presence(host))) == ["confirmed"]
    assert replies.first()[0].sender == name
    executor.declare_host(host, {"main"})
    watch.becomes(Link.UP)
    send(executor, parcel(Request(host)))
    agent.settle(requests.first(), Verdict.ACK)

    agent.close(wait=timedelta(seconds=1))
    assert executor.census(HostRequests(host)) == Census(0, 0)


def test_everything_declared_is_durable_shared_and_of_a_named_type(rabbitmq: RabbitMQ, bus: Bus) -> None:
    """B-011: and no channel has a prefetch of its own beside those of its consumers."""
    executor, agent = bus.executor(), bus.agent()
    executor.declare_shared()
    executor.declare_executor(TOKEN)
    executor.declare_host(HOST, {"main"})
    agent.attend(HOST, Inbox())
    for source in (Replies(TOKEN), Bells(TOKEN), *Shared):
        executor.consume(source, Inbox(), prefetch=7)
    eventually(lambda: executor.census(HostRequests(HOST)) == Census(0, 1))

    columns = ("name", "durable", "auto_delete", "exclusive", "arguments")
    listed = json.loads(rabbitmq.ctl("list_queues", "--formatter", "json", *columns))
    queues = [queue for queue in listed if queue["name"].startswith(f"{bus.prefix}.")]
    channels = json.loads(rabbitmq.ctl("list_channels", "--formatter", "json", "global_prefetch_count"))

    assert len(queues) == 8
    for queue in queues:
        assert queue["durable"] is True
        assert not queue["auto_delete"]
        assert not queue["exclusive"]
        assert any(argument[0] == "x-queue-type" for argument in queue["arguments"])
    assert {channel["global_prefetch_count"] for channel in channels} == {0}


def test_a_foreign_argument_raises_and_deletes_nothing(rabbitmq: RabbitMQ, bus: Bus) -> None:
    """B-011: the way out is named."""
    name = f"{bus.prefix}.agent.web1_example_org"
    foreign = pika_channel(rabbitmq)
    foreign.queue_declare(name, durable=True, arguments={"x-max-length": 5})
    foreign.basic_publish("", name, b"kept")
    executor = bus.executor()
    executor.declare_shared()

    with pytest.raises(TopologyMismatchError, match=rf"mcoflow bus rebuild {name}"):
        executor.declare_host(HOST, {"main"})

    assert executor.census(HostRequests(HOST)) == Census(messages=1, consumers=0)
    assert send(executor, parcel(Plans())) == ["confirmed"]


def test_of_many_hosts_one_with_a_foreign_queue_is_named_and_the_others_are_declared(
    rabbitmq: RabbitMQ, bus: Bus
) -> None:
    """B-011: also when many are declared at once."""
    hosts = [f"web{number}" for number in range(20)]
    pika_channel(rabbitmq).queue_declare(f"{bus.prefix}.agent.web7", durable=True)
    executor = bus.executor()
    executor.declare_shared()

    with pytest.raises(TopologyMismatchError, match=rf"mcoflow bus rebuild {bus.prefix}\.agent\.web7"):
        executor.declare_hosts({host: {"main"} for host in hosts})

    found = {host for host in hosts if send(executor, parcel(Request(host))) == ["confirmed"]}
    assert found == set(hosts) - {"web7"}


def test_replicated_queues_are_quorum_queues(rabbitmq: RabbitMQ) -> None:
    connector, watch = (
        AmqpExecutorConnector(rabbitmq.url, prefix=rabbitmq.new_prefix(), replicated=True),
        LinkLog(),
    )
    connector.open(watch)
    watch.becomes(Link.UP)
    connector.declare_shared()
    connector.declare_executor(TOKEN)
    replies = Inbox()

    connector.consume(Replies(TOKEN), replies, prefetch=10)
    assert send(connector, parcel(ToExecutor(TOKEN, HOST), b"reply")) == ["confirmed"]

    connector.settle(replies.first(), Verdict.ACK)
    connector.close(wait=timedelta(seconds=1))


def test_a_parcel_that_cannot_be_encoded_harms_no_other(bus: Bus) -> None:
    executor, receipts = bus.executor(), Receipts()
    executor.declare_shared()
    bad = replace(parcel(Plans()), reply_to="x" * 300)

    assert executor.publish([parcel(Plans()), bad, parcel(Plans())], receipts) == 3

    assert sorted(receipts.first(3)) == ["confirmed", "confirmed", "refused"]


def test_an_expired_request_is_a_dead_letter(bus: Bus) -> None:
    """The time to live of a request is kept by the broker, once it is at the head of its queue."""
    executor, dead = bus.executor(), Inbox()
    executor.declare_shared()
    executor.declare_host(HOST, {"main"})
    executor.consume(Shared.DEAD, dead, prefetch=10)
    late = replace(parcel(Request(HOST), b"late"), ttl=timedelta(milliseconds=50))

    assert send(executor, late) == ["confirmed"]

    assert [(letter.body, letter.died) for letter in dead.first()] == [(b"late", "expired")]
