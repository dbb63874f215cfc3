"""What goes around the phases of actions, and in which order."""
# ruff: noqa: ARG002 - the methods of Middleware are there to be overridden

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from mcoflow.errors import ConfigurationError

if TYPE_CHECKING:
    from mcoflow.action.base import Action
    from mcoflow.domain.events import Event, Signal
    from mcoflow.domain.view import PlanView


class Middleware:
    """Goes around what an action does. Each method may leave `proceed` out, catch what it raises, or pass on
    other arguments; those that a subclass does not define cost nothing.

    One object serves all calls of a class of actions, on several threads: it keeps nothing of a call. Let
    BaseException pass, it is how `suspend` leaves `run`. Around `run` of a HostAction it runs on a worker.
    """

    def delay(self, action: Action, proceed: Callable[..., None], /, *args: Any, **kwargs: Any) -> None:
        """Around delay, before a scheduled plan is stored."""
        proceed(*args, **kwargs)

    def plan(self, action: Action, proceed: Callable[..., None], /, *args: Any, **kwargs: Any) -> None:
        """Around plan, with the arguments that it gets."""
        proceed(*args, **kwargs)

    def run(self, action: Action, proceed: Callable[[Any], None], event: Event | Signal | None) -> None:
        """Around each call of run, and of what is called in its place for a signal."""
        proceed(event)

    def revert(self, action: Action, proceed: Callable[[Any], None], event: Event | Signal | None) -> None:
        """Around each call of revert."""
        proceed(event)

    def finalize(self, action: Action, proceed: Callable[[], None]) -> None:
        """Around finalize."""
        proceed()

    def present(self, action: Action, proceed: Callable[[], None]) -> None:
        """Around each load for display: what it changes in input and output is shown, and not stored."""
        proceed()

    def plan_phase(self, plan: PlanView, proceed: Callable[[], None]) -> None:
        """Around the planning of a whole plan: that of its root's class."""
        proceed()

    def finalize_phase(self, plan: PlanView, proceed: Callable[[], None]) -> None:
        """Around all finalize steps of a plan, which are one job then: that of its root's class."""
        proceed()

    def hook(self, action: Action, proceed: Callable[[PlanView], None], plan: PlanView) -> None:
        """Around a hook on the plan's state."""
        proceed(plan)


Kinds: TypeAlias = tuple[type[Middleware], ...]
_PHASES: Final = ("delay", "plan", "run", "revert", "finalize", "present")
METHODS: Final = (*_PHASES, "plan_phase", "finalize_phase", "hook")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One call of use, or of drop: then `new` is None and `gone` the class."""

    new: type[Middleware] | None
    before: Kinds = ()
    after: Kinds = ()
    gone: type[Middleware] | None = None


@dataclass(frozen=True, slots=True)
class Middlewares:
    """Which middlewares to use, as rules in order. A class adds its rules to those of its bases."""

    rules: tuple[_Rule, ...] = ()

    def use(
        self,
        new: type[Middleware],
        *,
        before: Kinds = (),
        after: Kinds = (),
        replace: type[Middleware] | None = None,
    ) -> Self:
        """Add a middleware, inside of those there are unless it says otherwise.

        Args:
            new: its class; made without arguments.
            before: those that it shall go around; what is not used is ignored.
            after: those that shall go around it; likewise.
            replace: whose place, and whose rules, it takes.
        """
        return self._with(_Rule(new, before, after, replace))

    def drop(self, old: type[Middleware]) -> Self:
        """Do without a middleware that a base class, or the world, uses."""
        return self._with(_Rule(None, gone=old))

    def _with(self, rule: _Rule) -> Self:
        return replace(self, rules=(*self.rules, rule))


NO_MIDDLEWARES: Final = Middlewares()


def in_order(rules: Iterable[_Rule]) -> list[type[Middleware]]:
    """Return the middlewares that the rules leave, outermost first.

    Raises:
        ConfigurationError: a cycle of before and after, which is named.
    """
    used: list[type[Middleware]] = []
    heirs: dict[type[Middleware], type[Middleware]] = {}
    wanted: list[tuple[type[Middleware], type[Middleware]]] = []
    for rule in rules:
        _apply(rule, used, heirs)
        if rule.new is not None:
            wanted += [(rule.new, each) for each in rule.before]
            wanted += [(each, rule.new) for each in rule.after]
    pairs = ((_heir(first, used, heirs), _heir(then, used, heirs)) for first, then in wanted)
    return _sorted(used, {(first, then) for first, then in pairs if first is not then})


def _apply(
    rule: _Rule, used: list[type[Middleware]], heirs: dict[type[Middleware], type[Middleware]]
) -> None:
    if rule.gone in used and rule.new is not None:
        heirs[rule.gone] = rule.new
        if rule.new in used:
            used.remove(rule.new)
        used[used.index(rule.gone)] = rule.new
    elif rule.gone in used:
        used.remove(rule.gone)
    elif rule.new is not None and rule.new not in used:
        used.append(rule.new)


def _heir(
    kind: type[Middleware], used: list[type[Middleware]], heirs: dict[type[Middleware], type[Middleware]]
) -> type[Middleware]:
    """Who has the place of a middleware now; a middleware that is used has its own."""
    seen = {kind}
    while kind not in used and kind in heirs and heirs[kind] not in seen:
        kind = heirs[kind]
        seen.add(kind)
    return kind


def _sorted(
    used: list[type[Middleware]], pairs: set[tuple[type[Middleware], type[Middleware]]]
) -> list[type[Middleware]]:
    """Return them as they stand, but each with those that have to come first right before it."""
    found: list[type[Middleware]] = []

    def visit(kind: type[Middleware], path: tuple[type[Middleware], ...]) -> None:
        if kind in path:
            circle = [each.__qualname__ for each in (kind, *reversed(path[path.index(kind) :]))]
            raise ConfigurationError(f"middlewares want to be around each other: {' before '.join(circle)}")
        if kind not in found:
            for each in used:
                if (each, kind) in pairs:
                    visit(each, (*path, kind))
            found.append(kind)

    for each in used:
        visit(each, ())
    return found
