"""The commit of a batch, without the plans that were lost meanwhile."""

from __future__ import annotations

import logging
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.requests import RequestRecord, RequestState
from mcoflow.engine.batch import Batch
from mcoflow.engine.locks import refuse
from mcoflow.engine.memory import Memory
from mcoflow.engine.observing import Observing
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.quarantine import break_off
from mcoflow.errors import LeaseLostError, LockLostError, LockTakenError, StoreUnavailableError
from mcoflow.faults import faultpoint
from mcoflow.ports.measures import FENCED_WRITES, LEASES, STORE_ERRORS
from mcoflow.ports.store import Changes

log = logging.getLogger("mcoflow.committer")
_FLUSH = 1.0


class Committer:
    """Writes batches. Marks of confirmed requests go along with the next one, or alone after a second."""

    def __init__(
        self, store: PatientStore, memory: Memory, clock: Clock, observing: Observing | None = None
    ) -> None:
        self._store = store
        self._observing = observing or Observing()
        self._memory = memory
        self._clock = clock
        self._confirmed: set[UUID] = set()
        self._flush_at = 0.0

    def confirm(self, request_id: UUID) -> None:
        """Note that the broker has a request, so that a restart does not send it again."""
        if not self._confirmed:
            self._flush_at = self._clock.monotonic() + _FLUSH
        self._confirmed.add(request_id)

    def commit(self, batch: Batch) -> bool:
        """Write the batch; False if there was nothing to write and nothing follows.

        In a batch that lost plans, those are dropped from it and from memory; the others are written.
        """
        while True:
            began = self._clock.monotonic()
            changes = self._changes(batch)
            if changes is None:
                return _has_effects(batch)
            try:
                faultpoint("director.before_commit")
                self._store.commit(changes)
            except StoreUnavailableError:
                raise
            except LeaseLostError as lost:
                self._drop(batch, lost.plan_ids)
            except LockTakenError as taken:
                refuse(self._memory, self._store, batch, taken)
            except LockLostError as lost:
                for plan_id in lost.plan_ids:
                    break_off(self._memory, batch, plan_id, lost)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the fault of one plan
                log.error("batch.refused", extra={"reason": str(error)})
                batch.tell(None, (STORE_ERRORS, "refused"))
                self._write_singly(batch)
                return True
            else:
                self._written(batch, changes, began)
                return True

    def _write_singly(self, batch: Batch) -> None:
        """Write each plan of the batch by itself, and break off those that cannot be written."""
        began = self._clock.monotonic()
        changed = self._changed_requests(batch)
        for plan_id in batch.plan_ids() - batch.dropped:
            self._write_one(batch, plan_id, batch.changes(changed, (), plan_id))
        try:
            self._store.commit(batch.shared())
        except StoreUnavailableError:
            raise
        except Exception:
            log.exception("evidence.lost")
        self._written(batch, Changes(), began)

    def _write_one(self, batch: Batch, plan_id: UUID, changes: Changes) -> None:
        try:
            self._store.commit(changes)
        except StoreUnavailableError:
            raise
        except LeaseLostError as lost:
            self._drop(batch, lost.plan_ids)
        except LockTakenError as taken:
            refuse(self._memory, self._store, batch, taken)
        except Exception as error:  # noqa: BLE001 - this is the plan whose fault it is
            break_off(self._memory, batch, plan_id, error)

    def _changed_requests(self, batch: Batch) -> list[RequestRecord]:
        new = {record.id for record in batch.new_requests}
        return [record for record in self._memory.flights.changed.values() if record.id not in new]

    def _changes(self, batch: Batch) -> Changes | None:
        """What is to be written; None if it is nothing but marks that can wait for company."""
        changed = self._changed_requests(batch)
        self._confirmed = {each for each in self._confirmed if self._still_open(each)}
        changes = batch.changes(changed, ())
        if changes or (self._confirmed and self._clock.monotonic() >= self._flush_at):
            changes.confirmed = list(self._confirmed)
            return changes
        return None

    def _still_open(self, request_id: UUID) -> bool:
        record = self._memory.flights.open.get(request_id)
        return record is not None and record.state is RequestState.OPEN

    def _written(self, batch: Batch, changes: Changes, began: float) -> None:
        self._observing.written(batch, self._clock.monotonic() - began)
        self._memory.flights.changed.clear()
        self._confirmed.difference_update(changes.confirmed)
        for run in batch.touched.values():
            run.changed.clear()
            run.touched = run.rested = False

    def _drop(self, batch: Batch, plan_ids: frozenset[UUID]) -> None:
        """Let go of plans that another executor owns now; nothing of them may be seen."""
        log.warning("lease.lost", extra={"plans": sorted(map(str, plan_ids))})
        batch.tell(None, (FENCED_WRITES,))
        batch.dropped |= plan_ids
        for plan_id in plan_ids:
            batch.tell(None, (LEASES, "lost"))
            run = self._memory.runs.get(plan_id)
            if run is not None:
                self._memory.forget(run)


def _has_effects(batch: Batch) -> bool:
    follows = (batch.parcels, batch.deliveries, batch.resolved, batch.told, batch.dropped)
    return any(follows)
