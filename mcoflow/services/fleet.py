"""The hosts of one task, whatever their number: counts, pages, same errors together, who did not answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from mcoflow.clock import Clock
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.standing import Standing
from mcoflow.domain.told import in_one_line, says
from mcoflow.errors import QueryInvalidError
from mcoflow.ports.fleet import FleetReader, HostStanding, SameTrouble, StepsWanted, Trouble
from mcoflow.services.present import step_view
from mcoflow.services.rollouts import census_of
from mcoflow.services.times import moment, span
from mcoflow.services.views import Mark, PlanView, StepView

PAGE: Final = 50
TROUBLES: Final = 20
"""Errors that are told, the most frequent ones."""
NAMED: Final = 20
"""Hosts that are named of those that are offline, and of those that are silent."""
CELLS: Final = 400
_OFFLINE: Final = (Outcome.NO_SUCH_HOST, Outcome.NOT_PICKED_UP)
_SILENT: Final = (Outcome.LOST,)
_ANSWERED: Final = frozenset(
    {
        Standing.OK,
        Standing.WARNED,
        Standing.CANCELLED_KILLED,
        Standing.REJECTED,
        Standing.FAILED,
        Standing.TIMED_OUT_KILLED,
        Standing.TIMED_OUT_STILL_RUNNING,
        Standing.INTERRUPTED,
    }
)
_UNHEARD: Final[Mapping[Standing, str]] = {
    Standing.UNDER_WAY: "under way",
    Standing.CANCELLED: "cancelled",
    Standing.ERROR: "failed here",
    Standing.NOT_BEGUN: "not begun",
    Standing.SKIPPED: "skipped",
}
_PERHAPS_OFFLINE: Final = frozenset({Standing.SKIPPED, Standing.WARNED})
"""Who was left out, and where a failure was borne."""
_NOBODY: Final[tuple[int, Sequence[str]]] = (0, ())
_MARKS: Final[Mapping[Standing, Mark]] = {
    Standing.OK: Mark.SUCCESS,
    Standing.WARNED: Mark.WARNING,
    Standing.SKIPPED: Mark.SKIPPED,
    Standing.NOT_BEGUN: Mark.PENDING,
    Standing.UNDER_WAY: Mark.RUNNING,
    Standing.CANCELLED: Mark.CANCELLED,
    Standing.CANCELLED_KILLED: Mark.CANCELLED,
}
FAILED: Final = "failures"
"""Chooses all hosts that failed, however they did."""


@dataclass(frozen=True, slots=True)
class Standings:
    """So many hosts stand so. `name` chooses them; `words` are the exact ones of an outcome."""

    name: str
    words: str
    mark: Mark
    number: int
    unknown_effect: bool


@dataclass(frozen=True, slots=True)
class SameError:
    """The same went wrong on `number` hosts, of which the first are named."""

    words: str
    outcome: str
    mark: Mark
    unknown_effect: bool
    number: int
    hosts: Sequence[str]

    @property
    def where(self) -> str:
        """`web1, web4, web7 and 3 more`."""
        more = self.number - len(self.hosts)
        return ", ".join(self.hosts) + (f" and {more} more" if more else "")

    @property
    def line(self) -> str:
        """`failed (exit 100): Unable to locate package: 6 hosts: web1, web4, web7 and 3 more`."""
        return f"{self.words}: {self.number} {'host' if self.number == 1 else 'hosts'}: {self.where}"


@dataclass(frozen=True, slots=True)
class FleetView:
    """Whom a task is about and what became of them. `offline`, `silent`: the first of them, by name.

    `rest`: how many of the others there are of each kind, in words; with them the numbers add up.
    """

    expected: int
    answered: int
    offline_number: int
    silent_number: int
    standings: Sequence[Standings]
    errors: Sequence[SameError]
    offline: Sequence[str]
    silent: Sequence[str]
    rest: Sequence[tuple[int, str]] = ()

    @property
    def census(self) -> str:
        """Who was expected and what became of them; it adds up, so that nobody is left out in silence."""
        heard = (self.answered, self.offline_number, self.silent_number)
        return census_of(self.expected, heard, self.rest)

    @property
    def counts(self) -> str:
        """`100 ok · 7 failed · 13 not begun`, in the exact words of outcomes."""
        return " · ".join(f"{each.number} {each.words}" for each in self.standings) or "no host"

    @property
    def failed(self) -> int:
        """Hosts on which it did not come to a good end."""
        return sum(each.number for each in self.standings if Standing(each.name).failed)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a task stands where it stands: the most frequent errors of its hosts, each once, and what else.

    `lead`: what the errors do not say. `more`: there are others than these.
    """

    lead: str
    errors: Sequence[SameError] = ()
    more: bool = False

    def says(self, text: str) -> bool:
        """Whether this error is told already."""
        return any(says(each, text) for each in (self.lead, *(error.words for error in self.errors)))


@dataclass(frozen=True, slots=True)
class HostOfTask:
    """How a host stands in a task, by the step that decides it. `error` is empty where the words say all.

    `simulated` is looked up by who tells it.
    """

    name: str
    outcome: str
    words: str
    mark: Mark
    unknown_effect: bool
    error: str
    step_id: int
    started_at: datetime | None
    ended_at: datetime | None
    duration: timedelta | None
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class HostsOfTask:
    """A page of hosts by name; `next` is where the next one begins, empty at the end."""

    items: Sequence[HostOfTask]
    next: str


@dataclass(frozen=True, slots=True)
class HeatCell:
    """Some neighbours by name, and the worst of how they stand."""

    first: str
    last: str
    number: int
    words: str
    mark: Mark


class Fleet:
    """The use cases of the hosts of a task. None of them reads more than it tells."""

    def __init__(self, reader: FleetReader, clock: Clock) -> None:
        self._reader, self._clock = reader, clock

    def show(self, plan: PlanView, *, named: int = 3) -> FleetView:
        """The hosts of a task in numbers, what went wrong, and who did not answer."""
        counted = self._reader.standings(plan.id)
        wrong = any(standing.failed for standing in counted)
        looked = wrong or not counted.keys().isdisjoint(_PERHAPS_OFFLINE)
        offline = self._reader.hosts_with(plan.id, _OFFLINE, limit=NAMED) if looked else _NOBODY
        silent = self._reader.hosts_with(plan.id, _SILENT, limit=NAMED) if looked else _NOBODY
        heard = _heard(counted, offline[0])
        return FleetView(
            expected=sum(counted.values()),
            answered=heard[0],
            offline_number=heard[1],
            silent_number=heard[2],
            standings=[_standings(standing, number) for standing, number in counted.items()],
            errors=self.errors(plan.id, named=named) if wrong else (),
            offline=offline[1],
            silent=silent[1],
            rest=_rest(counted, sum(heard)),
        )

    def errors(self, plan_id: UUID, *, named: int = 3) -> Sequence[SameError]:
        """What went wrong, the most frequent first, at most 20; the same of several hosts is told once."""
        return list(map(_same, self._reader.troubles(plan_id, limit=TROUBLES, named=named)))

    def why(self, plan: PlanView, *, most: int = 5, named: int = 3) -> Why:
        """Why a task stands where it stands; of one on a single host its explanation says all."""
        if len(plan.hosts) < 2 or not plan.counters.failed:
            return Why(plan.explanation)
        found = self._reader.troubles(plan.id, limit=most + 1, named=named)
        more = len(found) > most
        known = plan.counters.failed <= sum(each.number for each in found) or more
        return Why(_lead(plan, known=known), list(map(_same, found[:most])), more)

    def hosts(
        self, plan_id: UUID, *, outcome: str = "", like: str = "", after: str = "", limit: int = PAGE
    ) -> HostsOfTask:
        """A page of hosts; only those with this outcome (or all `failures`), or an error as `like` has it.

        Raises:
            QueryInvalidError: there is no such outcome, or no such host.
        """
        wanted = standings_named(outcome)
        found = self._reader.hosts_standing(
            plan_id, standings=wanted, trouble=self._trouble(plan_id, like), after=after, limit=limit + 1
        )
        now = self._clock.now().timestamp()
        items = [_host(host, now) for host in found[:limit]]
        return HostsOfTask(items, items[-1].name if len(found) > limit else "")

    def counts(self, plan_id: UUID) -> Mapping[Standing, int]:
        """How many hosts of a task stand how, from the best."""
        return self._reader.standings(plan_id)

    def steps(
        self, plan_id: UUID, wanted: StepsWanted, *, after: int = 0, limit: int = PAGE
    ) -> tuple[Sequence[StepView], bool]:
        """Steps in order from the first after `after`, and whether there are more; none of a task unknown."""
        now = self._clock.now().timestamp()
        found = self._reader.steps_among(plan_id, wanted, after=after, limit=limit + 1)
        return [step_view(step, now) for step in found[:limit]], len(found) > limit

    def heat(self, plan_id: UUID, hosts: int) -> Sequence[HeatCell]:
        """All of so many hosts by name in at most 400 cells."""
        found = self._reader.heat(plan_id, hosts=hosts, cells=CELLS)
        return [
            HeatCell(cell.first, cell.last, cell.number, cell.worst.words, mark_of(cell.worst))
            for cell in found
        ]

    def _trouble(self, plan_id: UUID, like: str) -> Trouble | None:
        if not like:
            return None
        found = self._reader.standing_of(plan_id, like)
        if found is None:
            raise QueryInvalidError(f"task {plan_id} has nothing to do on a host {like[:80]!r}")
        return found.trouble


def mark_of(standing: Standing) -> Mark:
    """Return how a standing is drawn; an unknown effect never looks like a plain failure."""
    return Mark.UNKNOWN if standing.unknown_effect else _MARKS.get(standing, Mark.ERROR)


def standings_named(outcome: str) -> Collection[Standing]:
    """Return the standings that a word chooses, none for the empty one; QueryInvalidError."""
    if not outcome:
        return ()
    if outcome == FAILED:
        return [standing for standing in Standing if standing.failed]
    try:
        return [Standing(outcome.replace("-", "_"))]
    except ValueError:
        known = ", ".join([FAILED, *Standing])
        raise QueryInvalidError(f"there is no outcome {outcome[:80]!r}: there are {known}") from None


def _heard(counted: Mapping[Standing, int], away: int) -> tuple[int, int, int]:
    """Return how many hosts said how it ended, were offline, and said no more: each is one of them at most.

    Of those skipped some were left out, because they were `away`, and of those warned it was borne that they
    were: as many as no other outcome accounts for.
    """
    answered = sum(number for standing, number in counted.items() if standing in _ANSWERED)
    offline = counted.get(Standing.NO_SUCH_HOST, 0) + counted.get(Standing.NOT_PICKED_UP, 0)
    left_out = min(max(0, away - offline), counted.get(Standing.SKIPPED, 0))
    borne = min(max(0, away - offline - left_out), counted.get(Standing.WARNED, 0))
    return answered - borne, offline + left_out + borne, counted.get(Standing.LOST, 0)


def _rest(counted: Mapping[Standing, int], heard: int) -> Sequence[tuple[int, str]]:
    """Return those of which nothing was heard; who was left out stands among the offline already."""
    left, found = sum(counted.values()) - heard, []
    for standing in _UNHEARD:
        number = min(left, counted.get(standing, 0))
        found.append((number, _UNHEARD[standing]))
        left -= number
    return [(number, words) for number, words in found if number]


def _lead(plan: PlanView, *, known: bool) -> str:
    """Return what the errors of hosts do not say of a task; `known`: nothing but hosts has failed."""
    if exceeded := next((each.exceeded for each in plan.rollouts if each.exceeded), ""):
        return exceeded
    first = re.split("[:,]| and ", plan.explanation, maxsplit=1)[0]
    return "" if known and first in plan.hosts else plan.explanation


def _standings(standing: Standing, number: int) -> Standings:
    return Standings(standing.value, standing.words, mark_of(standing), number, standing.unknown_effect)


def _same(same: SameTrouble) -> SameError:
    standing = same.trouble.standing
    told = ": ".join(part for part in (_words(same.trouble), _message(same.trouble)) if part)
    return SameError(
        told, standing.value, mark_of(standing), standing.unknown_effect, same.number, same.hosts
    )


def _host(host: HostStanding, now: float) -> HostOfTask:
    standing = host.standing
    return HostOfTask(
        name=host.host,
        outcome=standing.value,
        words=_words(host.trouble),
        mark=mark_of(standing),
        unknown_effect=standing.unknown_effect,
        error=_message(host.trouble) or "; ".join(map(in_one_line, host.warnings)),
        step_id=host.step_id,
        started_at=moment(host.started_at),
        ended_at=moment(host.ended_at),
        duration=span(host.started_at, host.ended_at, now),
    )


def _words(trouble: Trouble) -> str:
    """Return the exact word of the outcome, with its reason."""
    if trouble.standing.value in set(Outcome):
        return Outcome(trouble.standing.value).words(trouble.reason)
    return trouble.standing.words


def _message(trouble: Trouble) -> str:
    """Return what the error says beyond the words of the outcome, in one line."""
    text = in_one_line(trouble.error.message) if trouble.error is not None else ""
    words = _words(trouble)
    return text.removeprefix(words).lstrip(":, ") if text.startswith(words) else text
