"""The event stream of a task: a doorbell that says which parts of its page changed (pages, 2.4)."""

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from mcoflow.clock import Clock
from mcoflow.domain.states import PlanState
from webui.current import services, web
from webui.doorbell import Doorbell, Ring, Stream

bp = Blueprint("events", __name__, url_prefix="/tasks/<uuid:plan_id>")

PARTS: Final = ("head", "graph", "steps", "history", "evidence", "step", "made", "called", "output")
GLANCE: Final = 1.0
"""Seconds between two looks whether the reader is still there."""
COMMENT_EVERY: Final = 15.0
RETRY_MS: Final = 3000
RETRY_AFTER: Final = "30"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@bp.get("/events")
def stream(plan_id: UUID) -> ResponseReturnValue:
    """Events after `Last-Event-ID` or `?after=`; 204 when none will come, 503 when too many read."""
    after = _after()
    plan = services().plans.show(plan_id)
    if plan.state is PlanState.STOPPED and plan.version <= after:
        return Response(status=HTTPStatus.NO_CONTENT)
    doorbell = web().doorbell
    opened = doorbell.open(plan_id, after)
    if opened is None:
        return _refusal(doorbell)
    gone = request.environ.get("waitress.client_disconnected", _never)
    return Response(
        _events(doorbell, opened, gone, services().clock), mimetype="text/event-stream", headers=_HEADERS
    )


def _refusal(doorbell: Doorbell) -> Response:
    """Say to come back later when it is crowded; a server that goes down is tried again at once."""
    if doorbell.closed:
        return Response("going down\n", HTTPStatus.SERVICE_UNAVAILABLE, _HEADERS)
    headers = {**_HEADERS, "Retry-After": RETRY_AFTER}
    return Response("too many viewers: poll\n", HTTPStatus.SERVICE_UNAVAILABLE, headers)


def _after() -> int:
    given = request.headers.get("Last-Event-ID", request.args.get("after", ""))
    return int(given) if given.isdecimal() and len(given) <= 18 else 0


def _events(doorbell: Doorbell, opened: Stream, gone: Callable[[], bool], clock: Clock) -> Iterator[str]:
    """Yield events until the task has stopped, the reader has gone, or the process goes down."""
    try:
        yield f"retry: {RETRY_MS}\n\n"
        quiet_since = clock.monotonic()
        while not opened.closed and not gone():
            if ring := opened.wait(GLANCE):
                yield _event(ring)
                if ring.over:
                    return
            elif clock.monotonic() - quiet_since < COMMENT_EVERY:
                continue
            else:
                yield ": still here\n\n"
            quiet_since = clock.monotonic()
    finally:
        doorbell.leave(opened)


def _event(ring: Ring) -> str:
    told = {"version": ring.version, "state": ring.state, "result": ring.result, "parts": PARTS}
    text = f"id: {ring.version}\nevent: task\ndata: {json.dumps(told)}\n\n"
    return f"{text}id: {ring.version}\nevent: end\ndata: {{}}\n\n" if ring.over else text


def _never() -> bool:
    """Stand in where the server cannot tell whether the reader is still there."""
    return False
