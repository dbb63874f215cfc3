"""`mcoflow run <agent>.<operation>`: any operation that hosts declare."""

import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow
from tests.waiting import until


@pytest.fixture(autouse=True)
def told(services: Services) -> None:
    until(services.operations.list, "a host has told what it offers")


def test_declared_operations_are_listed_and_shown_with_what_they_take(mcoflow: Mcoflow) -> None:
    listed = mcoflow("action", "list", "--declared")
    shown = mcoflow("action", "show", "host.facts")

    assert listed.code == ExitCode.OK
    assert any(line.startswith("package.search") for line in listed.out.splitlines())
    assert "It changes nothing" in shown.out
    assert "mcoflow run host.facts --host HOST" in shown.out


def test_an_operation_is_run_and_its_values_come_back(mcoflow: Mcoflow) -> None:
    ended = mcoflow(
        "run", "host.facts", "--host", "web1", "--set", "path=os.id", "--wait", "--output", "json"
    )

    assert ended.code == ExitCode.OK, ended.err
    assert '"os.id"' in ended.out


def test_simulated_hosts_are_asked_what_they_offer(services: Services) -> None:
    """B-041: they do not say it by themselves."""
    until(lambda: services.hosts.show("sim-00001").operations, "the server has asked")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["package.search", "--host", "web1"], "package.search: text: is missing"),
        (["package.search", "--host", "web1", "--set", "text=-rf"], "text: should match"),
        (["host.facts", "--host", "web1", "--check"], "cannot predict"),
        (["host.reboot", "--host", "web1"], "no host offers an operation 'host.reboot'"),
        (["host.facts"], "needs hosts"),
        (["host.facts", "os.id", "--host", "web1"], "takes no PARAM"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    mcoflow: Mcoflow, services: Services, words: list[str], said: str
) -> None:
    before = len(services.plans.list().items)

    ended = mcoflow("run", *words)

    assert ended.code != ExitCode.OK
    assert said in ended.err
    assert len(services.plans.list().items) == before


@pytest.mark.parametrize("action", ["start", "stop", "enable", "disable"])
def test_services_are_started_stopped_enabled_and_disabled(mcoflow: Mcoflow, action: str) -> None:
    ended = mcoflow("run", action, "nginx", "--host", "web1", "--wait")

    assert ended.code == ExitCode.OK, ended.err
