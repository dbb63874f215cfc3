"""User events that are pydantic models: registered under stable names, stored as plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from mcoflow.domain.plain import plain
from mcoflow.errors import ConfigurationError, EventDroppedError

if TYPE_CHECKING:
    from mcoflow.action.base import Action

EVENT_KEY: Final = "$mcoflow_event"
"""What is stored of a model: {"$mcoflow_event": its name, "value": its fields}."""
M = TypeVar("M", bound=type[BaseModel])
_MODELS: Final[dict[str, type[BaseModel]]] = {}
_NAMES: Final[dict[type[BaseModel], str]] = {}


def user_event(name: str) -> Callable[[M], M]:
    """Register a pydantic model as a user event, under a name that never changes.

    Raises:
        ConfigurationError: another class has the name.
    """

    def register(model: M) -> M:
        known = _MODELS.setdefault(name, model)
        if known is not model and known.__qualname__ != model.__qualname__:
            raise ConfigurationError(f"the event name {name!r} is taken by {known.__qualname__}")
        _MODELS[name] = model
        _NAMES[model] = name
        return model

    return register


def stored_event(value: Any) -> Any:
    """Return a value as it is stored; a model by its name, and plain JSON as it is.

    What came as JSON and names a model is checked against it: people send events so.

    Raises:
        EventDroppedError: a model that is not registered, or fields that do not fit it.
        NotSerialisableError: the value is no JSON.
    """
    if isinstance(value, dict) and EVENT_KEY in value:
        value = loaded_event(value)
    if not isinstance(value, BaseModel):
        return plain(value)
    name = _NAMES.get(type(value))
    if name is None:
        what = type(value).__qualname__
        raise EventDroppedError(f"{what} is no registered event: decorate it with @user_event('a.name')")
    return {EVENT_KEY: name, "value": plain(value.model_dump(mode="json"))}


def loaded_event(stored: Any) -> Any:
    """Return the value of a stored event, as its model if it is one.

    Raises:
        EventDroppedError: no model has the name (any more), or the fields do not fit it.
    """
    if not isinstance(stored, dict) or EVENT_KEY not in stored:
        return stored
    try:
        return _model(stored).model_validate(stored.get("value"))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise EventDroppedError(f"the event {stored[EVENT_KEY]} does not fit: {faults}") from None


def refusal(action: type[Action], stored: Any, phase: str = "run") -> str:
    """Say why steps of an action, that run or revert, do not take a stored event; nothing if they do."""
    if not action.takes_events(phase):
        return f"{action.name} takes no user events: its {phase} has no parameter for them"
    named = isinstance(stored, dict) and EVENT_KEY in stored
    if issubclass(_model(stored), action.accepts) if named else isinstance(stored, action.accepts):
        return ""
    known = ", ".join(each.__name__ for each in action.accepts) or "no user events"
    return f"{action.name} takes {known}, not {stored[EVENT_KEY] if named else repr(stored)[:200]}"


def _model(stored: Mapping[str, Any]) -> type[BaseModel]:
    name = stored[EVENT_KEY]
    if not isinstance(name, str) or name not in _MODELS:
        raise EventDroppedError(
            f"no event is registered as {name!r}; there are {', '.join(_MODELS) or 'none'}"
        )
    return _MODELS[name]
