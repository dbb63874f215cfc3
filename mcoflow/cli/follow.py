"""Showing a task's progress on stderr while it runs: a live table on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self
from uuid import UUID

from mcoflow.cli import render
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.fleet import HostLines, is_fleet, moment_of, progress_line
from mcoflow.cli.lookout import Lookout
from mcoflow.cli.shell import Shell
from mcoflow.cli.steps import LARGE, every_step
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.domain.told import in_one_line, together
from mcoflow.errors import WaitTimeoutError
from mcoflow.services.views import PlanView, StepView

if TYPE_CHECKING:
    from mcoflow.services import Services

ROWS: Final = 15
REASONS: Final = 5
"""Failed steps that the last line names; the table before it has them all."""
TICK: Final = 1.0
"""Seconds between two looks at who is there, while nothing moves."""
_FIRST: Final = (StepState.ERROR, StepState.RUNNING, StepState.SUSPENDED)


class Progress(Protocol):
    """Where progress is shown."""

    def show(self, plan: PlanView, steps: Sequence[StepView]) -> None:
        """Show where the task stands now."""


def follow(shell: Shell, services: "Services", plan_id: UUID, *, within: float | None = None) -> PlanView:
    """Show progress until the task is at rest, and return it. Say so when nobody moves it.

    Raises:
        WaitTimeoutError: it is not at rest after `within` seconds; it goes on.
        KeyboardInterrupt: after saying that it goes on.
    """
    try:
        hosts = HostLines(shell, services) if shell.lines else None
        with LiveTable() if sys.stderr.isatty() else Lines(shell) as shown:
            for plan in _moments(services, plan_id, Lookout(shell, services), within):
                few = plan.counters.total <= LARGE and not is_fleet(plan)
                shown.show(plan, every_step(services.plans, plan_id) if few else ())
                if hosts is not None:
                    hosts.show(plan)
            return plan
    except KeyboardInterrupt:
        shell.say(f"\nthe task goes on; follow it: mcoflow task show {plan_id} --follow")
        shell.say(f"or cancel it: mcoflow task cancel {plan_id}")
        raise


def _moments(
    services: "Services", plan_id: UUID, lookout: Lookout, within: float | None
) -> Iterator[PlanView]:
    """Yield the task now and after each change until it is at rest; in between see who is away."""
    until = services.clock.monotonic() + (inf if within is None else within)
    view = services.plans.show(plan_id)
    yield view
    while not view.at_rest:
        lookout.look()
        left = min(TICK, until - services.clock.monotonic())
        if left <= 0:
            raise WaitTimeoutError(
                f"task {plan_id} is still {view.word} after {within:g} s; {lookout.way_on}"
            )
        if services.plans.wait_for_change({plan_id: view.version}, wait=timedelta(seconds=left)):
            view = services.plans.show(plan_id)
            yield view


def verdict(shell: Shell, plan: PlanView, steps: Sequence[StepView] = ()) -> None:
    """Raise CommandFailedError, with the reason, unless the task came to a good end. Print its warnings.

    With the steps at hand the reason is what their errors say; the explanation may say it more than once.
    """
    if plan.state is PlanState.STOPPED and plan.result is PlanResult.SUCCESS:
        return
    why = render.visible(plan.explanation or plan.word)
    if plan.state is PlanState.STOPPED and plan.result is PlanResult.WARNING:
        shell.say(f"warning: {why}")
        return
    failed = [step for step in steps if step.state is StepState.ERROR]
    if is_fleet(plan) and plan.rollouts[0].failed:  # what went wrong there stands in the summary
        far = plan.rollouts[0]
        why = far.exceeded or f"{far.failed} of {far.hosts} hosts failed"
    elif failed:
        told = ((step.host or "", in_one_line(step.error) or step.words) for step in failed)
        why = render.visible(together(told, most=REASONS, named=REASONS))
    how = "ended in error" if plan.word == "error" else f"is {plan.word}"
    raise CommandFailedError(f"{render.visible(plan.title)} {how}: {why}")


class Lines(AbstractContextManager["Lines"]):
    """One line for each step that moved."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._said: dict[int, str] = {}
        self._numbers = ""
        self._moment: object = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave everything as it stands."""

    def show(self, plan: PlanView, steps: Sequence[StepView]) -> None:
        """Print what is new."""
        if is_fleet(plan):
            if moment_of(plan) != self._moment:
                self._moment = moment_of(plan)
                self._shell.say(progress_line(plan))
            return
        for step in steps:
            line = render.step_line(step)
            if step.state is not StepState.PENDING and self._said.get(step.id) != line:
                self._said[step.id] = line
                self._shell.say(line)
        if not steps and plan.words() != self._numbers:
            self._numbers = plan.words()
            self._shell.say(self._numbers)


class LiveTable(AbstractContextManager["LiveTable"]):
    """A table that is drawn over and over; steps that need attention come first."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, plan: PlanView, steps: Sequence[StepView]) -> None:
        """Draw the table anew; of a task on many hosts one line."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        drawn = Table(show_header=False, box=None)
        for step in sorted(steps, key=lambda step: step.state not in _FIRST)[:ROWS]:
            cells = (step.host or "", render.what(step), step.words)
            drawn.add_row(*(Text(render.visible(text)) for text in cells))
        title = Text(f"{render.visible(plan.title)}: {plan.word}")
        words = progress_line(plan) if is_fleet(plan) else plan.words()
        self._live.update(Group(title, drawn, Text(words)))
