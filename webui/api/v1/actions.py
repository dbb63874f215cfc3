"""What can be run, and what it takes: `/api/v1/actions`."""

from flask import url_for
from werkzeug.exceptions import NotFound

from mcoflow.errors import UnknownActionError
from mcoflow.services import Entry
from webui.api.v1.shapes.actions import Action, ActionLine, ActionLinks, Actions, InputSchema
from webui.api.v1.surface import blueprint, route
from webui.current import services

bp = blueprint("actions")


@route(bp, "GET", "/actions")
def list_actions() -> Actions:
    """All actions that people run, and all operations that hosts declare."""
    return Actions(items=tuple(map(_line, services().catalogue.list())))


@route(bp, "GET", "/actions/<name>")
def show_action(name: str) -> Action:
    """One action or operation."""
    found = _entry(name)
    return Action(
        **dict(_line(found)),
        description=found.description,
        targets=found.portions,
        open=found.open,
        hosts=found.hosts,
    )


@route(bp, "GET", "/actions/<name>/schema")
def schema_of_action(name: str) -> InputSchema:
    """What it takes as input, as JSON Schema 2020-12."""
    _entry(name)
    return InputSchema(dict(services().catalogue.schema(name)))


def _entry(name: str) -> Entry:
    try:
        return services().catalogue.show(name)
    except UnknownActionError as error:
        raise NotFound(str(error)) from None


def _line(entry: Entry) -> ActionLine:
    links = ActionLinks(
        self=url_for("api_actions.show_action", name=entry.name),
        schema_=url_for("api_actions.schema_of_action", name=entry.name),
    )
    return ActionLine(name=entry.name, kind=entry.kind, title=entry.title, summary=entry.summary, links=links)
