"""Plans in present form, as a method of the world."""

from __future__ import annotations

from uuid import UUID

from mcoflow.action.chain import Chains
from mcoflow.action.presentation import Presentation, StoredAction
from mcoflow.action.registry import Registry
from mcoflow.domain.states import Phase, StepState
from mcoflow.ports.store import Store


class Presenting:
    """The part of a world that shows what it has stored."""

    _store: Store
    _actions: Registry
    _chains: Chains

    def presented(self, plan_id: UUID) -> Presentation:
        """Return the actions of a plan as they present themselves; nothing of it runs, and nothing is stored.

        Raises:
            PlanNotFoundError: there is no such plan.
        """
        snapshot, places = self._store.snapshot(plan_id), self._store.outline(plan_id).actions
        texts = self._store.action_data([(plan_id, each.id) for each in places])
        states: dict[int, StepState] = {}
        for step in snapshot.steps:
            if step.phase is Phase.RUN or step.action_id not in states:
                states[step.action_id] = step.state
        stored = [
            StoredAction(
                each.id,
                each.name,
                each.parent_id,
                states.get(each.id, StepState.SUCCESS),
                *texts[plan_id, each.id],
            )
            for each in places
        ]
        return Presentation(plan_id, stored, self._actions, self._chains)
