"""`mcoflow run`: make a task, and follow it if wanted."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import click

from mcoflow.cli.order import Typed, order_options
from mcoflow.cli.shell import Shell, check_wait, shared_options, user, wait_limit
from mcoflow.cli.times import TIME_AHEAD, told

if TYPE_CHECKING:
    from mcoflow.services import Services


@click.command()
@order_options
@click.option(
    "--at", "start_at", type=TIME_AHEAD, metavar="TIME", help="Start then: 2026-11-22T04:00, 04:00, +2h."
)
@click.option(
    "--before",
    "start_before",
    type=TIME_AHEAD,
    metavar="TIME",
    help="Do not start from then on: it ends as too late.",
)
@click.option("--preview", is_flag=True, help="Only tell where it would run and in which waves.")
@click.option(
    "--yes", "-y", "sure", is_flag=True, help="Do not ask, on a terminal, whether so many hosts are meant."
)
@click.option("--wait", "-w", is_flag=True, help="Show progress, and end as the task ends.")
@wait_limit("--wait")
@shared_options
@click.pass_obj
def run(
    shell: Shell,
    /,
    *,
    order: Typed,
    start_at: datetime | None,
    start_before: datetime | None,
    preview: bool,
    sure: bool,
    wait: bool,
    within: float | None,
) -> None:
    """Run ACTION with PARAM on hosts.

    \b
    ACTION               PARAM
    install              one package
    uninstall            one package
    update               one package
    restart              one service; so do start and stop
    enable, disable      one service: whether it begins with the machine
    install-and-restart  packages and services: p1,p2;s1,s2
    ping                 none
    AGENT.OPERATION      none: any operation that hosts offer, its input as --set

    `mcoflow action list` shows all of them, with --declared the operations. An action of your own takes its
    input as --set KEY=VALUE; numbers and lists as --set KEY:=JSON.

    Without --wait it prints the id of the task and ends. With it, it ends with 0 when the task succeeded
    (warnings are printed), else with 1 and the reason. Ctrl-C only ends the waiting, and so does --timeout.
    Who is away, an executor or the broker, is said at once.

    Of many hosts one line tells how far they are, and a summary what became of them, the same error once.
    With --output ndjson there is a line of JSON for each host as it ends, then one of the task.

    Before it goes to more than 20 hosts it asks for their number, on a terminal; --yes goes without.

    \b
    Examples:
      mcoflow run install nginx --host web1 --wait
      mcoflow run install nginx --host web1 --set version=1.22.1-9 --check --wait
      mcoflow run install-and-restart 'nginx,php;web' --host web1 --host web2
      mcoflow run file.checksum --host web1 --set path=/etc/hosts --wait
      mcoflow run restart ssh --host web1 --at 04:00 --before 06:00
      mcoflow run restart ssh --target 'os.id=debian and role=web' --batch 10% --budget 2 --wait
      mcoflow run restart ssh --target 'role=web' --preview
      mcoflow run restart ssh --host web1 --output json
    """
    from mcoflow.cli.before import confirm, show_preview
    from mcoflow.cli.task import to_the_end
    from mcoflow.domain.schedule import Schedule

    check_wait("--wait", within, wait=wait)
    later = Schedule(start_at, start_before) if start_at or start_before else None
    with shell.services() as services:
        wanted = order.read(services)
        if preview:
            show_preview(shell, services, wanted)
            return
        confirm(shell, services, wanted, sure=sure)
        if later is None:
            plan_id = services.plans.submit(wanted.action, wanted.arguments, user=user()).plan_id
        else:
            plan_id = services.schedules.submit(wanted.action, wanted.arguments, schedule=later, user=user())
        if wait:
            to_the_end(shell, services, plan_id, within)
        else:
            _made(shell, services, plan_id)


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
    if plan.schedule is not None and plan.schedule.start_at is not None:
        shell.say(f"starts {told(plan.schedule.start_at)}; not at all: mcoflow schedule cancel {plan_id}")
    shell.say(f"follow it: mcoflow task show {plan_id} --follow")
