"""What an agent does at its start with what the journal says was under way.

Source: the project's bus specification, 5.4.
"""

import json
import logging
from collections.abc import Mapping
from functools import partial

from mcoflow.agent import results
from mcoflow.agent.admission import check_expiry
from mcoflow.agent.desk import Desk
from mcoflow.agent.entry import Entry, Headers, Host
from mcoflow.agent.execution import Catalogue, Execution, RefusedError
from mcoflow.agent.journal_rows import Row, State
from mcoflow.agent.life import Life
from mcoflow.agent.reports import Asker, Reports
from mcoflow.errors import BusError
from mcoflow.faults import faultpoint
from mcoflow.wire.envelope import decode
from mcoflow.wire.kinds import Refusal
from mcoflow.wire.replies import ResultBody
from mcoflow.wire.to_hosts import RequestBody

log = logging.getLogger(__name__)


class Recovery:
    """Takes up, once, before the loop starts."""

    def __init__(
        self,
        *,
        desk: Desk,
        life: Life,
        reports: Reports,
        catalogue: Catalogue,
        execution: Execution,
        hosts: Mapping[str, Host],
    ) -> None:
        self._desk = desk
        self._life = life
        self._reports = reports
        self._catalogue = catalogue
        self._execution = execution
        self._hosts = hosts

    def run(self) -> None:
        """Go through all requests whose result is not known to have arrived."""
        for row in self._desk.journal.unanswered():
            faultpoint("agent.recovery")
            host = self._hosts.get(row.host)
            if host is None:
                log.warning("recovery.foreign_host", extra={"host": row.host, "request": str(row.id)})
            elif row.result is not None:
                asker = Asker(host, row.id, row.reply_to, _headers(row))
                parcel = self._reports.stored(asker, row.result)
                send = partial(self._desk.outgoing.send, parcel, partial(self._desk.replied, row.id))
                self._life.streams.again(asker, 0, send)
            else:
                self._take_up(host, row)

    def _take_up(self, host: Host, row: Row) -> None:
        """Go on with a request that has no result."""
        try:
            body = _request(row)
            operation = self._catalogue.find(body.agent, body.operation)
        except RefusedError as error:
            self._give_up(host, row, error)
            return
        entry = Entry(
            id=row.id,
            host=host,
            body=body,
            operation=operation,
            reply_to=row.reply_to,
            headers=_headers(row),
            digest=row.digest or b"",
            lock=None if body.check else operation.lock(body.args),
            runs=row.runs,
        )
        if row.state is State.RECEIVED:
            self._life.enter(entry)
            self._life.announce(entry)
        else:
            self._was_executing(entry, row)

    def _was_executing(self, entry: Entry, row: Row) -> None:
        """Adopt the worker, or read what it left, or run once more, or own up that nobody knows."""
        if row.worker is not None and self._life.adopt(entry, row.worker):
            log.info("recovery.adopted", extra={"request": str(row.id)})
            return
        done = self._execution.read_result(self._life.job(entry))
        if done is not None:
            self._life.resume(entry)
            self._life.finish(entry, done)
        elif entry.operation.idempotent and entry.runs == 1 and self._in_time(entry):
            self._life.run_again(entry)
        else:
            self._life.resume(entry)
            message = f"agent or host ended while {entry.operation.key} was executing: its effect is unknown"
            end = results.interrupted(entry.runs, message, self._desk.clock.now())
            self._life.end(entry, end, State.INTERRUPTED)

    def _in_time(self, entry: Entry) -> bool:
        try:
            check_expiry(entry.body, self._desk.clock.now())
        except RefusedError:
            return False
        return True

    def _give_up(self, host: Host, row: Row, error: RefusedError) -> None:
        """End a request whose operation this agent no longer offers."""
        now = self._desk.clock.now()
        begun = row.state is State.EXECUTING
        end: ResultBody = (
            results.interrupted(row.runs, f"it was executing, and now {error}", now)
            if begun
            else results.refused(error, now)
        )
        parcel = self._reports.result(Asker(host, row.id, row.reply_to, _headers(row)), end)
        row.state, row.result = State.INTERRUPTED if begun else State.DONE, parcel.body
        self._desk.end(row)
        self._desk.send(parcel, partial(self._desk.replied, row.id))


def _request(row: Row) -> RequestBody:
    """Read the request again; raise RefusedError if this release cannot, after a step back for example."""
    try:
        body = decode(row.request or b"").body
    except BusError as error:
        raise RefusedError(Refusal.UNSUPPORTED_VERSION, f"another release took it on: {error}") from None
    if not isinstance(body, RequestBody):
        raise RefusedError(Refusal.MALFORMED, f"the journal holds a {body.KIND} as request")
    return body


def _headers(row: Row) -> Headers:
    return tuple((str(name), str(value)) for name, value in json.loads(row.headers)) if row.headers else ()
