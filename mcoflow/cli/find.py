"""`mcoflow find` and `mcoflow group`: whom a target means."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.in_order import InOrder
from mcoflow.cli.ping import await_over, check_somebody_asks, hint_of_pending
from mcoflow.cli.shell import Shell, shared_options, user
from mcoflow.cli.times import told

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.targets import GroupView, Preview

MOST: Final = 1_000_000
"""Hosts that are printed: all of them."""


@click.command()
@click.argument("target", metavar="TARGET")
@click.option("--limit", metavar="N|N%", help="So many of them at the most.")
@click.option("--one", is_flag=True, help="One of them that is online.")
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="With --limit or --one: the chance of --random."
)
@click.option("--live", is_flag=True, help="Ask the hosts now: those are printed that answer.")
@shared_options
@click.pass_obj
def find(shell: Shell, target: str, *, limit: str | None, one: bool, seed: int | None, live: bool) -> None:
    """Print the hosts that TARGET means, one a line; nothing is run.

    How many there are, and how many are online, is said on stderr. Ends with 3 if there is none. With --live
    each host decides by its facts of this moment; who is offline or silent is said on stderr.

    \b
    Examples:
      mcoflow find 'web*'
      mcoflow find 'os.id=debian and (role=web or web*) and not group:old'
      mcoflow find 'role=web' --live
      mcoflow find 'cpu.count>=8 and agent:package' --limit 10%
      mcoflow find all --output json | jq '.hosts[] | select(.presence != "online").name'
    """
    from mcoflow.domain.choice import Choice

    if live:
        if limit or one or seed is not None:
            raise click.UsageError("--live asks all: it goes without --limit, --one and --seed")
        _find_live(shell, target)
        return
    with shell.services() as services:
        found = services.targets.preview(target, Choice.of(limit, one=one, seed=seed), named=MOST)
        why = "" if found.hosts else why_nobody(services, target)
    shell.result(found, lambda: "\n".join(host.name for host in found.hosts))
    shell.say(found.words())
    _warn_of_unknown(shell, found)
    if why:
        raise CommandFailedError(why, ExitCode.NOT_FOUND)


def _warn_of_unknown(shell: Shell, found: "Preview") -> None:
    """Warn of names that nobody has."""
    from mcoflow.services.targets import unknown_words

    if found.unknown:
        shell.warn(unknown_words(found.unknown))


def why_nobody(services: "Services", target: str) -> str:
    """Return why a target means nobody: a fact of which no host tells is mistyped, most likely."""
    untold = services.targets.untold(target)
    if not untold:
        return f"{target} means no host that can be taken{hint_of_pending(services)}"
    named = " or ".join(map(repr, untold))
    return f"no host tells a fact {named}; `mcoflow facts` lists them"


def _find_live(shell: Shell, target: str) -> None:
    from mcoflow.domain.discovery import Standing

    with shell.services() as services:
        check_somebody_asks(services)
        asked = services.discoveries.ask(target, user=user())
        view = await_over(services, asked)
        met = {standing: services.discoveries.all_met(view, standing) for standing in Standing}
    answered = sorted(met[Standing.ANSWERED], key=lambda each: each.name)
    hosts = [*answered, *met[Standing.OFFLINE], *met[Standing.SILENT]]
    shell.result(
        hosts if shell.lines else {**asdict(view), "hosts": hosts},
        lambda: "\n".join(each.name for each in answered),
    )
    for standing in (Standing.OFFLINE, Standing.SILENT):
        for each in met[standing]:
            shell.say(f"{standing}: {each.name}{', ' if each.why else ''}{each.why}")
    shell.say(view.words())
    if view.problem:
        raise CommandFailedError(view.problem, ExitCode.UNAVAILABLE)
    if not answered:
        raise CommandFailedError(f"{target} means no host that answers", ExitCode.NOT_FOUND)


@click.group(cls=InOrder)
def group() -> None:
    """Give targets a name: group:NAME stands for them in other targets."""


@group.command("list")
@shared_options
@click.pass_obj
def list_groups(shell: Shell) -> None:
    """List all groups."""
    from mcoflow.cli import render

    with shell.services() as services:
        found = services.targets.groups()
    head = ("group", "target", "by", "changed")
    shell.result(found, lambda: render.table(head, [_row(each) for each in found]) if found else "")
    if not found:
        shell.say("no groups: make one with `mcoflow group set NAME TARGET`")


@group.command("set")
@click.argument("name")
@click.argument("target")
@shared_options
@click.pass_obj
def set_group(shell: Shell, name: str, target: str) -> None:
    """Let group:NAME stand for TARGET, whatever it stood for before.

    Tasks that are planned already keep their hosts. A task that comes back asks anew each time.

    \b
    Examples:
      mcoflow group set old 'os.version<11'
      mcoflow group set canaries 'web1,db1' && mcoflow run ping --target group:canaries
    """
    with shell.services() as services:
        made = services.targets.set_group(name, target, user=user())
        found = services.targets.preview(f"group:{name}")
    shell.result(made, lambda: f"{made.name}: {made.target}")
    shell.say(found.words())
    _warn_of_unknown(shell, found)


@group.command()
@click.argument("name")
@shared_options
@click.pass_obj
def show(shell: Shell, name: str) -> None:
    """Show a group, and whom it means now."""
    with shell.services() as services:
        made = services.targets.group(name)
        found = services.targets.preview(f"group:{name}")
    shell.result({"group": made, "means": found}, lambda: f"{made.name}: {made.target}\n{found.words()}")


@group.command()
@click.argument("name")
@shared_options
@click.pass_obj
def remove(shell: Shell, name: str) -> None:
    """Forget a group that no other group is made of."""
    with shell.services() as services:
        services.targets.remove_group(name)
    shell.result({"name": name}, lambda: "removed")


def _row(view: "GroupView") -> Sequence[str]:
    return (view.name, view.target, view.user, told(view.changed_at))
