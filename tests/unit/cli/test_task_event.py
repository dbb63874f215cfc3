"""`mcoflow task event`: a person hears what became of an event."""

from uuid import UUID

import pytest

from mcoflow.action import FOREVER, Action, Event, UserEvent
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.domain.states import StepState
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("services")


class Signature(Action):
    """Sleeps until somebody signs."""

    name = "cli.signature"
    accepts = (str, dict)

    def run(self, event: Event | None) -> None:
        if not isinstance(event, UserEvent):
            self.suspend(patience=FOREVER)
        self.output["signed"] = event.value


def asleep(mcoflow: Mcoflow, services: Services) -> str:
    task = mcoflow("run", "cli.signature", "--output", "json").json["id"]
    until(lambda: services.plans.step(UUID(task), 2).step.state is StepState.SUSPENDED, "it sleeps")
    return str(task)


@pytest.mark.parametrize(
    ("said", "heard"), [("yes", "yes"), ('"yes"', "yes"), ('{"by": "ann"}', {"by": "ann"})]
)
def test_an_event_is_json_or_text_and_the_command_ends_when_it_was_taken(
    mcoflow: Mcoflow, services: Services, said: str, heard: object
) -> None:
    task = asleep(mcoflow, services)

    ended = mcoflow("task", "event", task, "2", said)

    assert (ended.code, ended.out.strip()) == (ExitCode.OK, "step 2 has taken it")
    shown = mcoflow("task", "show", task, "--follow", "--output", "json").json
    assert [step["output"] for step in shown["steps"] if step["output"]] == [{"signed": heard}]


def test_a_refused_event_is_a_failure_with_its_reason(mcoflow: Mcoflow, services: Services) -> None:
    """E-027, E-029: refused; an optional one is all right."""
    task = asleep(mcoflow, services)

    wrong = mcoflow("task", "event", task, "2", "7")
    nowhere = mcoflow("task", "event", task, "9", "yes")

    assert (wrong.code, nowhere.code) == (ExitCode.FAILED, ExitCode.FAILED)
    assert "takes str, dict, not 7" in wrong.err
    assert "no step 9" in nowhere.err
    assert mcoflow("task", "event", task, "9", "yes", "--optional").code == ExitCode.OK
    assert mcoflow("task", "event", task, "2", "yes", "--wait", "--timeout", "20").code == ExitCode.OK


def test_a_timeout_belongs_to_wait(mcoflow: Mcoflow, services: Services) -> None:
    task = asleep(mcoflow, services)

    assert mcoflow("task", "event", task, "2", "yes", "--timeout", "1").code == ExitCode.USAGE
    mcoflow("task", "cancel", task)
