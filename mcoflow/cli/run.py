"""`mcoflow run`: make a task, and follow it if wanted."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from mcoflow.cli.shell import Shell, shared_options, user, wait_limit

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
@wait_limit("--wait")
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
    within: float | None,
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

    `mcoflow action list` shows all of them. An action of your own takes its input as --set KEY=VALUE; numbers
    and lists as --set KEY:=JSON.

    Without --wait it prints the id of the task and ends. With it, it ends with 0 when the task succeeded
    (warnings are printed), else with 1 and the reason. Ctrl-C only ends the waiting, and so does --timeout.
    Who is away, an executor or the broker, is said at once.

    \b
    Examples:
      mcoflow run install nginx --host web1 --wait
      mcoflow run install nginx --host web1 --set version=1.22.1-9 --check --wait
      mcoflow run install-and-restart 'nginx,php;web' --host web1 --host web2
      mcoflow run restart ssh --host web1 --output json
    """
    from mcoflow.cli.names import host_names
    from mcoflow.services import Filled

    named, more = host_names(hosts), _given(given)
    filled = Filled(", ".join(named), action, param, confirm=str(len(named)), check=check)
    with shell.services() as services:
        order = _order(services, filled, named, more)
        arguments = {**order.arguments, **more}
        plan_id = services.plans.submit(order.action, arguments, user=user()).plan_id
        if wait:
            _to_the_end(shell, services, plan_id, within)
        else:
            _made(shell, services, plan_id)


def _order(services: "Services", filled: "Filled", hosts: Sequence[str], more: Collection[str]) -> "Order":
    """Return what to submit: of the form's actions by the form's rules, of others as it was given."""
    from mcoflow.services import Order
    from mcoflow.services.actions import action_named, check_keys
    from mcoflow.services.fields import ACTIONS

    action = action_named(filled.action)
    check_keys(action, tuple(more))
    if action.name in ACTIONS:
        return services.form.read(replace(filled, action=action.name))
    if filled.param:
        raise click.UsageError(f"{filled.action} takes no PARAM: give its input as --set KEY=VALUE")
    arguments = {"hosts": list(hosts), "check": filled.check}
    return Order(action.name, {key: value for key, value in arguments.items() if value})


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
    from mcoflow.cli.lookout import Lookout

    plan = services.plans.show(plan_id)
    shell.result(plan, lambda: str(plan_id))
    if plan.at_rest:
        verdict(shell, plan)
        return
    Lookout(shell, services).look()
    shell.say(f"follow it: mcoflow task show {plan_id} --follow")


def _to_the_end(shell: Shell, services: "Services", plan_id: UUID, within: float | None) -> None:
    """Show progress and the outcome; fail if the task did."""
    from mcoflow.cli.follow import follow, verdict
    from mcoflow.cli.steps import steps_to_judge
    from mcoflow.cli.task import print_task

    plan = follow(shell, services, plan_id, within=within)
    print_task(shell, services, plan)
    verdict(shell, plan, steps_to_judge(services.plans, plan))
