"""What every bus has to do. Subclass it, give it connectors, and engine and agent will trust your bus.

B-001: the same suite runs against amqp, on a real RabbitMQ, and memory; a test that needs a capability
names it with `@needs`.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from mcoflow.errors import ConfigurationError, MessageTooLargeError
from mcoflow.ports.bus import (
    AgentConnector,
    Ask,
    AskAll,
    Bell,
    Bells,
    Capabilities,
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
from mcoflow.ports.bus import AgentQueue as Queue
from tests.contracts.listening import Inbox, LinkLog, Receipts, eventually, parcel, publish_all, send

TOKEN = "x-abcdefghijkl"
HOST = "web1.example.org"
MAX_WAITING = 1000
_Test = Callable[..., Any]


def needs(capability: str) -> Callable[[_Test], _Test]:
    """Mark a test that asks more of a bus than all of them promise."""
    assert capability in Capabilities.__slots__

    def mark(test: _Test) -> _Test:
        test.__dict__["needs"] = capability
        return test

    return mark


class Bus:
    """Connectors on one bus under one prefix, opened and closed."""

    def __init__(
        self,
        executor: Callable[[str], ExecutorConnector],
        agent: Callable[[str], AgentConnector],
        prefix: str,
    ) -> None:
        self._make_executor, self._make_agent, self.prefix = executor, agent, prefix
        self._opened: list[ExecutorConnector | AgentConnector] = []
        self.links: dict[int, LinkLog] = {}

    def executor(self, prefix: str | None = None) -> ExecutorConnector:
        """Open an executor's connector and wait until it is up."""
        connector = self._make_executor(prefix or self.prefix)
        self._open(connector).becomes(Link.UP)
        return connector

    def agent(self, *, wait: bool = True) -> AgentConnector:
        """Open an agent's connector."""
        connector = self._make_agent(self.prefix)
        watch = self._open(connector)
        if wait:
            watch.becomes(Link.UP)
        return connector

    def watch(self, connector: ExecutorConnector | AgentConnector) -> LinkLog:
        """What the connector has reported."""
        return self.links[id(connector)]

    def close(self) -> None:
        """Close what was opened."""
        for connector in reversed(self._opened):
            connector.close(wait=timedelta(seconds=1))

    def _open(self, connector: ExecutorConnector | AgentConnector) -> LinkLog:
        watch = self.links[id(connector)] = LinkLog()
        self._opened.append(connector)
        connector.open(watch)
        return watch


class ConnectorContract:
    """A subclass gives a `bus` fixture."""

    @pytest.fixture
    def executor(self, bus: Bus, request: pytest.FixtureRequest) -> ExecutorConnector:
        """An executor's connector that is up and has declared everything for itself and HOST."""
        connector = bus.executor()
        needed = request.function.__dict__.get("needs")
        if needed and not getattr(connector.capabilities, needed):
            pytest.skip(f"this bus does not promise {needed}")
        connector.declare_shared()
        connector.declare_executor(TOKEN)
        connector.declare_host(HOST, {"main"})
        return connector

    @pytest.fixture
    def agent(self, bus: Bus, executor: ExecutorConnector) -> AgentConnector:
        """An agent's connector that is up."""
        return bus.agent()

    @pytest.fixture
    def requests(self, agent: AgentConnector) -> Inbox:
        """What the agent of HOST gets."""
        inbox = Inbox()
        agent.attend(HOST, inbox)
        return inbox

    # -- where messages go -------------------------------------------------------------------------------

    def test_a_request_arrives_as_it_was_sent(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        headers = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
        sent = parcel(Request(HOST), '{"text":"grün"}'.encode())
        sent = type(sent)(
            sent.address, "request", sent.message_id, sent.body, sent.message_id, TOKEN, headers
        )

        assert send(executor, sent) == ["confirmed"]

        [got] = requests.first()
        assert (got.source, got.body, got.message_id) == (Queue.REQUESTS, sent.body, str(sent.message_id))
        assert (got.headers, got.redelivered, got.died) == (headers, False, None)
        agent.settle([got], Verdict.ACK)

    def test_each_address_reaches_its_queue(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        inbox = Inbox()
        for source in (Replies(TOKEN), Bells(TOKEN), Shared.PRESENCE, Shared.PLANS, Shared.STRAY):
            executor.consume(source, inbox, prefetch=50)

        assert (
            send(agent, parcel(ToExecutor(TOKEN, HOST), b"reply"), parcel(Presence(HOST), b"presence"))
            == ["confirmed"] * 2
        )
        assert send(agent, parcel(ToExecutor("x-gone00000000", HOST), b"stray")) == ["confirmed"]
        assert send(executor, parcel(Bell(TOKEN), b"bell"), parcel(Plans(), b"plan")) == ["confirmed"] * 2
        assert send(executor, parcel(Ask(HOST), b"ask"), parcel(AskAll("main"), b"all")) == ["confirmed"] * 2

        assert {(got.source, got.body) for got in inbox.first(5)} == {
            (Replies(TOKEN), b"reply"),
            (Bells(TOKEN), b"bell"),
            (Shared.PRESENCE, b"presence"),
            (Shared.PLANS, b"plan"),
            (Shared.STRAY, b"stray"),
        }
        assert [(got.source, got.body) for got in requests.first(2)] == [
            (Queue.QUESTIONS, b"ask"),
            (Queue.QUESTIONS, b"all"),
        ]

    def test_messages_of_one_queue_come_in_order(
        self, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        replies = Inbox()
        executor.consume(Replies(TOKEN), replies, prefetch=1000)

        publish_all(agent, [parcel(ToExecutor(TOKEN, HOST), b"%d" % n) for n in range(700)], Receipts())

        assert [int(got.body) for got in replies.first(700)] == list(range(700))

    def test_large_and_empty_bodies_arrive_whole(self, executor: ExecutorConnector, requests: Inbox) -> None:
        bodies = [b"", b"x" * 131_063, b"y" * 131_065, bytes(range(256)) * 1024]

        assert send(executor, *(parcel(Request(HOST), body) for body in bodies)) == ["confirmed"] * 4

        assert [got.body for got in requests.first(4)] == bodies

    # -- receipts ----------------------------------------------------------------------------------------

    def test_every_parcel_gets_exactly_one_receipt(self, executor: ExecutorConnector) -> None:
        """B-003: without a broken link."""
        parcels = [parcel(Plans(), b"%d" % n) for n in range(2_000)]
        receipts = Receipts()

        publish_all(executor, parcels, receipts)

        assert set(receipts.first(2_000)) == {"confirmed"}
        assert sorted(receipts.ids) == sorted(one.message_id for one in parcels)

    def test_the_window_takes_a_part_and_never_blocks(self, executor: ExecutorConnector) -> None:
        receipts = Receipts()

        taken = executor.publish([parcel(Plans()) for _ in range(5_000)], receipts)

        assert 0 < taken < 5_000
        receipts.first(taken)
        assert executor.publish([parcel(Plans())], receipts) == 1

    @needs("mandatory")
    def test_an_unknown_host_is_unroutable(self, executor: ExecutorConnector) -> None:
        """B-004, B-013: the unroutable parcel alone, among others, and at once."""
        begun = monotonic()

        receipts = send(
            executor, parcel(Plans()), parcel(Request("nobody")), parcel(Ask("nobody")), parcel(Plans())
        )

        assert sorted(receipts) == ["confirmed", "confirmed", "unroutable", "unroutable"]
        assert monotonic() - begun < 1

    def test_a_question_to_all_may_reach_nobody(self, executor: ExecutorConnector) -> None:
        assert send(executor, parcel(AskAll("nobody"))) == ["confirmed"]

    def test_a_full_queue_refuses(self, executor: ExecutorConnector) -> None:
        """B-004: a full queue."""
        receipts = send(executor, *(parcel(Request(HOST)) for _ in range(MAX_WAITING + 10)))

        assert receipts.count("refused") == 10
        assert receipts.count("confirmed") == MAX_WAITING

    def test_a_body_that_is_too_large_raises_before_anything_is_sent(
        self, executor: ExecutorConnector, requests: Inbox
    ) -> None:
        """B-009: an oversized body raises before sending."""
        receipts = Receipts()

        with pytest.raises(MessageTooLargeError, match="262145 bytes"):
            executor.publish([parcel(Request(HOST)), parcel(Request(HOST), b"x" * 262_145)], receipts)

        assert send(executor, parcel(Request(HOST), b"after")) == ["confirmed"]
        assert [got.body for got in requests.first()] == [b"after"]
        assert len(receipts) == 0

    def test_ten_threads_publish_and_settle_at_once(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        """B-006: no frame error, no lost receipt."""
        logs = [Receipts() for _ in range(10)]

        def work(receipts: Receipts) -> None:
            publish_all(executor, [parcel(Request(HOST)) for _ in range(80)], receipts)

        def settle(number: int) -> None:
            for at in range(number, 800, 10):
                agent.settle(requests.first(at + 1)[at:], Verdict.ACK)

        threads = [threading.Thread(target=work, args=[receipts]) for receipts in logs]
        threads += [threading.Thread(target=settle, args=[number]) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert {receipt for receipts in logs for receipt in receipts.first(80)} == {"confirmed"}
        assert len({got.message_id for got in requests.first(800)}) == 800
        self._is_settled(executor, agent)

    # -- settling ----------------------------------------------------------------------------------------

    def test_settled_in_any_order_and_twice_is_settled_once(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        send(executor, *(parcel(Request(HOST)) for _ in range(10)))
        got = requests.first(10)

        for some in (got[5:7], got[9:], got[5:6], got[0:3], got[:], got[3:4]):
            agent.settle(some, Verdict.ACK)

        send(executor, parcel(Request(HOST), b"next"))
        agent.settle(requests.first(11)[10:], Verdict.ACK)
        self._is_settled(executor, agent)

    def test_returned_comes_again_and_says_so(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        send(executor, parcel(Request(HOST), b"once more"))

        agent.settle(requests.first(), Verdict.RETURN)

        again = requests.first(2)[1]
        assert (again.body, again.redelivered) == (b"once more", True)
        agent.settle([again], Verdict.ACK)
        self._is_settled(executor, agent)

    def test_rejected_goes_to_the_dead_letters(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        dead = Inbox()
        executor.consume(Shared.DEAD, dead, prefetch=50)
        sent = parcel(Request(HOST), b"malformed")
        send(executor, sent)

        agent.settle(requests.first(), Verdict.REJECT)

        [letter] = dead.first()
        assert (letter.body, letter.died, letter.message_id) == (
            b"malformed",
            "rejected",
            str(sent.message_id),
        )

    def test_no_more_than_prefetch_is_handed_over(
        self, executor: ExecutorConnector, agent: AgentConnector
    ) -> None:
        plans = Inbox()
        executor.consume(Shared.PLANS, plans, prefetch=3)
        send(executor, *(parcel(Plans()) for _ in range(5)))

        first = plans.first(3)
        assert plans.stays(3)

        executor.settle(first[:1], Verdict.ACK)
        plans.first(4)
        assert plans.stays(4)

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
        assert "mcoflow hosts admit new.example.org" in why

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
        for host in hosts:
            executor.declare_host(host, {"main"})
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

    @staticmethod
    def _is_settled(executor: ExecutorConnector, agent: AgentConnector) -> None:
        """Show that nothing is left unsettled: nothing goes back when the agent closes."""
        agent.close(wait=timedelta(seconds=1))
        assert executor.census(HostRequests(HOST)) == Census(messages=0, consumers=0)


def opened(bus: Bus) -> Iterator[Bus]:
    """Yield the bus for a fixture and close it."""
    try:
        yield bus
    finally:
        bus.close()
