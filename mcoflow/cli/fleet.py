"""A task on many hosts, as people and scripts read it: one line while it runs, a summary when it rests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mcoflow.cli import render
from mcoflow.cli.shell import Shell
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanState

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.fleet import FleetView, HostOfTask
    from mcoflow.services.rollouts import RolloutView
    from mcoflow.services.views import PlanView

FLEET: Final = 6
"""From so many hosts on a task is told in numbers: before, each host has its line."""
WIDTH: Final = 24
NAMED: Final = 3
_PAGE: Final = 500
_LOOKED_AT: Final = 5_000
"""Hosts that are looked at in a second while a task runs."""


def is_fleet(plan: PlanView) -> bool:
    """Whether a task is told as one on many hosts."""
    return len(plan.rollouts) == 1 and plan.rollouts[0].hosts >= FLEET


def progress_line(plan: PlanView) -> str:
    """Return `[#####---] 12 of 25 hosts · wave 2 of 5 · 11 ok · 1 failed · 13 not begun`."""
    told = plan.rollouts[0]
    ended = _ended(told)
    bar = "#" * (ended * WIDTH // max(1, told.hosts))
    parts = (f"[{bar:-<{WIDTH}}] {ended} of {told.hosts} hosts", told.words, told.counts)
    return " · ".join(part for part in parts if part)


def moment_of(plan: PlanView) -> object:
    """Return what has to change for a new line where none is drawn over another: a hundredth of all hosts."""
    told = plan.rollouts[0]
    far = _ended(told) * 100 // max(1, told.hosts)
    return far, told.wave, told.failed, told.opens_at, told.pauses, plan.word


def summary(plan: PlanView, fleet: FleetView) -> Sequence[str]:
    """Return what became of a task on many hosts: numbers, then each error once, then who did not answer."""
    lines = [fleet.counts, fleet.census]
    lines += [f"  {each.line}" for each in fleet.errors]
    lines += _named("offline", fleet.offline, fleet.offline_number)
    lines += _named("silent", fleet.silent, fleet.silent_number)
    if plan.rollouts and (words := plan.rollouts[0].words):
        lines.append(words)
    lines += [f"next: {way}" for way in ways_on(plan, fleet.failed)]
    return [render.visible(line) for line in lines]


def ways_on(plan: PlanView, failed: int) -> Sequence[str]:
    """Return the commands that take a task on which something is left to do further."""
    if plan.state is PlanState.PAUSED and CommandKind.RESUME in plan.allowed:
        return (f"mcoflow task resume {plan.id}", f"mcoflow task hosts {plan.id} --failed")[
            : 1 + bool(failed)
        ]
    if plan.state is PlanState.STOPPED and failed:
        return (f"mcoflow task rerun {plan.id} --failed",)
    return ()


class HostLines:
    """One JSON document for each host as it ends, and again if it ends otherwise later."""

    def __init__(self, shell: Shell, services: Services) -> None:
        self._shell, self._services = shell, services
        self._told: dict[str, str] = {}
        self._next_look = 0.0

    def show(self, plan: PlanView) -> None:
        """Print the hosts that have ended since the last look; the more there are, the seldomer it looks."""
        now = self._services.clock.monotonic()
        if now < self._next_look and not plan.at_rest:
            return
        self._next_look = now + len(plan.hosts) / _LOOKED_AT
        for host in every_host(self._services, plan):
            if host.outcome not in _OPEN and self._told.get(host.name) != host.outcome:
                self._told[host.name] = host.outcome
                self._shell.document({"host": host.name, **_ending(host)})


_OPEN: Final = frozenset({"not_begun", "under_way"})


def every_host(
    services: Services, plan: PlanView, *, outcome: str = "", like: str = ""
) -> Iterator[HostOfTask]:
    """Yield the hosts of a task by name, a page at a time."""
    after = ""
    while True:
        page = services.fleet.hosts(plan.id, outcome=outcome, like=like, after=after, limit=_PAGE)
        played = services.hosts.simulated_of(plan, [host.name for host in page.items])
        for host in page.items:
            yield replace(host, simulated=True) if host.name in played else host
        if not page.next:
            return
        after = page.next


def host_row(host: HostOfTask) -> Sequence[str]:
    """Return a host for a list."""
    unknown = " (effect unknown)" if host.unknown_effect else ""
    name = render.marked(host.name, simulated=host.simulated)
    return (name, host.words + unknown, render.took(host.duration), str(host.step_id), host.error)


def _ending(host: HostOfTask) -> dict[str, object]:
    return {
        "outcome": host.outcome,
        "words": host.words,
        "error": host.error,
        "effect_unknown": host.unknown_effect,
        "simulated": host.simulated,
        "step_id": host.step_id,
        "ended_at": host.ended_at,
    }


def _ended(told: RolloutView) -> int:
    return told.ok + told.failed + told.skipped + told.cancelled


def _named(word: str, names: Sequence[str], number: int) -> list[str]:
    if not number:
        return []
    more = f" and {number - len(names)} more" if number > len(names) else ""
    return [f"  {word}: {', '.join(names)}{more}"]
