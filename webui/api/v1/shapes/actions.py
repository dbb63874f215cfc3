"""What can be run."""

from typing import Annotated, Any

from pydantic import Field, RootModel

from mcoflow.services import EntryKind
from webui.api.v1.shapes.base import Answer


class ActionLinks(Answer):
    """Where there is more of it."""

    self: str
    schema_: Annotated[str, Field(serialization_alias="schema")]


class ActionLine(Answer):
    """An action, or an operation that hosts declare; both are an `action` of an order."""

    name: str
    kind: EntryKind
    title: str
    summary: str
    links: ActionLinks


class Action(ActionLine):
    """One of them. `hosts`: how many offer an operation; null for an action."""

    description: str
    targets: Annotated[bool, Field(description="whether an order may say `targets` and `rollout`")]
    open: Annotated[bool, Field(description="whether it takes other input than the schema names")]
    hosts: int | None


class Actions(Answer):
    """All that can be run: actions by name, then operations."""

    items: tuple[ActionLine, ...]


class InputSchema(RootModel[dict[str, Any]]):
    """A JSON Schema (2020-12) of the `input` of an order."""
