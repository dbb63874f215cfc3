"""The requests of steps to hosts: sent, called back, abandoned."""

from __future__ import annotations

from collections.abc import Sequence

from mcoflow.domain.events import HostRequest, Reply
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.requests import RequestRecord
from mcoflow.engine.batch import Batch
from mcoflow.engine.flights import ABORTED_BY_PEOPLE
from mcoflow.engine.memory import Memory
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.writer import Writer
from mcoflow.errors import McoflowError


class Asking:
    """Makes the rows and the parcels of requests."""

    def __init__(self, memory: Memory, writer: Writer) -> None:
        self._memory = memory
        self._writer = writer

    def send(self, batch: Batch, run: PlanRun, step: StepRecord, asked: Sequence[HostRequest]) -> bool:
        """Make the rows of the requests; False if one cannot be made: none is sent, the step is in error."""
        try:
            records = [self._request(run, step, each, batch.now) for each in asked]
        except McoflowError as error:
            run.fail(step, ErrorRecord(type(error).__name__, str(error)), batch.now)
            return False
        for record in records:
            run.plan.simulated = run.plan.simulated or self._writer.hosts.simulated(record.host)
            run.requests.setdefault(step.id, []).append(record.id)
            batch.new_requests.append(record)
            self._memory.agenda.add(record.due_at, record.id)
        self._memory.flights.add(records)
        return True

    def open_of(self, run: PlanRun, step: StepRecord) -> list[RequestRecord]:
        """The requests of a step that have not ended."""
        flights = self._memory.flights
        return [flights.open[each] for each in run.requests.get(step.id, ()) if each in flights.open]

    def call_back(
        self, batch: Batch, run: PlanRun, record: RequestRecord, why: str, *, withdraw: bool = False
    ) -> Reply | None:
        """Tell the agent to stop; the end of the request, if that was the end of it.

        With `withdraw`, what this batch was about to send stays here; nobody is told of what is new in it.
        """
        if record.id not in self._memory.flights.open:
            return None  # the end of another one was the end of the step
        unsent = withdraw and _is_unsent(record)
        if withdraw:
            batch.withdrawn.add(record.id)
        flights, abort = self._memory.flights, unsent or why == ABORTED_BY_PEOPLE
        follows = flights.abort(record, batch.now) if abort else flights.cancel(record, why, batch.now)
        self._memory.agenda.add(record.due_at, record.id)
        if follows.send and not unsent:
            batch.parcels.append((run.id, self._writer.cancel(record, batch.now)))
        return follows.ended

    def abandon(self, batch: Batch, run: PlanRun, step: StepRecord) -> None:
        """Close the requests that nobody waits for any more, and tell the agents to stop."""
        flights = self._memory.flights
        for request_id in run.requests.pop(step.id, ()):
            if request_id in flights.open:
                record = flights.open[request_id]
                batch.withdrawn.add(request_id)
                flights.abandon(record, batch.now)
                if not _is_unsent(record):
                    batch.parcels.append((run.id, self._writer.cancel(record, batch.now)))

    def _request(self, run: PlanRun, step: StepRecord, asked: HostRequest, now: float) -> RequestRecord:
        return self._writer.request(
            asked, plan_id=run.id, step_id=step.id, attempt=step.attempt, caller=run.plan.user, now=now
        )


def _is_unsent(record: RequestRecord) -> bool:
    """Whether a request is of this very batch: its bytes leave memory with its parcel."""
    return bool(record.body)
