"""present_action shows an action as people would see it."""

from collections.abc import Callable

from mcoflow.action import Action, Middleware, Middlewares
from mcoflow.testing import plan_action, present_action, run_action


class Hide(Middleware):
    """Hides the password."""

    def present(self, action: Action, proceed: Callable[[], None]) -> None:
        proceed()
        action.input["password"] = "***"


class Login(Action):
    """Has a secret."""

    name = "presenting.login"
    middleware = Middlewares().use(Hide)

    def run(self) -> None:
        self.output["session"] = 1

    def humanized_output(self) -> str:
        return f"session {self.output.get('session')} with {self.input['password']}"


class Everywhere(Action):
    """Plans two."""

    name = "presenting.everywhere"

    def plan(self) -> None:
        for host in ("web1", "web2"):
            self.plan_action(Login, host=host, password="hunter2")

    def humanized_output(self) -> str:
        done = [each for each in self.planned_actions(Login) if each.output]
        return f"{len(done)} of {len(self.all_planned_actions(Action))}"


def test_an_action_that_was_run_says_what_came_of_it() -> None:
    planned = plan_action(Login, password="hunter2")

    assert present_action(planned).humanized_state() == "pending"
    shown = present_action(run_action(planned))
    assert shown.humanized_output() == "session 1 with ***"
    assert shown.humanized_state() == "success"


def test_it_looks_at_what_it_planned() -> None:
    everywhere = plan_action(Everywhere)
    assert present_action(everywhere).humanized_output() == "0 of 2"

    run_action(everywhere.child(Login))

    assert present_action(everywhere).humanized_output() == "1 of 2"
