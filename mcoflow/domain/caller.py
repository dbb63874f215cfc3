"""Who a plan is made for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Caller:
    """A plan, and an action of it, for which another plan is made: shown with it, but waited for by none."""

    plan_id: UUID
    action_id: int | None = None


def noted(action_id: int | None) -> int:
    """Return how a calling action is stored whose plans nobody counts: never above zero.

    The number of an action itself stands for one that counts its sub-plans, -1 for one that gave a sub-plan
    up.
    """
    return 0 if action_id is None else -1 - action_id


def action_noted(stored: int | None) -> int | None:
    """Return the calling action, whether it counts its plans or not; None if there is none."""
    if stored is None or stored in (0, -1):
        return None
    return stored if stored > 0 else -1 - stored
