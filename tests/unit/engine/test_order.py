"""Order that an author states beside sequences and references."""

from typing import Any

from mcoflow.action import Action
from mcoflow.domain.reference import OutputReference
from mcoflow.domain.states import Phase, PlanState
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Tidy, compose, draft_of, play


class Pair(Action):
    """Plans two that run at the same time."""

    name = "order.pair"

    def plan(self, name: str) -> None:
        self.plan_action(Do, name=f"{name}1")
        self.plan_action(Do, name=f"{name}2")


def edges(plan: Any) -> dict[int, tuple[int, ...]]:
    return dict(plan.graph.needs)


def run_steps(plan: Any) -> list[int]:
    return [step.id for step in plan.steps if step.phase is Phase.RUN]


def test_all_that_the_second_planned_starts_after_all_that_the_first_planned(house: House) -> None:
    def layout(plan: Action) -> None:
        first, then = plan.plan_action(Pair, "a"), plan.plan_action(Pair, "b")
        plan.order(first, then)

    held = play.hold("a1")
    plan_id = compose(house, layout)
    play.wait_inside("a2")
    held.set()
    house.rest(plan_id)

    assert set(play.log[:2]) == {"a1", "a2"}
    assert set(play.log[2:]) == {"b1", "b2"}
    a1, a2, b1, b2 = run_steps(draft_of(layout))
    assert edges(draft_of(layout)) == {a1: (), a2: (), b1: (a1, a2), b2: (a1, a2)}


def test_the_order_of_wide_groups_goes_through_a_gate() -> None:
    class Wide(Action):
        name = "order.wide"

        def plan(self) -> None:
            for number in range(100):
                self.plan_action(Do, name=str(number))

    def layout(plan: Action) -> None:
        plan.order(plan.plan_action(Wide), plan.plan_action(Wide))

    assert sum(map(len, edges(draft_of(layout)).values())) == 200


def test_an_order_that_a_sequence_says_already_adds_no_edge() -> None:
    def layout(plan: Action) -> None:
        with plan.sequence():
            first, then = plan.plan_action(Do, name="a"), plan.plan_action(Do, name="b")
        plan.order(first, then)

    a, b = run_steps(draft_of(layout))
    assert edges(draft_of(layout)) == {a: (), b: (a,)}


def test_an_action_may_order_itself_after_a_child_and_no_data_passes() -> None:
    class After(Do):
        name = "order.after"

        def plan(self, name: str) -> None:
            child = self.plan_action(Do, name="child")
            self.order(child, self.plan_action(Do, name=name))

    plan = draft_of(lambda plan: plan.plan_action(After, name="x"))

    assert plan.graph.references == frozenset()
    assert [len(needs) for needs in edges(plan).values()] == [0, 1]


def test_an_order_against_a_reference_is_a_cycle_and_only_its_steps_are_named() -> None:
    """E-008: nothing runs."""

    def layout(plan: Action) -> None:
        with plan.sequence():
            with plan.concurrence():
                b = plan.plan_action(Do, name="b")
                a = plan.plan_action(Do, name="a", reads=b.output["by"])
            plan.plan_action(Do, name="innocent")
        plan.order(a, b)

    plan = draft_of(layout)

    assert plan.plan.state is PlanState.STOPPED
    assert "steps 3, 5 wait for each other" in plan.plan.explanation


def test_an_order_with_what_has_no_run_step_changes_nothing() -> None:
    def layout(plan: Action) -> None:
        plan.order(plan.plan_action(Tidy, name="t"), plan.plan_action(Do, name="a"))

    plan = draft_of(layout)
    assert edges(plan)[run_steps(plan)[0]] == ()


def test_an_action_of_another_plan_cannot_be_ordered() -> None:
    kept: list[Action] = []
    draft_of(lambda plan: kept.append(plan.plan_action(Do, name="a")))

    plan = draft_of(lambda plan: plan.order(kept[0], plan.plan_action(Do, name="b")))

    assert "not of this plan" in plan.plan.explanation


def test_a_key_that_an_output_with_extras_does_not_declare_may_be_there() -> None:
    """E-009: only a model that allows nothing else can say that a key is missing."""
    from pydantic import BaseModel, ConfigDict

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        known: int

    class Makes(Do):
        name = "order.makes"
        Output = Open

    def layout(plan: Action) -> None:
        reference: OutputReference = plan.plan_action(Makes, name="m").output["unknown"]
        plan.plan_action(Do, name="r", value=reference)

    assert draft_of(layout).plan.state is PlanState.PLANNED
