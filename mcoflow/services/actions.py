"""The actions that people can run, and the input that each takes."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from mcoflow.action import Action
from mcoflow.action.registry import REGISTERED, Registry, unknown_action
from mcoflow.errors import InputInvalidError, UnknownActionError
from mcoflow.services.operations import OperationView

_NAMED_ONLY: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class FieldView:
    """One key of an action's input. `type` is in JSON's words; `default` means nothing if required."""

    name: str
    type: str
    required: bool
    default: Any = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ActionView:
    """One action. `open`: it takes other keys, too; which, only its code knows."""

    name: str
    title: str
    summary: str
    description: str
    fields: Sequence[FieldView]
    open: bool


def action_named(name: str, registry: Registry = REGISTERED) -> type[Action]:
    """Return an action by its name, as it is or with dashes for underscores.

    Raises:
        UnknownActionError: there is none; it names others as they are typed.
    """
    try:
        return registry.find(name)
    except UnknownActionError:
        pass
    try:
        return registry.find(name.replace("-", "_"))
    except UnknownActionError:
        raise unknown_action(name, [_typed(each) for each in registry.names()]) from None


def is_action(name: str, registry: Registry = REGISTERED) -> bool:
    """Whether there is an action of this name."""
    return registry.knows(name) or registry.knows(name.replace("-", "_"))


def all_actions(registry: Registry = REGISTERED) -> Sequence[ActionView]:
    """Return the actions that can be run by themselves, in order of name."""
    return [action_view(registry.find(name)) for name in registry.names()]


def action_view(action: type[Action]) -> ActionView:
    """Return an action with the fields of its Input; without one those of its `plan`."""
    told = inspect.getdoc(action) or ""
    fields, is_open = _of_model(action.Input) if action.Input else _of_plan(action)
    return ActionView(
        name=_typed(action.name),
        title=action.title,
        summary=" ".join(told.partition("\n\n")[0].split()),
        description=told,
        fields=fields,
        open=is_open,
    )


def _typed(name: str) -> str:
    """Return a name as people type it: with dashes, but where it is that of a class in a module."""
    return name if "." in name else name.replace("_", "-")


def operation_view(found: OperationView) -> ActionView:
    """Return an operation as the action that asks for it: the hosts, `check`, and its own input."""
    told = "It changes nothing." if not found.changes else "It may change the host."
    again = " It may be repeated." if found.idempotent else ""
    fields, is_open = fields_of(found.input)
    hosts = FieldView("hosts", "array of string", required=True)
    check = [FieldView("check", "boolean", required=False, default=False)] if found.check else []
    return ActionView(
        name=found.name,
        title=f"{found.hosts} hosts offer it" if found.hosts != 1 else "1 host offers it",
        summary=found.summary,
        description=f"{found.summary}.\n\n{told}{again} It gets {found.timeout:g} s.",
        fields=[hosts, *check, *fields],
        open=is_open,
    )


def check_keys(action: type[Action], keys: Sequence[str]) -> None:
    """Raise InputInvalidError, naming the keys there are, for a key that the action does not take."""
    view = action_view(action)
    known = [field.name for field in view.fields]
    unknown = [key for key in keys if key not in known]
    if unknown and not view.open:
        there = ", ".join(known) or "none"
        raise InputInvalidError(f"{view.name} takes no {', '.join(map(repr, unknown))}; there are: {there}")


def _of_model(model: type[BaseModel]) -> tuple[Sequence[FieldView], bool]:
    """Read the fields from the model's JSON schema, which the API shows as well."""
    return fields_of(model.model_json_schema())[0], model.model_config.get("extra") == "allow"


def fields_of(schema: Mapping[str, Any]) -> tuple[Sequence[FieldView], bool]:
    """Read the fields from a JSON schema, and whether other keys are taken, too."""
    required = set(schema.get("required", ()))
    fields = [
        FieldView(name, _type(found), name in required, found.get("default"), found.get("description", ""))
        for name, found in schema.get("properties", {}).items()
    ]
    return fields, schema.get("additionalProperties", True) is not False


def _type(schema: Mapping[str, Any]) -> str:
    """Return a JSON type in words: `string`, `array of string`, `string or null`."""
    if several := schema.get("anyOf"):
        return " or ".join(map(_type, several))
    if schema.get("type") == "array" and schema.get("items"):
        return f"array of {_type(schema['items'])}"
    if "$ref" in schema:
        return "object"
    return str(schema.get("type", "any"))


def _of_plan(action: type[Action]) -> tuple[Sequence[FieldView], bool]:
    """Read the fields from the parameters of `plan`."""
    parameters = list(inspect.signature(action.plan).parameters.values())[1:]
    named = [each for each in parameters if each.kind in _NAMED_ONLY]
    fields = [FieldView(each.name, _annotation(each), *_default(each)) for each in named]
    return fields, any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


def _annotation(parameter: inspect.Parameter) -> str:
    if parameter.annotation is inspect.Parameter.empty:
        return "any"
    return inspect.formatannotation(parameter.annotation).strip("'")


def _default(parameter: inspect.Parameter) -> tuple[bool, Any]:
    """Return whether it is required, and its default."""
    required = parameter.default is inspect.Parameter.empty
    return required, None if required else parameter.default
