"""What whoever asks for a plan wants of it, besides its action and arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from mcoflow.domain.caller import Caller, noted
from mcoflow.domain.records import PlanRecord
from mcoflow.errors import InputInvalidError

LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who wants a plan, the id and the name that it is to have, and for whom it is made."""

    user: str
    plan_id: UUID | None = None
    name: str = ""
    caller: Caller | None = None

    def mark(self, plan: PlanRecord) -> None:
        """Write the name and the caller into a plan that is new."""
        plan.name = self.name
        if self.caller is not None:
            plan.caller_plan_id, plan.caller_action_id = self.caller.plan_id, noted(self.caller.action_id)


def valid_name(name: str | None) -> str:
    """Return the name that a plan shall have, "" for none; InputInvalidError for what is no name."""
    if name is not None and not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise InputInvalidError(
            f"a plan's name is 1 to {LONGEST_NAME} printable characters, not {name[:80]!r}"
        )
    return name or ""
