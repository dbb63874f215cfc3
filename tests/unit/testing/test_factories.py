"""One phase at a time, without store or threads."""

import threading
from datetime import timedelta

import pytest

from mcoflow.action import FOREVER, Action, Event, Silence, UserEvent
from mcoflow.domain.outcome import Outcome
from mcoflow.domain.states import StepState
from mcoflow.errors import InputInvalidError, OutputInvalidError, PhaseError, PlanningError
from mcoflow.testing import finalize_action, plan_action, replied, revert_action, run_action, stub_output
from tests.unit.testing.actions import Announce, Approve, Ask, Build, Install, Release


class Sleepy(Action):
    """Sends itself events, now and later."""

    name = "kit.sleepy"
    accepts = (str,)
    patience = timedelta(minutes=3)

    def run(self, event: Event | None) -> None:
        if event is None:
            self.plan_event("now")
            self.plan_event("later", delay=timedelta(minutes=1))
            self.output["slept"] = True
            self.suspend()


def test_planning_keeps_the_children_with_their_arguments_and_makes_no_thread() -> None:
    before = threading.active_count()

    planned = plan_action(Release, ["web1", "web2"], package="nginx")

    assert [(child.of, child.args, child.named.get("host")) for child in planned.children] == [
        (Build, ("nginx",), None),
        (Install, (), "web1"),
        (Install, (), "web2"),
        (Announce, (), None),
    ]
    assert planned.child(Install, 1).input["host"] == "web2"
    assert threading.active_count() == before


def test_what_plan_raises_is_raised() -> None:
    with pytest.raises(InputInvalidError, match="package"):
        plan_action(Release, [])


def test_input_that_does_not_fit_is_raised() -> None:
    class Narrow(Announce):
        name = "kit.narrow"
        Input = Build.Output

    with pytest.raises(InputInvalidError, match="version"):
        plan_action(Narrow, text="hello")


def test_run_and_finalize_of_a_planned_action() -> None:
    built = run_action(plan_action(Build, "nginx"))

    assert (built.state, built.output, built.error) == (StepState.SUCCESS, {"version": "2.1"}, None)
    assert finalize_action(built).state is StepState.SUCCESS


def test_a_run_that_raises_shows_its_error() -> None:
    asked = run_action(plan_action(Approve))

    refused = run_action(asked, UserEvent("no"))

    assert (refused.state, refused.output) == (StepState.ERROR, {"asked": 2})
    assert refused.error is not None
    assert (refused.error.kind, refused.error.message) == ("PermissionError", "refused")


class CreateUser(Action):
    """Something that can be undone."""

    name = "kit.create_user"

    def run(self) -> None:
        self.output["id"] = 7

    def revert(self) -> None:
        self.output["removed"] = self.output["id"]


def test_what_was_run_is_reverted() -> None:
    created = run_action(plan_action(CreateUser, user="ann"))

    assert revert_action(created).output == {"id": 7, "removed": 7}


def test_what_cannot_be_reverted_is_refused() -> None:
    with pytest.raises(PhaseError, match="defines no revert"):
        revert_action(run_action(plan_action(Announce)))


def test_a_warning_is_shown() -> None:
    assert run_action(plan_action(Announce)).warnings == ["nobody listens"]


def test_a_run_that_suspends_shows_its_request_and_takes_the_reply() -> None:
    asked = run_action(plan_action(Ask, host="web1", package="nginx"))

    assert asked.state is StepState.SUSPENDED
    assert [(each.host, each.operation, each.args) for each in asked.requests] == [
        ("web1", "install", {"package": "nginx"})
    ]
    assert [(timer.what, timer.after) for timer in asked.timers] == [("silence", timedelta(hours=1))]
    assert run_action(asked, replied(version="1")).output == {"version": "1", "ok": True}
    assert run_action(asked, Silence(3600)).output == {"waited": 3600}


def test_events_to_oneself_are_shown_now_and_later() -> None:
    asleep = run_action(plan_action(Sleepy))

    assert (asleep.events, asleep.output) == (["now"], {"slept": True})
    assert [(timer.what, timer.after, timer.value) for timer in asleep.timers] == [
        ("event", timedelta(minutes=1), "later"),
        ("silence", timedelta(minutes=3), None),
    ]


def test_a_sleep_without_end_has_no_timer() -> None:
    assert FOREVER is not None
    assert run_action(plan_action(Approve)).timers == []


def test_a_host_action_shows_its_request_and_takes_its_end() -> None:
    planned = plan_action(Install, host="web1", package="nginx")

    asked = run_action(planned)
    done = run_action(asked, replied(changed=True))
    failed = run_action(asked, replied(outcome=Outcome.FAILED, error="failed (exit 3)"))
    silent = run_action(asked, Silence(600))

    assert (asked.state, asked.requests[0].args) == (StepState.SUSPENDED, {"package": "nginx"})
    assert (done.state, done.output) == (StepState.SUCCESS, {"changed": True})
    assert failed.error is not None
    assert silent.error is not None
    assert (failed.error.kind, failed.error.message) == ("HostError", "failed (exit 3)")
    assert silent.state is StepState.ERROR


def test_a_stub_gives_its_output_to_the_input() -> None:
    built = stub_output(Build, {"version": "9.9"})

    done = run_action(plan_action(Announce, text=built.output["version"]))

    assert done.output == {"said": "9.9"}


def test_what_a_child_has_put_out_is_there_for_its_siblings() -> None:
    planned = plan_action(Release, ["web1"], package="nginx")

    run_action(planned.child(Build))
    asked = run_action(planned.child(Install))

    assert asked.requests[0].args == {"package": "nginx", "version": "2.1"}


def test_a_reference_to_what_was_not_run_is_an_error_of_the_step() -> None:
    asked = run_action(plan_action(Release, ["web1"], package="nginx").child(Install))

    assert asked.error is not None
    assert asked.error.kind == "ReferenceMissingError"


def test_a_stub_that_the_action_could_not_put_out_is_refused() -> None:
    with pytest.raises(OutputInvalidError, match="version"):
        stub_output(Build, {"edition": "2"})


def test_a_key_that_a_stub_lacks_is_refused_unless_there_is_something_else() -> None:
    built = stub_output(Build, {"version": "2"})

    with pytest.raises(PlanningError, match=r'output."edition".*only has version'):
        plan_action(Announce, text=built.output["edition"])
    other = plan_action(Announce, text=built.output["edition"].or_else("none"))
    assert run_action(other).output == {"said": "none"}


def test_a_phase_that_was_not_planned_is_refused() -> None:
    with pytest.raises(PhaseError, match="no run step"):
        run_action(plan_action(Release, [], "nginx"))
    with pytest.raises(PhaseError, match="no finalize step"):
        finalize_action(plan_action(Announce))


def test_an_event_is_for_a_run_that_sleeps_and_only_for_that() -> None:
    planned = plan_action(Approve)

    with pytest.raises(PhaseError, match="an event is for a run that has suspended"):
        run_action(planned, UserEvent("yes"))
    with pytest.raises(PhaseError, match="an event is for a run that has suspended"):
        run_action(run_action(planned))
