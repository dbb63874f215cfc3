"""Before something is done that is hard to undo: where a task would run, and whether that is really meant."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.find import why_nobody
from mcoflow.cli.render import visible
from mcoflow.cli.shell import Shell

if TYPE_CHECKING:
    from mcoflow.services import Order, OrderPreview, Services
    from mcoflow.services.rehearsals import Rehearsal

NAMED: Final = 10
"""Hosts that are not online which a question names."""
KILLS: Final = (
    "--force kills what must not be interrupted: a package tool half-way leaves packages neither installed"
    " nor removed, and the host may need to be repaired by hand"
)
"""What a cancel by force does."""


def show_preview(shell: Shell, services: Services, order: Order) -> None:
    """Print where an order would run, one host a line, and say the numbers and waves; nothing is stored."""
    found = services.portions.look(order)
    if found is None:
        raise click.UsageError(f"{order.action} takes no hosts: there is nothing to preview")
    if shell.json or shell.lines:
        shell.result({**_told(found), "hosts": found.hosts}, str)
    else:
        shell.result(found, lambda: "\n".join(_line(host.name, host.presence) for host in found.hosts))
        _say(shell, found)
    if not found.hosts:
        target = str(order.arguments.get("target") or "")
        why = why_nobody(services, target) if target else "it names no host that can be taken"
        raise CommandFailedError(why, ExitCode.NOT_FOUND)


def confirm(shell: Shell, services: Services, order: Order, *, sure: bool) -> None:
    """Warn of names that no host has and of hosts that would refuse; ask for the number of many.

    Nobody is asked where nobody is there to answer.

    Raises:
        CommandFailedError: another number was typed; nothing was made.
        InputInvalidError: no host that is meant offers what it would be asked for.
    """
    from mcoflow.services.offers import check_somebody_offers
    from mcoflow.services.placing import CONFIRM_ABOVE
    from mcoflow.services.targets import unknown_words

    unknown = services.portions.unknown(order)
    if unknown:
        shell.warn(unknown_words(unknown))
    lacking = services.portions.lacking(order)
    check_somebody_offers(lacking)
    for each in lacking:
        shell.warn(f"{each.words}; there it ends as rejected")
    if sure or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    found = services.portions.preview(order)
    if found is None or found.expected <= CONFIRM_ABOVE:
        return
    _say(shell, found)
    typed = click.prompt(f"type {found.expected} to run it there", err=True)
    if str(typed).strip() != str(found.expected):
        raise CommandFailedError("another number: nothing was run", ExitCode.USAGE)


def check_typed_again(shell: Shell, wanted: UUID, warning: str) -> None:
    """Warn, and ask for an id once more.

    Raises:
        CommandFailedError: another one was typed, or nobody is there to be asked; nothing was done.
    """
    if not sys.stdin.isatty():
        raise CommandFailedError(f"{warning}; if that has to be, say --yes", ExitCode.USAGE)
    shell.say(f"{warning}.")
    typed = click.prompt("type its id to go on", default="", show_default=False, err=True)
    if str(typed).strip() != str(wanted):
        raise CommandFailedError("another id: nothing was done", ExitCode.USAGE)


def _say(shell: Shell, found: OrderPreview) -> None:
    shell.say(found.words)
    if found.unknown:
        shell.warn(found.unknown_words)
    away = found.not_online(NAMED)
    if away:
        left = found.expected - found.online - len(away)
        more = f" and {left} more" if left > 0 else ""
        shell.say(f"not online: {', '.join(host.name for host in away)}{more}")
    shell.say(found.wave_words)
    for each in found.lacking:
        shell.warn(each.words)
    for rehearsal in found.rehearsals:
        for line in steps_of(rehearsal):
            shell.say(visible(line))


def steps_of(rehearsal: Rehearsal) -> Sequence[str]:
    """Return what each host goes through, one step a line; who goes through the same is told once."""
    if rehearsal.problem:
        return [rehearsal.problem]
    lines = []
    for course in rehearsal.courses:
        who = "each host" if len(rehearsal.courses) == 1 else course.where
        lines += [f"{who}:", *_numbered(course.steps)]
    return [*lines, "then, of no host:", *_numbered(rehearsal.rest)] if rehearsal.rest else lines


def _numbered(steps: Sequence[str]) -> Sequence[str]:
    return [f"  {number}. {step}" for number, step in enumerate(steps, 1)]


def _line(name: str, presence: str) -> str:
    return name if presence == "online" else f"{name}  {presence}"


def _told(found: OrderPreview) -> dict[str, object]:
    names = ("matched", "expected", "online", "late", "offline", "never_seen", "waves")
    courses = [course for each in found.rehearsals for course in each.courses]
    return {
        **{name: getattr(found, name) for name in names},
        "rollout": found.how and found.how.as_json(),
        "steps": [{"hosts": course.hosts, "steps": course.steps} for course in courses],
        "rest": [step for each in found.rehearsals for step in each.rest],
        "problem": "; ".join(each.problem for each in found.rehearsals if each.problem),
        "unknown": found.unknown,
        "lacking": {name: each.hosts for each in found.lacking for name in each.operations},
    }
