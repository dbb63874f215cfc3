"""`mcoflow run`: make a task, and follow it if wanted."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from mcoflow.cli.shell import Shell, shared_options, user, warn_if_nobody_is_there

if TYPE_CHECKING:
    from mcoflow.services import Filled, Order, Services


@click.command()
@click.argument("action")
@click.argument("param", default="")
@click.option(
    "--host", "-H", "hosts", multiple=True, metavar="NAME", help="Where; several times, or with commas."
)
@click.option("--check", is_flag=True, help="Only predict what would change.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="Further input of the action, as text; KEY:=VALUE as JSON.",
)
@click.option("--wait", "-w", is_flag=True, help="Show progress, and end as the task ends.")
@shared_options
@click.pass_obj
def run(
    shell: Shell,
    /,
    *,
    action: str,
    param: str,
    hosts: Sequence[str],
    check: bool,
    given: Sequence[str],
    wait: bool,
) -> None:
    """Run ACTION with PARAM on hosts.

    \b
    ACTION               PARAM
    install              one package
    uninstall            one package
    update               one package
    restart              one service
    install-and-restart  packages and services: p1,p2;s1,s2
    ping                 none

    An action of your own takes its input as --set KEY=VALUE; numbers and lists as --set KEY:=JSON.

    Without --wait it prints the id of the task and ends. With it, it ends with 0 when the task succeeded
    (warnings are printed), else with 1 and the reason. Ctrl-C only ends the waiting.

    \b
    Examples:
      mcoflow run install nginx --host web1 --wait
      mcoflow run install nginx --host web1 --set version=1.22.1-9 --check --wait
      mcoflow run install-and-restart 'nginx,php;web' --host web1 --host web2
      mcoflow run restart ssh --host web1 --output json
    """
    from mcoflow.services import Filled

    named = [name for host in hosts for name in host.split(",")]
    filled = Filled(", ".join(named), action.replace("-", "_"), param, check=check)
    with shell.services() as services:
        order = _order(services, filled, named)
        arguments = {**order.arguments, **_given(given)}
        plan_id = services.plans.submit(order.action, arguments, user=user()).plan_id
        if wait:
            _to_the_end(shell, services, plan_id)
        else:
            _made(shell, services, plan_id)


def _order(services: "Services", filled: "Filled", hosts: Sequence[str]) -> "Order":
    """Return what to submit: of the form's actions by the form's rules, of others as it was given."""
    from mcoflow.action.registry import REGISTERED
    from mcoflow.services import Order
    from mcoflow.services.fields import ACTIONS

    if filled.action in ACTIONS:
        distinct = {host.strip().lower() for host in hosts} - {""}
        return services.form.read(replace(filled, confirm=str(len(distinct))))
    REGISTERED.find(filled.action)
    if filled.param:
        raise click.UsageError(f"{filled.action} takes no PARAM: give its input as --set KEY=VALUE")
    arguments = {"hosts": [host.strip() for host in hosts], "check": filled.check}
    return Order(filled.action, {key: value for key, value in arguments.items() if value})


def _given(pairs: Sequence[str]) -> dict[str, Any]:
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


def _made(shell: Shell, services: "Services", plan_id: UUID) -> None:
    """Tell the id of a task that was just made, and how to follow it."""
    from mcoflow.cli.follow import verdict

    plan = services.plans.show(plan_id)
    shell.result(plan, lambda: str(plan_id))
    if plan.at_rest:
        verdict(shell, plan)
        return
    warn_if_nobody_is_there(shell, services)
    shell.say(f"follow it: mcoflow task show {plan_id} --follow")


def _to_the_end(shell: Shell, services: "Services", plan_id: UUID) -> None:
    """Show progress and the outcome; fail if the task did."""
    from mcoflow.cli.follow import follow, verdict
    from mcoflow.cli.task import print_task

    warn_if_nobody_is_there(shell, services)
    plan = follow(shell, services, plan_id)
    print_task(shell, services, plan)
    verdict(shell, plan)
