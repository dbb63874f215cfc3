"""`mcoflow run <agent>.<operation>`: any operation that hosts declare."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.clock import SystemClock
from mcoflow.config import load_config
from mcoflow.domain.requests import HostRecord
from mcoflow.errors import HostBusyError
from mcoflow.ports.store import Store
from mcoflow.services import Services
from mcoflow.storage import open_store
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


def test_what_few_hosts_returned_stands_beside_them(mcoflow: Mcoflow) -> None:
    """Who asks for a value wants to read it, without a document in between."""
    ended = mcoflow("run", "host.facts", "--host", "web1", "--set", "path=os.like", "--wait")

    assert ended.code == ExitCode.OK, ended.err
    assert re.search(r"web1 +Run host.facts +success +facts: ", ended.out)
    assert "duration_ms" not in ended.out
    assert "mcoflow task results" not in ended.out


def test_the_last_lines_that_few_hosts_printed_stand_below_them(mcoflow: Mcoflow) -> None:
    """Who runs a command somewhere wants to read what it says; all of it is behind `task output`."""
    ended = mcoflow("run", "service.restart", "--host", "sim-00001", "--set", "service=web", "--wait")

    assert ended.code == ExitCode.OK, ended.err
    assert re.search(r"\n\nsim-00001 \| Stopping web.*\nsim-00001 \| Starting web", ended.out)
    task = re.search(r"mcoflow task output (\S+)", ended.out)
    assert task
    assert "sim-00001 | Stopping" in mcoflow("task", "show", task[1]).out
    assert "sim-00001 | " not in mcoflow("run", "restart", "web", "--host", "sim-00001", "--wait").out


def test_what_does_not_fit_there_is_told_by_a_command_of_its_own(mcoflow: Mcoflow) -> None:
    ended = mcoflow("run", "host.facts", "--host", "web1,sim-00001", "--wait")

    command = re.search(r"what its hosts returned: mcoflow task results (\S+)", ended.out)
    assert command, ended.out
    told = mcoflow("task", "results", command[1])
    assert re.search(r'web1 +success +facts: \{"cpu": \{', told.out)
    assert "sim-00001 (simulated)" in told.out
    one = mcoflow("task", "results", command[1], "--host", "web1", "--output", "json").json
    assert [(each["host"], each["outcome"], each["simulated"]) for each in one] == [("web1", "ok", False)]
    assert one[0]["output"]["facts"]
    nobody = mcoflow("task", "results", command[1], "--host", "web9")
    assert (nobody.code, nobody.err) == (ExitCode.OK, "web9 has no step of it that ended\n")


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


def test_a_preview_tells_what_each_host_goes_through(mcoflow: Mcoflow, services: Services) -> None:
    where = ("--host", "web1,sim-00001")
    both = mcoflow("run", "install-and-restart", "nginx,php;web", *where, "--preview")
    asked = mcoflow("run", "host.facts", *where, "--set", "path=os.id", "--preview", "--output", "json")

    assert both.out.splitlines() == ["web1", "sim-00001"]
    assert both.err.splitlines()[-5:] == [
        "each host:",
        "  1. Try to install nginx",
        "  2. Try to install php",
        "  3. Go on if something was installed",
        "  4. Restart service web",
    ]
    assert asked.json["steps"] == [{"hosts": ["web1", "sim-00001"], "steps": ["Run host.facts"]}]
    assert (asked.json["lacking"], asked.json["problem"]) == ({}, "")


@pytest.fixture
def bare(services: Services, settings: Path) -> Iterator[None]:
    """Two hosts that offer a sign of life only: bare1, bare2."""
    store = open_store(str(load_config(settings, {}).server.database), SystemClock())
    told = {"host.ping": {"summary": "x"}}
    names = ["bare1", "bare2"]
    store.save_hosts([HostRecord(name, operations=told, operations_digest="bare") for name in names])
    yield
    for name in names:
        until(lambda name=name: removed(store, name), "its requests have ended")
    store.close()


def removed(store: Store, name: str) -> bool:
    """Forget a host unless it still has requests."""
    try:
        return store.remove_host(name)
    except HostBusyError:
        return False


@pytest.mark.parametrize(
    "words", [["host.facts", "--set", "path=os.id"], ["install", "nginx"], ["install-and-restart", "a,b;c"]]
)
def test_hosts_that_would_refuse_are_named_and_it_goes_on(
    mcoflow: Mcoflow, bare: None, words: list[str]
) -> None:
    """B-041: unless it is nobody who offers it."""
    operation = {
        "host.facts": "host.facts",
        "install": "package.install",
        "install-and-restart": "package.install, service.restart",
    }[words[0]]
    said = f"1 of 2 hosts does not offer {operation}: bare1"

    seen = mcoflow("run", *words, "--host", "web1,bare1", "--preview")
    ran = mcoflow("run", *words, "--host", "web1,bare1")
    refused = mcoflow("run", *words, "--target", "bare*")

    assert said in seen.err
    assert ran.err.count(f"{said}; there it ends as rejected") == 1
    assert ran.code == ExitCode.OK
    assert refused.code == ExitCode.USAGE
    assert f"2 of 2 hosts do not offer {operation}: bare1, bare2: name" in refused.err
    assert refused.out == ""
