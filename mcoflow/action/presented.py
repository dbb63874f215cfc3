"""The part of Action that is for showing it to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mcoflow.errors import PhaseError

if TYPE_CHECKING:
    from mcoflow.action.base import Action
    from mcoflow.action.stage import PresentStage, Stage

A = TypeVar("A", bound="Action")


class Presented:
    """What an action says of itself, in present form: input and output as they are stored, nothing runs."""

    name: ClassVar[str]
    _stage: Stage

    def humanized_output(self) -> Any:
        """What came of it, for people: text or other JSON; by default the output."""
        return self._stage.output

    def humanized_state(self) -> str:
        """Where it stands, for people; by default the state of its step."""
        return self._presenting().state_of(self._stage.action_id)

    def planned_actions(self, of: type[A]) -> list[A]:
        """The actions that this one planned, in order, of a class or of those derived from it.

        Raises:
            PhaseError: outside of the present phase, that is of `humanized_output` and `humanized_state`.
        """
        return self._presenting().children(self._stage.action_id, of)

    def all_planned_actions(self, of: type[A]) -> list[A]:
        """The same of all that was planned below this one, at any depth."""
        return self._presenting().descendants(self._stage.action_id, of)

    def _presenting(self) -> PresentStage:
        if self._stage.presenting is None:
            raise PhaseError(f"{self.name}: that is for when it is shown, this is {self._stage.phase}")
        return self._stage.presenting
