"""`mcoflow task`: look at tasks and command them."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.options import Match, matches
from mcoflow.cli.shell import Shell, check_wait, shared_options, user, wait_limit
from mcoflow.cli.task_id import TASK_ID

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.views import PlanView

FILTERS = ("all", "running", "scheduled", "paused", "failed", "warning", "succeeded", "cancelled")


@click.group(cls=InOrder)
def task() -> None:
    """List tasks, look at one, cancel, resume, skip."""


@task.command("list")
@click.option("--filter", "which", type=click.Choice(FILTERS), default="all", show_default=True)
@click.option("--text", default="", help="Only tasks whose title contains this.")
@click.option("--of", type=TASK_ID, metavar="ID", help="Only sub-plans of this task.")
@click.option("--where", type=Match(), multiple=True, metavar="FIELD=VALUE", help="Only these; repeat it.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--cursor", default="", help="Go on where the last page ended (its `next`).")
@shared_options
@click.pass_obj
def list_tasks(
    shell: Shell,
    *,
    which: str,
    text: str,
    of: UUID | None,
    where: Sequence[tuple[str, str]],
    limit: int,
    cursor: str,
) -> None:
    """List tasks, newest first.

    --where compares id, name, label, action, state, result, started_at, ended_at, caller_plan_id,
    caller_action_id, owner or delayed; a field given twice may have either value, an empty value means none.

    \b
    Examples:
      mcoflow task list --filter paused
      mcoflow task list --where result=error --where result=warning
      mcoflow task list --output json | jq '.items[].id'
    """
    from mcoflow.cli import render

    with shell.services() as services:
        page = services.plans.list(which, text=text, cursor=cursor, limit=limit, of=of, where=matches(where))
        rows = [render.plan_row(plan, services.clock.now()) for plan in page.items]
    shell.result(page, lambda: render.table(("task", "state", "made", "steps", "what"), rows) if rows else "")
    if not rows:
        shell.say("no tasks")
    elif page.next and not shell.json:
        shell.say(f"more: --cursor {page.next}")


@task.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--follow", "-f", "stay", is_flag=True, help="Show progress, and end as the task ends.")
@wait_limit("--follow")
@shared_options
@click.pass_obj
def show(shell: Shell, plan_id: UUID, stay: bool, within: float | None) -> None:
    """Show a task with its steps, and what can be done with it.

    With --follow it ends as `mcoflow run --wait` does.
    """
    check_wait("--follow", within, wait=stay)
    with shell.services() as services:
        if stay:
            to_the_end(shell, services, plan_id, within)
        else:
            print_task(shell, services, services.plans.show(plan_id))


@task.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--failed", is_flag=True, help="Only those where it failed, however it did.")
@click.option("--outcome", default="", metavar="WORD", help="Only those that stand so: ok, not-picked-up, …")
@click.option("--like", default="", metavar="HOST", help="Only those with the same error as this one.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="So many at the most.")
@shared_options
@click.pass_obj
def hosts(shell: Shell, plan_id: UUID, *, failed: bool, outcome: str, like: str, limit: int | None) -> None:
    """List the hosts of a task and how they stand, by name.

    The words are those of outcomes: ok, failed, rejected, no-such-host, not-picked-up, timed-out-killed,
    timed-out-still-running, interrupted, lost, cancelled, cancelled-killed; and warned, error, skipped,
    under-way and not-begun.

    \b
    Examples:
      mcoflow task hosts 5b1c2c0e-7a55-4d9c-8d2a-1f9b7b7f0a11 --failed
      mcoflow task hosts 5b1c2c0e-7a55-4d9c-8d2a-1f9b7b7f0a11 --outcome not-picked-up --output ndjson
    """
    from itertools import islice

    from mcoflow.cli import render
    from mcoflow.cli.fleet import every_host, host_row
    from mcoflow.services.fleet import FAILED

    if failed and outcome:
        raise click.UsageError("--failed, or one --outcome: not both")
    with shell.services() as services:
        plan = services.plans.show(plan_id)
        wanted = FAILED if failed else outcome
        found = list(islice(every_host(services, plan, outcome=wanted, like=like), limit))
    head = ("host", "stands", "took", "step", "error")
    shell.result(found, lambda: render.table(head, [host_row(host) for host in found]) if found else "")
    if not found:
        shell.say("no host stands so" if wanted or like else "the task has no hosts")


@task.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--force", is_flag=True, help="Kill also what must not be interrupted. Asks before.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask.")
@shared_options
@click.pass_obj
def cancel(shell: Shell, plan_id: UUID, *, force: bool, sure: bool) -> None:
    """Let nothing more of a task begin, and tell its hosts to stop.

    What must not be interrupted, such as a change of packages, runs on. With --force it is killed half-way:
    packages may be left neither installed nor removed, and the host may need to be repaired by hand. The id
    has to be typed once more for that, or --yes said.
    """
    from mcoflow.cli.before import KILLS, check_typed_again
    from mcoflow.cli.steps import told_to_stop

    if force and not sure:
        check_typed_again(shell, plan_id, KILLS)
    with shell.services() as services:
        told = services.plans.cancel(plan_id, actor=user(), force=force)
    steps = told_to_stop(len(told)) or "nothing was running"
    shell.result({"id": plan_id, "step_ids": told}, lambda: f"cancelled: {steps}")


@task.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--wait", "-w", is_flag=True, help="Show progress, and end as the task ends.")
@wait_limit("--wait")
@shared_options
@click.pass_obj
def resume(shell: Shell, plan_id: UUID, *, wait: bool, within: float | None) -> None:
    """Let a paused task go on: failed steps once more, done ones never; or withdraw a pause."""
    check_wait("--wait", within, wait=wait)
    with shell.services() as services:
        withdraws = services.plans.show(plan_id).will_pause
        services.plans.resume(plan_id, actor=user())
        if wait:
            to_the_end(shell, services, plan_id, within)
            return
    done = "it goes on and does not pause" if withdraws else "resumed"
    shell.result({"id": plan_id}, lambda: f"{done}; follow it: mcoflow task show {plan_id} --follow")


@task.command()
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.argument("step", type=int)
@click.option("--dry-run", is_flag=True, help="Only tell which steps would be skipped.")
@shared_options
@click.pass_obj
def skip(shell: Shell, plan_id: UUID, step: int, dry_run: bool) -> None:
    """Skip a failed STEP of a paused task, and what hangs on it; then resume the task."""
    from mcoflow.cli import render

    with shell.services() as services:
        skipped = services.plans.skip(plan_id, step, actor=user(), dry_run=dry_run)
        steps = [services.plans.step(plan_id, number).step for number in skipped[: render.SHOWN]]
    word = "would be skipped" if dry_run else "skipped when the task is resumed"
    lines = [f"{word}: step {each.id}, {render.named(each)}" for each in steps]
    if len(skipped) > len(steps):
        lines.append(f"… and {len(skipped) - len(steps)} more steps")
    if not dry_run:
        lines.append(f"go on: mcoflow task resume {plan_id}")
    shell.result({"id": plan_id, "step_ids": skipped, "steps": steps}, lambda: "\n".join(lines))


def _simulated(services: "Services", plan: "PlanView") -> Collection[str]:
    """Return all hosts of a task that are simulated."""
    from mcoflow.services.hosts import COUNTED

    slices = range(0, len(plan.hosts) if plan.simulated else 0, COUNTED)
    return {name for at in slices for name in services.hosts.simulated(plan.hosts[at : at + COUNTED])}


def to_the_end(shell: Shell, services: "Services", plan_id: UUID, within: float | None) -> None:
    """Show progress and the outcome of a task; fail if it did."""
    from mcoflow.cli.follow import follow, verdict
    from mcoflow.cli.steps import steps_to_judge

    plan = follow(shell, services, plan_id, within=within)
    print_task(shell, services, plan)
    verdict(shell, plan, steps_to_judge(services.plans, plan))


def _last_printed(services: "Services", plan: "PlanView") -> Sequence[str]:
    """Return the last lines that few hosts printed for an operation: they may be all that it tells."""
    from mcoflow.cli import render
    from mcoflow.cli.printout import Printout

    if plan.action != render.ASKED:
        return ()
    told: list[str] = []
    printout = Printout(told.append, colours=False, names=True)
    for item in services.output.read(plan.id, tail=render.SHOWN).items:
        printout.tell(item)
    printout.end()
    return "".join(told).splitlines()[-render.SHOWN :]


def print_task(shell: Shell, services: "Services", plan: "PlanView") -> None:
    """Print a task with its first steps, or its hosts in numbers if they are many.

    As JSON with all steps, their data, and the history; as a line of JSON without them.
    """
    from mcoflow.cli import render
    from mcoflow.cli.fleet import is_fleet, summary
    from mcoflow.cli.plain import plain
    from mcoflow.cli.steps import first_told, told

    called = {str(which): number for which, number in services.plans.counts(of=plan.id).items() if number}
    if not shell.json:
        steps = () if is_fleet(plan) else first_told(services.plans, plan, render.SHOWN)
        fleet = services.fleet.show(plan) if is_fleet(plan) or shell.lines else None
        why = services.fleet.why(plan).lead if is_fleet(plan) else None
        lines = summary(plan, fleet) if fleet is not None else ()
        line = {**plain(plan), "sub_plans": called, "fleet": fleet}
        shell.result(
            line,
            lambda: render.plan(
                plan,
                steps,
                called,
                services.clock.now(),
                fleet=lines,
                played=services.hosts.played(plan),
                simulated=services.hosts.simulated_of(plan, {each.step.host or "" for each in steps}),
                printed=services.output.printed(plan.id),
                why=why,
                last=() if is_fleet(plan) else _last_printed(services, plan),
            ),
        )
        return
    found = told(services.plans, plan)
    played = _simulated(services, plan)
    every = [
        {
            **plain(each.step),
            "simulated": each.step.host in played,
            "input": each.input,
            "output": each.output,
        }
        for each in found
    ]
    history = services.plans.history(plan.id)
    more = {"sub_plans": called, "steps": every, "history": history, "fleet": services.fleet.show(plan)}
    shell.result({**plain(plan), **more}, str)
