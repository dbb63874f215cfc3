"""Replies that reach another executor than the one that runs their plan."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from mcoflow.domain.requests import RequestState
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.engine.letter import RepliesRead
from mcoflow.ports.bus import Delivery, Replies, Shared, Verdict
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import Body, accepted, result, silence
from mcoflow.wire.envelope import encode
from tests.unit.engine.play import Install


class Two:
    """Two executors; the first runs a plan whose request waits for its host."""

    def __init__(self, stack: ExitStack) -> None:
        self.owner = stack.enter_context(OneThreadWorld())
        self.ground = self.owner.ground
        self.ground.hosts.default = silence
        self.plan_id = self.owner.run(Install, host="web1", package="nginx").id
        self.other = stack.enter_context(OneThreadWorld(ground=self.ground))
        assert self.owner.executor is not None
        assert self.other.executor is not None
        self.queue = Replies(self.owner.executor.world.token)
        self.strange = self.other.executor.world.token

    def say(self, body: Body) -> Delivery:
        """Have the host reply to the executor that does not run the plan."""
        return self.ground.hosts.say(body, to=self.strange)

    def dead_letter(self, why: str) -> Delivery:
        """Let the executor that does not run the plan find the request among the dead letters."""
        body = encode(self.ground.hosts.requests[-1])
        return self.ground.broker.deliver(Shared.DEAD, body, died=why)

    def send_on(self) -> None:
        """Let that executor send on what came."""
        assert self.other.executor is not None
        while not self.ground.broker.waiting.get(self.queue):
            assert self.ground.broker.step() or self.other.executor.turn()

    def states(self) -> list[RequestState]:
        """How the request stands in the database."""
        return [each.state for each in self.ground.store.open_requests([self.plan_id])]


@pytest.fixture
def two() -> Iterator[Two]:
    with ExitStack() as stack:
        yield Two(stack)


def test_it_is_acknowledged_once_the_database_shows_it(two: Two) -> None:
    """I-4: not when the broker has taken it for the owner."""
    delivery = two.say(result())
    two.send_on()
    while two.ground.broker.step():
        continue
    assert two.ground.broker.verdicts(delivery) == []

    two.ground.drain()
    two.owner.advance(1)

    assert two.ground.broker.verdicts(delivery) == [Verdict.ACK]
    assert two.ground.store.plan(two.plan_id).result is PlanResult.SUCCESS
    assert two.ground.store.evidence(two.plan_id) == []


def test_one_that_is_lost_with_the_queue_of_the_owner_is_applied_by_the_next(two: Two) -> None:
    """I-4, B-015: the owner dies, and its queue is deleted while the reply is on its way into it."""
    delivery = two.say(result())
    two.send_on()
    two.owner.crash()
    two.ground.broker.waiting[two.queue].clear()

    two.ground.drain()
    two.other.advance(1)

    assert two.ground.store.plan(two.plan_id).result is PlanResult.SUCCESS
    assert two.ground.broker.verdicts(delivery) == [Verdict.ACK]


def test_one_that_the_owner_never_got_is_sent_on_again(two: Two) -> None:
    """I-4: after a while."""
    two.say(result())
    two.send_on()
    two.ground.broker.waiting[two.queue].clear()
    two.owner.advance(9)
    assert two.ground.store.plan(two.plan_id).state is PlanState.RUNNING

    two.owner.advance(2)

    assert two.ground.store.plan(two.plan_id).result is PlanResult.SUCCESS


def test_that_a_request_was_accepted_is_not_lost_either(two: Two) -> None:
    """I-4: else it would end `not picked up`, which promises that nothing was done."""
    delivery = two.say(accepted())
    two.send_on()
    two.ground.broker.waiting[two.queue].clear()
    two.owner.advance(11)
    two.owner.advance(1)

    assert two.states() == [RequestState.ACCEPTED]
    assert two.ground.broker.verdicts(delivery) == [Verdict.ACK]


def test_one_of_another_host_is_not_sent_on(two: Two) -> None:
    """I-9, R-030: recorded, and changes nothing."""
    delivery = two.ground.hosts.say(result(), host="web2", to=two.strange)
    two.ground.drain()

    assert two.ground.broker.verdicts(delivery) == [Verdict.ACK]
    assert [each.why for each in two.ground.store.evidence(two.plan_id)] == ["foreign"]
    assert two.states() == [RequestState.OPEN]


def test_no_deadline_of_a_plan_that_is_taken_over_is_enforced_before_the_queue_of_the_dead_is_read(
    two: Two,
) -> None:
    """B-028: though the executor that takes it over has read all that was in its own by then."""
    two.ground.hosts.say(accepted())
    two.ground.drain()
    assert two.states() == [RequestState.ACCEPTED]
    assert two.other.executor is not None
    two.owner.crash()
    two.ground.broker.unread = True
    two.ground.clock.advance(timedelta(seconds=600))
    two.other.executor.mailbox.put(RepliesRead(two.ground.clock.now().timestamp() - 60))

    two.other.executor.look_around()
    two.ground.drain()
    assert two.ground.store.plan(two.plan_id).epoch == 2
    assert two.ground.broker.of_kind("query") == []

    two.ground.broker.unread = False
    two.ground.drain()
    assert len(two.ground.broker.of_kind("query")) == 1


def test_what_waits_for_a_dead_executor_is_unread_also_before_anybody_reads_its_queue(two: Two) -> None:
    """B-028: a plan may be taken over before its queue is."""
    assert two.other.executor is not None
    two.owner.crash()
    two.ground.hosts.say(result())

    assert two.other.executor._keeper.adopted == []
    assert two.other.executor._waiting_replies()[two.queue] == 1


def test_a_dead_letter_is_sent_on_with_its_reason(two: Two) -> None:
    """B-017: `rejected (malformed)` at once, whichever executor reads the dead letters."""
    dead = two.dead_letter("rejected")
    two.send_on()
    assert two.ground.broker.verdicts(dead) == []

    two.ground.drain()
    two.other.advance(1)

    assert "rejected (malformed)" in two.ground.store.plan(two.plan_id).explanation
    assert two.ground.store.open_requests([two.plan_id]) == []
    assert two.ground.broker.verdicts(dead) == [Verdict.ACK]
    assert two.ground.store.evidence(two.plan_id) == []


def test_that_a_host_rejected_a_request_is_not_lost_with_the_queue_of_the_owner(two: Two) -> None:
    """B-017, I-4: the owner dies, and with its queue what was sent on."""
    two.dead_letter("rejected")
    two.send_on()
    two.owner.crash()
    two.ground.broker.waiting[two.queue].clear()

    two.ground.drain()
    two.other.advance(1)

    assert two.ground.store.open_requests([two.plan_id]) == []
    assert "rejected (malformed)" in two.ground.store.plan(two.plan_id).explanation


@pytest.mark.parametrize("why", ["expired", "maxlen"])
def test_the_owner_asks_about_what_expired(two: Two, why: str) -> None:
    """B-017: that one was never taken is not assumed, wherever the dead letter was read."""
    two.ground.hosts.on_query = lambda _query: [accepted()]
    dead = two.dead_letter(why)

    two.ground.drain()

    assert len(two.ground.broker.of_kind("query")) == 1
    assert two.states() == [RequestState.ACCEPTED]
    assert two.ground.broker.verdicts(dead) == [Verdict.ACK]


def test_a_dead_letter_of_what_was_accepted_is_acknowledged(two: Two) -> None:
    """B-017: the host has it in its journal, whatever became of a copy."""
    two.ground.hosts.say(accepted())
    two.ground.drain()

    dead = two.dead_letter("rejected")
    two.ground.drain()
    two.owner.advance(11)

    assert two.states() == [RequestState.ACCEPTED]
    assert two.ground.broker.verdicts(dead) == [Verdict.ACK]
