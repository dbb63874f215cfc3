"""`mcoflow action`: what can be run."""

import pytest

from mcoflow.action import Action
from mcoflow.action.registry import Registry
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.cli.run import run
from mcoflow.errors import InputInvalidError
from mcoflow.services import Services
from mcoflow.services.actions import action_named, action_view, all_actions, check_keys
from tests.unit.cli.conftest import Mcoflow


class Rolling(Action):
    """Restart a service on one host
    after the other.

    Slowly.
    """

    name = "cli_test_rolling"

    def plan(self, hosts: list[str], service: str, *, pause: int = 3) -> None:
        """Plan nothing."""


class Closed(Action):
    name = "cli_test_closed"

    def plan(self, service: str) -> None:
        """Plan nothing."""


class Loose(Action):
    name = "cli_test_loose"


def test_every_shipped_action_is_listed_with_what_it_takes(mcoflow: Mcoflow) -> None:
    """It needs no database."""
    listed = mcoflow("action", "list").out.splitlines()

    row = next(line for line in listed if line.startswith("install "))
    assert "[hosts] [target] [limit] [one] [seed] [rollout] [check] package [version]" in row
    assert row.endswith("Have a package present.")
    names = [each["name"] for each in mcoflow("action", "list", "--output", "json").json]
    assert {"install", "uninstall", "update", "restart", "install-and-restart", "ping"} <= set(names)
    assert run.help is not None
    assert {name for name in names if not name.startswith("cli_test")} >= {"install", "ping"}


@pytest.mark.parametrize("name", ["install-and-restart", "install_and_restart"])
def test_an_action_is_shown_under_both_of_its_names(mcoflow: Mcoflow, name: str) -> None:
    shown = mcoflow("action", "show", name)

    assert shown.code == ExitCode.OK
    assert shown.out.startswith("install-and-restart: Install and restart\n")
    assert "array of string" in shown.out
    assert "mcoflow run install-and-restart 'p1,p2;s1,s2' --host HOST" in shown.out
    told = mcoflow("action", "show", name, "--output", "json").json
    assert {each["name"] for each in told["fields"] if each["required"]} == set()


def test_an_action_that_is_not_there_is_a_usage_error(mcoflow: Mcoflow) -> None:
    ended = mcoflow("action", "show", "instal")

    assert ended.code == ExitCode.USAGE
    assert "did you mean 'install'?" in ended.err
    for name in ("zzz", "install_and_restar"):
        ended = mcoflow("action", "show", name)
        assert ended.code == ExitCode.USAGE
        assert "install-and-restart" in ended.err
        assert "install_and_restart" not in ended.err


def test_an_action_without_input_is_known_by_the_parameters_of_its_plan() -> None:
    view = action_view(Rolling)

    assert view.summary == "Restart a service on one host after the other."
    assert [(each.name, each.required) for each in view.fields] == [
        ("hosts", True),
        ("service", True),
        ("pause", False),
    ]
    with pytest.raises(InputInvalidError, match=r"takes no 'bogus'; there are: hosts, service, pause"):
        check_keys(Rolling, ["service", "bogus"])


def test_an_action_that_takes_any_input_takes_any_key() -> None:
    assert action_view(Loose).open
    check_keys(Loose, ["bogus"])


def test_an_action_without_a_title_is_part_of_others_and_not_listed() -> None:
    registry = Registry()
    registry.add(Loose)

    assert all_actions(registry) == []
    assert action_named("cli-test-loose", registry) is Loose


@pytest.mark.parametrize(
    ("option", "said"), [(("--check",), "takes no --check"), (("--host", "web1"), "takes no hosts")]
)
def test_an_option_that_an_action_does_not_take_is_refused_and_nothing_is_made(
    mcoflow: Mcoflow, services: Services, option: tuple[str, ...], said: str
) -> None:
    before = len(services.plans.list(limit=500).items)

    refused = mcoflow("run", Closed.name, "--set", "service=ssh", *option)

    assert refused.code == ExitCode.USAGE
    assert said in refused.err
    assert len(services.plans.list(limit=500).items) == before
