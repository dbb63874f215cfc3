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
    return page()


def page(*, target: str = "", problem: str = "", status: int = HTTPStatus.OK) -> Response:
    """Return the page, with a `target` that is to be asked and what is wrong with it."""
    words, after = request.args.get("q", "")[:MAX_TEXT], request.args.get("after", "")[:MAX_TEXT]
    found = services().hosts.list(text=words, after=after)
    parts = {"rows": Part("hosts", "rows", lambda: (found, words))}
    return answer(
        "hosts.html",
        parts,
        status=status,
        page=found,
        words=words,
        after=after,
        target=target,
        problem=problem,
    )


@bp.get("/<name>")
def host(name: str) -> Response:
    """One host. 404 when it was never seen, with what to do about it."""
    try:
        detail = services().hosts.show(name.lower())
    except HostNotFoundError:
        return answer("unknown_host.html", {}, status=HTTPStatus.NOT_FOUND, name=name.lower()[:MAX_TEXT])
    parts = {"host": Part("hosts", "host", lambda: (detail,))}
    return answer("host.html", parts, host=detail.host)
