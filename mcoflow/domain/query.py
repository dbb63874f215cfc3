"""What is asked about plans, and how old ones are cleaned away, as values."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

from mcoflow.domain.records import PlanRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.domain.view import PlanView
from mcoflow.errors import QueryError

Where: TypeAlias = Mapping[str, Any]
"""Field → a value, or a list of values; an empty list matches nothing, None matches what is not set."""

FIELDS: Final = (
    "id",
    "name",
    "label",
    "action",
    "state",
    "result",
    "started_at",
    "ended_at",
    "caller_plan_id",
    "caller_action_id",
    "owner",
    "delayed",
)
"""What can be asked for. `delayed`: whether the plan waits to be planned."""


@dataclass(frozen=True, slots=True)
class PlanQuery:
    """A page of plans.

    Args:
        where: all of these have to match.
        order_by: one of FIELDS but `delayed`; plans that are equal in it come in the order of their ids.
        descending: the other way round.
        page: pages to leave out.
        per_page: plans on a page.
        after: the `next` of the page before, instead of `page`; plans that come and go move nothing then.
    """

    where: Where = field(default_factory=dict)
    order_by: str = "started_at"
    descending: bool = False
    page: int = 0
    per_page: int = 20
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some plans; `next` is the cursor of those behind them, None if this is the last page."""

    items: tuple[PlanView, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """Where a plan stands."""

    state: PlanState
    result: PlanResult


@dataclass(frozen=True, slots=True)
class CleanPolicy:
    """Which stopped plans are removed, and where they are saved before.

    Args:
        older_than: since they ended.
        where: narrows it further.
        batch: plans of one transaction.
        backup_dir: gets a file with a JSON object per plan and line; None: nothing is saved.
        dry_run: only count.
    """

    older_than: timedelta
    where: Where = field(default_factory=dict)
    batch: int = 1000
    backup_dir: Path | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class CleanReport:
    """How many plans were removed, or would have been; `backup` is the file that has them."""

    plans: int
    batches: int = 0
    backup: Path | None = None


@dataclass(frozen=True, slots=True)
class Doomed:
    """Stopped plans that ended before a time, narrowed by `where`; no child before its parent."""

    before: float
    where: Where
    limit: int


def cursor_behind(query: PlanQuery, plan: PlanRecord) -> str:
    """Return the cursor of what comes behind a plan in the order of a query."""
    value = getattr(plan, query.order_by)
    if value == "" and query.order_by == "name":
        value = None  # it is stored as not set, so that any number of plans may have none
    place = [query.order_by, str(value) if isinstance(value, UUID) else value, str(plan.id)]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_cursor(query: PlanQuery) -> tuple[Any, UUID]:
    """Return the value and the id of the plan behind which a query goes on; QueryError."""
    try:
        field_name, value, last = json.loads(base64.urlsafe_b64decode(str(query.after)))
        if field_name == query.order_by:
            return value, UUID(last)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise QueryError("this is no cursor of a list of plans: begin with its first page") from None
    raise QueryError(f"the cursor is of a list in order of {field_name}: begin with the first page")
