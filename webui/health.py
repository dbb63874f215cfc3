"""Is the process alive, and can it do its work."""

from http import HTTPStatus

from flask import Blueprint
from flask.typing import ResponseReturnValue

from webui.current import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return {"status": "ok"}


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Store, schema, bus and executor: 503 naming what is wrong."""
    checks = services().health.checks()
    good = all(found == "ok" for found in checks.values())
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "ok" if good else "not ready", "checks": dict(checks)}, status
