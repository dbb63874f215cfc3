"""What happens to messages when the link to the broker breaks."""

import threading
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from connectors.amqp import AmqpAgentConnector, AmqpExecutorConnector
from mcoflow.clock import SystemClock
from mcoflow.errors import BusUnavailableError
from mcoflow.ports.bus import Census, HostRequests, Link, Plans, Replies, Request, Shared, ToExecutor, Verdict
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
from tests.servers.authority import Authority
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQ
from tests.waiting import quickest

pytestmark = pytest.mark.rabbitmq
TOKEN, HOST = "x-abcdefghijkl", "web1.example.org"


class LateClock(SystemClock):
    """The machine's clock, later by as much as the test says."""

    late = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.late


def test_open_returns_at_once_and_the_link_comes_up_with_the_broker(proxy: Proxy, far_url: str) -> None:
    """B-002: with nobody listening."""
    proxy.refuse()
    opened_before = list[AmqpExecutorConnector]()

    def opening() -> float:
        opened_before.append(AmqpExecutorConnector(far_url))
        begun = monotonic()
        opened_before[-1].open(LinkLog())
        return monotonic() - begun

    assert quickest(opening, below=0.1) < 0.1
    for each in opened_before:
        each.close(wait=timedelta(0))
    connector, watch = AmqpExecutorConnector(far_url), LinkLog()
    connector.open(watch)
    report = watch.becomes(Link.DOWN, "refused")
    assert f"guest@127.0.0.1:{proxy.port}" in report.why
    assert "guest:guest" not in report.why
    with pytest.raises(BusUnavailableError, match="link to the broker is down"):
        connector.declare_shared()

    proxy.listen()

    watch.becomes(Link.UP)
    assert watch.all[0].link is Link.CONNECTING
    connector.close(wait=timedelta(seconds=1))
    with pytest.raises(BusUnavailableError, match="not open"):
        connector.declare_shared()


def test_close_ends_a_connector_that_never_came_up(proxy: Proxy, far_url: str) -> None:
    proxy.refuse()
    connector, receipts = AmqpAgentConnector(far_url), Receipts()
    connector.open(LinkLog())
    connector.publish([parcel(Plans())], receipts)

    begun = monotonic()
    connector.close(wait=timedelta(seconds=0.2))

    assert monotonic() - begun < 3
    assert receipts.first() == ["unknown"]


def test_each_parcel_gets_one_receipt_across_broken_links(bus: Bus, proxy: Proxy) -> None:
    """B-003: the link is cut again and again; what was confirmed is there."""
    executor, receipts, plans = bus.executor(), Receipts(), Inbox()
    executor.declare_shared()
    parcels = [parcel(Plans(), b"%d" % n) for n in range(3_000)]
    publishing = threading.Thread(target=publish_all, args=[executor, parcels, receipts])

    publishing.start()
    for count in range(600, 3_000, 600):
        receipts.first(count)
        proxy.cut()
    publishing.join(60)
    given = receipts.first(3_000, patience=40)

    assert sorted(receipts.ids) == sorted(one.message_id for one in parcels)
    assert set(given) <= {"confirmed", "unknown"}
    confirmed = {str(id_) for id_, receipt in zip(receipts.ids, given, strict=True) if receipt == "confirmed"}
    executor.consume(Shared.PLANS, plans, prefetch=5_000)
    plans.until(lambda all_: confirmed <= {got.message_id for got in all_})


def test_what_was_under_way_on_a_cut_link_is_unknown(bus: Bus, proxy: Proxy) -> None:
    """B-004: a cut link."""
    executor, receipts = bus.executor(), Receipts()
    executor.declare_shared()
    proxy.hole(True)
    before = proxy.received
    assert executor.publish([parcel(Plans()), parcel(Plans())], receipts) == 2
    assert len(receipts) == 0

    eventually(lambda: proxy.received > before + 200)  # both are on the line
    proxy.cut()

    assert receipts.first(2) == ["unknown", "unknown"]
    proxy.hole(False)
    bus.watch(executor).becomes(Link.UP)
    assert send(executor, parcel(Plans())) == ["confirmed"]


def test_parcels_published_while_the_link_is_down_wait_for_it(bus: Bus, proxy: Proxy) -> None:
    executor, receipts = bus.executor(), Receipts()
    executor.declare_shared()
    proxy.refuse()
    bus.watch(executor).becomes(Link.DOWN)

    assert executor.publish([parcel(Plans())], receipts) == 1
    proxy.listen()
    if receipts.first() == ["unknown"]:  # the second connection had not noticed yet: send again
        receipts = Receipts()
        executor.publish([parcel(Plans())], receipts)

    assert receipts.first() == ["confirmed"]


def test_a_thousand_parcels_over_a_long_line_take_under_two_seconds(bus: Bus, proxy: Proxy) -> None:
    """B-005: 50 ms delay each way."""
    executor = bus.executor()
    executor.declare_shared()
    send(executor, parcel(Plans()))
    proxy.delay = 0.05

    def publishing() -> float:
        begun, receipts = monotonic(), Receipts()
        publish_all(executor, [parcel(Plans()) for _ in range(1_000)], receipts)
        assert set(receipts.first(1_000)) == {"confirmed"}
        return monotonic() - begun

    assert quickest(publishing, below=2) < 2
    proxy.delay = 0.0


def test_a_parcel_without_a_confirm_for_30_seconds_is_unknown(
    rabbitmq: RabbitMQ, proxy: Proxy, far_url: str
) -> None:
    """B-003: one receipt, also when the confirm comes after all."""
    clock, watch, receipts, prefix = LateClock(), LinkLog(), Receipts(), rabbitmq.new_prefix()
    executor = AmqpExecutorConnector(far_url, prefix=prefix, clock=clock)
    executor.open(watch)
    watch.becomes(Link.UP)
    executor.declare_shared()
    proxy.hole(True)
    before = proxy.received
    executor.publish([parcel(Plans()), parcel(Request("nobody"))], receipts)
    eventually(lambda: proxy.received > before + 200)

    clock.late = 31.0

    assert receipts.first(2) == ["unknown", "unknown"]
    proxy.hole(False)
    assert send(executor, parcel(Plans()), parcel(Request("nobody"))) in (
        ["confirmed", "unroutable"],
        ["unroutable", "confirmed"],
    )
    assert len(receipts) == 2
    executor.close(wait=timedelta(seconds=1))


def test_a_line_that_swallows_everything_is_noticed_by_heartbeats(
    rabbitmq: RabbitMQ, proxy: Proxy, far_url: str
) -> None:
    prefix, watch = rabbitmq.new_prefix(), LinkLog()
    executor = AmqpExecutorConnector(far_url, prefix=prefix, heartbeat=timedelta(seconds=1))
    executor.open(watch)
    watch.becomes(Link.UP)

    proxy.hole(True)
    watch.was(Link.DOWN, "missed heartbeats")
    proxy.hole(False)

    watch.becomes(Link.UP)
    executor.close(wait=timedelta(seconds=1))


def test_amqps_checks_the_broker_against_the_authority(
    rabbitmq: RabbitMQ, rabbitmq_url: str, tmp_path: Path
) -> None:
    """TLS ends at the proxy; the broker behind it cannot tell."""
    good, other = Authority(tmp_path / "good"), Authority(tmp_path / "other")
    with Proxy(rabbitmq.port, tls=good.server_context()) as line:
        url = rabbitmq.url_of("guest", "guest", port=line.port).replace("amqp://", "amqps://")
        trusting, watch = AmqpExecutorConnector(url, ca=good.ca, cert=good.cert, key=good.key), LinkLog()
        trusting.open(watch)
        watch.becomes(Link.UP)
        trusting.declare_shared()
        assert send(trusting, *(parcel(Plans(), b"x" * 100_000) for _ in range(20))) == ["confirmed"] * 20
        plans = Inbox()
        trusting.consume(Shared.PLANS, plans, prefetch=50)
        plans.first(20)

        doubting, watch = AmqpExecutorConnector(url, ca=other.ca), LinkLog()
        doubting.open(watch)
        watch.becomes(Link.DOWN, "CERTIFICATE_VERIFY_FAILED")

        trusting.settle(plans.all, Verdict.ACK)
        for connector in (trusting, doubting):
            connector.close(wait=timedelta(seconds=1))


def test_settling_a_delivery_of_an_earlier_link_is_harmless(bus: Bus, proxy: Proxy) -> None:
    """B-007: the new channel stays open; the delivery comes back, marked redelivered."""
    executor, agent, requests = bus.executor(), bus.agent(), Inbox()
    executor.declare_shared()
    executor.declare_host(HOST, {"main"})
    agent.attend(HOST, requests)
    send(executor, parcel(Request(HOST), b"a"), parcel(Request(HOST), b"b"))
    old = requests.first(2)

    proxy.cut()
    again = requests.first(4)[2:]
    agent.settle(old, Verdict.ACK)
    agent.settle(old, Verdict.REJECT)

    assert [(got.body, got.redelivered) for got in again] == [(b"a", True), (b"b", True)]
    bus.watch(executor).becomes(Link.UP)
    send(executor, parcel(Request(HOST), b"c"))
    agent.settle(requests.first(5)[2:], Verdict.ACK)
    agent.close(wait=timedelta(seconds=1))
    assert executor.census(HostRequests(HOST)) == Census(0, 0)


def test_a_killed_broker_loses_nothing_that_was_confirmed(rabbitmq: RabbitMQ, bus: Bus) -> None:
    executor, agent, replies = bus.executor(), bus.agent(), Inbox()
    executor.consume(Replies(TOKEN), replies, prefetch=1)
    eventually(lambda: executor.census(Replies(TOKEN)))
    sent = [parcel(ToExecutor(TOKEN, HOST), b"%d" % n) for n in range(50)]
    assert send(agent, *sent) == ["confirmed"] * 50
    executor.settle(replies.first(), Verdict.ACK)
    [second] = replies.first(2)[1:]

    rabbitmq.kill()
    bus.watch(executor).becomes(Link.DOWN)
    rabbitmq.start()
    bus.watch(executor).becomes(Link.UP, patience=30)

    executor.settle([second], Verdict.ACK)  # of the old link: skipped
    done = 2
    while len({got.body for got in replies.all}) < len(sent):
        executor.settle(replies.first(done + 1)[done:], Verdict.ACK)
        done += 1
    assert {got.body for got in replies.all} == {one.body for one in sent}


def test_a_wiped_broker_is_built_anew(rabbitmq: RabbitMQ, bus: Bus) -> None:
    """B-014: the connector's part: shared queues, its own, and its consumers come back, and it says so."""
    executor, replies = bus.executor(), Inbox()
    executor.declare_shared()
    executor.declare_executor(TOKEN)
    executor.consume(Replies(TOKEN), replies, prefetch=10)

    assert not bus.watch(executor).becomes(Link.UP).anew

    for blow in (rabbitmq.kill, rabbitmq.wipe):
        blow()
        bus.watch(executor).becomes(Link.DOWN, patience=30)
        rabbitmq.start()
        assert bus.watch(executor).becomes(Link.UP, patience=30).anew is (blow == rabbitmq.wipe)

    agent = bus.agent()
    assert send(agent, parcel(ToExecutor(TOKEN, HOST), b"reply")) == ["confirmed"]
    assert [got.body for got in replies.first()] == [b"reply"]
    assert send(executor, parcel(Request(HOST))) == ["unroutable"]
    executor.declare_host(HOST, {"main"})
    assert send(executor, parcel(Request(HOST))) == ["confirmed"]
