"""The `locks` table: who holds which lock, and who waits for it. Only commits change it.

On PostgreSQL a transaction that changes locks waits for the one before it, so that what it sees of them is
what there is; SQLite has one writer anyway. Batches without locks come by without a statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import Boolean, Connection, delete, func, literal_column, select, text, true, update
from sqlalchemy import Row as Stored

from mcoflow.domain.locks import LockRow, Settled, settle
from mcoflow.domain.records import PlanDraft, PlanRecord
from mcoflow.domain.states import PlanState
from mcoflow.domain.view import AT_REST
from mcoflow.errors import LockLostError, LockTakenError
from mcoflow.ports.store import Changes
from mcoflow.storage.between_tables import locks
from mcoflow.storage.many import Bulk, Lookup, Many, Values, Write, fields_of
from mcoflow.storage.tables import blueprints, plans
from mcoflow.storage.texts import clean, from_json, hex_rows

LOOKED_AT: Final = 1000
"""Rows of waiting plans that one transaction looks at, the oldest; the others come later."""
_ONE_BY_ONE: Final = "4219803377115"
"""Chosen by chance: the advisory lock of all transactions that change locks."""


_REASON: Final = "waits for the lock"
_WAITS: Final = (
    f"plans.owner IS NULL AND plans.state = '{PlanState.PLANNED.value}' "
    f"AND (plans.explanation = '' OR substr(plans.explanation, 1, {len(_REASON)}) = '{_REASON}')"
)


def _wait_for_others(row: Values) -> Any:
    return select(func.pg_advisory_xact_lock(literal_column(_ONE_BY_ONE)), row["number"])


def _give_up(row: Values) -> Any:
    return delete(locks).where(locks.c.plan_id == row["plan_id"])


def _hold(row: Values) -> Any:
    return update(locks).where(locks.c.plan_id == row["plan_id"]).values(held=true())


def _explain(row: Values) -> Any:
    """Say where a plan stands, unless somebody has claimed it, or it waits for something else, too."""
    return (
        update(plans)
        .where(plans.c.id == row["id"], text(_WAITS), plans.c.explanation != row["explanation"])
        .values(explanation=row["explanation"], version=plans.c.version + literal_column("1"))
    )


_WAIT_FOR_OTHERS: Final = Many(fields_of(locks.c.number), _wait_for_others)
_GIVE_UP: Final = Many(fields_of(locks.c.plan_id), _give_up)
_WANT: Final = Many.insert(locks, "number")
_HOLD: Final = Many(fields_of(locks.c.plan_id), _hold)
_EXPLAIN: Final = Many(fields_of(plans.c.explanation, plans.c.id), _explain)
_HELD: Final = Lookup(
    fields_of(locks.c.plan_id),
    lambda wanted: (
        select(locks.c.plan_id, func.count().label("number"))
        .where(locks.c.plan_id.in_(select(wanted)), locks.c.held)
        .group_by(locks.c.plan_id)
    ),
)
_WAITERS: Final = Lookup(
    fields_of(locks.c.plan_id),
    lambda wanted: (
        select(locks.c.plan_id)
        .where(literal_column("NOT held", Boolean), locks.c.plan_id.in_(select(wanted)))
        .distinct()
    ),
)


@dataclass(frozen=True, slots=True)
class Locking:
    """What a batch does to locks. `taken` are new plans and resumed ones, `freed` those that came to rest."""

    taken: Sequence[PlanRecord]
    freed: Sequence[PlanRecord]
    held: Sequence[PlanRecord]
    unwilling: frozenset[UUID]

    @classmethod
    def of(cls, changes: Changes, new_plans: Collection[PlanDraft]) -> Self | None:
        """Return what there is to do; None, mostly, if no plan of the batch has locks."""
        drafts = (*new_plans, *changes.planned)
        new = [draft.plan for draft in drafts if draft.plan.locks and draft.plan.state not in AT_REST]
        old = [plan for plan in changes.plans if plan.locks]
        if not new and not old:
            return None
        running = [plan for plan in old if plan.state is PlanState.RUNNING]
        again = [plan for plan in running if plan.id in changes.relocked]
        impatient = [plan for plan in new if any(lock.conflict == "fail" for lock in plan.locks)]
        return cls(
            taken=[*new, *again],
            freed=[plan for plan in old if plan.state in AT_REST],
            held=[plan for plan in running if plan.id not in changes.relocked],
            unwilling=frozenset(plan.id for plan in (*impatient, *again)),
        )

    @property
    def names(self) -> Collection[str]:
        """The locks that change hands."""
        return {lock.name for plan in (*self.taken, *self.freed) for lock in plan.locks}

    def writes(self, database: str) -> Iterator[Write]:
        """Give up and ask; `settle_locks` then says who gets what. To be the first of a transaction."""
        if self.names and database == "postgresql":
            yield Write(_WAIT_FOR_OTHERS, [(1,)])
        yield Write(_GIVE_UP, hex_rows(plan.id for plan in (*self.freed, *self.taken)))
        asked = [(plan.id.hex, lock.name, lock.mode, False) for plan in self.taken for lock in plan.locks]
        yield Write(_WANT, [(plan_id, clean(name), mode, held) for plan_id, name, mode, held in asked])


@contextmanager
def freed(connection: Connection, bulk: Bulk, plan_id: UUID) -> Iterator[None]:
    """Give up the locks of a plan that is stopped inside, whoever runs it."""
    wanted = connection.execute(select(blueprints.c.locks).where(blueprints.c.plan_id == plan_id)).scalar()
    if not wanted:
        yield
        return
    if connection.dialect.name == "postgresql":  # before any row of a plan is locked
        connection.execute(select(func.pg_advisory_xact_lock(literal_column(_ONE_BY_ONE))))
    yield
    connection.execute(delete(locks).where(locks.c.plan_id == plan_id))
    _grant(connection, bulk, {name for name, *_ in from_json(wanted)}, frozenset())


def settle_locks(connection: Connection, bulk: Bulk, locking: Locking) -> None:
    """Give the locks to whom they are due, after the writes of `locking`.

    Raises:
        LockTakenError: a plan that does not wait cannot have one.
        LockLostError: a running plan does not have its own.
    """
    if locking.held:
        _check_held(connection, bulk, locking.held)
    if locking.names:
        _grant(connection, bulk, locking.names, locking.unwilling)


def lock_waiters(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Collection[UUID]:
    """Return those of the plans that wait for locks."""
    return {row.plan_id for row in bulk.find(connection, _WAITERS, hex_rows(plan_ids))}


def _grant(connection: Connection, bulk: Bulk, names: Collection[str], unwilling: frozenset[UUID]) -> None:
    """Give these locks to who waits for them; LockTakenError if one that does not wait gets none."""
    rows = _rows(connection, names)
    if not rows:
        return
    settled = settle(rows, _kin(connection, rows).__getitem__)
    refused = {each: _in_the_way(each, settled, rows) for each in unwilling - {*settled.granted}}
    if refused:
        raise LockTakenError(refused)
    granted = [(each.hex,) for each in settled.granted]
    told = [(clean(_explanation(rivals[0])), each.hex) for each, rivals in settled.blocked.items()]
    told += [("", each.hex) for each in settled.granted]
    bulk.write(connection, [Write(_HOLD, granted), Write(_EXPLAIN, told)])


def _check_held(connection: Connection, bulk: Bulk, running: Iterable[PlanRecord]) -> None:
    wanted = {plan.id: len(plan.locks) for plan in running}
    found = {row.plan_id: row.number for row in bulk.find(connection, _HELD, hex_rows(wanted))}
    lost = [plan_id for plan_id, number in wanted.items() if found.get(plan_id) != number]
    if lost:
        raise LockLostError(lost)


def _rows(connection: Connection, names: Collection[str]) -> list[LockRow]:
    """Return the rows of all locks that plans want which wait for one of these; [] if none waits."""
    waiting = literal_column("NOT held", Boolean)
    asking = (
        select(locks.c.plan_id)
        .where(waiting, locks.c.name.in_(names))
        .order_by(locks.c.number)
        .limit(LOOKED_AT)
        .subquery()
    )
    wanted = select(locks.c.name).where(waiting, locks.c.plan_id.in_(select(asking)))
    those = select(locks).where(locks.c.name.in_(wanted)).order_by(locks.c.number)
    asked = [_row(row) for row in connection.execute(those.where(waiting).limit(LOOKED_AT))]
    if len(asked) == LOOKED_AT:  # of the last one, some locks may have been cut off
        last = asked[-1].plan_id
        asked = [row for row in asked if row.plan_id != last]
    held = [_row(row) for row in connection.execute(those.where(locks.c.held))] if asked else []
    return held + asked


def _row(row: Stored[Any]) -> LockRow:
    return LockRow(row.number, row.plan_id, row.name, row.mode, bool(row.held))


def _kin(connection: Connection, rows: Sequence[LockRow]) -> Mapping[UUID, Collection[UUID]]:
    """Return the ancestors of all plans of the rows, unless there is no conflict to ask them for."""
    kin: defaultdict[UUID, set[UUID]] = defaultdict(set)
    if len({row.name for row in rows}) == len(rows):
        return kin
    of_rows = plans.c.id.in_({row.plan_id for row in rows})
    called = plans.c.caller_plan_id.is_not(None)
    up = select(plans.c.id, plans.c.caller_plan_id).where(of_rows, called).cte("up", recursive=True)
    further = select(up.c.id, plans.c.caller_plan_id).join(plans, plans.c.id == up.c.caller_plan_id)
    for plan_id, ancestor in connection.execute(select(up.union(further.where(called)))):
        kin[plan_id].add(ancestor)
    return kin


def _in_the_way(plan_id: UUID, settled: Settled, rows: Sequence[LockRow]) -> tuple[str, UUID]:
    """Return the lock and the plan to name to a plan that is refused."""
    rival = settled.blocked.get(plan_id, rows)[0]  # further back than we look: whoever has the first
    return rival.name, rival.plan_id


def _explanation(rival: LockRow) -> str:
    how = "held by" if rival.held else "behind"
    return f"{_REASON} {rival.name!r}, {how} task {rival.plan_id}"
