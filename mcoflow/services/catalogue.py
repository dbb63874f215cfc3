"""What can be run, and what it takes: the actions, and the operations that hosts declare, for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from mcoflow.action import Action
from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.services.actions import ActionView, action_named, action_view, all_actions, is_action
from mcoflow.services.operations import Operations, OperationView, is_operation
from mcoflow.services.portions import PORTIONED

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class EntryKind(StrEnum):
    """What can be run."""

    ACTION = "action"
    OPERATION = "operation"  #: of a host, as it declares it


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be run. `portions`: it takes targets and rollouts.

    `hosts`: how many offer an operation, None for an action. `open`: it takes other input, too.
    """

    name: str
    kind: EntryKind
    title: str
    summary: str
    description: str
    portions: bool
    open: bool
    hosts: int | None


class Catalogue:
    """The use cases of finding out what can be run."""

    def __init__(self, operations: Operations, registry: Registry = REGISTERED) -> None:
        self._operations, self._registry = operations, registry

    def list(self) -> Sequence[Entry]:
        """All that people can run: actions by name, then operations."""
        actions = [self._of_action(view) for view in all_actions(self._registry)]
        return [*actions, *map(_of_operation, self._operations.list())]

    def show(self, name: str) -> Entry:
        """One of them; UnknownActionError names the nearest."""
        if self._is_operation(name):
            return _of_operation(self._operations.show(name))
        return self._of_action(action_view(action_named(name, self._registry)))

    def schema(self, name: str) -> Mapping[str, Any]:
        """The JSON Schema of the input of one of them; UnknownActionError."""
        if self._is_operation(name):
            return {"$schema": DIALECT, **self._operations.show(name).input}
        action = action_named(name, self._registry)
        return {"$schema": DIALECT, **_schema_of(action)}

    def _is_operation(self, name: str) -> bool:
        return is_operation(name) and not is_action(name, self._registry)

    def _of_action(self, view: ActionView) -> Entry:
        model = action_named(view.name, self._registry).Input
        return Entry(
            name=view.name,
            kind=EntryKind.ACTION,
            title=view.title,
            summary=view.summary,
            description=view.description,
            portions=model is not None and PORTIONED in model.model_fields,
            open=view.open,
            hosts=None,
        )


def _of_operation(view: OperationView) -> Entry:
    return Entry(
        name=view.name,
        kind=EntryKind.OPERATION,
        title=view.name,
        summary=view.summary,
        description=view.summary,
        portions=True,
        open=view.input.get("additionalProperties", True) is not False,
        hosts=view.hosts,
    )


def _schema_of(action: type[Action]) -> Mapping[str, Any]:
    """Return the schema of an action's Input; without one what the parameters of its `plan` tell."""
    if action.Input is not None:
        return action.Input.model_json_schema()
    view = action_view(action)
    return {
        "type": "object",
        "properties": {field.name: {} for field in view.fields},
        "required": [field.name for field in view.fields if field.required],
        "additionalProperties": view.open,
    }
