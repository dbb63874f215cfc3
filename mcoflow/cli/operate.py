"""`mcoflow task`: what operators do with tasks beyond cancelling and resuming them."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from mcoflow.cli.options import Age, Match, json_or_text, matches
from mcoflow.cli.shell import Shell, check_wait, shared_options, user, wait_limit
from mcoflow.cli.task_id import TASK_ID


@click.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--after-wave", is_flag=True, help="Let all hosts of the current wave have their turn before.")
@shared_options
@click.pass_obj
def pause(shell: Shell, plan_id: UUID, *, after_wave: bool) -> None:
    """Let the steps under way end, and start nothing more until it is resumed."""
    with shell.services() as services:
        services.operating.pause(plan_id, actor=user(), after_wave=after_wave)
    shell.result({"id": plan_id}, lambda: f"pausing; go on: mcoflow task resume {plan_id}")


@click.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--failed", is_flag=True, help="On the hosts where it failed only.")
@click.option("--succeeded", is_flag=True, help="On the hosts where it succeeded only.")
@click.option("--left", is_flag=True, help="On the hosts that were skipped, cancelled or not begun only.")
@click.option("--wait", "-w", is_flag=True, help="Show progress, and end as the new task ends.")
@wait_limit("--wait")
@shared_options
@click.pass_obj
def rerun(
    shell: Shell,
    plan_id: UUID,
    *,
    failed: bool,
    succeeded: bool,
    left: bool,
    wait: bool,
    within: float | None,
) -> None:
    """Run an ended task once more, as a new task; a paused one goes on with `mcoflow task resume`.

    \b
    Example:
      mcoflow task rerun 5b1c2c0e-7a55-4d9c-8d2a-1f9b7b7f0a11 --failed --wait
    """
    from mcoflow.cli.task import to_the_end
    from mcoflow.ports.fleet import Verdict

    check_wait("--wait", within, wait=wait)
    others = (Verdict.SKIPPED, Verdict.CANCELLED, Verdict.OPEN)
    wanted = [*([Verdict.FAILED] if failed else []), *([Verdict.SUCCEEDED] if succeeded else [])]
    with shell.services() as services:
        made = services.rerun.again(plan_id, verdicts=[*wanted, *(others if left else ())], user=user())
        if wait:
            to_the_end(shell, services, made.plan_id, within)
            return
        plan = services.plans.show(made.plan_id)
    shell.result(plan, lambda: str(made.plan_id))
    shell.say(f"follow it: mcoflow task show {made.plan_id} --follow")


@click.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@shared_options
@click.pass_obj
def abort(shell: Shell, plan_id: UUID) -> None:
    """Cancel a task without waiting for its hosts: what they are at may go on."""
    from mcoflow.cli.steps import told_to_stop

    with shell.services() as services:
        told = services.operating.abort(plan_id, actor=user())
    steps = told_to_stop(len(told)) or "nothing was waiting"
    shell.result({"id": plan_id, "step_ids": told}, lambda: f"aborted: {steps}")


@click.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@shared_options
@click.pass_obj
def revert(shell: Shell, plan_id: UUID) -> None:
    """Undo what a paused task has done, as far as its actions can; the last step first."""
    with shell.services() as services:
        services.operating.revert(plan_id, actor=user())
    shell.result({"id": plan_id}, lambda: f"reverting; follow it: mcoflow task show {plan_id} --follow")


@click.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
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


@click.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@shared_options
@click.pass_obj
def delete(shell: Shell, plan_id: UUID) -> None:
    """Remove a task that is stopped, or paused with an error, for good."""
    with shell.services() as services:
        services.operating.delete(plan_id, actor=user())
    shell.result({"id": plan_id}, lambda: "deleted")


@click.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.argument("step", type=int)
@click.argument("value")
@click.option("--optional", is_flag=True, help="It is all right if nobody takes it.")
@click.option("--wait", "stay", is_flag=True, help="Wait until the step takes it, not for 5 seconds.")
@wait_limit("--wait")
@shared_options
@click.pass_obj
def event(
    shell: Shell, plan_id: UUID, step: int, value: str, *, optional: bool, stay: bool, within: float | None
) -> None:
    """Send an event to a STEP that waits for one; VALUE is JSON, or else a text.

    It ends with 0 once the step has taken it, with 1 if it was refused, or dropped as the step ended, and
    with 75 if it is stored and not taken yet.

    \b
    Examples:
      mcoflow task event 0b29… 3 yes
      mcoflow task event 0b29… 3 '{"$mcoflow_event": "approval.given", "value": {"by": "ann"}}'
    """
    from mcoflow.services.operating import COMMAND_WAIT

    check_wait("--wait", within, wait=stay)
    limit = COMMAND_WAIT if not stay else None if within is None else timedelta(seconds=within)
    with shell.services() as services:
        services.operating.event(
            plan_id, step, json_or_text(value), optional=optional, actor=user(), wait=limit
        )
    shell.result({"id": plan_id, "step_id": step}, lambda: f"step {step} has taken it")


@click.command("clean")
@click.option("--older-than", type=Age(), required=True, metavar="AGE", help="Since they ended: 30d, 12h.")
@click.option("--where", type=Match(), multiple=True, metavar="FIELD=VALUE", help="Only these; repeat it.")
@click.option("--backup", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Save here.")
@click.option("--dry-run", is_flag=True, help="Only tell how many would be removed.")
@shared_options
@click.pass_obj
def clean_tasks(
    shell: Shell,
    older_than: timedelta,
    where: Sequence[tuple[str, str]],
    backup: Path | None,
    dry_run: bool,
) -> None:
    """Remove stopped tasks that are older than an age, for good.

    With --backup a file with all their data is written first, one JSON document per task and line.

    \b
    Examples:
      mcoflow task clean --older-than 30d --backup /var/backups/mcoflow
      mcoflow task clean --older-than 7d --where result=success --dry-run
    """
    from mcoflow.domain.query import CleanPolicy

    policy = CleanPolicy(older_than, matches(where), backup_dir=backup, dry_run=dry_run)
    with shell.services() as services:
        report = services.operating.clean(policy)
    said = f"{'would remove' if dry_run else 'removed'} {report.plans} tasks"
    saved = f", saved in {report.backup}" if report.backup else ""
    shell.result(report, lambda: said + saved)


OPERATE: Final = (pause, rerun, abort, revert, halt, event, delete, clean_tasks)
"""Commands of `mcoflow task`."""
