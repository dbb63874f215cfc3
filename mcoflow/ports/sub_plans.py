"""What an action with sub-plans needs of a database: counts, never the plans themselves."""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from mcoflow.domain.requests import CommandKind


class SubPlanStore(Protocol):
    """A part of the store. A sub-plan that comes to rest rings its caller in the same commit."""

    def rung(self, plan_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of these plans of which sub-plans came to rest since they were last counted."""

    def count_sub_plans(self, plan_id: UUID, action_id: int) -> Mapping[str, int]:
        """Count the sub-plans of an action by where they stand, in one statement, and hush the bell.

        planned, running (also one at rest whose command is not obeyed yet), success, warning, error (also
        paused), cancelled, halted. What `give_up_unplanned` gave up is not counted.
        """

    def known_sub_plans(self, plan_ids: Collection[UUID]) -> Collection[UUID]:
        """Those of these plans that are stored and not given up."""

    def give_up_unplanned(self, plan_id: UUID, action_id: int) -> None:
        """Let the sub-plans of an action whose planning failed count no more: they are planned again."""

    def command_sub_plans(
        self, plan_id: UUID, action_id: int, kind: CommandKind, *, token: str, at: float, actor: str
    ) -> None:
        """Give a command to each sub-plan of an action that can take it, a page at a time.

        resume: to paused ones; others: to all that are not stopped. With the same token it is given once.
        """
