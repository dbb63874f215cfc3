"""The life of a request on its host after it was taken on: accepted, begun, ended.

Source: the project's bus specification, 3.3, 5.4 and 5.5.
"""

import logging
from datetime import timedelta
from functools import partial
from typing import Final

from mcoflow.agent import results
from mcoflow.agent.admission import check_expiry
from mcoflow.agent.desk import Desk
from mcoflow.agent.entry import Entry, Host, Stop
from mcoflow.agent.execution import Done, Execution, Job, RefusedError, Running, WorkerIdentity
from mcoflow.agent.journal_rows import Row, State
from mcoflow.agent.reports import Reports, asker_of
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.state_dir import StateDir
from mcoflow.agent.streams import Streams
from mcoflow.faults import faultpoint
from mcoflow.wire.kinds import Outcome, Work
from mcoflow.wire.replies import ResultBody

log = logging.getLogger("mcoflow.agent")
FIRST_PROGRESS: Final = 1.0
"""Seconds before the first word about what waits or executes: most has ended by then."""


class Life:
    """Moves requests on; used on the loop's thread only. While `holding` nothing is begun."""

    def __init__(
        self, desk: Desk, reports: Reports, execution: Execution, streams: Streams, settings: AgentSettings
    ) -> None:
        self._desk = desk
        self._reports = reports
        self._execution = execution
        self.streams = streams
        self._work = StateDir(settings.state_dir).work
        self._output_cap = settings.output_cap
        self._may_begin: dict[str, Host] = {}
        self.holding = True

    # -- before the start ------------------------------------------------------------------------------

    def announce(self, entry: Entry) -> None:
        """Say of an entry that the journal has it, or gets it in this turn; then it may begin."""
        entry.report_at = self._desk.clock.monotonic() + FIRST_PROGRESS
        parcel = self._reports.accepted(entry)
        entry.accepted = parcel.message_id
        self._desk.send(parcel, partial(self._accepted, entry))

    def say_again(self, entry: Entry) -> None:
        """Tell of an entry in hand that its request came once more."""
        self._desk.send(self._reports.accepted(entry, repeat=True))

    def enter(self, entry: Entry) -> None:
        """Keep the entry in hand."""
        self._desk.entries[entry.id] = entry
        entry.host.received += 1

    def _accepted(self, entry: Entry) -> None:
        """Only now may it begin: an agent that is cut off starts nothing new."""
        faultpoint("agent.accepted_confirmed")
        entry.accepted = None
        if entry.id in self._desk.entries and entry.state is State.RECEIVED:
            entry.host.waiting.append(entry)
            self.look_at(entry.host)

    # -- beginning -------------------------------------------------------------------------------------

    def look_at(self, host: Host) -> None:
        """See at the end of this turn what the host may begin."""
        self._may_begin[host.identity] = host

    def begin_what_may(self) -> None:
        """Begin what has a place and its lock; call it once in a turn, before the commit."""
        if self.holding or not self._may_begin:
            return
        hosts, self._may_begin = self._may_begin, {}
        for host in hosts.values():
            while (entry := host.next_to_begin()) is not None:
                self._begin(entry)

    def _begin(self, entry: Entry) -> None:
        try:
            check_expiry(entry.body, self._desk.clock.now())
        except RefusedError as error:
            self.end(entry, results.refused(error, self._desk.clock.now()))
            return
        entry.host.occupy(entry)
        entry.state = State.EXECUTING
        entry.runs += 1
        entry.job = self.job(entry)
        entry.running = self._execution.prepare(entry.job, self._on_done(entry))
        self._desk.batch.execute(entry.id, entry.runs, entry.running.identity)
        self._desk.after(self._let_loose, entry, entry.running)

    def _let_loose(self, entry: Entry, running: Running) -> None:
        faultpoint("agent.executing")
        now = self._desk.clock.monotonic()
        entry.report_at = now + FIRST_PROGRESS
        entry.run_until = now + self._time_of(entry).total_seconds()
        self.streams.follow(entry)
        _log(entry, "operation.begun")
        running.begin()

    def job(self, entry: Entry) -> Job:
        """Describe the entry's present run to the execution side."""
        return Job(
            request_id=entry.id,
            host=entry.host.identity,
            operation=entry.operation.key,
            args=entry.body.args,
            check=entry.body.check,
            timeout=self._time_of(entry),
            directory=self._work / str(entry.id),
            run=entry.runs,
            output_cap=min(entry.body.output_cap, self._output_cap),
        )

    def adopt(self, entry: Entry, worker: WorkerIdentity) -> bool:
        """Take over a living worker of an earlier agent process; False if there is none."""
        running = self._execution.adopt(worker, self.job(entry), self._on_done(entry))
        if running is None:
            return False
        self.resume(entry)
        entry.running = running
        now = self._desk.clock.monotonic()
        entry.report_at = now
        entry.run_until = now + self._time_of(entry).total_seconds()
        return True

    def resume(self, entry: Entry) -> None:
        """Keep an entry in hand that was executing when the agent died."""
        self.enter(entry)
        entry.host.occupy(entry)
        entry.state = State.EXECUTING
        entry.job = self.job(entry)
        self.streams.follow(entry)

    def run_again(self, entry: Entry) -> None:
        """Keep an entry in hand whose run nobody saw the end of, to be run once more."""
        entry.job = self.job(entry)
        self.streams.follow(entry)
        self.streams.settle(entry)
        self.enter(entry)
        self.announce(entry)

    def _on_done(self, entry: Entry) -> "partial[None]":
        """Make the callback for the execution side: it comes back on the loop's thread."""
        return partial(self._desk.loop.post, self.finish, entry)

    # -- stopping --------------------------------------------------------------------------------------

    def stop(self, entry: Entry, why: Stop, *, force: bool = False) -> None:
        """End an execution by TERM, then KILL after its grace; what must not be interrupted runs on."""
        if not (entry.operation.interruptible or force):
            entry.overdue = True
            self.report(entry)
        elif entry.stop is None and entry.running is not None:
            entry.stop = why
            entry.kill_at = self._desk.clock.monotonic() + entry.body.grace_ms / 1000
            entry.running.terminate()
            self.report(entry)

    def kill(self, entry: Entry) -> None:
        """End an execution that did not heed TERM."""
        faultpoint("agent.kill")
        entry.kill_at = None
        if entry.running is not None:
            entry.running.kill()

    def report(self, entry: Entry) -> None:
        """Send a word of progress."""
        if entry.state is State.EXECUTING:
            stopping = entry.stop is not None or entry.overdue
            reason = "must not be interrupted, runs on" if entry.overdue and entry.stop is None else None
            self._desk.send(
                self._reports.progress(entry, Work.STOPPING if stopping else Work.EXECUTING, reason)
            )
        else:
            self._desk.send(self._reports.progress(entry, Work.QUEUED, _waits_for(entry)))

    # -- ending ----------------------------------------------------------------------------------------

    def finish(self, entry: Entry, done: Done) -> None:
        """Note how an execution ended, unless it was given up before."""
        if entry.id in self._desk.entries:
            now = self._desk.clock.now()
            self.end(entry, results.performed(done, entry.runs, entry.stop, now))

    def cancel(self, entry: Entry, reason: str) -> None:
        """End an entry that was not begun."""
        message = f"cancelled before it began: {reason}" if reason else "cancelled before it began"
        self.end(entry, results.without_run(Outcome.CANCELLED, message, self._desk.clock.now()))

    def end(self, entry: Entry, body: ResultBody, state: State = State.DONE) -> None:
        """Write the result, and send it once it is written, until the broker has it."""
        entry.host.vacate(entry)
        self.look_at(entry.host)
        if entry.accepted is not None:
            self._desk.outgoing.forget(entry.accepted)
        self._desk.entries.pop(entry.id, None)
        body = self.streams.finish(entry, body)
        _log(entry, "operation.ended", outcome=str(body.outcome), reason=body.reason or "")
        parcel = self._reports.result(asker_of(entry), body)
        self._desk.end(
            Row(
                id=entry.id,
                host=entry.host.identity,
                state=state,
                digest=entry.digest,
                reply_to=entry.reply_to,
                runs=entry.runs,
                result=parcel.body,
            )
        )
        self._desk.after(faultpoint, "agent.done")
        send = partial(self._desk.outgoing.send, parcel, partial(self._desk.replied, entry.id))
        self._desk.after(self.streams.afterwards, entry.id, send)
        if entry.job is not None:
            self._desk.after(self._execution.discard, entry.job)

    def _time_of(self, entry: Entry) -> timedelta:
        return min(timedelta(milliseconds=entry.body.timeout_ms), entry.operation.max_timeout)


def _log(entry: Entry, event: str, **more: str) -> None:
    """Tell the log of the host what is done on it, and for which task; of a played host only on `debug`."""
    level = logging.DEBUG if entry.host.simulated else logging.INFO
    if log.isEnabledFor(level):
        told = {
            "host": entry.host.identity,
            "operation": entry.operation.key,
            "request": str(entry.id),
            "plan": str(entry.body.plan),
            "trace": dict(entry.headers).get("traceparent", ""),
        }
        log.log(level, event, extra={**told, **more})


def _waits_for(entry: Entry) -> str:
    if entry.accepted is not None:
        return "waits until the broker has taken `accepted`"
    if entry.held_by is not None:
        return f"waits for {entry.held_by.operation.key} {entry.held_by.id}, which holds {entry.lock}"
    return f"waits for one of {entry.host.parallel} places"
