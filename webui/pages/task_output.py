"""What hosts print: a panel on the page of a step, a page for each host, and the download."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from mcoflow.errors import PlanNotFoundError, QueryInvalidError
from mcoflow.services.output import MAX_NUMBER, STREAMS, OutputItem, OutputPage
from mcoflow.services.views import PlanView
from webui.current import services
from webui.pages.outcome import Outcome
from webui.parts import Part, answer
from webui.printed import Shown, matching, rows_of

bp = Blueprint("output", __name__, url_prefix="/tasks/<uuid:plan_id>")

READ: Final = 224 * 1024
"""Bytes that are read for one page."""
SEARCHED: Final = 16 * 1024 * 1024
FOUND: Final = 500
MAX_TEXT: Final = 100
NEWEST: Final = str(MAX_NUMBER)[:18]


@dataclass(frozen=True, slots=True)
class Panel:
    """What the reader wants to see, and what there is."""

    page: OutputPage
    shown: Shown
    streams: Sequence[str]
    words: str
    follow: bool
    older: bool
    where: Mapping[str, Any]

    def url(self, **changed: Any) -> str:
        """Return this page with other wishes; None drops one."""
        kept = {
            "stream": list(self.streams) or None,
            "q": self.words or None,
            "follow": "1" if self.follow else None,
        }
        return url_for(**{**self.where, **kept, **changed})

    @property
    def download(self) -> str:
        """The URL of all of it."""
        place = {key: value for key, value in self.where.items() if key in ("plan_id", "host", "step_id")}
        return url_for("output.download", **place, stream=list(self.streams) or None)


def panel(plan_id: UUID, *, host: str | None = None, step_id: int | None = None) -> Panel:
    """Read what is asked for by the query of the request. 404 for what is not there, 400 for a bad cursor."""
    streams = [name for name in STREAMS if name in request.args.getlist("stream")]
    words, before = request.args.get("q", "")[:MAX_TEXT], request.args.get("before", "")
    page = _read(plan_id, host, step_id, streams=streams, before=before or NEWEST, size=READ)
    items: Sequence[OutputItem] = page.items
    if words:
        items = matching(_all(plan_id, host, step_id, streams, SEARCHED), words, FOUND)
    place = {"endpoint": "task.step", "step_id": step_id} if host is None else {"endpoint": "output.show"}
    return Panel(
        page=page,
        shown=rows_of(items, "" if words else page.previous),
        streams=streams,
        words=words,
        follow=request.args.get("follow") == "1" and not before,
        older=bool(before),
        where={**place, "plan_id": plan_id, **({"host": host} if host else {})},
    )


def shown_once(outcome: Outcome, plan_id: UUID, step_id: int) -> Outcome:
    """Return the outcome of a step without the logs that are below, too, as what it printed."""
    if not outcome.logs:
        return outcome
    items = _read(plan_id, None, step_id, before=NEWEST, size=READ).items
    printed = "".join(item.text for item in items)
    return replace(outcome, logs=[each for each in outcome.logs if each[1] not in printed])


def wishes() -> dict[str, Any]:
    """Return what the query of the request says about output, for URLs of the same page."""
    lists = {"stream": request.args.getlist("stream")[: len(STREAMS)]}
    given = {name: request.args.get(name, "")[:MAX_TEXT] for name in ("q", "before", "follow")}
    return {name: value for name, value in {**lists, **given}.items() if value}


def part(plan: PlanView, **place: Any) -> Part:
    """Return the live part of a page that shows output."""
    return Part("output", "output", lambda: (plan, panel(plan.id, **place)))


@bp.get("/hosts/<host>")
def show(plan_id: UUID, host: str) -> Response:
    """What a host printed in a task. 404 when it has no step there."""
    plan = services().plans.show(plan_id)
    found = panel(plan_id, host=host.lower())
    parts = {"output": Part("output", "output", lambda: (plan, found))}
    own_url = url_for("output.show", plan_id=plan_id, host=host.lower(), **wishes())
    return answer("output.html", parts, plan=plan, host=host.lower(), panel=found, own_url=own_url)


@bp.get("/output.txt")
def download(plan_id: UUID) -> ResponseReturnValue:
    """All that a task, a host or a step has printed, as it was printed."""
    host, step_id = request.args.get("host"), request.args.get("step_id", type=int)
    streams = [name for name in STREAMS if name in request.args.getlist("stream")]
    _read(plan_id, host, step_id, limit=1)
    name = "-".join(filter(None, (str(plan_id)[:8], host, f"step{step_id}" if step_id else "")))
    safe = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)
    texts = (item.text for item in _all(plan_id, host, step_id, streams, None))
    headers = {"Content-Disposition": f'attachment; filename="{safe}.txt"'}
    return Response(texts, mimetype="text/plain", headers=headers)


def _read(plan_id: UUID, host: str | None, step_id: int | None, **wanted: Any) -> OutputPage:
    try:
        return services().output.read(plan_id, host=host, step_id=step_id, **wanted)
    except PlanNotFoundError as error:
        raise NotFound(str(error)) from None
    except QueryInvalidError as error:
        raise BadRequest(str(error)) from None


def _all(
    plan_id: UUID, host: str | None, step_id: int | None, streams: Sequence[str], most: int | None
) -> Iterator[OutputItem]:
    """Return all pieces, read page by page, until so many bytes were read."""
    read = services().output.read  # taken now: the answer is sent when the request is over

    def pieces(left: int | None) -> Iterator[OutputItem]:
        page = None
        while page is None or (page.more and (left is None or left > 0)):
            after = page.next if page else ""
            page = read(plan_id, host=host, step_id=step_id, streams=streams, after=after)
            if left is not None:
                left -= sum(len(item.text) for item in page.items)
            yield from page.items

    return pieces(most)
