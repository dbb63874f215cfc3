"""How far what hosts say has been read; and that nobody is given up before."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from mcoflow.action import Action
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.states import PlanResult, StepState
from mcoflow.engine.up_to_date import UpToDate
from mcoflow.errors import BusUnavailableError, McoflowError, StoreError, StoreUnavailableError
from mcoflow.ports.bus import Replies, Source
from mcoflow.ports.store import Changes
from mcoflow.storage import SqlStore
from mcoflow.testing import ManagedClock, OneThreadWorld
from mcoflow.testing.hosts import accepted, only, progress, result
from tests.unit.engine.play import Install
from tests.waiting import until

OURS, ADOPTED = Replies("x-aaaaaaaaaaaa"), Replies("x-bbbbbbbbbbbb")
HOSTS, UNDER_WAY = 50, 10
MANY, AT_ONCE = 3000, 1000
"""Hosts, and replies that one commit takes at the most."""


class Queues:
    """Reply queues, of which one says how full they are."""

    def __init__(self) -> None:
        self.clock = ManagedClock()
        self.waiting: dict[Source, int] = {OURS: 0, ADOPTED: 0}
        self.away: McoflowError | None = None
        self.told: list[float] = []
        self.reader = UpToDate(self.count, self.clock, self.told.append, prefetch=UNDER_WAY)

    def count(self) -> dict[Source, int]:
        if self.away is not None:
            raise self.away
        return dict(self.waiting)

    def now(self) -> float:
        return self.clock.now().timestamp()

    def look(self) -> bool:
        self.reader.want()
        return self.reader.look()


@pytest.fixture
def queues() -> Queues:
    return Queues()


def test_empty_queues_are_read_up_to_the_moment_before_they_were_looked_at(queues: Queues) -> None:
    assert queues.look()

    assert queues.told == [queues.now()]
    assert not queues.reader.look()  # nobody wants to know


def test_a_full_queue_is_read_when_as_many_came_as_were_counted_and_under_way(queues: Queues) -> None:
    """B-028: also if it is never empty, because one host does not stop to talk.

    Measured: when 5,000 messages wait, a broker counts 4,800 before the first of the 200 others is here.
    """
    queues.waiting = {OURS: 2, ADOPTED: 1}
    assert not queues.look()
    counted_at = queues.now()
    queues.clock.advance(timedelta(seconds=5))
    queues.waiting = {OURS: 1000, ADOPTED: 1}
    assert not queues.look()  # what was counted first stays

    for _ in range(UNDER_WAY + 3):
        queues.reader.heard(OURS)
    for _ in range(UNDER_WAY):
        queues.reader.heard(ADOPTED)
    assert queues.told == []
    queues.reader.heard(ADOPTED)

    assert queues.told == [counted_at]


def test_a_queue_found_empty_is_read_though_another_never_is(queues: Queues) -> None:
    """B-028: nor is one waited for that is gone, or of which less came than may have been under way."""
    queues.waiting = {OURS: 1000, ADOPTED: 1}
    queues.look()
    counted_at = queues.now()
    for _ in range(UNDER_WAY + 1000):
        queues.reader.heard(OURS)
    queues.reader.heard(ADOPTED)
    assert queues.told == []
    queues.clock.advance(timedelta(seconds=5))

    queues.waiting = {OURS: 1000}
    queues.look()

    assert queues.told == [counted_at]


def test_what_was_counted_is_counted_anew_after_the_link_was_lost(queues: Queues) -> None:
    """B-028: the messages that come next may be those that came before."""
    queues.waiting = {OURS: 1}
    queues.look()
    queues.reader.forget()

    for _ in range(UNDER_WAY + 1):
        queues.reader.heard(OURS)

    assert queues.told == []


@pytest.mark.parametrize(
    "away", [BusUnavailableError("no broker"), StoreUnavailableError("no database"), StoreError("refused")]
)
def test_what_cannot_be_counted_is_looked_at_again(queues: Queues, away: McoflowError) -> None:
    queues.away = away
    assert not queues.look()
    queues.away = None

    assert queues.reader.look()


def test_a_thread_looks_until_nothing_waits(queues: Queues) -> None:
    stopping = threading.Event()
    serving = threading.Thread(target=queues.reader.serve, args=(stopping,))
    queues.waiting[OURS] = 1
    serving.start()
    queues.reader.want()
    queues.waiting[OURS] = 0

    until(lambda: queues.told, "it is told")

    stopping.set()
    queues.reader.want()
    serving.join(10)
    assert not serving.is_alive()


# -- deadlines -----------------------------------------------------------------------------------------------


@contextmanager
def behind() -> Iterator[tuple[OneThreadWorld, list[UUID]]]:
    """Many hosts are at work, and the executor has not read for ten minutes what waits in its queue."""
    with OneThreadWorld() as world:
        world.hosts.default = only(accepted(), progress())
        plans = [world.run(Install, host=f"web{number}").id for number in range(HOSTS)]
        world.ground.broker.unread = True
        world.advance(600)
        yield world, plans


class Everywhere(Action):
    """Install on many hosts, all at once."""

    name = "up_to_date.everywhere"

    def plan(self) -> None:
        for number in range(MANY):
            self.plan_action(Install, host=f"h{number}")


def test_thousands_of_replies_at_once_that_waited_past_all_deadlines_are_all_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R-041, B-028: none is lost, nobody is asked, and some commits take all of them."""
    commits: list[Changes] = []
    commit = SqlStore.commit

    def counted(store: SqlStore, changes: Changes) -> None:
        commits.append(changes)
        commit(store, changes)

    monkeypatch.setattr(SqlStore, "commit", counted)
    with OneThreadWorld() as world:
        world.hosts.default = only(accepted())
        plan = world.run(Everywhere)
        executor, bus = world.executor, world._connector
        assert executor is not None
        assert bus is not None
        source, inlet, prefetch = executor._sources[0]
        bus.stop_consuming(source)
        for asked in list(world.hosts.requests):
            world.hosts.say(result(), about=asked)
        world.advance(600)
        commits.clear()
        bus.consume(source, inlet, prefetch=prefetch)
        world.drain()

        assert world.stored.plan(plan.id).result is PlanResult.SUCCESS
        assert {step.outcome for step in world.stored.steps(plan.id).values() if step.host} == {Outcome.OK}
        assert len([each for each in commits if each.requests]) <= MANY // AT_ONCE + 1
        assert world.ground.broker.of_kind("query") == world.ground.broker.of_kind("cancel") == []


def test_no_host_is_lost_while_its_reply_waits_unread() -> None:
    """B-028, R-041: nor asked, nor told to stop; as after a start, so when an executor is just behind."""
    with behind() as (world, plans):
        assert world.ground.broker.of_kind("query") == world.ground.broker.of_kind("cancel") == []
        assert len(world.store.open_requests(plans)) == HOSTS

        for asked in list(world.hosts.requests):
            world.hosts.say(result(), about=asked)
        world.ground.broker.unread = False
        world.drain()

        assert {world.stored.plan(plan).result for plan in plans} == {PlanResult.SUCCESS}
        assert world.ground.broker.of_kind("query") == world.ground.broker.of_kind("cancel") == []


def test_no_host_is_given_up_before_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """B-028, I-3: while queries, and cancels, wait here to be sent; `not picked up` promises no effect."""
    with OneThreadWorld() as world:
        world.hosts.default = lambda asked: [accepted()] if asked.args["package"] == "taken" else []
        taken = world.run(Install, host="web1", package="taken").id
        waiting = world.run(Install, host="web2", package="not yet").id
        monkeypatch.setattr(world._connector, "publish", lambda _parcels, _on_receipt: 0)

        world.advance(3600)
        assert [world.stored.step(plan, Install).outcome for plan in (taken, waiting)] == [None, None]

        monkeypatch.undo()
        world.advance(1)
        assert {parcel.kind for parcel in world.ground.broker.published} == {"request", "query", "cancel"}
        world.advance(60)
        outcomes = [world.stored.step(plan, Install).outcome for plan in (taken, waiting)]
        assert outcomes == [Outcome.LOST, Outcome.NOT_PICKED_UP]


def test_a_clock_that_is_set_back_holds_up_no_deadline_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """B-028, R-033: what was read was told with a time before the deadline, and nothing else becomes due."""
    with behind() as (world, plans):
        executor = world.executor
        assert executor is not None
        told, back = executor.up_to_date._on_read, [3600.0]
        monkeypatch.setattr(executor.up_to_date, "_on_read", lambda at: told(at - back.pop() if back else at))
        world.ground.broker.unread = False
        world.drain()

        assert not back
        assert len(world.ground.broker.of_kind("query")) == HOSTS == len(plans)


def test_a_host_that_said_nothing_is_lost_once_all_is_read() -> None:
    """B-028: the deadlines are held up, not forgotten."""
    with behind() as (world, plans):
        world.ground.broker.unread = False
        world.drain()
        assert len(world.ground.broker.of_kind("query")) == HOSTS

        world.advance(30)

        steps = [world.stored.step(plan, Install) for plan in plans]
        assert {step.outcome for step in steps} == {Outcome.LOST}
        assert {step.state for step in steps} == {StepState.ERROR}
