"""What the world returns to who asked for a plan."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from mcoflow.domain.records import ErrorRecord
from mcoflow.engine.futures import PlanFuture


@dataclass(frozen=True, slots=True)
class Triggered:
    """The plan is stored and will run; the future is resolved when it comes to rest."""

    plan_id: UUID
    future: PlanFuture


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The plan is stored, and not planned yet; the future is resolved when it comes to rest."""

    plan_id: UUID
    future: PlanFuture


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan is stored, and runs once World.execute says so."""

    plan_id: UUID


@dataclass(frozen=True, slots=True)
class PlanningFailed:
    """The plan method failed: the plan is stored, stopped with this error, and nothing runs."""

    plan_id: UUID
    error: ErrorRecord
