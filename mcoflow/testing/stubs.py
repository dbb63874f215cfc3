"""Outputs of actions that are not there, for the input of the one under test."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mcoflow.action.base import Action
from mcoflow.action.schema import valid_output
from mcoflow.domain.reference import OutputReference
from mcoflow.errors import PlanningError

_ids: Final = itertools.count(1)
"""Stubs count downwards from -1: no action of a plan has such an id."""


@dataclass(frozen=True, slots=True)
class StubReference(OutputReference):
    """A reference whose value is known from the start."""

    whole: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str | int) -> StubReference:
        return StubReference(self.action_id, self.step_id, (*self.path, key), whole=self.whole)

    def or_else(self, value: Any) -> StubReference:
        """See OutputReference.or_else."""
        return StubReference(self.action_id, self.step_id, self.path, value, self.whole)


@dataclass(frozen=True, slots=True)
class Stub:
    """Stands in for a planned action: it has an output, and nothing else."""

    action: type[Action]
    output: OutputReference


def stub_output(action: type[Action], output: Mapping[str, Any]) -> Stub:
    """Return a stand-in for an action whose run has put this out; pass its `output` to plan_action.

    Raises:
        OutputInvalidError, NotSerialisableError: the action could not put that out.
    """
    whole = valid_output(action.name, action.Output, output)
    number = -next(_ids)
    return Stub(action, StubReference(number, number, whole=whole))


def check_stub(reference: StubReference) -> None:
    """Raise PlanningError for a key that the stub does not have, as planning does for real producers."""
    if reference.path and reference.path[0] not in reference.whole and reference.required:
        known = ", ".join(map(str, reference.whole)) or "nothing"
        raise PlanningError(f"the input reads {reference}, but that stub only has {known}")
