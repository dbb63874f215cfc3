"""What is asked of a list of plans."""

from dataclasses import dataclass, field
from uuid import UUID

from mcoflow.domain.query import Where


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of plans, newest first. Empty filters mean everything; `before`: (created_at, id) last seen.

    `hosts`, `users`: of one of these. `started_after`, `started_before`: Unix times, neither included.
    `caller`: only the sub-plans of this plan, and what its steps triggered.
    """

    states: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    action: str = ""
    text: str = ""
    before: tuple[float, UUID] | None = None
    limit: int = 50
    caller: UUID | None = None
    where: Where = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    started_after: float | None = None
    started_before: float | None = None
