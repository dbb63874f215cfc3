"""`mcoflow task output`: what hosts print, while they run or afterwards."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click

from mcoflow.cli.shell import Shell, check_wait, shared_options, wait_limit
from mcoflow.cli.task_id import TASK_ID
from mcoflow.errors import WaitTimeoutError

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.output import OutputItem, OutputPage

TICK: Final = 0.5
"""Seconds between two looks while nothing is said to have moved."""
STREAMS: Final = ("stdout", "stderr", "log")


@click.command("output")
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--host", metavar="HOST", help="Only what this host printed.")
@click.option("--step", "step_id", type=int, metavar="N", help="Only the output of this step.")
@click.option("--stream", "streams", type=click.Choice(STREAMS), multiple=True, help="Only this; repeat it.")
@click.option("--tail", type=click.IntRange(0, 100_000), metavar="N", help="Only the last N lines.")
@click.option("--follow", "-f", "stay", is_flag=True, help="Go on until the steps have ended.")
@click.option("--raw", is_flag=True, help="The text as it was printed, control characters included.")
@wait_limit("--follow")
@shared_options
@click.pass_obj
def output(
    shell: Shell,
    plan_id: UUID,
    *,
    host: str | None,
    step_id: int | None,
    streams: Sequence[str],
    tail: int | None,
    stay: bool,
    raw: bool,
    within: float | None,
) -> None:
    """Print what a task prints on its hosts, the same while it runs and afterwards.

    On a terminal colours are kept and all other control characters are shown as symbols. Lines of several
    hosts begin with their names. What is missing is told on stderr.

    \b
    Examples:
      mcoflow task output ID --host web1 --follow
      mcoflow task output ID --stream stderr --tail 20
      mcoflow task output ID --output ndjson | jq -r .text
    """
    check_wait("--follow", within, wait=stay)
    if raw and sys.stdout.isatty():
        raise click.UsageError("--raw is not for terminals, which obey it: send it into a file or a pipe")
    if shell.json and stay:
        raise click.UsageError("--follow never ends its JSON document: take --output ndjson")
    with shell.services() as services:

        def read(after: str, tail: int | None) -> "OutputPage":
            page = services.output.read(
                plan_id, host=host, step_id=step_id, streams=streams, after=after, tail=tail
            )
            return _marked(services, plan_id, page) if shell.json or shell.lines else page

        pages = _followed(services, plan_id, read, tail, within) if stay else _stored(read, tail)
        alone = host is not None or step_id is not None
        notes = _tell(shell, pages, tail=tail, raw=raw, names=not alone)
    for note in notes:
        shell.say(note)


def _marked(services: "Services", plan_id: UUID, page: "OutputPage") -> "OutputPage":
    """Mark what simulated hosts printed."""
    names = {item.host for item in page.items if item.host}
    played = services.hosts.simulated_of(services.plans.show(plan_id), names) if names else ()
    return replace(page, items=[replace(item, simulated=item.host in played) for item in page.items])


def _stored(read: "Callable[[str, int | None], OutputPage]", tail: int | None) -> "Iterator[OutputPage]":
    """Yield the pages that there are now."""
    page = read("", tail)
    yield page
    while page.more:
        page = read(page.next, None)
        yield page


def _followed(
    services: "Services",
    plan_id: UUID,
    read: "Callable[[str, int | None], OutputPage]",
    tail: int | None,
    within: float | None,
) -> "Iterator[OutputPage]":
    """Yield pages until all is read and nothing will follow. WaitTimeoutError after `within` seconds."""
    until = services.clock.monotonic() + (inf if within is None else within)
    version = services.plans.show(plan_id).version
    page = read("", tail)
    yield page
    while not page.complete:
        if not page.more:
            left = min(TICK, until - services.clock.monotonic())
            if left <= 0:
                raise WaitTimeoutError(f"task {plan_id} has not ended after {within:g} s; it goes on")
            services.plans.wait_for_change({plan_id: version}, wait=timedelta(seconds=left))
            version = services.plans.show(plan_id).version
        following = read(page.next, None)
        if following.items or following.complete:
            yield following
        page = following if following.next else page


def _tell(
    shell: Shell, pages: "Iterator[OutputPage]", *, tail: int | None, raw: bool, names: bool
) -> Sequence[str]:
    """Print pages as they come; return what is to be said of the last."""
    notes: Sequence[str] = ()
    if shell.json:
        found = list(pages)
        items = [item for page in found for item in page.items]
        last = found[-1]
        document = {
            "items": items,
            "next": last.next,
            "complete": last.complete,
            "kept": last.kept,
            "printed": last.printed,
            "notes": last.notes,
        }
        shell.document(document)
        return ()
    tell, end = _teller(shell, raw=raw, names=names)
    try:
        for number, page in enumerate(pages):
            items = list(page.items)
            for item in _last_lines(items, tail) if tail is not None and not number else items:
                tell(item)
            sys.stdout.flush()
            notes = page.notes
    finally:
        end()
    return notes


def _teller(
    shell: Shell, *, raw: bool, names: bool
) -> "tuple[Callable[[OutputItem], None], Callable[[], None]]":
    """Return what prints a piece, and what is to be called at the end."""
    if shell.lines:
        return shell.document, lambda: None
    if raw:
        return lambda item: _write(item.text), lambda: None
    from mcoflow.cli.printout import Printout

    printout = Printout(_write, colours=sys.stdout.isatty(), names=names)

    def tell(item: "OutputItem") -> None:
        if item.gap:
            shell.say(f"[{item.host or 'server'}: {item.gap}]")
        printout.tell(item)

    return tell, printout.end


def _write(text: str) -> None:
    click.echo(text, nl=False, color=True)


def _last_lines(items: "Sequence[OutputItem]", wanted: int) -> "Sequence[OutputItem]":
    """Return the pieces without the lines before the last so many: the first of them is cut."""
    from dataclasses import replace

    if not items or not wanted:
        return ()
    behind = sum(item.text.count("\n") for item in items[1:])
    if not items[-1].text.endswith("\n"):
        behind += 1
    lines = items[0].text.splitlines(keepends=True)
    keep = max(0, wanted - behind + (len(items) > 1 and not items[0].text.endswith("\n")))
    first = replace(items[0], text="".join(lines[-keep:] if keep else []), lost=0, left_out=0)
    return [first, *items[1:]]
