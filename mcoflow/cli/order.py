"""ACTION, PARAM, --host, --target, --check and --set: what commands that make tasks have in common."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from random import Random
from typing import TYPE_CHECKING, Any, Final

import click

from mcoflow.cli.portions import NAMES, PORTIONS, rollout_of

if TYPE_CHECKING:
    from mcoflow.services import Filled, Order, Services
    from mcoflow.services.actions import ActionView


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed."""

    action: str
    param: str
    hosts: Sequence[str]
    check: bool
    given: Sequence[str]
    target: str = ""
    limit: str | None = None
    one: bool = False
    chance: bool = False
    seed: int | None = None
    portions: Mapping[str, Any] = field(default_factory=dict)

    def read(self, services: "Services") -> "Order":
        """Return the action that is meant, and its arguments.

        Raises:
            FormInvalidError, InputInvalidError, UnknownActionError, UsageError: what is wrong with it.
        """
        from mcoflow.cli.names import host_names
        from mcoflow.services import Filled

        named, choice = host_names(self.hosts), {**self.choice(), **self.rollout()}
        filled = Filled(
            hostname=", ".join(named),
            action=self.action,
            param=self.param,
            confirm=str(len(named)),
            check=self.check,
            target=self.target,
        )
        return _order(services, filled, named, _given(self.given), choice)

    def choice(self) -> dict[str, Any]:
        """Return how some of the hosts that the target means are chosen; what is drawn now is recorded so."""
        if not self.target and (self.limit is not None or self.one or self.chance or self.seed is not None):
            raise click.UsageError("--limit, --one, --random and --seed belong to --target")
        seed = Random().getrandbits(31) if self.chance and self.seed is None else self.seed  # noqa: S311
        said = {"limit": self.limit, "one": self.one or None, "seed": seed}
        return {key: value for key, value in said.items() if value is not None}

    def rollout(self) -> dict[str, Any]:
        """Return in which portions hosts get their turn, as input; empty if nothing was said."""
        rollout = rollout_of(dict(self.portions))
        return {"rollout": rollout} if rollout else {}


def order_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments and options of Typed, which it takes as `order`."""

    @wraps(command)
    def with_order(*args: Any, **named: Any) -> None:
        portions = {key: named.pop(key) for key in NAMES}
        typed = {key: named.pop(key) for key in Typed.__dataclass_fields__ if key != "portions"}
        order = Typed(**typed, portions=portions)
        command(*args, order=order, **named)

    taking = with_order
    for option in reversed(_OPTIONS):
        taking = option(taking)
    return taking


_OPTIONS: Final[Sequence[Callable[[Callable[..., None]], Callable[..., None]]]] = (
    click.argument("action"),
    click.argument("param", default=""),
    click.option(
        "--host", "-H", "hosts", multiple=True, metavar="NAME", help="Where; several times, or with commas."
    ),
    click.option(
        "--target",
        "-T",
        default="",
        metavar="EXPRESSION",
        help="Where, as 'os.id=debian and (role=web or web*) and not group:old'.",
    ),
    click.option("--limit", metavar="N|N%", help="So many of the target's hosts at the most."),
    click.option("--one", is_flag=True, help="One of the target's hosts that is online."),
    click.option("--random", "chance", is_flag=True, help="With --limit or --one: by chance, not by name."),
    click.option("--seed", type=click.IntRange(0), metavar="N", help="The chance of an earlier --random."),
    *PORTIONS,
    click.option("--check", is_flag=True, help="Only predict what would change."),
    click.option(
        "--set",
        "given",
        multiple=True,
        metavar="KEY=VALUE",
        help="Further input of the action, as text; KEY:=VALUE as JSON.",
    ),
)


def _order(
    services: "Services",
    filled: "Filled",
    hosts: Sequence[str],
    given: Mapping[str, Any],
    choice: Mapping[str, Any],
) -> "Order":
    """Return what to submit: of the form's actions by the form's rules, of others as it was given."""
    from mcoflow.services import Order
    from mcoflow.services.actions import action_named, action_view, check_keys, is_action
    from mcoflow.services.fields import ACTIONS
    from mcoflow.services.operations import is_operation

    if is_operation(filled.action) and not is_action(filled.action):
        return _operation(services, filled, hosts, given, choice)
    more = {**given, **choice}
    action = action_named(filled.action)
    check_keys(action, tuple(more))
    if action.name in ACTIONS:
        order = services.form.read(replace(filled, action=action.name))
        return Order(order.action, {**order.arguments, **more})
    if filled.param:
        raise click.UsageError(f"{filled.action} takes no PARAM: give its input as --set KEY=VALUE")
    said = {"hosts": list(hosts), "target": filled.target, "check": filled.check}
    arguments = {key: value for key, value in said.items() if value}
    _check_options(action_view(action), arguments)
    return Order(action.name, {**arguments, **more})


def _operation(
    services: "Services",
    filled: "Filled",
    hosts: Sequence[str],
    args: Mapping[str, Any],
    choice: Mapping[str, Any],
) -> "Order":
    """Return the order for an operation that hosts declare, by its short form `agent.operation`."""
    if filled.param:
        raise click.UsageError(f"{filled.action} takes no PARAM: give its input as --set KEY=VALUE")
    if bool(hosts) == bool(filled.target):
        raise click.UsageError(f"{filled.action} needs hosts: add --host NAME or --target EXPRESSION")
    where = {"target": filled.target} if filled.target else {"hosts": list(hosts)}
    return services.operations.order(filled.action, {**where, **choice}, args, check=filled.check)


def _check_options(view: "ActionView", keys: Collection[str]) -> None:
    """Refuse --host and --check for an action without such input: it would run as if they were not there.

    One that takes any input does not say that it heeds them either: then they have to be set by name.
    """
    known = [field.name for field in view.fields]
    if "check" in keys and "check" not in known:
        named = "; if its code heeds it nevertheless: --set check:=true" if view.open else ""
        raise click.UsageError(f"{view.name} takes no --check: it cannot predict, it would really run{named}")
    if "hosts" in keys and "hosts" not in known:
        named = """; if its code heeds them nevertheless: --set hosts:='["web1"]'""" if view.open else ""
        raise click.UsageError(f"{view.name} takes no hosts: leave out --host{named}")
    if "target" in keys and "target" not in known:
        named = "; if its code heeds one nevertheless: --set target=…" if view.open else ""
        raise click.UsageError(f"{view.name} takes no target: leave out --target{named}")


def _given(pairs: Sequence[str]) -> Mapping[str, Any]:
    """Read KEY=VALUE pairs of text, and KEY:=VALUE pairs of JSON."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        name = key.removesuffix(":")
        if not name or not equals:
            raise click.UsageError(f"--set {pair!r}: write KEY=VALUE, or KEY:=JSON")
        found[name] = text if name == key else _json(pair, text)
    return found


def _json(pair: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--set {pair!r}: {text!r} is no JSON: {error}") from None
