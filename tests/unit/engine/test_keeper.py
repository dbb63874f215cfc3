"""Who buries dead executors, and in which order."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.requests import RequestState, WorldRecord
from mcoflow.domain.states import PlanState
from mcoflow.engine.keeper import Keeper
from mcoflow.engine.settings import WorldSettings
from mcoflow.ports.bus import Delivery, Inlet, Source, Verdict
from mcoflow.ports.store import Changes
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing import MemoryBroker, MemoryConnector
from mcoflow.testing.contracts.samples import owned, request
from tests.waiting import until

QUICK = WorldSettings(heartbeat=timedelta(milliseconds=20), reconcile=timedelta(milliseconds=20))
DEAD, ELDER, YOUNGER = (WorldRecord(UUID(int=n), "executor", f"x-{n:012}", {}) for n in (1, 2, 3))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with closing(open_store(f"sqlite:///{tmp_path}/db", SystemClock())) as store:
        for world in (DEAD, ELDER, YOUNGER):
            store.register_world(world, lease=60)
        store.expire_world(DEAD.id)
        yield store


@pytest.fixture
def broker() -> Iterator[MemoryBroker]:
    with closing(MemoryBroker()) as broker:
        broker.serve()
        yield broker


class LateConnector(MemoryConnector):
    """When reading ends for the first time, a message that was under way goes back into the queue."""

    late = b"late"

    def stop_consuming(self, source: Source) -> None:
        super().stop_consuming(source)
        if self.late:
            self._broker.deliver(source, self.late)
            self.late = b""


def keeper(
    store: SqlStore, connector: MemoryConnector, world: WorldRecord, inlet: Inlet = lambda _: None
) -> Keeper:
    """A keeper for one of the worlds."""
    return Keeper(
        store,
        connector,
        SystemClock(),
        world,
        QUICK,
        inlet=inlet,
        on_found=lambda: None,
        on_expired=lambda: None,
    )


def test_only_the_eldest_executor_reads_what_a_dead_one_left(store: SqlStore, broker: MemoryBroker) -> None:
    """R-008, B-015: of two readers one could make the queue anew that the other has just deleted."""
    broker.unread = True
    younger, elder = (keeper(store, broker.connector(), world) for world in (YOUNGER, ELDER))
    for each in (younger, elder):
        each.reconcile()
        each.start()

    assert (elder.adopted, younger.adopted) == ([DEAD.token], [])

    elder.stop()
    store.unregister_world(ELDER.id)
    until(lambda: younger.adopted == [DEAD.token], "the younger one in its place")
    younger.stop()


def test_a_queue_that_an_open_request_names_is_read_until_that_has_ended(
    store: SqlStore, broker: MemoryBroker
) -> None:
    """I-4, B-015: empty is not enough, what is on its way into a queue would be deleted with it."""
    snapshot = owned(store, ELDER.id)
    snapshot.plan.state = PlanState.RUNNING
    asked = replace(request(snapshot.plan.id), reply_to=DEAD.token)
    store.commit(Changes(plans=[snapshot.plan], new_requests=[asked]))
    elder = keeper(store, broker.connector(), ELDER)
    for _ in range(4):
        elder.reconcile()
    assert (elder.adopted, broker.retired) == ([DEAD.token], [])

    asked.state, asked.ended_at = RequestState.ENDED, 1.0
    store.commit(Changes(plans=[snapshot.plan], requests=[asked]))
    for _ in range(2):
        elder.reconcile()

    assert (elder.adopted, broker.retired) == ([], [DEAD.token])
    assert DEAD.id not in {world.id for world in store.worlds()}


def test_what_goes_back_when_the_reading_ends_is_read_before_the_queue_is_deleted(
    store: SqlStore, broker: MemoryBroker
) -> None:
    """B-015: nothing that an agent has sent is deleted unread."""
    replies: list[Delivery] = []
    connector = LateConnector(broker, confirm=True)

    def read(delivery: Delivery) -> None:
        replies.append(delivery)
        connector.settle([delivery], Verdict.ACK)

    elder = keeper(store, connector, ELDER, read)

    elder.start()

    until(lambda: DEAD.id not in {world.id for world in store.worlds()}, "the burial")
    assert [reply.body for reply in replies] == [b"late"]
    assert broker.retired == [DEAD.token]
    elder.stop()
