"""`mcoflow schedule`: tasks that begin later."""

from datetime import datetime
from uuid import UUID

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options, user
from mcoflow.cli.task_id import TASK_ID
from mcoflow.cli.times import TIME_AHEAD, told


@click.group(cls=InOrder)
def schedule() -> None:
    """Look at tasks that begin later, hold them back, cancel them.

    `mcoflow run … --at TIME` makes them.
    """


@schedule.command("list")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", default="", help="Go on where the last page ended (its `next`).")
@shared_options
@click.pass_obj
def list_scheduled(shell: Shell, limit: int, cursor: str) -> None:
    """List scheduled tasks, the newest first."""
    from mcoflow.cli import render

    with shell.services() as services:
        page = services.plans.list("scheduled", cursor=cursor, limit=limit)
    head = ("task", "starts", "waits for", "by", "what")
    rows = [
        (str(plan.id), told(plan.schedule.start_at), plan.schedule.words, plan.user, plan.title)
        for plan in page.items
        if plan.schedule is not None
    ]
    shell.result(page, lambda: render.table(head, rows) if rows else "")
    if not rows:
        shell.say("no task is scheduled")
    elif page.next and not shell.json:
        shell.say(f"more: --cursor {page.next}")


@schedule.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@shared_options
@click.pass_obj
def show(shell: Shell, plan_id: UUID) -> None:
    """Show a scheduled task: when it starts, and what it waits for."""
    from mcoflow.cli.task import print_task

    with shell.services() as services:
        print_task(shell, services, services.plans.show(plan_id))


@schedule.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@shared_options
@click.pass_obj
def freeze(shell: Shell, plan_id: UUID) -> None:
    """Let a scheduled task not start until it is unfrozen."""
    with shell.services() as services:
        services.schedules.freeze(plan_id, actor=user())
    shell.result({"id": plan_id}, lambda: f"frozen; let it start: mcoflow schedule unfreeze {plan_id}")


@schedule.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option(
    "--at", "start_at", type=TIME_AHEAD, metavar="TIME", help="When it starts; default: when it was to."
)
@shared_options
@click.pass_obj
def unfreeze(shell: Shell, plan_id: UUID, start_at: datetime | None) -> None:
    """Let a frozen task start, at TIME or when it was to; give another TIME to one that is not frozen."""
    with shell.services() as services:
        services.schedules.unfreeze(plan_id, start_at=start_at, actor=user())
    when = f"starts {told(start_at)}" if start_at else "starts when it was to"
    shell.result({"id": plan_id, "start_at": start_at}, lambda: f"not frozen: {when}")


@schedule.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@shared_options
@click.pass_obj
def cancel(shell: Shell, plan_id: UUID) -> None:
    """Cancel a scheduled task; no executor has to be there."""
    from mcoflow.domain.states import PlanState
    from mcoflow.errors import CommandRefusedError

    with shell.services() as services:
        state = services.plans.show(plan_id).state
        if state not in (PlanState.SCHEDULED, PlanState.STOPPED):
            way_out = f"mcoflow task cancel {plan_id}"
            message = f"task {plan_id} is {state}, not scheduled; cancel it nevertheless: {way_out}"
            raise CommandRefusedError(message, plan_id, state, ("cancel",))
        services.plans.cancel(plan_id, actor=user())
    shell.result({"id": plan_id}, lambda: "cancelled: it never started")
