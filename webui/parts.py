"""Pages and their live parts: one macro and one service call for both, so they cannot differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, get_template_attribute, make_response, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from webui.current import services


@dataclass(frozen=True, slots=True)
class Part:
    """A live part of a page: the macro `name` of a template, and what it is given, read when it is needed."""

    template: str
    name: str
    arguments: Callable[[], tuple[Any, ...]]

    def render(self) -> Markup:
        """Return the part as HTML."""
        macro = get_template_attribute(f"parts/{self.template}.html", self.name)
        return Markup(macro(*self.arguments()))  # noqa: S704 - a macro of ours, which escapes


def notices_part() -> Part:
    """Return what everybody should know about the system, which is part of every page."""
    return Part("frame", "notices", lambda: (services().health.notices(),))


def answer(
    template: str, parts: Mapping[str, Part], *, status: int = HTTPStatus.OK, **context: Any
) -> Response:
    """Return the page, or with `?part=` one part of it; 404 for a part that the page does not have."""
    every = {"notices": notices_part(), **parts}
    wanted = request.args.get("part")
    if wanted is None or request.method == "POST":
        return make_response(
            render_template(template, part=lambda name: every[name].render(), **context), status
        )
    if wanted not in every:
        raise NotFound(f"this page has no part {wanted[:80]!r}: there are {', '.join(every)}")
    response = make_response(str(every[wanted].render()))
    response.add_etag()
    response.make_conditional(request)
    return response
