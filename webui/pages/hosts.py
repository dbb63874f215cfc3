"""The hosts that agents told of, and one of them with its facts."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, request

from mcoflow.errors import HostNotFoundError
from webui.current import services
from webui.parts import Part, answer

bp = Blueprint("hosts", __name__, url_prefix="/hosts")

MAX_TEXT: Final = 100


@bp.get("")
def show() -> Response:
    """A page of hosts in order of name."""
    words, after = request.args.get("q", "")[:MAX_TEXT], request.args.get("after", "")[:MAX_TEXT]
    page = services().hosts.list(text=words, after=after)
    parts = {"rows": Part("hosts", "rows", lambda: (page, words))}
    return answer("hosts.html", parts, page=page, words=words, after=after)


@bp.get("/<name>")
def host(name: str) -> Response:
    """One host. 404 when it was never seen, with what to do about it."""
    try:
        detail = services().hosts.show(name.lower())
    except HostNotFoundError:
        return answer("unknown_host.html", {}, status=HTTPStatus.NOT_FOUND, name=name.lower()[:MAX_TEXT])
    parts = {"host": Part("hosts", "host", lambda: (detail,))}
    return answer("host.html", parts, host=detail.host)
