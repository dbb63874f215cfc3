"""`perform`: an operation of a plug-in in the test's own process, checked as a real agent checks it."""

import pytest

from mcoflow.agent.agents import command, package
from mcoflow.agent.execution import RefusedError
from mcoflow.testing import perform
from mcoflow.wire.kinds import Refusal


def test_an_operation_is_performed_on_a_host_that_is_played() -> None:
    found = perform(package.agent, "install", {"package": "nginx", "version": "1.0"}, check=True)

    assert (found["after"], found["exit_code"]) == ("1.0", None)
    assert found == perform(package.agent, "install", {"package": "nginx", "version": "1.0"}, check=True)


@pytest.mark.parametrize(
    ("args", "reason"),
    [({"argv": []}, Refusal.INVALID_ARGS), ({"argv": ["/bin/false"]}, Refusal.NOT_ALLOWED)],
)
def test_what_an_agent_would_refuse_is_refused(args: dict[str, object], reason: Refusal) -> None:
    with pytest.raises(RefusedError) as refused:
        perform(command.agent, "run", args, policy={"command": [{"argv": ["/bin/true"]}]})

    assert refused.value.reason is reason


def test_what_the_policy_allows_is_performed() -> None:
    allowed = {"command": [{"argv": ["/bin/true"]}]}

    assert perform(command.agent, "run", {"argv": ["/bin/true"]}, policy=allowed)["exit_code"] == 0
