"""The `requests` table: the outbox, and what is known of the answers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, literal_column, null, select, true, update
from sqlalchemy import Row as Stored

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.requests import RequestRecord, RequestState, Wait
from mcoflow.domain.states import PlanState
from mcoflow.storage.many import Bulk, Lookup, Many, Row, Values, fields_of
from mcoflow.storage.tables import plans, requests
from mcoflow.storage.texts import clean, hex_rows

_ID: Final = fields_of(requests.c.id)
_OPEN: Final = requests.c.state != literal_column(f"'{RequestState.ENDED.value}'")
_KNOWN: Final = tuple(each for each in requests.columns if each.name != "body")


def _update(row: Values, **more: Any) -> Any:
    changed = {name: row[name] for name in row if name != "id"}
    return update(requests).where(requests.c.id == row["id"]).values(**changed, **more)


def _confirm(row: Values) -> Any:
    return update(requests).where(requests.c.id == row["id"]).values(confirmed=true())


_CHANGED: Final = fields_of(
    requests.c.reply_to,
    requests.c.wait,
    requests.c.due_at,
    requests.c.state,
    requests.c.confirmed,
    requests.c.executing,
    requests.c.run_due_at,
    requests.c.cancel,
    requests.c.outcome,
    requests.c.reason,
    requests.c.ended_at,
    requests.c.id,
)
INSERT_REQUESTS: Final = Many.insert(requests)
UPDATE_REQUESTS: Final = Many(_CHANGED, _update)
END_REQUESTS: Final = Many(_CHANGED, lambda row: _update(row, body=null()))
CONFIRM_REQUESTS: Final = Many(_ID, _confirm)
_OF_PLANS: Final = Lookup(
    fields_of(requests.c.plan_id),
    lambda wanted: select(*_KNOWN).where(requests.c.plan_id.in_(select(wanted)), _OPEN),
)
_BY_ID: Final = Lookup(_ID, lambda wanted: select(*_KNOWN).where(requests.c.id.in_(select(wanted))))
_BODIES: Final = Lookup(
    _ID,
    lambda wanted: select(requests.c.id, requests.c.body).where(
        requests.c.id.in_(select(wanted)), requests.c.body.is_not(None)
    ),
)
_AWAITED: Final = (
    select(requests.c.reply_to)
    .distinct()
    .join(plans, plans.c.id == requests.c.plan_id)
    .where(plans.c.state == literal_column(f"'{PlanState.RUNNING.value}'"), _OPEN)
    .where(requests.c.reply_to.in_(bindparam("tokens", expanding=True)))
)
"""By way of the plans that run: among all requests that ever were, the open ones have no own index."""


def new_request(request: RequestRecord) -> Row:
    """Return the row of a request for INSERT_REQUESTS."""
    return (
        request.id.hex,
        request.plan_id.hex,
        request.step_id,
        request.attempt,
        request.host,
        request.reply_to,
        None if request.state is RequestState.ENDED else request.body,
        request.created_at,
        request.wait.value,
        request.due_at,
        request.run_limit,
        request.grace,
        request.state.value,
        request.confirmed,
        request.executing,
        request.run_due_at,
        request.cancel,
        request.outcome and request.outcome.value,
        clean(request.reason),
        request.ended_at,
    )


def changed_request(request: RequestRecord) -> Row:
    """Return the row of a request for UPDATE_REQUESTS and END_REQUESTS."""
    return (
        request.reply_to,
        request.wait.value,
        request.due_at,
        request.state.value,
        request.confirmed,
        request.executing,
        request.run_due_at,
        request.cancel,
        request.outcome and request.outcome.value,
        clean(request.reason),
        request.ended_at,
        request.id.hex,
    )


def open_requests(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Sequence[RequestRecord]:
    """Return the requests of plans that have not ended, without their bytes."""
    return [_request_of(row) for row in bulk.find(connection, _OF_PLANS, hex_rows(plan_ids))]


def requests_by_id(
    connection: Connection, bulk: Bulk, request_ids: Collection[UUID]
) -> Mapping[UUID, RequestRecord]:
    """Return requests without their bytes."""
    return {row.id: _request_of(row) for row in bulk.find(connection, _BY_ID, hex_rows(request_ids))}


def awaited(connection: Connection, tokens: Collection[str]) -> Collection[str]:
    """Return which of the reply queues open requests name."""
    return connection.scalars(_AWAITED, {"tokens": list(tokens)}).all()


def request_bodies(connection: Connection, bulk: Bulk, request_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
    """Return the bytes of requests that have not ended."""
    return {row.id: bytes(row.body) for row in bulk.find(connection, _BODIES, hex_rows(request_ids))}


def _request_of(row: Stored[Any]) -> RequestRecord:
    known = row._asdict()
    outcome = known.pop("outcome")
    return RequestRecord(
        body=b"",
        wait=Wait(known.pop("wait")),
        state=RequestState(known.pop("state")),
        outcome=Outcome(outcome) if outcome else None,
        **known,
    )
