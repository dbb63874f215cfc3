"""A stored plan in present form: its actions as objects that can say what they are for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.chain import BARE, Chains
from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.action.stage import Stage
from mcoflow.domain.plain import plain
from mcoflow.domain.reference import resolve
from mcoflow.errors import ReferenceMissingError, UnknownActionError

log = logging.getLogger("mcoflow.presentation")
A = TypeVar("A", bound=Action)


class MissingAction(Action):
    """Stands for an action whose class is not here any more; `name` is the stored name."""

    def __init__(self, stage: Stage, name: str = "") -> None:
        super().__init__(stage)
        self.__dict__["name"] = name


@dataclass(frozen=True, slots=True)
class StoredAction:
    """What is stored of an action. `state` is that of its step; input and output are JSON text."""

    id: int
    name: str
    parent_id: int | None
    state: str
    input: str
    output: str


class Presentation:
    """Makes the actions of one plan as they are asked for. All load, whatever became of their classes."""

    def __init__(
        self,
        plan_id: UUID,
        actions: Sequence[StoredAction],
        registry: Registry = REGISTERED,
        chains: Chains = BARE,
    ) -> None:
        self._plan_id = plan_id
        self._stored = {each.id: each for each in actions}
        self._registry = registry
        self._chains = chains
        self._made: dict[int, Action] = {}
        self._outputs: dict[int, Any] = {}
        self._below: dict[int | None, list[int]] = {}
        for each in actions:
            self._below.setdefault(each.parent_id, []).append(each.id)

    def action(self, action_id: int) -> Action:
        """Return an action in present form, the middlewares for it applied; KeyError if there is none."""
        made = self._made.get(action_id)
        if made is None:
            made = self._made[action_id] = self._make(self._stored[action_id])
        return made

    def output(self, action_id: int) -> Any:
        """What an action says came of it, as JSON; its output, if it cannot say."""
        made = self.action(action_id)
        try:
            return plain(made.humanized_output())
        except Exception:  # what an author's code raises must not hide the plan
            log.warning("presentation.failed", exc_info=True, extra={"action": made.name})
            return made.output

    def state(self, action_id: int) -> str:
        """Where an action says it stands; the state of its step, if it cannot say."""
        made = self.action(action_id)
        try:
            return str(made.humanized_state())
        except Exception:  # as above
            log.warning("presentation.failed", exc_info=True, extra={"action": made.name})
            return self.state_of(action_id)

    # -- what actions ask for -----------------------------------------------------------------------------

    def state_of(self, action_id: int) -> str:
        """The state of an action's step."""
        return self._stored[action_id].state

    def children(self, action_id: int, of: type[A]) -> list[A]:
        """The actions that an action planned, of a class."""
        return [made for made in map(self.action, self._below.get(action_id, ())) if isinstance(made, of)]

    def descendants(self, action_id: int, of: type[A]) -> list[A]:
        """All that was planned below it, in plan order."""
        below = map(self.action, sorted(self._all_below(action_id)))
        return [made for made in below if isinstance(made, of)]

    def _all_below(self, action_id: int) -> Iterator[int]:
        left = list(self._below.get(action_id, ()))
        while left:
            each = left.pop()
            yield each
            left += self._below.get(each, ())

    # -- making -------------------------------------------------------------------------------------------

    def _make(self, stored: StoredAction) -> Action:
        given, output = self._shown(json.loads(stored.input)), json.loads(stored.output)
        stage = Stage("present", self._plan_id, stored.id, stored.parent_id is None, given, output)
        stage.presenting = self
        try:
            kind = self._registry.find(stored.name)
        except UnknownActionError:
            return MissingAction(stage, stored.name)
        made = kind(stage)
        try:
            self._chains.of(kind).around("present", _nothing, made)()
        except Exception as error:
            log.warning("presentation.failed", exc_info=True, extra={"action": made.name})
            stage.input = made.input = {}
            stage.output = {"problem": f"it cannot be shown: {type(error).__name__}"}
        return made

    def _shown(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return input with values for references, as far as they are there already."""
        return {key: self._value(each) for key, each in given.items()}

    def _value(self, stored: Any) -> Any:
        try:
            return resolve(stored, _Outputs(self._stored, self._outputs))
        except ReferenceMissingError as missing:
            return f"({missing})"


class _Outputs(Mapping[int, Any]):
    """The outputs of actions, read when a reference asks for one."""

    def __init__(self, stored: Mapping[int, StoredAction], read: dict[int, Any]) -> None:
        self._stored, self._read = stored, read

    def __getitem__(self, action_id: int) -> Any:
        if action_id not in self._read:
            self._read[action_id] = json.loads(self._stored[action_id].output)
        return self._read[action_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


def _nothing() -> None:
    """What presenting is, without middleware."""
