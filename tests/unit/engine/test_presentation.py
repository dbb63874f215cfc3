"""Plans in present form: what actions say of themselves, and what middleware hides."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.action import Action, Middleware, Middlewares, MissingAction, Registry
from mcoflow.clock import SystemClock
from mcoflow.errors import PhaseError, PlanNotFoundError
from mcoflow.services import Services, build_services
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Finish, compose, play


def services(house: House) -> Services:
    return build_services(house.world, house.store, SystemClock())


class HideSecret(Middleware):
    """Hides the password."""

    def present(self, action: Action, proceed: Callable[[], None]) -> None:
        proceed()
        action.input["password"] = "***"


class Login(Do):
    """Has a secret."""

    name = "presentation.login"
    middleware = Middlewares().use(HideSecret)


class Fleet(Action):
    """Says how many it did it for."""

    name = "presentation.fleet"

    def plan(self, hosts: list[str]) -> None:
        for host in hosts:
            self.plan_action(Pair, host=host)

    def humanized_output(self) -> str:
        return f"{len(self.planned_actions(Pair))} pairs, {len(self.all_planned_actions(Do))} steps"


class Pair(Action):
    """Plans two."""

    name = "presentation.pair"

    def plan(self, host: str) -> None:
        first = self.plan_action(Do, name=host)
        self.plan_action(Finish, name=f"{host} again", after=first.output["by"])


class Worded(Do):
    """Has words of its own."""

    name = "presentation.worded"

    def humanized_output(self) -> str:
        return f"done by {self.output['by']}"

    def humanized_state(self) -> str:
        return f"is {super().humanized_state()}, indeed"


class Mute(Do):
    """Fails to say anything."""

    name = "presentation.mute"

    def humanized_output(self) -> str:
        raise KeyError("words")

    def humanized_state(self) -> str:
        raise KeyError("words")


def test_an_action_counts_what_was_planned_below_it(house: House) -> None:
    """planned_actions are children, all_planned_actions all below; derived classes are of the class too."""
    plan_id = house.run(Fleet, hosts=["web1", "web2", "web3"]).id

    shown = house.world.presented(plan_id)

    assert shown.output(1) == "3 pairs, 6 steps"
    children = shown.action(1).planned_actions(Action)
    assert [each.input for each in children] == [{}] * 3
    below = shown.action(1).all_planned_actions(Finish)
    assert [each.input["after"] for each in below] == ["web1", "web2", "web3"]


def test_output_and_state_are_those_of_the_step_unless_an_action_says_otherwise(house: House) -> None:
    plain, worded = house.run(Do, name="a").id, house.run(Worded, name="a").id

    shown = house.world.presented(plain)
    assert (shown.output(1), shown.state(1)) == ({"by": "a"}, "success")
    shown = house.world.presented(worded)
    assert (shown.output(1), shown.state(1)) == ("done by a", "is success, indeed")


def test_an_action_that_cannot_say_is_shown_as_it_is_stored(house: House) -> None:
    shown = house.world.presented(house.run(Mute, name="a").id)

    assert (shown.output(1), shown.state(1)) == ({"by": "a"}, "success")


def test_a_present_middleware_hides_a_secret_and_the_row_is_untouched(house: House) -> None:
    """E-084: in the world, on the page, and for those who use the HTTP contract."""
    plan_id = house.run(Login, name="a", password="hunter2").id

    assert house.world.presented(plan_id).action(1).input == {"name": "a", "password": "***"}
    detail = services(house).plans.step(plan_id, house.step(plan_id).id)
    assert detail.input["password"] == "***"
    assert "hunter2" not in str(services(house).contract.status(plan_id)["actions"])
    assert "hunter2" in house.store.whole(plan_id).actions[0]["input"]


def test_a_middleware_that_fails_to_hide_shows_nothing(house: House) -> None:
    """E-084: rather no input than a secret."""

    class Failing(Middleware):
        def present(self, action: Action, proceed: Callable[[], None]) -> None:
            raise RuntimeError("no")

    class Hidden(Do):
        name = "presentation.hidden"
        middleware = Middlewares().use(Failing)

    shown = house.world.presented(house.run(Hidden, name="a", password="hunter2").id)

    assert shown.action(1).input == {}
    assert "hunter2" not in str(shown.output(1))


def test_the_page_of_a_step_shows_what_its_action_says(house: House) -> None:
    plan_id = house.run(Worded, name="a").id

    detail = services(house).plans.step(plan_id, house.step(plan_id).id)

    assert detail.output == {"result": "done by a"}


def test_a_class_that_is_gone_is_shown_by_its_name(house: House) -> None:
    """E-085: everything loads."""
    plan_id = compose(house, lambda plan: plan.plan_action(Worded, name="a"))
    house.rest(plan_id)

    shown = house.another(executor=False, actions=Registry()).presented(plan_id)

    missing = shown.action(2)
    assert isinstance(missing, MissingAction)
    assert (missing.name, missing.input, shown.output(2)) == (Worded.name, {"name": "a"}, {"by": "a"})


def test_other_actions_are_looked_at_only_when_it_is_shown(house: House) -> None:
    def script(action: Any, _event: Any) -> None:
        for look in (action.planned_actions, action.all_planned_actions):
            with pytest.raises(PhaseError, match="when it is shown"):
                look(Do)

    play.scripts["a"] = script
    assert house.run(Do, name="a").result.value == "success"


def test_there_has_to_be_a_plan(house: House) -> None:
    with pytest.raises(PlanNotFoundError):
        house.world.presented(uuid4())
