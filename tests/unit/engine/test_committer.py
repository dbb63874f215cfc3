"""What the committer writes of confirms, and what it keeps in memory of them."""

from typing import Any, cast
from uuid import UUID, uuid4

from mcoflow.domain.records import HistoryRecord
from mcoflow.domain.requests import RequestRecord, RequestState, Wait
from mcoflow.engine.batch import Batch
from mcoflow.engine.committer import Committer
from mcoflow.engine.memory import Memory
from mcoflow.engine.patient import PatientStore
from mcoflow.ports.store import Changes
from mcoflow.testing import ManagedClock


class _Store:
    """Remembers what was committed."""

    def __init__(self) -> None:
        self.committed: list[Changes] = []

    def commit(self, changes: Changes) -> None:
        self.committed.append(changes)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def committer() -> tuple[Committer, Memory, _Store]:
    kept = _Store()
    store = PatientStore(cast(Any, kept))
    memory = Memory(store)
    return Committer(store, memory, ManagedClock()), memory, kept


def request(memory: Memory) -> UUID:
    """An open request in memory."""
    record = RequestRecord(uuid4(), uuid4(), 2, 1, "web1", "x-1", b"", 0.0, Wait.PICKUP, 1.0, 1.0, 1.0)
    memory.flights.add([record])
    return record.id


def busy() -> Batch:
    """A batch with something to write."""
    batch = Batch(0.0)
    batch.history.append(HistoryRecord(uuid4(), 0.0, "start execution", None))
    return batch


def test_a_confirm_is_written_along_with_the_next_batch_and_once() -> None:
    made, memory, store = committer()
    open_one = request(memory)
    made.confirm(open_one)

    made.commit(busy())
    made.commit(busy())

    assert [changes.confirmed for changes in store.committed] == [[open_one], []]


def test_confirms_of_requests_that_ended_are_not_kept_while_every_batch_has_something_to_write() -> None:
    """Else they would gather for as long as the executor is busy, and every batch would look at all."""
    made, memory, store = committer()
    for _ in range(50):
        ended = request(memory)
        made.confirm(ended)
        memory.flights.open.pop(ended).state = RequestState.ENDED
        made.commit(busy())

    assert not made._confirmed
    assert all(not changes.confirmed for changes in store.committed)
