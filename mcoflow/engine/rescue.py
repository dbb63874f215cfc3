"""What becomes of a plan that is at rest with failed steps: its actions are asked, on a worker."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from mcoflow.action.base import Action
from mcoflow.action.registry import Registry
from mcoflow.action.rescue import Rescue
from mcoflow.action.stage import Stage
from mcoflow.domain.reference import REFERENCE_KEY, resolve
from mcoflow.engine.batch import Batch
from mcoflow.engine.patient import PatientStore
from mcoflow.engine.plan_run import PlanRun
from mcoflow.errors import McoflowError, ReferenceMissingError
from mcoflow.ports.store import ActionPlace

log = logging.getLogger("mcoflow.rescue")
_QUEUE: Final = "default"
_EMPTY: Final = ("{}", "{}")


@dataclass(frozen=True, slots=True)
class RescueAsked:
    """A worker's report: what the actions of a plan want, given that these steps have failed."""

    plan_id: UUID
    failed: frozenset[int]
    strategy: Rescue


class Rescuing:
    """Asks actions what shall become of their plan. A plan whose classes have no say costs nothing."""

    def __init__(
        self, store: PatientStore, actions: Registry, report: Callable[[RescueAsked], None], *, auto: bool
    ) -> None:
        self._store = store
        self._actions = actions
        self._report = report
        self._auto = auto

    def has_a_say(self, run: PlanRun) -> bool:
        """Whether a class involved could answer anything else than a pause."""
        if not self._auto:
            return False
        if any(each.rescue_strategy_for is not Action.rescue_strategy_for for each in self._actions):
            return True
        return any(_decides(self._find(step.action)) for step in run.failed_steps())

    def ask(self, batch: Batch, run: PlanRun) -> None:
        """Have a worker ask once the batch is committed; the answer is a RescueAsked."""
        failed = {step.id: step.action_id for step in run.failed_steps()}
        producers = {
            step.action_id: run.producers(step.id) for step in run.steps.values() if run.graph.references
        }
        plan_id = run.id

        def job() -> None:
            strategy = self._ask(plan_id, set(failed.values()), producers)
            self._report(RescueAsked(plan_id, frozenset(failed), strategy))

        batch.jobs.append((plan_id, _QUEUE, job))

    def _ask(self, plan_id: UUID, failed: set[int], producers: Mapping[int, Sequence[int]]) -> Rescue:
        """Ask on this thread; what goes wrong leaves the decision to people."""
        try:
            tree = {each.id: each for each in self._store.outline(plan_id).actions}
            concerned = {above.id for action_id in failed for above in _up(tree, action_id)}
            wanted = {(plan_id, each) for own in concerned for each in (own, *producers.get(own, ()))}
            data = {action_id: text for (_, action_id), text in self._store.action_data(wanted).items()}
            made = {each: self._make(plan_id, tree[each], data, producers) for each in concerned}
            return _wanted({each: action for each, action in made.items() if action}, tree, failed)
        except BaseException as error:
            log.warning("rescue.not_asked", exc_info=error, extra={"plan": str(plan_id)})
            return Rescue.PAUSE

    def _make(
        self,
        plan_id: UUID,
        place: ActionPlace,
        data: Mapping[int, tuple[str, str]],
        producers: Mapping[int, Sequence[int]],
    ) -> Action | None:
        found = self._find(place.name)
        if found is None:
            return None
        given, output = data.get(place.id, _EMPTY)
        outputs = {each: json.loads(data[each][1]) for each in producers.get(place.id, ()) if each in data}
        stage = Stage(
            "rescue", plan_id, place.id, place.id == 1, _resolved(given, outputs), json.loads(output)
        )
        return found(stage)

    def _find(self, name: str) -> type[Action] | None:
        try:
            return self._actions.find(name)
        except McoflowError:
            return None


def _wanted(made: Mapping[int, Action], tree: Mapping[int, ActionPlace], failed: set[int]) -> Rescue:
    """What all want who failed, or whose children did; a pause if they do not agree."""
    below: dict[int, list[int]] = {}
    for each in made:
        parent = tree[each].parent_id
        if parent is not None:
            below.setdefault(parent, []).append(each)
    answers: dict[int, Rescue] = {}
    for each in sorted(tree, reverse=True):  # children come after their parents, so that they are asked first
        if each not in made:
            answers[each] = Rescue.PAUSE  # its class is gone
            continue
        said = [Rescue(made[each].rescue_strategy())] if each in failed else []
        said += [
            made[each].rescue_strategy_for(made[child]) or answers[child] for child in below.get(each, ())
        ]
        answers[each] = _agreed(said)
    return answers[min(tree)]


def _agreed(said: Sequence[Rescue]) -> Rescue:
    return Rescue(said[0]) if said and len(set(said)) == 1 else Rescue.PAUSE


def _up(tree: Mapping[int, ActionPlace], action_id: int) -> Iterator[ActionPlace]:
    """The action, its parent, and so on to the root."""
    place: ActionPlace | None = tree[action_id]
    while place is not None:
        yield place
        place = tree[place.parent_id] if place.parent_id is not None else None


def _decides(found: type[Action] | None) -> bool:
    return found is not None and found.rescue_strategy is not Action.rescue_strategy


def _resolved(given: str, outputs: Mapping[int, dict[str, object]]) -> dict[str, object]:
    """The input with values for references; as it is stored, if a producer has not said what is needed."""
    stored: dict[str, object] = json.loads(given)
    if REFERENCE_KEY not in given:
        return stored
    try:
        return dict(resolve(stored, outputs))
    except ReferenceMissingError:
        return stored
