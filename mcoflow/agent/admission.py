"""Whether a request is taken on. Every refusal is a word of the bus specification, 3.5."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from mcoflow.agent.entry import Host
from mcoflow.agent.execution import Catalogue, Operation, RefusedError
from mcoflow.wire import codec
from mcoflow.wire.envelope import Envelope
from mcoflow.wire.kinds import Refusal
from mcoflow.wire.to_hosts import RequestBody

CLOCK_SLACK: Final = timedelta(seconds=120)
"""How far the clocks of server and host may be apart before a request counts as expired."""
_FAULTS_NAMED: Final = 5


def admit(
    envelope: Envelope, body: RequestBody, host: Host, catalogue: Catalogue, now: datetime
) -> Operation:
    """Return the operation that is asked for; raise RefusedError if it shall not be performed."""
    if envelope.host != host.identity:
        raise RefusedError(Refusal.WRONG_HOST, f"this is {host.identity}, the request is for {envelope.host}")
    if envelope.collective not in host.collectives:
        raise RefusedError(
            Refusal.WRONG_HOST, f"{host.identity} is not in the collective {envelope.collective}"
        )
    check_expiry(body, now)
    operation = catalogue.find(body.agent, body.operation)
    if body.check and not operation.check:
        raise RefusedError(Refusal.CHECK_UNSUPPORTED, f"{operation.key} cannot foretell what it would do")
    _check_args(operation, body)
    catalogue.permit(operation, body.args)
    if host.room == 0:
        raise RefusedError(
            Refusal.BUSY, f"{host.received} requests wait on {host.identity} already: ask again later"
        )
    return operation


def check_expiry(body: RequestBody, now: datetime) -> None:
    """Raise RefusedError if the request may not be begun any more."""
    late = now - body.expires_at
    if late > CLOCK_SLACK:
        by = f"{body.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        seconds = round(late.total_seconds())
        raise RefusedError(
            Refusal.EXPIRED, f"it was to begin by {by}, {seconds} s ago by the clock of this host"
        )


def _check_args(operation: Operation, body: RequestBody) -> None:
    try:
        operation.input_model.model_validate_json(codec.dumps(body.args))  # enumerations come as texts
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        words = [f"{'.'.join(map(str, fault['loc'])) or 'args'}: {fault['msg']}" for fault in faults]
        raise RefusedError(Refusal.INVALID_ARGS, "; ".join(words[:_FAULTS_NAMED])) from None
