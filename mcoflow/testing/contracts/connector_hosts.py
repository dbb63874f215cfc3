"""The part of the contract about consuming: who takes what, and how hosts and executors come and go."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from mcoflow.errors import ConfigurationError
from mcoflow.ports.bus import (
    AgentConnector,
    AskAll,
    Census,
    ExecutorConnector,
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
from mcoflow.testing.contracts.bus import HOST, TOKEN, Bus, BusFixtures
from mcoflow.testing.contracts.listening import Inbox, Receipts, eventually, parcel, publish_all, send


class HostContract(BusFixtures):
    """Part of ConnectorContract."""

    # -- consuming ---------------------------------------------------------------------------------------

    def test_what_is_unsettled_goes_back_when_the_connector_closes(
        self, bus: Bus, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        send(executor, *(parcel(Request(HOST), b"%d" % n) for n in range(3)))
        agent.settle(requests.first(3)[1:2], Verdict.ACK)

        agent.close(wait=timedelta(seconds=1))
        again = Inbox()
        bus.agent().attend(HOST, again)

        assert {(got.body, got.redelivered) for got in again.first(2)} == {(b"0", True), (b"2", True)}
        assert again.stays(2)

    def test_stop_consuming_gives_back(self, bus: Bus, executor: ExecutorConnector) -> None:
        first, second = Inbox(), Inbox()
        executor.consume(Shared.PLANS, first, prefetch=10)
        send(executor, parcel(Plans(), b"plan"))
        first.first()

        executor.stop_consuming(Shared.PLANS)
        bus.executor().consume(Shared.PLANS, second, prefetch=10)

        [got] = second.first()
        assert (got.body, got.redelivered) == (b"plan", True)
        assert len(first) == 1

    def test_competing_executors_get_each_plan_once(self, bus: Bus, executor: ExecutorConnector) -> None:
        plans, other = Inbox(), bus.executor()
        executor.consume(Shared.PLANS, plans, prefetch=5)
        other.consume(Shared.PLANS, plans, prefetch=5)

        send(executor, *(parcel(Plans(), b"%d" % n) for n in range(10)))

        assert sorted(int(got.body) for got in plans.first(10)) == list(range(10))
        assert plans.stays(10)

    def test_an_executor_takes_over_the_replies_of_another(
        self, bus: Bus, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        send(agent, parcel(ToExecutor(TOKEN, HOST), b"late"))
        heir, replies = bus.executor(), Inbox()

        heir.consume(Replies(TOKEN), replies, prefetch=10)

        assert [got.body for got in replies.first()] == [b"late"]

    def test_the_queue_of_a_host_belongs_to_its_agent(self, executor: ExecutorConnector) -> None:
        with pytest.raises(ConfigurationError, match="belongs to the agent"):
            executor.consume(HostRequests(HOST), Inbox(), prefetch=1)

    def test_a_failing_callback_harms_nobody_else(
        self, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        inbox = Inbox()

        def inlet(delivery: Any) -> None:
            inbox(delivery)
            if delivery.body == b"bad":
                raise RuntimeError("an inlet that fails")

        def receipt(sent: Any, _: Any) -> None:
            receipts(sent, "confirmed")
            raise RuntimeError("a receipt that fails")

        receipts = Receipts()
        agent.attend(HOST, inlet)
        executor.publish([parcel(Request(HOST), body) for body in (b"bad", b"good")], receipt)

        assert [got.body for got in inbox.first(2)] == [b"bad", b"good"]
        receipts.first(2)

    # -- hosts come and go -------------------------------------------------------------------------------

    def test_a_host_waits_until_it_is_admitted(
        self, bus: Bus, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        """B-012, B-013: the connector's part."""
        inbox, presence = Inbox(), Inbox()
        agent.attend("new.example.org", inbox)
        why = bus.watch(agent).becomes(Link.DOWN, "not admitted: host new.example.org").why
        assert "an executor makes them" in why

        executor.consume(Shared.PRESENCE, presence, prefetch=10)
        assert send(agent, parcel(Presence("new.example.org"), b"here")) == ["confirmed"]
        presence.first()
        executor.declare_host("new.example.org", {"main"})
        bus.watch(agent).becomes(Link.UP)

        assert send(executor, parcel(Request("new.example.org"), b"hello")) == ["confirmed"]
        assert [got.body for got in inbox.first()] == [b"hello"]

    def test_a_removed_host_is_out_until_it_is_admitted_again(
        self, bus: Bus, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        send(executor, parcel(Request(HOST)))
        agent.settle(requests.first(), Verdict.ACK)

        executor.remove_host(HOST)
        bus.watch(agent).becomes(Link.DOWN, "not admitted")
        assert executor.census(HostRequests(HOST)) is None

        executor.declare_host(HOST, {"main"})
        bus.watch(agent).becomes(Link.UP)
        assert send(executor, parcel(Request(HOST), b"again")) == ["confirmed"]
        assert requests.first(2)[1].body == b"again"

    def test_one_missing_host_leaves_the_others_in_peace(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        agent.attend("missing", Inbox())
        send(executor, *(parcel(Request(HOST), b"%d" % n) for n in range(20)))

        assert [int(got.body) for got in requests.first(20)] == list(range(20))
        assert requests.stays(20)

    def test_one_connector_attends_hundreds_of_hosts(
        self, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        before, inbox = threading.active_count(), Inbox()
        hosts = [f"sim-{n:05}" for n in range(300)]
        executor.declare_hosts({host: {"main"} for host in hosts})
        for host in hosts:
            agent.attend(host, inbox)

        assert send(executor, parcel(AskAll("main"))) == ["confirmed"]
        publish_all(executor, [parcel(Request(host)) for host in hosts], Receipts())

        inbox.first(2 * len(hosts))
        assert threading.active_count() == before

    # -- what is declared --------------------------------------------------------------------------------

    def test_declaring_twice_changes_nothing(self, executor: ExecutorConnector) -> None:
        send(executor, parcel(Request(HOST)))

        executor.declare_shared()
        executor.declare_executor(TOKEN)
        executor.declare_host(HOST, {"main", "more"})

        assert executor.census(HostRequests(HOST)) == Census(messages=1, consumers=0)

    def test_census_counts_messages_and_consumers(
        self, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        send(agent, parcel(ToExecutor(TOKEN, HOST)), parcel(ToExecutor(TOKEN, HOST)))
        assert executor.census(Replies(TOKEN)) == Census(messages=2, consumers=0)
        assert executor.census(Replies("x-nobody000000")) is None

        replies = Inbox()
        executor.consume(Replies(TOKEN), replies, prefetch=10)
        executor.settle(replies.first(2), Verdict.ACK)

        assert executor.census(Replies(TOKEN)) == Census(messages=0, consumers=1)

    def test_an_executor_is_retired_only_when_empty_and_unused(
        self, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        send(agent, parcel(ToExecutor(TOKEN, HOST)))
        assert executor.retire_executor(TOKEN) is False

        replies = Inbox()
        executor.consume(Replies(TOKEN), replies, prefetch=10)
        executor.settle(replies.first(), Verdict.ACK)
        assert executor.retire_executor(TOKEN) is False

        executor.stop_consuming(Replies(TOKEN))
        eventually(lambda: executor.retire_executor(TOKEN))
        assert executor.census(Replies(TOKEN)) is None
        assert executor.retire_executor(TOKEN) is True

    def test_a_reply_queue_that_was_let_go_is_not_declared_again(
        self, bus: Bus, executor: ExecutorConnector
    ) -> None:
        """B-015, B-016: another executor has retired it; made anew, replies would wait in it for nobody."""
        other, dead, inbox = bus.executor(bus.prefix), "x-dead00000001", Inbox()
        for reader in (executor, other):
            reader.consume(Replies(dead), inbox, prefetch=10)
        eventually(lambda: executor.census(Replies(dead)) == Census(messages=0, consumers=2))
        for reader in (executor, other):
            reader.stop_consuming(Replies(dead))
        eventually(lambda: other.retire_executor(dead))

        executor.consume(Replies("x-dead00000002"), inbox, prefetch=10)

        eventually(lambda: executor.census(Replies("x-dead00000002")) == Census(messages=0, consumers=1))
        assert executor.census(Replies(dead)) is None

    def test_two_worlds_do_not_see_each_other(self, bus: Bus, executor: ExecutorConnector) -> None:
        """B-030: two worlds on one bus, or in one process."""
        other, here, there = bus.executor(bus.prefix + "b"), Inbox(), Inbox()
        executor.consume(Shared.PLANS, here, prefetch=10)
        other.consume(Shared.PLANS, there, prefetch=10)
        other.declare_shared()

        send(executor, parcel(Plans(), b"here"))
        send(other, parcel(Plans(), b"there"))

        assert [got.body for got in here.first()] == [b"here"]
        assert [got.body for got in there.first()] == [b"there"]
        assert here.stays(1)
        assert other.census(HostRequests(HOST)) is None

    # -- closing -----------------------------------------------------------------------------------------

    def test_closing_gives_every_receipt_and_takes_no_more(self, executor: ExecutorConnector) -> None:
        receipts = Receipts()
        taken = executor.publish([parcel(Plans()) for _ in range(300)], receipts)

        executor.close(wait=timedelta(seconds=5))
        executor.close(wait=timedelta(seconds=5))

        assert receipts.first(taken) == ["confirmed"] * taken
        assert executor.publish([parcel(Plans())], receipts) == 0
