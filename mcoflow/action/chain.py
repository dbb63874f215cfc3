"""The middlewares of a class of actions, resolved once and ready to be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mcoflow.action.middleware import METHODS, NO_MIDDLEWARES, Middleware, Middlewares, in_order
from mcoflow.action.transaction import TransactionAdapter

if TYPE_CHECKING:
    from mcoflow.action.base import Action


@dataclass(frozen=True, slots=True)
class Chain:
    """By method of Middleware those that define it, innermost first."""

    layers: Mapping[str, tuple[Middleware, ...]] = field(default_factory=dict)

    def around(self, method: str, inner: Callable[..., None], subject: Any) -> Callable[..., None]:
        """Return `inner` with all middlewares around it; `subject` is the action or plan that they get."""
        for each in self.layers.get(method, ()):
            inner = partial(getattr(each, method), subject, inner)
        return inner

    def has(self, method: str) -> bool:
        """Whether any middleware goes around this."""
        return method in self.layers


class Chains:
    """The chains of one world: its own middlewares first, then from the base classes to the class.

    `transaction` is the user's, around all of planning and all of finalizing.
    """

    def __init__(
        self, of_world: Middlewares = NO_MIDDLEWARES, transaction: TransactionAdapter | None = None
    ) -> None:
        self._of_world = of_world
        self.transaction = transaction
        self._chains: dict[type[Action], Chain] = {}

    def of(self, action: type[Action]) -> Chain:
        """Return the chain of a class; ConfigurationError names a cycle in it."""
        chain = self._chains.get(action)
        if chain is None:
            chain = self._chains[action] = _resolved(self._of_world, action)
        return chain


def _resolved(of_world: Middlewares, action: type[Action]) -> Chain:
    own = [each.__dict__["middleware"] for each in reversed(action.__mro__) if "middleware" in each.__dict__]
    rules = [rule for middlewares in (of_world, *own) for rule in middlewares.rules]
    made = [kind() for kind in reversed(in_order(rules))] if rules else []
    layers = {method: tuple(each for each in made if _defines(each, method)) for method in METHODS}
    return Chain({method: kept for method, kept in layers.items() if kept})


def _defines(middleware: Middleware, method: str) -> bool:
    return getattr(type(middleware), method) is not getattr(Middleware, method)


BARE: Final = Chains()
"""Those of a world that has no middlewares of its own."""
