"""A promise of a value that a step will have in its output, used as input of another step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcoflow.errors import PlanningError, ReferenceMissingError

REFERENCE_KEY: Final = "$mcoflow_ref"
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class OutputReference:
    """The output of the action `action_id`, made by its run step `step_id`, or the part of it at `path`."""

    action_id: int
    step_id: int
    path: tuple[str | int, ...] = ()
    fallback: Any = _NOTHING

    def __getitem__(self, key: str | int) -> OutputReference:
        return OutputReference(self.action_id, self.step_id, (*self.path, key))

    def or_else(self, value: Any) -> OutputReference:
        """Return a reference that gives `value` if the producer was skipped or lacks the key."""
        return OutputReference(self.action_id, self.step_id, self.path, value)

    @property
    def required(self) -> bool:
        """Whether there is nothing to take instead."""
        return self.fallback is _NOTHING

    def __str__(self) -> str:
        keys = "".join(f'["{key}"]' if isinstance(key, str) else f"[{key}]" for key in self.path)
        return f"step {self.step_id} output{keys}"

    def stored(self) -> dict[str, Any]:
        """Return the reference as plain JSON data."""
        inner: dict[str, Any] = {"action": self.action_id, "step": self.step_id, "path": list(self.path)}
        if self.fallback is not _NOTHING:
            inner["else"] = self.fallback
        return {REFERENCE_KEY: inner}

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> OutputReference:
        """Undo stored()."""
        inner = stored[REFERENCE_KEY]
        return cls(inner["action"], inner["step"], tuple(inner["path"]), inner.get("else", _NOTHING))

    def value(self, outputs: Mapping[int, Any]) -> Any:
        """Return the value; raise ReferenceMissingError naming what is there instead."""
        value: Any = outputs.get(self.action_id, {})
        for key in self.path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                if self.fallback is not _NOTHING:
                    return self.fallback
                raise ReferenceMissingError(f"{self} is missing: {_there_is(value)}") from None
        return value


def resolve(value: Any, outputs: Mapping[int, Any]) -> Any:
    """Return stored input with every reference replaced by its value.

    Raises:
        ReferenceMissingError: a producer's output lacks the key.
    """
    if isinstance(value, dict):
        if REFERENCE_KEY in value:
            return OutputReference.load(value).value(outputs)
        return {key: resolve(each, outputs) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each, outputs) for each in value]
    return value


def find_references(value: Any) -> list[OutputReference]:
    """Return the references anywhere inside a value that an author gave."""
    if isinstance(value, str):  # the most frequent by far
        return []
    if isinstance(value, OutputReference):
        return [value]
    if isinstance(value, Mapping):
        if REFERENCE_KEY in value:
            raise PlanningError(f"the key {REFERENCE_KEY!r} is mcoflow's own and cannot be used in input")
        return [found for each in value.values() for found in find_references(each)]
    if isinstance(value, list | tuple):
        return [found for each in value for found in find_references(each)]
    return []


def _there_is(value: Any) -> str:
    if isinstance(value, dict):
        return f"its keys are {', '.join(sorted(map(str, value))) or 'none'}"
    if isinstance(value, list):
        return f"it has {len(value)} items"
    return f"it is {type(value).__name__}"
