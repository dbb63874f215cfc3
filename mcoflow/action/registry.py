"""Actions by their stored names. No string that comes from outside ever causes an import."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from mcoflow.errors import ConfigurationError, UnknownActionError

if TYPE_CHECKING:
    from mcoflow.action.base import Action


def unknown_action(name: str, names: Sequence[str]) -> UnknownActionError:
    """Return the error for a name that no action has; it names the nearest one, or all there are."""
    near = difflib.get_close_matches(name[:80], names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
    return UnknownActionError(f"no action is called {name[:80]!r}: {hint}")


class Registry:
    """Classes of actions by name, and by the names they had in earlier releases."""

    def __init__(self) -> None:
        self._by_name: dict[str, type[Action]] = {}
        self._names: dict[type[Action], str] = {}
        self._subscribers: dict[type[Action], list[type[Action]]] = {}
        self._apart: set[type[Action]] = set()

    def set_apart(self, action: type[Action]) -> None:
        """Have a host action called by workers from now on: it took long, and the director waits for it."""
        self._apart.add(action)

    def is_apart(self, action: type[Action]) -> bool:
        """Whether a host action was set apart in this process."""
        return action in self._apart

    def add(self, action: type[Action]) -> type[Action]:
        """Register a class under its `name` and `former_names`; usable as a decorator.

        Raises:
            ConfigurationError: another class has one of the names.
        """
        for name in (action.name, *action.former_names):
            known = self._by_name.setdefault(name, action)
            if known is not action and known.__qualname__ != action.__qualname__:
                raise ConfigurationError(f"the action name {name!r} is taken by {known.__qualname__}")
            self._by_name[name] = action
        if action not in self._names:
            for trigger in action.subscribe:
                self._subscribers.setdefault(trigger, []).append(action)
        self._names[action] = action.name
        return action

    def subscribers(self, action: type[Action]) -> tuple[type[Action], ...]:
        """Return the classes that join wherever exactly this one is planned, in the order of registration."""
        found = self._subscribers.get(action)
        if found is None:
            return ()
        # not one that was defined anew since, as in a shell
        return tuple(each for each in found if self._by_name[each.name] is each)

    def find(self, name: str) -> type[Action]:
        """Return the class; UnknownActionError names the nearest one."""
        try:
            return self._by_name[name]
        except KeyError:
            raise unknown_action(name, self.names()) from None

    def knows(self, name: str) -> bool:
        """Whether a class has or had this name."""
        return name in self._by_name

    def names(self) -> list[str]:
        """The names that people may trigger, in order: those of actions that have a title."""
        return sorted(action.name for action in self._names if action.title)

    def __iter__(self) -> Iterator[type[Action]]:
        return iter(self._names)


REGISTERED: Final = Registry()
"""What is registered by subclassing Action; a World takes it unless it is given another."""
