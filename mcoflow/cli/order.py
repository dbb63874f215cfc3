"""ACTION, PARAM, --host, --check and --set: what commands that make tasks have in common."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mcoflow.services import Filled, Order, Services
    from mcoflow.services.actions import ActionView

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed."""

    action: str
    param: str
    hosts: Sequence[str]
    check: bool
    given: Sequence[str]

    def read(self, services: "Services") -> "Order":
        """Return the action that is meant, and its arguments.

        Raises:
            FormInvalidError, InputInvalidError, UnknownActionError, UsageError: what is wrong with it.
        """
        from mcoflow.cli.names import host_names
        from mcoflow.services import Filled

        named, more = host_names(self.hosts), _given(self.given)
        filled = Filled(", ".join(named), self.action, self.param, confirm=str(len(named)), check=self.check)
        return _order(services, filled, named, more)


def order_options(command: F) -> F:
    """Give a command the arguments and options of Typed."""
    for option in (
        click.option(
            "--set",
            "given",
            multiple=True,
            metavar="KEY=VALUE",
            help="Further input of the action, as text; KEY:=VALUE as JSON.",
        ),
        click.option("--check", is_flag=True, help="Only predict what would change."),
        click.option(
            "--host",
            "-H",
            "hosts",
            multiple=True,
            metavar="NAME",
            help="Where; several times, or with commas.",
        ),
        click.argument("param", default=""),
        click.argument("action"),
    ):
        command = option(command)
    return command


def _order(services: "Services", filled: "Filled", hosts: Sequence[str], more: Mapping[str, Any]) -> "Order":
    """Return what to submit: of the form's actions by the form's rules, of others as it was given."""
    from mcoflow.services import Order
    from mcoflow.services.actions import action_named, action_view, check_keys, is_action
    from mcoflow.services.fields import ACTIONS
    from mcoflow.services.operations import is_operation

    if is_operation(filled.action) and not is_action(filled.action):
        return _operation(services, filled, hosts, more)
    action = action_named(filled.action)
    check_keys(action, tuple(more))
    if action.name in ACTIONS:
        order = services.form.read(replace(filled, action=action.name))
        return Order(order.action, {**order.arguments, **more})
    if filled.param:
        raise click.UsageError(f"{filled.action} takes no PARAM: give its input as --set KEY=VALUE")
    given = {"hosts": list(hosts), "check": filled.check}
    arguments = {key: value for key, value in given.items() if value}
    _check_options(action_view(action), arguments)
    return Order(action.name, {**arguments, **more})


def _operation(
    services: "Services", filled: "Filled", hosts: Sequence[str], more: Mapping[str, Any]
) -> "Order":
    """Return the order for an operation that hosts declare, by its short form `agent.operation`."""
    if filled.param:
        raise click.UsageError(f"{filled.action} takes no PARAM: give its input as --set KEY=VALUE")
    if not hosts:
        raise click.UsageError(f"{filled.action} needs hosts: add --host NAME")
    return services.operations.order(filled.action, hosts, more, check=filled.check)


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
