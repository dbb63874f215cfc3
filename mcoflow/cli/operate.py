"""`mcoflow task`: what operators do with tasks beyond cancelling and resuming them."""

from typing import Final
from uuid import UUID

import click

from mcoflow.cli.shell import Shell, shared_options, user


@click.command()
@click.argument("plan_id", type=click.UUID, metavar="ID")
@shared_options
@click.pass_obj
def pause(shell: Shell, plan_id: UUID) -> None:
    """Let the steps under way end, and start nothing more until it is resumed."""
    with shell.services() as services:
        services.operating.pause(plan_id, actor=user())
    shell.result({"id": plan_id}, lambda: f"pausing; go on: mcoflow task resume {plan_id}")


@click.command()
@click.argument("plan_id", type=click.UUID, metavar="ID")
@shared_options
@click.pass_obj
def abort(shell: Shell, plan_id: UUID) -> None:
    """Cancel a task without waiting for its hosts: what they are at may go on."""
    with shell.services() as services:
        told = services.operating.abort(plan_id, actor=user())
    steps = f"{len(told)} steps were told to stop" if told else "nothing was waiting"
    shell.result({"id": plan_id, "step_ids": told}, lambda: f"aborted: {steps}")


@click.command()
@click.argument("plan_id", type=click.UUID, metavar="ID")
@shared_options
@click.pass_obj
def revert(shell: Shell, plan_id: UUID) -> None:
    """Undo what a paused task has done, as far as its actions can; the last step first."""
    with shell.services() as services:
        services.operating.revert(plan_id, actor=user())
    shell.result({"id": plan_id}, lambda: f"reverting; follow it: mcoflow task show {plan_id} --follow")


@click.command()
@click.argument("plan_id", type=click.UUID, metavar="ID")
@click.option("--reason", default="by hand", show_default=True, help="For the history.")
@shared_options
@click.pass_obj
def halt(shell: Shell, plan_id: UUID, reason: str) -> None:
    """Stop a task at once, whatever its executor does.

    It works from every state and waits for nobody. Nothing is told to the hosts; what was under way may have
    had any effect, and nobody looks at its result any more. Try `mcoflow task abort` first.
    """
    with shell.services() as services:
        services.operating.halt(plan_id, reason=reason, actor=user())
    shell.result({"id": plan_id}, lambda: "halted: the effect of what was under way is unknown")


OPERATE: Final = (pause, abort, revert, halt)
"""Commands of `mcoflow task`."""
