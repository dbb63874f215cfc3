"""`mcoflow recur`: tasks that come back."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.order import Typed, order_options
from mcoflow.cli.shell import Shell, shared_options, user
from mcoflow.cli.times import TIME, told

if TYPE_CHECKING:
    from mcoflow.services.views import RecurrenceView


@click.group(cls=InOrder)
def recur() -> None:
    """Let tasks come back, look at them, stop them."""


@recur.command()
@order_options
@click.option("--cron", required=True, metavar="EXPRESSION", help="Minute hour day month weekday.")
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="In which it is meant: Europe/Vienna.",
)
@click.option("--starts", type=TIME, metavar="TIME", help="Not before.")
@click.option("--ends", type=TIME, metavar="TIME", help="Not after.")
@click.option("--max-runs", type=click.IntRange(1), metavar="N", help="Not more often.")
@click.option(
    "--overlap",
    type=click.Choice(["skip", "allow", "queue"]),
    default="skip",
    show_default=True,
    help="While the run before goes on.",
)
@click.option(
    "--missed",
    type=click.Choice(["none", "one", "all"]),
    default="one",
    show_default=True,
    help="Runs to make up for that were due while no executor was there.",
)
@click.option("--purpose", metavar="NAME", help="Refuse a second active one with the same.")
@shared_options
@click.pass_obj
def add(
    shell: Shell,
    /,
    *,
    action: str,
    param: str,
    hosts: Sequence[str],
    check: bool,
    given: Sequence[str],
    **fields: Any,
) -> None:
    """Run ACTION with PARAM on hosts again and again. They are given as for `mcoflow run`.

    \b
    Examples:
      mcoflow recur add update nginx --host web1 --cron '30 4 * * 1-5' --timezone Europe/Vienna
      mcoflow recur add ping --host web1 --cron '*/10 * * * *' --purpose heartbeat --ends +7d
    """
    from mcoflow.domain.recurrence import Recurrence

    recurrence = Recurrence(**fields)
    with shell.services() as services:
        order = Typed(action, param, hosts, check, given).read(services)
        made = services.schedules.recur(order.action, order.arguments, recurrence=recurrence, user=user())
    shell.result(made, lambda: str(made.id))
    shell.say(f"first at {told(made.next_at)}; stop it: mcoflow recur disable {made.id}")


@recur.command("list")
@click.option("--all", "over", is_flag=True, help="Also those that are finished or cancelled.")
@shared_options
@click.pass_obj
def list_recurrences(shell: Shell, over: bool) -> None:
    """List what comes back, the newest first."""
    from mcoflow.cli import render

    with shell.services() as services:
        found = services.schedules.recurrences(over=over)
    head = ("recurrence", "state", "next", "runs", "when", "what")
    shell.result(found, lambda: render.table(head, [_row(each) for each in found]) if found else "")
    if not found:
        shell.say("nothing comes back")


@recur.command()
@click.argument("recurrence_id", type=click.UUID, metavar="ID")
@shared_options
@click.pass_obj
def disable(shell: Shell, recurrence_id: UUID) -> None:
    """Let it make no tasks until it is enabled; what passes meanwhile is not made up for."""
    with shell.services() as services:
        done = services.schedules.disable(recurrence_id)
    shell.result(done, lambda: f"disabled; go on: mcoflow recur enable {recurrence_id}")


@recur.command()
@click.argument("recurrence_id", type=click.UUID, metavar="ID")
@shared_options
@click.pass_obj
def enable(shell: Shell, recurrence_id: UUID) -> None:
    """Let a disabled one, or one that failed, go on."""
    with shell.services() as services:
        done = services.schedules.enable(recurrence_id)
    shell.result(done, lambda: f"enabled: next at {told(done.next_at)}")


@recur.command()
@click.argument("recurrence_id", type=click.UUID, metavar="ID")
@shared_options
@click.pass_obj
def cancel(shell: Shell, recurrence_id: UUID) -> None:
    """Let it make no tasks any more; those that it made go on."""
    with shell.services() as services:
        done = services.schedules.cancel(recurrence_id)
    shell.result(done, lambda: "cancelled")


def _row(view: "RecurrenceView") -> Sequence[str]:
    runs = f"{view.runs} of {view.max_runs}" if view.max_runs else str(view.runs)
    next_at: datetime | None = view.next_at
    state = f"{view.state}: {view.explanation}" if view.explanation else view.state.value
    return (str(view.id), state, told(next_at), runs, f"{view.cron} ({view.timezone})", view.title)
