"""`mcoflow executors`: look after the processes that run tasks."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options

if TYPE_CHECKING:
    from mcoflow.services.executors import WorkerView

HEAD = ("executor", "host", "pid", "version", "state", "heard", "queues", "tasks")


@click.group(cls=InOrder, invoke_without_command=True)
@shared_options
@click.pass_context
def executors(context: click.Context) -> None:
    """Look after the processes that run tasks.

    Without a command it lists them. `mcoflow executor` starts one.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_executors)


@executors.command("list")
@shared_options
@click.pass_obj
def list_executors(shell: Shell) -> None:
    """List executors, the oldest first.

    live: heard of lately; late: not heard of for two heartbeats; dead: others take its tasks up. Queues are
    told with the number of their threads, tasks are those that wait or run and are its own.
    """
    from mcoflow.cli import render

    with shell.services() as services:
        found, now = services.executors.list(), services.clock.now()
    rows = [_row(each, render.ago(each.last_seen, now)) for each in found]
    shell.result(found, lambda: render.table(HEAD, rows) if rows else "")
    if not found:
        shell.say("no executor is there: start `mcoflow up` or `mcoflow executor`")


@executors.command()
@shared_options
@click.pass_obj
def check(shell: Shell) -> None:
    """Say how many executors are live, late or dead, and what is left of deleted tasks; change nothing."""
    with shell.services() as services:
        found = services.executors.check()
    states = [str(each.state) for each in found.executors]
    counted = ", ".join(f"{states.count(word)} {word}" for word in ("live", "late", "dead"))
    rows = ", ".join(f"{number} in {table}" for table, number in found.orphans.items())
    shell.result(found, lambda: f"executors: {counted}\nrows without their task: {rows or 'none'}")


@executors.command()
@click.argument("world_id", type=click.UUID, metavar="ID")
@click.option("--force", is_flag=True, help="Also one that is live, without asking.")
@shared_options
@click.pass_obj
def invalidate(shell: Shell, world_id: UUID, force: bool) -> None:
    """Declare an executor dead, so that others take its tasks up at once.

    Nobody has to: those of a dead one are taken up by themselves. One that is live is only declared dead if
    its id is typed once more, or with --force: code that runs in it runs out, and what it returns is lost.
    """
    from mcoflow.errors import WorldAliveError
    from mcoflow.services.executors import Pulse

    with shell.services() as services:
        try:
            was = services.executors.invalidate(world_id, even_alive=force)
        except WorldAliveError as alive:
            if not _typed_again(shell, world_id, alive):
                raise
            was = services.executors.invalidate(world_id, even_alive=True)
    done = f"declared dead; it had {was.tasks} {'task' if was.tasks == 1 else 'tasks'}, which others take up"
    nothing = "it was dead already; nothing was changed"
    shell.result(was, lambda: nothing if was.state is Pulse.DEAD else done)


def _typed_again(shell: Shell, world_id: UUID, alive: Exception) -> bool:
    """Ask a person for the id; nobody is there to be asked if stdin is no terminal."""
    if not sys.stdin.isatty():
        return False
    shell.say(f"{alive}")
    return bool(
        click.prompt("type its id to go on", default="", show_default=False, err=True) == str(world_id)
    )


def _row(found: "WorkerView", heard: str) -> Sequence[str]:
    queues = ", ".join(f"{name} {threads}" for name, threads in found.queues.items())
    number = str(found.tasks)
    return (str(found.id), found.host, found.pid, found.version, found.state, heard, queues, number)
