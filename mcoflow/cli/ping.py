"""`mcoflow ping`: who answers, told as the answers come."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.shell import Shell, shared_options, user

if TYPE_CHECKING:
    from uuid import UUID

    from mcoflow.services import Services
    from mcoflow.services.discoveries import DiscoveryView, MetView

GLANCE: Final = timedelta(seconds=0.5)
TAKEN_UP: Final = timedelta(seconds=10)
"""How long an executor has to begin to ask."""
NAMED: Final = 20
"""Hosts that are named in one line."""
NAME_WIDTH: Final = 24
window_option: Final = click.option(
    "--window",
    type=click.FloatRange(0.1, 60),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait so long for the next answer.",
)


@click.command()
@click.argument("names", nargs=-1, metavar="[HOST]...")
@click.option("-H", "--host", "hosts", multiple=True, metavar="HOST", help="Ask this host; may be repeated.")
@click.option("-t", "--target", default="", metavar="TARGET", help="Ask whom this means.")
@window_option
@shared_options
@click.pass_obj
def ping(shell: Shell, names: Sequence[str], hosts: Sequence[str], target: str, window: float) -> None:
    """Ask hosts for a sign of life, all if none is named, and tell who answers after how long.

    At the end it is counted and named who did not answer: offline are hosts without an agent that is
    connected, silent those with one that said nothing. Ends with 1 unless all answered, with 3 if one was
    never heard of.

    \b
    Examples:
      mcoflow ping
      mcoflow ping web1 web2
      mcoflow ping --target 'os.id=debian and not group:old' --window 5
      mcoflow ping --output ndjson | jq 'select(.standing == "silent").name'
    """
    from mcoflow.cli.names import host_names

    named = host_names([*names, *hosts])
    if named and target:
        raise click.UsageError("name hosts, or give --target: not both")
    with shell.services() as services:
        check_somebody_asks(services)
        whom = target or ("" if named else "all")
        asked = services.discoveries.ask(whom, hosts=named, window=timedelta(seconds=window), user=user())
        tell = None if shell.json else partial(_print, shell)
        view = await_over(services, asked, tell)
        report(shell, services, view)


def check_somebody_asks(services: "Services") -> None:
    """Refuse to ask where no executor would."""
    if not any(executor.alive for executor in services.health.executors()):
        raise CommandFailedError(
            "no executor is alive, so nobody can ask hosts: start `mcoflow up`, or `mcoflow executor`",
            ExitCode.UNAVAILABLE,
        )


def await_over(
    services: "Services", asked: "UUID", on_answers: "Callable[[Sequence[MetView]], None] | None" = None
) -> "DiscoveryView":
    """Return a discovery when it is over; `on_answers` hears of the hosts as they answer."""
    from mcoflow.domain.discovery import Standing
    from mcoflow.services.discoveries import BEGINNING

    after, told = BEGINNING, 0
    deadline = services.clock.monotonic() + TAKEN_UP.total_seconds()
    while True:
        view = services.discoveries.wait(asked, told, wait=GLANCE)
        while on_answers is not None and told < view.answered:
            met, after = services.discoveries.met(view, Standing.ANSWERED, after=after)
            on_answers(met)
            told += len(met)
            if not met:
                break
        if view.over:
            return view
        told = max(told, view.answered)
        if view.begun_at is None and services.clock.monotonic() > deadline:
            raise CommandFailedError(
                "no executor has asked anybody yet: `mcoflow executors list` tells whether one is alive",
                ExitCode.UNFINISHED,
            )


def hint_of_pending(services: "Services") -> str:
    """Return how to let hosts in, if some wait for it."""
    waiting = services.hosts.pending()
    return f"; hosts wait to be let in: `mcoflow host admit {' '.join(waiting)}`" if waiting else ""


def report(shell: Shell, services: "Services", view: "DiscoveryView") -> None:
    """Say who did not answer, and fail if there is somebody."""
    from mcoflow.domain.discovery import Standing

    offline = services.discoveries.all_met(view, Standing.OFFLINE)
    silent = services.discoveries.all_met(view, Standing.SILENT)
    if shell.json:
        answered = services.discoveries.all_met(view, Standing.ANSWERED)
        shell.document({**asdict(view), "hosts": [*answered, *offline, *silent]})
    elif shell.lines:
        _print(shell, [*offline, *silent])
        shell.document(view)
    else:
        for line in _summary(view, offline, silent):
            click.echo(line)
    if not view.problem and not view.expected:
        why = hint_of_pending(services) or ": start `mcoflow agent` on one"
        raise CommandFailedError(f"no host is known that this means{why}", ExitCode.NOT_FOUND)
    _check(view, offline, silent)


def _print(shell: Shell, met: "Sequence[MetView]") -> None:
    from mcoflow.cli.render import took, visible

    for each in met:
        if shell.lines:
            shell.document(each)
        else:
            notes = [note for note, given in (("new", each.added), ("simulated", each.simulated)) if given]
            line = f"{visible(each.name):<{NAME_WIDTH}}  {took(each.took):<7}  {', '.join(notes)}"
            click.echo(line.rstrip())


def _summary(
    view: "DiscoveryView", offline: "Sequence[MetView]", silent: "Sequence[MetView]"
) -> Sequence[str]:
    """Return the numbers, then the names: all of the silent, whatever their number."""
    lines = [view.words()]
    lines += [f"offline: {each.name}, {each.why}" for each in offline]
    return lines + [f"silent: {each.name}" for each in silent]


def _check(view: "DiscoveryView", offline: "Sequence[MetView]", silent: "Sequence[MetView]") -> None:
    if view.problem:
        raise CommandFailedError(view.problem, ExitCode.UNAVAILABLE)
    missing = [each.name for each in (*offline, *silent)]
    if not missing:
        return
    unknown = [each.name for each in offline if each.why == "never heard of"]
    said = f"{len(missing)} of {view.expected} hosts did not answer: {_named(missing)}"
    if unknown:
        said += f"; never heard of: {_named(unknown)} (`mcoflow host list` shows those there are)"
    raise CommandFailedError(said, ExitCode.NOT_FOUND if unknown else ExitCode.FAILED)


def _named(names: Sequence[Any]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
