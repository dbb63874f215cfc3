"""What a monitoring system wants to know of this process."""

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from webui.current import services

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
def metrics() -> Response:
    """All measures in the text format of Prometheus; 404 where nothing is observed."""
    found = services().metrics
    if found is None:
        raise NotFound("this process keeps no metrics")
    return Response(found.text(), content_type=found.content_type)
