"""Showing a task's progress on stderr while it runs: a live table on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self
from uuid import UUID

from mcoflow.cli import render
from mcoflow.cli.failures import CommandFailedError
from mcoflow.cli.shell import Shell
from mcoflow.cli.steps import LARGE, every_step
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.services.views import PlanView, StepView

if TYPE_CHECKING:
    from mcoflow.services import Services

ROWS: Final = 15
_FIRST: Final = (StepState.ERROR, StepState.RUNNING, StepState.SUSPENDED)


class Progress(Protocol):
    """Where progress is shown."""

    def show(self, plan: PlanView, steps: Sequence[StepView]) -> None:
        """Show where the task stands now."""


def follow(shell: Shell, services: "Services", plan_id: UUID) -> PlanView:
    """Show progress until the task is at rest, and return it. On Ctrl-C say that it goes on."""
    try:
        with LiveTable() if sys.stderr.isatty() else Lines(shell) as shown:
            for plan in services.plans.progress(plan_id):
                few = plan.counters.total <= LARGE
                shown.show(plan, every_step(services.plans, plan_id) if few else ())
            return plan
    except KeyboardInterrupt:
        shell.say(f"\nthe task goes on; follow it: mcoflow task show {plan_id} --follow")
        shell.say(f"or cancel it: mcoflow task cancel {plan_id}")
        raise


def verdict(shell: Shell, plan: PlanView) -> None:
    """Raise CommandFailedError, with the reason, unless the task came to a good end. Print its warnings."""
    if plan.state is PlanState.STOPPED and plan.result is PlanResult.SUCCESS:
        return
    why = render.visible(plan.explanation or plan.word)
    if plan.state is PlanState.STOPPED and plan.result is PlanResult.WARNING:
        shell.say(f"warning: {why}")
        return
    raise CommandFailedError(f"{render.visible(plan.title)} is {plan.word}: {why}")


class Lines(AbstractContextManager["Lines"]):
    """One line for each step that moved."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._said: dict[int, str] = {}
        self._numbers = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave everything as it stands."""

    def show(self, plan: PlanView, steps: Sequence[StepView]) -> None:
        """Print what is new."""
        for step in steps:
            line = render.step_line(step)
            if step.state is not StepState.PENDING and self._said.get(step.id) != line:
                self._said[step.id] = line
                self._shell.say(line)
        if not steps and plan.counters.words() != self._numbers:
            self._numbers = plan.counters.words()
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
        """Draw the table anew."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        drawn = Table(show_header=False, box=None)
        for step in sorted(steps, key=lambda step: step.state not in _FIRST)[:ROWS]:
            cells = (step.host or "", render.what(step), step.words)
            drawn.add_row(*(Text(render.visible(text)) for text in cells))
        title = Text(f"{render.visible(plan.title)}: {plan.word}")
        self._live.update(Group(title, drawn, Text(plan.counters.words())))
