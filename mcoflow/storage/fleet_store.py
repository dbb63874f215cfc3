"""The part of the store that tells how the hosts of a plan stand: counted and grouped by the database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord, StepRecord
from mcoflow.domain.standing import Standing
from mcoflow.domain.states import Phase, StepState
from mcoflow.ports.fleet import Cell, HostStanding, SameTrouble, StepsWanted, Trouble, Verdict
from mcoflow.storage.database import Database
from mcoflow.storage.steps import error_text, step_of
from mcoflow.storage.tables import steps
from mcoflow.storage.texts import clean, from_json

_ALL: Final = tuple(Standing)
_RANKS: Final[Mapping[StepState, Standing]] = {
    StepState.SUCCESS: Standing.OK,
    StepState.SKIPPED: Standing.SKIPPED,
    StepState.PENDING: Standing.NOT_BEGUN,
    StepState.RUNNING: Standing.UNDER_WAY,
    StepState.SUSPENDED: Standing.UNDER_WAY,
}
_FAILED: Final = (StepState.ERROR.value, StepState.SKIPPING.value)
_OUTCOMES: Final = [
    (steps.c.outcome == outcome.value, Standing(outcome.value).rank)
    for outcome in Outcome
    if outcome is not Outcome.OK and not outcome.cancelled
]
_WARNED: Final = and_(
    steps.c.state == StepState.SUCCESS.value,
    or_(steps.c.warnings.is_not(None), steps.c.outcome != Outcome.OK.value),
)
_RANK: Final[ColumnElement[int]] = case(
    (_WARNED, Standing.WARNED.rank),
    *((steps.c.state == state.value, standing.rank) for state, standing in _RANKS.items()),
    *_OUTCOMES,  # of a step that failed, or was given up when it had
    (steps.c.state.in_(_FAILED), Standing.ERROR.rank),
    (steps.c.outcome == Outcome.CANCELLED_KILLED.value, Standing.CANCELLED_KILLED.rank),
    else_=Standing.CANCELLED.rank,
)
_SHIFT: Final = 2**32
_CODE: Final = cast(_RANK, BigInteger) * literal(_SHIFT, BigInteger) + (
    literal(_SHIFT - 1, BigInteger) - cast(steps.c.id, BigInteger)
)
"""Rank and step in one number, so that the greatest is the first of the worst steps."""
_TELLING: Final = tuple(each.rank for each in (Standing.ERROR, Standing.FAILED, Standing.REJECTED))
"""Standings whose error says more than the word."""
_TROUBLE: Final = tuple(each.rank for each in Standing if each.failed)
_VERDICTS: Final = {
    Standing.OK: Verdict.SUCCEEDED,
    Standing.WARNED: Verdict.SUCCEEDED,
    Standing.SKIPPED: Verdict.SKIPPED,
}
_WITH_REASON: Final = tuple(each.rank for each in (Standing.FAILED, Standing.REJECTED, Standing.LOST))


class SqlFleet:
    """The promises are those of `mcoflow.ports.fleet`."""

    _database: Database

    def verdicts(self, plan_id: UUID) -> Mapping[str, Verdict]:
        """How it stands with each host of a plan, in order of name; empty for a plan that is not there."""
        hosts = _of_hosts(plan_id).subquery()
        found = self._rows(select(hosts).order_by(hosts.c.host))
        return {row.host: _verdict(_ALL[row.standing]) for row in found}

    def standings(self, plan_id: UUID) -> Mapping[Standing, int]:
        """How many hosts stand how, from the best; those that no host has are left out."""
        hosts = _of_hosts(plan_id).subquery()
        counted = select(hosts.c.standing, func.count().label("number")).group_by(hosts.c.standing)
        found = {row.standing: row.number for row in self._rows(counted)}
        return {_ALL[rank]: found[rank] for rank in sorted(found)}

    def troubles(self, plan_id: UUID, *, limit: int, named: int) -> Sequence[SameTrouble]:
        """What went wrong, the most frequent first; of each at most `named` hosts."""
        hosts = _with_error(plan_id, among=_TROUBLE).subquery()
        same = (hosts.c.standing, hosts.c.reason, hosts.c.error)
        ranked = select(
            hosts,
            func.count().over(partition_by=same).label("number"),
            func.row_number().over(partition_by=same, order_by=hosts.c.host).label("place"),
        ).subquery()
        first = (ranked.c.number.desc(), ranked.c.standing, ranked.c.reason, ranked.c.error, ranked.c.place)
        wanted = select(ranked).where(ranked.c.place <= named).order_by(*first).limit(limit * named)
        grouped: dict[Trouble, SameTrouble] = {}
        for row in self._rows(wanted):
            trouble = _trouble(row)
            before = grouped[trouble].hosts if trouble in grouped else ()
            grouped[trouble] = SameTrouble(trouble, row.number, (*before, row.host))
        return list(grouped.values())[:limit]

    def hosts_standing(
        self,
        plan_id: UUID,
        *,
        standings: Collection[Standing] = (),
        trouble: Trouble | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Sequence[HostStanding]:
        """Hosts by name from the first after `after`; only those that stand so, or have this trouble."""
        wanted = {each.rank for each in standings} or ({trouble.standing.rank} if trouble else set())
        hosts = _with_error(plan_id, among=wanted, after=after).subquery()
        found = select(hosts).order_by(hosts.c.host).limit(limit)
        if trouble is not None:
            error = error_text(trouble.error) or ""
            found = found.where(hosts.c.reason == clean(trouble.reason), hosts.c.error == error)
        return [_host(row) for row in self._rows(found)]

    def standing_of(self, plan_id: UUID, host: str) -> HostStanding | None:
        """How one host stands; None if the plan has nothing to do there."""
        found = self._rows(_with_error(plan_id, host=host))
        return _host(found[0]) if found else None

    def heat(self, plan_id: UUID, *, hosts: int, cells: int) -> Sequence[Cell]:
        """All hosts by name, `hosts` of them, in at most so many cells."""
        size = max(1, -(-hosts // cells))
        each = _of_hosts(plan_id).subquery()
        place = func.row_number().over(order_by=each.c.host) - 1
        placed = select(each, (place // size).label("cell")).subquery()
        told: tuple[ColumnElement[Any], ...] = (
            func.min(placed.c.host).label("first"),
            func.max(placed.c.host).label("last"),
            func.count().label("number"),
            func.max(placed.c.standing).label("standing"),
        )
        cell = select(*told).group_by(placed.c.cell).order_by(placed.c.cell)
        return [Cell(row.first, row.last, row.number, _ALL[row.standing]) for row in self._rows(cell)]

    def hosts_with(
        self, plan_id: UUID, outcomes: Collection[Outcome], *, limit: int
    ) -> tuple[int, Sequence[str]]:
        """How many hosts have a step that ended so, and the first of them by name."""
        wanted = select(steps.c.host, func.count().over().label("number"))
        wanted = wanted.where(*_steps_of(plan_id), steps.c.outcome.in_([*outcomes]))
        found = self._rows(wanted.group_by(steps.c.host).order_by(steps.c.host).limit(limit))
        return (found[0].number if found else 0), [row.host for row in found]

    def steps_among(
        self, plan_id: UUID, wanted: StepsWanted, *, after: int = 0, limit: int = 50
    ) -> Sequence[StepRecord]:
        """Steps in order of id from the first after `after`, without their data."""
        asked = ((steps.c.state, wanted.states), (steps.c.host, wanted.hosts), (steps.c.phase, wanted.phases))
        chosen = [column.in_([*map(str, values)]) for column, values in asked if values]
        found = select(steps).where(steps.c.plan_id == plan_id, steps.c.id > after, *chosen)
        return [step_of(row) for row in self._rows(found.order_by(steps.c.id).limit(limit))]

    def _rows(self, wanted: Select[Any]) -> Sequence[Row[Any]]:
        with self._database.reading() as connection:
            return connection.execute(wanted).all()


def _steps_of(plan_id: UUID) -> list[ColumnElement[bool]]:
    return [steps.c.plan_id == plan_id, steps.c.host.is_not(None), steps.c.phase == Phase.RUN.value]


def _of_hosts(plan_id: UUID, *, after: str = "", host: str = "") -> Select[Any]:
    """Return each host of a plan with how it stands, and the number of the step that decided it."""
    names = [steps.c.host == host] if host else [steps.c.host > after] if after else []
    worst = (
        select(steps.c.host, func.max(_CODE).label("code"), func.min(_RANK).label("least"))
        .where(*_steps_of(plan_id), *names)
        .group_by(steps.c.host)
        .subquery()
    )
    rank = worst.c.code // literal(_SHIFT, BigInteger)
    open_yet = Standing.NOT_BEGUN.rank
    begun = and_(rank == open_yet, worst.c.least < open_yet)
    standing = case((begun, Standing.UNDER_WAY.rank), else_=rank)
    step_id = literal(_SHIFT - 1, BigInteger) - worst.c.code % literal(_SHIFT, BigInteger)
    return select(worst.c.host, standing.label("standing"), step_id.label("step_id"))


def _with_error(
    plan_id: UUID, *, among: Collection[int] = (), after: str = "", host: str = ""
) -> Select[Any]:
    """Return hosts, of certain ranks, with what the step that decided how they stand says of it."""
    hosts, step = _of_hosts(plan_id, after=after, host=host).subquery(), steps.alias()
    error = case((hosts.c.standing.in_(_TELLING), func.coalesce(step.c.error, "")), else_="")
    reason = case((hosts.c.standing.in_(_WITH_REASON), step.c.reason), else_="")
    warnings = case((hosts.c.standing == Standing.WARNED.rank, step.c.warnings))
    told = (error.label("error"), reason.label("reason"), warnings.label("warnings"))
    found = select(hosts, *told, step.c.started_at, step.c.ended_at).join(
        step, and_(step.c.plan_id == plan_id, step.c.id == hosts.c.step_id)
    )
    return found.where(hosts.c.standing.in_(among)) if among else found


def _verdict(standing: Standing) -> Verdict:
    """Return what a standing comes to, for those who run a task again."""
    if standing.failed:
        return Verdict.FAILED
    if standing.cancelled:
        return Verdict.CANCELLED
    return _VERDICTS.get(standing, Verdict.OPEN)


def _trouble(row: Row[Any]) -> Trouble:
    error = ErrorRecord(*from_json(row.error)[:3]) if row.error else None
    return Trouble(_ALL[row.standing], row.reason, error)


def _host(row: Row[Any]) -> HostStanding:
    warnings = tuple(from_json(row.warnings)) if row.warnings else ()
    return HostStanding(row.host, row.step_id, _trouble(row), row.started_at, row.ended_at, warnings)
