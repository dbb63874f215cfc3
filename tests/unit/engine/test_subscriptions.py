"""Actions that join the plans of others."""

from typing import Any, ClassVar

import pytest

from mcoflow.action import Action, Registry
from mcoflow.domain.records import PlanDraft
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.engine.planner import make_plan
from mcoflow.errors import PhaseError
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, compose, draft_of, play


class Published(Do):
    """What others subscribe to."""

    name = "subscriptions.published"


class Special(Published):
    """A subclass of it."""

    name = "subscriptions.special"


class Announce(Action):
    """Joins."""

    name = "subscriptions.announce"
    subscribe = (Published,)
    told: ClassVar[list[Any]] = []

    def plan(self, *args: Any, **fields: Any) -> None:
        self.told.append((self.triggering_action.name, self.from_subscription, args, fields))
        self.plan_self(**fields)

    def run(self) -> None:
        play.log.append(f"announce {self.input['name']}")


class Note(Do):
    """Subscribes to the subscriber, and waits for it."""

    name = "subscriptions.note"
    subscribe = (Announce,)

    def plan(self, **fields: Any) -> None:
        self.plan_self(**fields)
        self.order(self.triggering_action, self)


class Middle(Action):
    """One level more."""

    name = "subscriptions.middle"

    def plan(self, depth: int, action: str) -> None:
        if depth:
            self.plan_action(Middle, depth - 1, action)
        else:
            self.plan_action({"published": Published, "special": Special}[action], name="p")


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    Announce.told.clear()


def steps_of(plan: PlanDraft, action: type[Action]) -> list[int]:
    return [step.id for step in plan.steps if step.action == action.name and step.phase is Phase.RUN]


def test_a_subscriber_three_levels_down_gets_the_arguments_and_runs_beside_its_trigger(house: House) -> None:
    """E-013: it is a child of what it subscribes to."""
    held = play.hold("p")
    plan_id = compose(house, lambda plan: plan.plan_action(Middle, depth=2, action="published"))
    play.wait_inside("p")
    play.wait_inside("announce p")
    held.set()

    assert house.rest(plan_id).state is PlanState.STOPPED
    assert Announce.told == [(Published.name, True, (), {"name": "p"})]
    actions = {each["id"]: each for each in house.store.whole(plan_id).actions}
    (joined,) = (each for each in actions.values() if each["name"] == Announce.name)
    assert actions[joined["parent_id"]]["name"] == Published.name


def test_a_subclass_of_the_trigger_does_not_trigger() -> None:
    """E-013: exactly the class that was named."""
    plan = draft_of(lambda plan: plan.plan_action(Middle, depth=1, action="special"))

    assert steps_of(plan, Special)
    assert (Announce.told, steps_of(plan, Announce)) == ([], [])


def test_a_subscriber_is_planned_right_after_its_trigger_and_in_the_same_place_of_a_sequence() -> None:
    """E-013: beside it; what follows the trigger follows the subscriber too."""

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Do, name="before")
            plan.plan_action(Published, name="p")
            plan.plan_action(Do, name="after")

    plan = draft_of(layout)

    before, after = steps_of(plan, Do)
    (published,), (announce,), (note,) = (steps_of(plan, each) for each in (Published, Announce, Note))
    assert before < published < announce < note < after
    needs = {step: set(nodes) for step, nodes in plan.graph.needs.items()}
    assert (needs[published], needs[announce], needs[note]) == ({before}, {before}, {before, announce})
    assert needs[after] == {published, announce, note}


def test_a_subscriber_that_fails_fails_the_planning_and_all_its_ancestors() -> None:
    """E-012: its trigger is one of them."""

    class Picky(Action):
        name = "subscriptions.picky"
        subscribe = (Published,)

        def plan(self, **fields: Any) -> None:
            raise RuntimeError("not me")

    registry = Registry()
    for action in (Compose, Published, Picky):
        registry.add(action)
    layout = play.layout(lambda plan: plan.plan_action(Published, name="p"))
    plan = make_plan(
        Compose,
        {"layout": layout},
        plan_id=draft_of(layout_of_nothing).plan.id,
        user="",
        now=0.0,
        actions=registry,
    )

    assert "not me" in plan.plan.explanation
    assert {step.action: step.state for step in plan.steps} == {
        Compose.name: StepState.ERROR,
        Published.name: StepState.ERROR,
        Picky.name: StepState.ERROR,
    }


def layout_of_nothing(_plan: Action) -> None:
    """Plan nothing."""


def test_only_the_classes_of_the_given_registry_join() -> None:
    """E-013: another world in this process may have other plug-ins."""
    registry = Registry()
    registry.add(Published)
    plan = make_plan(
        Published,
        {"name": "p"},
        plan_id=draft_of(layout_of_nothing).plan.id,
        user="",
        now=0.0,
        actions=registry,
    )

    assert [step.action for step in plan.steps] == [Published.name, Published.name]


def test_a_child_knows_who_planned_it_and_the_root_was_planned_by_nobody() -> None:
    """E-013: PhaseError in the root."""
    seen: list[Any] = []

    class Child(Action):
        name = "subscriptions.child"

        def plan(self) -> None:
            seen.append((self.triggering_action.name, self.from_subscription))

    def layout(plan: Action) -> None:
        plan.plan_action(Child)
        seen.append(plan.from_subscription)
        with pytest.raises(PhaseError, match="root"):
            _ = plan.triggering_action

    assert draft_of(layout).plan.state is PlanState.PLANNED
    assert seen == [(Compose.name, False), False]


def test_after_plan_nobody_asks_who_planned_it(house: House) -> None:
    """E-013: plan only."""

    def script(action: Any, _event: Any) -> None:
        with pytest.raises(PhaseError):
            _ = action.triggering_action
        with pytest.raises(PhaseError):
            _ = action.from_subscription

    play.scripts["a"] = script
    plan = house.run(Do, name="a")
    assert plan.result.value == "success", plan.explanation


def test_a_subscriber_that_plans_what_it_subscribes_to_is_refused() -> None:
    """E-013: it would never end."""

    class Trigger(Do):
        name = "subscriptions.trigger"

    class Echo(Action):
        name = "subscriptions.echo"
        subscribe = (Trigger,)

        def plan(self, **fields: Any) -> None:
            self.plan_action(Trigger, **fields)

    plan = draft_of(lambda plan: plan.plan_action(Trigger, name="t"))

    assert "would never end" in plan.plan.explanation
    assert len(plan.actions) == 4


def test_a_class_that_is_defined_anew_takes_the_place_of_the_old_one() -> None:
    """E-013: as in a shell, or a reloaded module."""

    class Source(Do):
        name = "subscriptions.source"

    def define(word: str) -> None:
        class Again(Action):
            name = "subscriptions.again"
            subscribe = (Source,)

            def plan(self, **fields: Any) -> None:
                Announce.told.append(word)

    define("old")
    define("new")
    draft_of(lambda plan: plan.plan_action(Source, name="s"))

    assert Announce.told == ["new"]
