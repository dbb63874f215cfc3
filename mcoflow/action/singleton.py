"""Singleton: an action whose plan holds locks, so that no other plan does the same at the same time."""

from collections.abc import Iterable

from mcoflow.action.base import Action
from mcoflow.domain.locks import Lock


class Singleton(Action):
    """Holds locks from planning until the plan pauses or stops, suspended steps and all.

    The locks belong to the plan: those of all its singletons are taken together or not at all. A paused plan
    has none; resuming it takes them again, and is refused while another plan has one.
    """

    def locks(self) -> Iterable[Lock]:
        """Return the locks; asked after `plan`, when the input is known. By default one named as the class.

        Whatever it raises fails the planning.
        """
        return [Lock(self.name)]


def locks_of(action: Action) -> Iterable[Lock]:
    """The locks that an action asks for once it is planned."""
    return action.locks() if isinstance(action, Singleton) else ()
