"""`mcoflow task results`: what operations returned, host by host."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from mcoflow.cli.shell import Shell, shared_options
from mcoflow.cli.task_id import TASK_ID
from mcoflow.domain.states import Phase

if TYPE_CHECKING:
    from mcoflow.services import Services

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class HostResult:
    """What one step returned on its host; `error`: why it returned nothing, if it failed."""

    host: str
    step: int
    action: str
    outcome: str
    words: str
    error: str
    simulated: bool
    ended_at: datetime | None
    output: Mapping[str, Any]


@click.command("results")
@click.argument("plan_id", type=TASK_ID, metavar="ID")
@click.option("--host", metavar="HOST", help="Only what this host returned.")
@shared_options
@click.pass_obj
def results(shell: Shell, plan_id: UUID, *, host: str | None) -> None:
    """Print what the steps of a task returned, a line for each host.

    What they printed is told by `mcoflow task output`.

    \b
    Examples:
      mcoflow task results ID
      mcoflow task results ID --host web1 --output json
      mcoflow task results ID --output ndjson | jq 'select(.output.state != "running").host'
    """
    with shell.services() as services:
        found = [each for each in _results(services, plan_id) if host in (None, each.host)]
    shell.result(found, lambda: _table(found) if found else "")
    if not found:
        shell.say(f"{host} has no step of it that ended" if host else "nothing was returned yet")


def _results(services: "Services", plan_id: UUID) -> Iterator[HostResult]:
    """Yield what ended on hosts, in order of the steps; PlanNotFoundError."""
    plan, after = services.plans.show(plan_id), 0
    while page := services.plans.results(plan_id, after=after, limit=_PAGE):
        after = page[-1][0].id
        played = services.hosts.simulated_of(plan, {step.host or "" for step, _ in page})
        for step, output in page:
            if step.phase is not Phase.PLAN and step.host and step.ended_at is not None:
                yield HostResult(
                    host=step.host,
                    step=step.id,
                    action=step.action,
                    outcome=step.outcome,
                    words=step.words,
                    error=step.error,
                    simulated=step.host in played,
                    ended_at=step.ended_at,
                    output=output,
                )


def _table(found: list[HostResult]) -> str:
    from mcoflow.cli import render
    from mcoflow.domain.told import in_one_line

    rows = [
        (
            render.marked(each.host, simulated=each.simulated),
            each.words,
            render.values(each.output) or in_one_line(each.error),
        )
        for each in found
    ]
    return render.table(("host", "state", "result"), rows)
