"""What every bus has to do. Subclass it, give it connectors, and engine and agent will trust your bus.

B-001: the same suite runs against amqp, on a real RabbitMQ, and memory; a test that needs a capability
names it with `@needs`.
"""

import threading
from dataclasses import replace
from time import monotonic

import pytest

from mcoflow.errors import MessageTooLargeError
from mcoflow.ports.bus import (
    AgentConnector,
    Ask,
    AskAll,
    Bell,
    Bells,
    ExecutorConnector,
    Plans,
    Presence,
    Replies,
    Request,
    Shared,
    ToExecutor,
    Verdict,
)
from mcoflow.ports.bus import AgentQueue as Queue
from mcoflow.testing.contracts.bus import HOST, MAX_WAITING, TOKEN, needs
from mcoflow.testing.contracts.connector_hosts import HostContract
from mcoflow.testing.contracts.listening import Inbox, Receipts, parcel, publish_all, quickest, send


class ConnectorContract(HostContract):
    """A subclass gives a `bus` fixture."""

    # -- where messages go -------------------------------------------------------------------------------

    def test_a_request_arrives_as_it_was_sent(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        headers = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
        sent = parcel(Request(HOST), '{"text":"grün"}'.encode())
        sent = replace(sent, request_id=sent.message_id, reply_to=TOKEN, headers=headers)

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

        def sending() -> float:
            begun = monotonic()
            receipts = send(
                executor, parcel(Plans()), parcel(Request("nobody")), parcel(Ask("nobody")), parcel(Plans())
            )
            assert sorted(receipts) == ["confirmed", "confirmed", "unroutable", "unroutable"]
            return monotonic() - begun

        assert quickest(sending, below=1) < 1

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

        with pytest.raises(MessageTooLargeError, match="headers"):
            executor.publish(
                [replace(parcel(Request(HOST)), headers=(("tracestate", "x" * 8_192),))], receipts
            )
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
        self.is_settled(executor, agent)

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
        self.is_settled(executor, agent)

    def test_returned_comes_again_and_says_so(
        self, executor: ExecutorConnector, agent: AgentConnector, requests: Inbox
    ) -> None:
        send(executor, parcel(Request(HOST), b"once more"))

        agent.settle(requests.first(), Verdict.RETURN)

        again = requests.first(2)[1]
        assert (again.body, again.redelivered) == (b"once more", True)
        agent.settle([again], Verdict.ACK)
        self.is_settled(executor, agent)

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
