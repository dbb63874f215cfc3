"""From an action and its arguments to a plan: what is planned, and what is refused."""

import math
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel, ConfigDict

from mcoflow.action import Action
from mcoflow.domain.reference import OutputReference
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.engine.planner import make_plan
from mcoflow.errors import InputInvalidError, NotSerialisableError, PhaseError
from tests.unit.engine.play import Compose, Do, Finish, Tidy, draft_of, one


class Narrow(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    size: int = 3
    deep: dict[str, int] = {}


class NarrowOutput(BaseModel):
    by: str


class Strict(Do):
    """Has models."""

    name = "planning.strict"
    title = "Strict"
    Input = Narrow
    Output = NarrowOutput


def needs_of(plan: Any) -> dict[int, tuple[int, ...]]:
    return dict(plan.graph.needs)


def error_of(plan: Any) -> str:
    assert (plan.plan.state, plan.plan.result) == (PlanState.STOPPED, PlanResult.ERROR)
    return str(plan.plan.explanation)


def ids(plan: Any, action: type[Action], phase: Phase = Phase.RUN) -> list[int]:
    return [step.id for step in plan.steps if step.action == action.name and step.phase is phase]


def test_input_is_stored_with_its_defaults() -> None:
    plan = draft_of(one(Strict))

    assert plan.actions[1].input == '{"name":"a","size":3,"deep":{}}'


def test_a_wrong_field_of_a_child_fails_the_planning_and_is_named_by_its_path() -> None:
    """E-001: the plan is stored stopped/error; nothing is raised."""
    plan = draft_of(one(Strict, deep={"x": "many"}))

    assert "planning.strict" in error_of(plan)
    assert "deep.x" in error_of(plan)


def test_an_unknown_field_is_refused() -> None:
    assert "colour" in error_of(draft_of(one(Strict, colour="red")))


def test_a_value_that_may_be_secret_is_not_repeated_in_the_error() -> None:
    assert "hunter2" not in error_of(draft_of(one(Strict, size="hunter2")))


@pytest.mark.parametrize(
    ("value", "path"),
    [({1, 2}, "set"), (math.nan, "nan"), ("a\0b", "NUL"), ("\ud800", "surrogate"), (2**60, "2^53")],
)
def test_what_is_no_json_fails_the_planning_and_names_the_path(value: Any, path: str) -> None:
    """E-003: in input."""
    problem = error_of(draft_of(one(Do, things=[{"thing": value}])))

    assert "things[0].thing" in problem
    assert path in problem


def test_too_much_input_fails_the_planning() -> None:
    """E-003: max_json + 1."""
    assert "1048576 at most" in error_of(draft_of(one(Do, text="x" * (1 << 20))))


def test_arguments_that_are_no_json_cannot_be_stored_at_all() -> None:
    with pytest.raises(NotSerialisableError, match="layout"):
        make_plan(Compose, {"layout": {1}}, plan_id=uuid4(), user="", now=0.0)


def test_a_step_waits_for_what_it_needs_and_for_nothing_else() -> None:
    """E-004: 3→7, 5→9, 11 needs 3 and 5 only."""

    def layout(plan: Action) -> None:
        with plan.concurrence():
            with plan.sequence():
                three = plan.plan_action(Do, name="3")
                plan.plan_action(Do, name="7")
            with plan.sequence():
                five = plan.plan_action(Do, name="5")
                plan.plan_action(Do, name="9")
            plan.plan_action(Do, name="11", reads=[three.output["by"], five.output["by"]])

    plan = draft_of(layout)

    three, seven, five, nine, eleven = ids(plan, Do)
    assert needs_of(plan) == {three: (), seven: (three,), five: (), nine: (five,), eleven: (three, five)}


def test_two_groups_of_a_thousand_in_sequence_cost_two_thousand_edges() -> None:
    """E-005: through a gate."""

    def layout(plan: Action) -> None:
        with plan.sequence():
            for _ in range(2):
                with plan.concurrence():
                    for number in range(1000):
                        plan.plan_action(Do, name=str(number))

    plan = draft_of(layout)

    assert sum(len(needs) for needs in plan.graph.needs.values()) == 2000
    first, second = ids(plan, Do)[:1000], ids(plan, Do)[1000:]
    assert set(plan.graph.needs[-1]) == set(first)
    assert {plan.graph.needs[step] for step in second} == {(-1,)}


def test_nested_blocks_run_as_they_are_written_and_empty_ones_make_no_difference() -> None:
    """E-006: sequence in concurrence in sequence, one block empty, one of an action without run."""

    def layout(plan: Action) -> None:
        with plan.sequence():
            plan.plan_action(Do, name="first")
            with plan.concurrence():
                pass
            plan.plan_action(Tidy, name="no run")
            with plan.concurrence():
                with plan.sequence():
                    plan.plan_action(Do, name="left 1")
                    plan.plan_action(Do, name="left 2")
                plan.plan_action(Do, name="right")
            plan.plan_action(Do, name="last")

    plan = draft_of(layout)

    first, left1, left2, right, last = ids(plan, Do)
    (tidy,) = ids(plan, Tidy, Phase.FINALIZE)
    assert needs_of(plan) == {
        first: (),
        left1: (first,),
        left2: (left1,),
        right: (first,),
        last: (left2, right),
        tidy: (last,),
    }


def test_a_reference_adds_one_edge_from_producer_to_consumer() -> None:
    """E-007: also deep inside lists and objects."""

    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="producer")
        plan.plan_action(Do, name="consumer", deep={"list": [1, {"value": made.output["by"]}]})

    plan = draft_of(layout)

    producer, consumer = ids(plan, Do)
    assert needs_of(plan) == {producer: (), consumer: (producer,)}
    assert plan.graph.references == {(producer, consumer)}
    assert plan.graph.optional == frozenset()


def test_a_reference_that_says_what_to_take_instead_is_optional_unless_another_is_not() -> None:
    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="producer")
        plan.plan_action(Do, name="copes", value=made.output["x"].or_else(1))
        plan.plan_action(Do, name="does not", values=[made.output["x"].or_else(1), made.output["y"]])

    plan = draft_of(layout)

    producer, copes, does_not = ids(plan, Do)
    assert plan.graph.optional == {(producer, copes)}
    assert plan.graph.required == {(producer, does_not)}


def test_a_reference_to_a_key_that_the_output_lacks_is_a_planning_error() -> None:
    """E-009: before anything runs."""

    def layout(plan: Action) -> None:
        made = plan.plan_action(Strict, name="a")
        plan.plan_action(Do, name="b", value=made.output["nonsense"])

    problem = error_of(draft_of(layout))

    assert 'output["nonsense"]' in problem
    assert "only has by" in problem


def test_a_reference_to_an_action_without_a_run_is_a_planning_error() -> None:
    def layout(plan: Action) -> None:
        made = plan.plan_action(Tidy, name="a")
        plan.plan_action(Do, name="b", value=made.output["x"])

    assert "no run step" in error_of(draft_of(layout))


def test_a_reference_into_another_plan_is_a_planning_error() -> None:
    foreign = OutputReference(77, 99)

    assert "not in this plan" in error_of(draft_of(one(Do, value=foreign)))


def test_the_key_of_references_cannot_be_used_in_input() -> None:
    assert "mcoflow's own" in error_of(draft_of(one(Do, value={"$mcoflow_ref": 1})))


def test_planning_stops_at_the_first_error_and_all_ancestors_are_in_error() -> None:
    """E-012: the third sibling is never made; one stored plan."""
    made: list[str] = []

    class Child(Action):
        name = "planning.child"

        def plan(self, which: str) -> None:
            made.append(which)
            if which == "second":
                raise RuntimeError("no second child")
            self.plan_self(which=which)

        def run(self) -> None:
            """Never."""

    class Parent(Action):
        name = "planning.parent"

        def plan(self) -> None:
            for which in ("first", "second", "third"):
                self.plan_action(Child, which=which)

    plan = draft_of(lambda root: root.plan_action(Parent))

    assert made == ["first", "second"]
    assert "no second child" in error_of(plan)
    states = [(step.action, step.state) for step in plan.steps]
    assert states == [
        (Compose.name, StepState.ERROR),
        (Parent.name, StepState.ERROR),
        (Child.name, StepState.SUCCESS),
        (Child.name, StepState.ERROR),
    ]
    assert [line.name for line in plan.history] == ["finish execution"]


def test_finalize_steps_stand_in_plan_order_after_all_run_steps() -> None:
    def layout(plan: Action) -> None:
        plan.plan_action(Finish, name="a")
        plan.plan_action(Finish, name="b")
        plan.plan_action(Do, name="c")

    plan = draft_of(layout)

    a, b = ids(plan, Finish)
    (c,) = ids(plan, Do)
    after_a, after_b = ids(plan, Finish, Phase.FINALIZE)
    assert needs_of(plan) == {a: (), b: (), c: (), after_a: (a, b, c), after_b: (after_a,)}


def test_a_finalize_without_a_run_waits_for_what_it_reads() -> None:
    def layout(plan: Action) -> None:
        made = plan.plan_action(Do, name="a")
        plan.plan_action(Tidy, name="t", value=made.output["by"])

    plan = draft_of(layout)

    assert plan.graph.references == {(ids(plan, Do)[0], ids(plan, Tidy, Phase.FINALIZE)[0])}


def test_plan_self_is_for_the_own_plan_method_and_once() -> None:
    def twice(plan: Action) -> None:
        child = plan.plan_action(Do, name="a")
        child.plan_self(name="again")

    assert "own plan method" in error_of(draft_of(twice))


def test_what_belongs_to_run_is_refused_in_plan() -> None:
    def layout(plan: Action) -> None:
        with pytest.raises(PhaseError):
            plan.suspend()
        with pytest.raises(PhaseError):
            plan.warn("no")
        with pytest.raises(PhaseError):
            plan.plan_event("no")

    assert draft_of(layout).plan.state is PlanState.PLANNED


def test_a_label_that_fails_fails_the_planning() -> None:
    class Nameless(Do):
        name = "planning.nameless"

        def label(self) -> str:
            raise RuntimeError("no name")

    plan = make_plan(Nameless, {"name": "a"}, plan_id=uuid4(), user="", now=0.0)

    assert "no name" in error_of(plan)


def test_the_hosts_of_a_plan_are_those_of_its_steps_each_once() -> None:
    def layout(plan: Action) -> None:
        for host in ("web2", "web1", "web2"):
            plan.plan_action(Do, name="x", host=host)

    assert draft_of(layout).plan.hosts == ("web2", "web1")


def test_the_input_of_a_root_is_validated_by_the_world_too() -> None:
    from mcoflow.action.schema import valid_input

    with pytest.raises(InputInvalidError, match="size"):
        valid_input("x", Narrow, {"name": "a", "size": "many"})
