"""Arguments of plan methods, labels and queues: what an action gets without asking."""

from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import Action
from mcoflow.domain.states import Phase, PlanState
from mcoflow.engine.planner import make_plan
from mcoflow.engine.settings import WorldSettings
from mcoflow.errors import InputInvalidError
from tests.unit.engine.house import House
from tests.unit.engine.play import Compose, Do, compose, draft_of, play


class Rolling(Action):
    """Has a plan method with a signature of its own."""

    name = "arguments.rolling"
    title = "Rolling restart"

    def plan(self, hosts: list[str], service: str = "web") -> None:
        for host in hosts:
            self.plan_action(Do, name="r", host=host, service=service)


class Bare(Action):
    """Nothing but a name, for actions of one's own package."""

    name = "acme.fleet.wipe_disks"

    def plan(self, hosts: list[str]) -> None:
        for host in hosts:
            self.plan_action(Do, name="w", host=host)


class Odd(Action):
    """Takes what it does not check."""

    name = "arguments.odd"

    def plan(self, **fields: Any) -> None:
        raise fields["error"] if fields else KeyError("hosts")


MISFITS = [
    ({}, "missing a required argument: 'hosts'"),
    ({"hosts": [], "colour": "red"}, "got an unexpected keyword argument 'colour'"),
]


@pytest.mark.parametrize(("fields", "what"), MISFITS)
def test_arguments_that_the_plan_method_does_not_take_are_refused_at_once(
    house: House, fields: dict[str, Any], what: str
) -> None:
    """E-001: the caller is told which, and what there is."""
    with pytest.raises(InputInvalidError) as refused:
        house.world.submit(Rolling.name, fields, user="ann")

    assert str(refused.value).startswith(Rolling.name)
    assert what in str(refused.value)
    assert "it takes hosts: list[str], service: str = 'web'" in str(refused.value)
    assert house.store.count_plans(None) == 0


@pytest.mark.parametrize(("fields", "what"), MISFITS)
def test_a_child_with_arguments_that_it_does_not_take_fails_the_planning(
    fields: dict[str, Any], what: str
) -> None:
    """E-001: with the same words."""
    plan = draft_of(lambda root: root.plan_action(Rolling, **fields))

    assert f"planning failed: {Rolling.name}: {what}" in plan.plan.explanation
    (failed,) = (step for step in plan.steps if step.action == Rolling.name)
    assert failed.error is not None
    assert failed.error.kind == "InputInvalidError"


def test_too_many_positional_arguments_are_named_too() -> None:
    plan = draft_of(lambda root: root.plan_action(Rolling, [], "web", "more"))

    assert "too many positional arguments" in plan.plan.explanation


@pytest.mark.parametrize("args", [("web1",), ({}, {}), (3,)])
def test_the_default_plan_takes_a_mapping_and_fields(args: tuple[Any, ...]) -> None:
    plan = draft_of(lambda root: root.plan_action(Do, *args, name="a"))

    assert plan.plan.state is PlanState.STOPPED
    assert "InputInvalidError" in {step.error.kind for step in plan.steps if step.error}
    assert draft_of(lambda root: root.plan_action(Do, {"name": "a"})).plan.state is PlanState.PLANNED


def test_a_type_error_inside_of_plan_is_not_taken_for_a_wrong_argument() -> None:
    plan = draft_of(lambda root: root.plan_action(Odd, error=TypeError("unsupported operand")))

    assert plan.plan.explanation == (
        "planning failed: arguments.odd: plan raised TypeError: unsupported operand"
    )


def test_a_key_error_says_more_than_the_key() -> None:
    plan = draft_of(lambda root: root.plan_action(Odd))

    assert plan.plan.explanation == "planning failed: arguments.odd: plan raised KeyError: 'hosts'"


# -- labels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "fields", "label"),
    [
        (Rolling, {"hosts": ["web1"]}, "Rolling restart on web1"),
        (Rolling, {"hosts": ["web1", "web2"], "service": "nginx"}, "Rolling restart nginx on 2 hosts"),
        (Rolling, {"hosts": []}, "Rolling restart"),
        (Bare, {"hosts": ["web1"]}, "Wipe disks on web1"),
        (Bare, {"hosts": []}, "acme.fleet.wipe_disks"),
        (Do, {"name": "a", "host": "web1", "package": "vim"}, "Do vim on web1"),
    ],
)
def test_a_plan_is_called_after_what_it_does_and_where(
    action: type[Action], fields: dict[str, Any], label: str
) -> None:
    made = make_plan(action, fields, plan_id=uuid4(), user="", now=0.0)

    assert (made.plan.label, made.plan.explanation) == (label, "")


# -- queues ---------------------------------------------------------------------------------------------


class Slow(Action):
    """Asks for a pool."""

    name = "arguments.slow"
    queue = "slow"

    def plan(self, layout: str) -> None:
        play.layouts[layout](self)


class Quick(Do):
    """Asks for another."""

    name = "arguments.quick"
    queue = "quick"


def queues(plan: Any) -> dict[str, str]:
    return {step.action: step.queue for step in plan.steps if step.phase is not Phase.PLAN}


def test_an_action_without_a_queue_takes_that_of_its_planner() -> None:
    """E-024: through all levels; the root's is default."""
    inner = play.layout(lambda plan: (plan.plan_action(Do, name="a"), plan.plan_action(Quick, name="b")))

    def outer(plan: Action) -> None:
        plan.plan_action(Slow, layout=play.layout(lambda slow: slow.plan_action(Compose, layout=inner)))

    assert queues(draft_of(outer)) == {Do.name: "slow", Quick.name: "quick"}
    assert queues(draft_of(lambda plan: plan.plan_action(Do, name="a"))) == {Do.name: "default"}


def test_a_queue_that_this_executor_does_not_have_is_default_with_one_warning(
    empty_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """E-024: one warning, and the plan runs."""
    empty_house.another(settings=WorldSettings(queues={"default": 1}))
    for _ in range(3):
        compose(empty_house, lambda plan: plan.plan_action(Quick, name="q"))
    for plan in empty_house.store.plans(_everything()):
        assert empty_house.rest(plan.id).result.value == "success"

    assert [record.message for record in caplog.records].count("queue.unknown") == 1


def _everything() -> Any:
    from mcoflow.ports.store import Listing

    return Listing()
