"""Locks that plans hold while they run: who gets one, and who waits for whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from uuid import UUID

from mcoflow.errors import PlanningError

LockMode: TypeAlias = Literal["exclusive", "shared"]
LockConflict: TypeAlias = Literal["fail", "wait"]
MAX_LOCK_NAME: Final = 200
MAX_LOCKS: Final = 100
"""Of one plan."""
_MODES: Final = ("exclusive", "shared")
_CONFLICTS: Final = ("fail", "wait")


@dataclass(frozen=True, slots=True)
class Lock:
    """A name that a plan holds from its planning until it rests.

    Args:
        name: what is locked, 1 to 200 characters, the same for all plans in the database.
        mode: an exclusive lock goes with no other, a shared one with shared ones.
        conflict: what becomes of a plan that cannot have it: planning fails, or it waits for its turn.

    Raises:
        PlanningError: an empty or too long name, or an unknown word.
    """

    name: str
    mode: LockMode = "exclusive"
    conflict: LockConflict = "fail"

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.strip()) <= len(self.name) <= MAX_LOCK_NAME:
            raise PlanningError(f"the lock name {self.name[:80]!r} needs 1 to {MAX_LOCK_NAME} characters")
        if self.mode not in _MODES or self.conflict not in _CONFLICTS:
            known = f"mode {' or '.join(_MODES)}, conflict {' or '.join(_CONFLICTS)}"
            raise PlanningError(f"the lock {self.name!r} is {self.mode}/{self.conflict}: there is {known}")


@dataclass(frozen=True, slots=True)
class LockRow:
    """A lock as it is stored: held, or waited for. `number` rises in the order of arrival."""

    number: int
    plan_id: UUID
    name: str
    mode: str
    held: bool


Kin: TypeAlias = Callable[[UUID], Collection[UUID]]
"""The ancestors of a plan: the plans that called it, directly or not."""


@dataclass(slots=True)
class Settled:
    """Which waiting plans get all their locks now, and what stands in the way of the others.

    `blocked`: plan → the rows of others in its way, one for each lock that it cannot have.
    """

    granted: list[UUID] = field(default_factory=list)
    blocked: dict[UUID, list[LockRow]] = field(default_factory=dict)


def merged(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    """Return the locks of a plan sorted by name, one each: the stricter mode, and failing before waiting.

    PlanningError if there are more than MAX_LOCKS.
    """
    found: dict[str, Lock] = {}
    for lock in locks:
        known = found.get(lock.name, lock)
        mode: LockMode = "exclusive" if "exclusive" in (lock.mode, known.mode) else "shared"
        conflict: LockConflict = "fail" if "fail" in (lock.conflict, known.conflict) else "wait"
        found[lock.name] = Lock(lock.name, mode, conflict)
    if len(found) > MAX_LOCKS:
        raise PlanningError(f"a plan may hold {MAX_LOCKS} locks, this one asks for {len(found)}")
    return tuple(found[name] for name in sorted(found))


def settle(rows: Sequence[LockRow], kin: Kin) -> Settled:
    """Grant locks in order of arrival, to each plan all of its locks or none.

    A plan waits behind an earlier one that waits for the same lock. A sub-plan does not: the plan that called
    it may hold what the earlier one waits for, and all three would wait for ever.

    Args:
        rows: all rows of the names that are looked at, held or not.
        kin: asked only where there is a conflict; locks of ancestors, and of those below, never conflict.
    """
    queue = _Queue(kin)
    wanted: dict[UUID, list[LockRow]] = {}
    for row in sorted(rows, key=lambda each: each.number):
        if row.held:
            queue.add(row)
        else:
            wanted.setdefault(row.plan_id, []).append(row)
    settled = Settled()
    for plan_id, locks in wanted.items():
        blocked = [rival for row in locks if (rival := queue.in_the_way(row)) is not None]
        for row in locks:
            queue.add(LockRow(row.number, plan_id, row.name, row.mode, held=not blocked))
        if blocked:
            settled.blocked[plan_id] = blocked
        else:
            settled.granted.append(plan_id)
    return settled


class _Queue:
    """Who holds a lock, and who waits for it, by name and mode."""

    def __init__(self, kin: Kin) -> None:
        self._kin = kin
        self._rows: dict[tuple[str, str], list[LockRow]] = {}

    def add(self, row: LockRow) -> None:
        self._rows.setdefault((row.name, row.mode), []).append(row)

    def in_the_way(self, wanted: LockRow) -> LockRow | None:
        """Return a lock that does not go with the one wanted: of a holder, or else of who came earlier."""
        modes = ("exclusive",) if wanted.mode == "shared" else _MODES
        found = [rival for mode in modes if (rival := self._first(mode, wanted)) is not None]
        return max(found, key=lambda rival: rival.held, default=None)

    def _first(self, mode: str, wanted: LockRow) -> LockRow | None:
        rows = self._rows.get((wanted.name, mode), ())
        return next((row for row in rows if self._rivals(row, wanted.plan_id)), None)

    def _rivals(self, row: LockRow, plan_id: UUID) -> bool:
        ancestors = self._kin(plan_id)
        if not row.held:
            return not ancestors
        return row.plan_id not in ancestors and plan_id not in self._kin(row.plan_id)
