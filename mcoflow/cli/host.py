"""`mcoflow host` and `mcoflow ping`: which hosts there are, and which of them answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options, user

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.views import HostView, StepView

ANSWERED: Final = "answered"
LOOKED_UP: Final = 1000
"""Silent hosts that are looked up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of pinging one host."""

    host: str
    words: str
    took_s: timedelta | None


@click.group(cls=InOrder)
def host() -> None:
    """Look at hosts."""


@host.command("list")
@click.option("--text", default="", help="Only hosts whose name contains this.")
@shared_options
@click.pass_obj
def list_hosts(shell: Shell, text: str) -> None:
    """List the hosts whose agents have been heard of, in order of name."""
    from mcoflow.cli import render

    with shell.services() as services:
        found = _every_host(services, text)
        rows = [render.host_row(each, services.clock.now()) for each in found]
    head = ("host", "presence", "last seen", "agent", "executing")
    shell.result(found, lambda: render.table(head, rows) if rows else "")
    if not rows:
        shell.say("no hosts: start `mcoflow agent` on one")


@host.command()
@click.argument("name", metavar="HOST")
@shared_options
@click.pass_obj
def show(shell: Shell, name: str) -> None:
    """Show a host: when it was last heard of, what it can be asked for, its facts.

    \b
    Examples:
      mcoflow host show web1
      mcoflow host show web1 --output json | jq .operations
    """
    from mcoflow.cli import render
    from mcoflow.domain.ids import host_id

    with shell.services() as services:
        found = services.hosts.show(host_id(name))
        shell.result(found, lambda: render.host(found, services.clock.now()))


@click.command()
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option("--timeout", type=click.FloatRange(0.1), default=10.0, show_default=True, metavar="SECONDS")
@shared_options
@click.pass_obj
def ping(shell: Shell, hosts: Sequence[str], timeout: float) -> None:
    """Ask hosts for a sign of life, all known ones if none is named.

    Ends with 1 unless all answered, with 3 if a silent one was never heard of. As JSON `took_s` is in
    seconds, null without an answer.

    \b
    Examples:
      mcoflow ping
      mcoflow ping web1 web2 --timeout 3
    """
    from mcoflow.cli import render
    from mcoflow.cli.lookout import Lookout
    from mcoflow.cli.names import host_names

    with shell.services() as services:
        names = host_names(hosts) or [each.name for each in _every_host(services, "")]
        if not names:
            raise CommandFailedError("no host is known: name one, or start `mcoflow agent` on one")
        Lookout(shell, services).look()
        steps = _ping(services, names, timedelta(seconds=timeout))
        answers = [_answer(step, timeout) for step in steps]
        rows = [(answer.host, answer.words, render.took(answer.took_s)) for answer in answers]
        shell.result(answers, lambda: render.table(("host", "answer", "after"), rows))
        _check_all_answered(services, answers)


def _check_all_answered(services: "Services", answers: Sequence[Answer]) -> None:
    """Fail if a host is silent; as not found if one of the silent was never heard of."""
    silent = [answer.host for answer in answers if answer.words != ANSWERED]
    if not silent:
        return
    known = services.hosts.presence(silent[:LOOKED_UP])
    unknown = [name for name, presence in known.items() if presence is None]
    said = f"{len(silent)} of {len(answers)} hosts did not answer: {', '.join(silent[:10])}"
    if unknown:
        said += f"; never heard of: {', '.join(unknown[:10])} (`mcoflow host list` shows those there are)"
    raise CommandFailedError(said, ExitCode.NOT_FOUND if unknown else ExitCode.FAILED)


def _ping(services: "Services", names: Sequence[str], within: timedelta) -> Sequence["StepView"]:
    """Run a ping for at most `within`, cancel what is left of it, and return its steps."""
    from mcoflow.cli.steps import every_step
    from mcoflow.domain.states import PlanState
    from mcoflow.errors import CommandRefusedError, WaitTimeoutError

    order = {"hosts": list(names)}
    plan_id = services.plans.submit("ping", order, user=user()).plan_id
    try:
        ended = services.plans.await_end(plan_id, within=within).state is PlanState.STOPPED
    except WaitTimeoutError:
        ended = False
    steps = [step for step in every_step(services.plans, plan_id) if step.host]
    if not ended:
        try:
            services.plans.cancel(plan_id, actor=user(), wait=timedelta(seconds=1))
        except (CommandRefusedError, WaitTimeoutError):
            return steps  # it ended meanwhile, or will be cancelled when an executor is there
    return steps


def _answer(step: "StepView", timeout: float) -> Answer:
    from mcoflow.domain.states import StepState

    words = {StepState.SUCCESS: ANSWERED, StepState.ERROR: step.words}
    said = words.get(step.state, f"no answer in {timeout:g} s")
    return Answer(step.host or "", said, step.duration if step.state is StepState.SUCCESS else None)


def _every_host(services: "Services", text: str) -> Sequence["HostView"]:
    page = services.hosts.list(text=text, limit=500)
    found = list(page.items)
    while page.next:
        page = services.hosts.list(text=text, after=page.next, limit=500)
        found += page.items
    return found
