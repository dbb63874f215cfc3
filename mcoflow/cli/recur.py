"""`mcoflow recur`: tasks that come back."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.order import Typed, order_options
from mcoflow.cli.shell import Shell, shared_options, user
from mcoflow.cli.times import TIME, told

if TYPE_CHECKING:
    from mcoflow.services.views import LastRun, RecurrenceView

Command = Callable[..., Any]


def of_one(command: Command) -> Command:
    """Give a command what those have that are about one recurrence: its ID, the shared options, the shell."""
    command = click.pass_obj(command)
    for option in (shared_options, click.argument("recurrence_id", type=click.UUID, metavar="ID")):
        command = option(command)
    return command


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
    order: Typed,
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
        wanted = order.read(services)
        made = services.schedules.recur(wanted.action, wanted.arguments, recurrence=recurrence, user=user())
    shell.result(made, lambda: str(made.id))
    shell.say(f"first at {told(made.next_at)}; stop it: mcoflow recur disable {made.id}")


@recur.command("list")
@click.option("--all", "over", is_flag=True, help="Also those that are finished or cancelled.")
@shared_options
@click.pass_obj
def list_recurrences(shell: Shell, over: bool) -> None:
    """List what comes back, the newest first, with the last run and what was left out.

    `mcoflow recur show ID` tells all of one.
    """
    from mcoflow.cli import render

    with shell.services() as services:
        found = services.schedules.recurrences(over=over)
    head = ("recurrence", "state", "next", "last", "runs", "when", "what", "")
    shell.result(found, lambda: render.table(head, [_row(each) for each in found]) if found else "")
    if not found:
        shell.say("nothing comes back" if over else "nothing comes back; --all shows also what is over")


@recur.command()
@of_one
def show(shell: Shell, recurrence_id: UUID) -> None:
    """Show one, with how its last run went, and which was left out last."""
    with shell.services() as services:
        found = services.schedules.recurrence(recurrence_id)
    shell.result(found, lambda: _told(found))


@recur.command()
@of_one
def run(shell: Shell, recurrence_id: UUID) -> None:
    """Run it now, beside its times.

    Its state does not matter, and a run by hand is not counted as one of its runs.
    """
    with shell.services() as services:
        plan_id = services.schedules.run_now(recurrence_id, user=user())
    shell.result({"id": plan_id}, lambda: str(plan_id))
    shell.say(f"follow it: mcoflow task show {plan_id} --follow")


@recur.command()
@of_one
def disable(shell: Shell, recurrence_id: UUID) -> None:
    """Let it make no tasks until it is enabled; what passes meanwhile is not made up for."""
    with shell.services() as services:
        done = services.schedules.disable(recurrence_id)
    shell.result(done, lambda: f"disabled; go on: mcoflow recur enable {recurrence_id}")


@recur.command()
@of_one
def enable(shell: Shell, recurrence_id: UUID) -> None:
    """Let a disabled one, or one that failed, go on."""
    with shell.services() as services:
        done = services.schedules.enable(recurrence_id)
    shell.result(done, lambda: f"enabled: next at {told(done.next_at)}")


@recur.command()
@of_one
def cancel(shell: Shell, recurrence_id: UUID) -> None:
    """Let it make no tasks any more; those that it made go on."""
    with shell.services() as services:
        done = services.schedules.cancel(recurrence_id)
    shell.result(done, lambda: "cancelled")


def _row(view: "RecurrenceView") -> Sequence[str]:
    when = f"{view.cron} ({view.timezone})"
    last = _last(view.last) if view.last else ""
    return (
        str(view.id),
        view.state,
        told(view.next_at),
        last,
        _runs(view),
        when,
        view.title,
        view.explanation,
    )


def _runs(view: "RecurrenceView") -> str:
    return f"{view.runs} of {view.max_runs}" if view.max_runs else str(view.runs)


def _last(run: "LastRun") -> str:
    return f"{run.word}, {told(run.at)}" if run.at else run.word


def _told(view: "RecurrenceView") -> str:
    from mcoflow.cli.render import visible

    failed = view.state == "failed"
    facts = {
        "id": str(view.id),
        "when": f"{view.cron} ({view.timezone})",
        "from": told(view.starts),
        "until": told(view.ends),
        "next": told(view.next_at),
        "runs": _runs(view),
        "last": f"{_last(view.last)}; mcoflow task show {view.last.id}" if view.last else "",
        "why" if failed else "left out": view.explanation,
        "purpose": view.purpose,
        "overlap": view.overlap,
        "missed": f"make up for {view.missed}",
        "by": view.user,
    }
    lines = [f"{view.title}: {view.state}"]
    lines += [f"  {key:<8}  {value}" for key, value in facts.items() if value]
    return "\n".join(map(visible, lines))
