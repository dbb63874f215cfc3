"""The agent `command`, on real programs: what the policy allows is run as it says, nothing else is."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcoflow.agent.agents.command import _entered
from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import RefusedError
from mcoflow.agent.policy import Command
from mcoflow.config.sections import AgentConfig
from mcoflow.wire.kinds import Outcome, Refusal
from tests.unit.agent.bench import Bench, bench

POLICY = """
[[command]]
argv = ["/bin/echo", "..."]

[[command]]
argv = ["/bin/sh", "-c", "exit 3"]

[[command]]
argv = ["/bin/sh", "-c", "kill -9 $$"]

[[command]]
argv = ["/usr/bin/env"]
env = ["LANG"]
cwd = ["/", "{folder}/in/**"]

[[command]]
argv = ["/bin/pwd"]
cwd = ["{folder}/in/**"]

[[command]]
argv = ["/bin/cat"]
stdin = true

[[command]]
argv = ["/usr/bin/id", "-un"]
users = ["nobody", "root"]

[[command]]
argv = ["/no/such/program"]
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs programs as others")


@pytest.fixture
def host(tmp_path: Path) -> Any:
    with bench(tmp_path, ["command"], policy=POLICY.replace("{folder}", str(tmp_path))) as made:
        yield made


def refusal(host: Bench, **asked: Any) -> str:
    """Ask as the daemon does before it takes a request on."""
    with pytest.raises(RefusedError) as refused:
        host.catalogue.permit(host.catalogue.find("command", "run"), asked)
    assert refused.value.reason is Refusal.NOT_ALLOWED
    return str(refused.value)


def test_it_is_off_unless_it_is_named_and_allowed(tmp_path: Path) -> None:
    """B-055: command.run is refused by default, by the settings and by the policy."""
    assert "command" not in AgentConfig(state_dir=tmp_path).agents
    catalogue = LoadedCatalogue(["command"])

    with pytest.raises(RefusedError, match="allows no command") as refused:
        catalogue.permit(catalogue.find("command", "run"), {"argv": ["/bin/true"]})

    assert refused.value.reason is Refusal.NOT_ALLOWED


def test_a_program_is_run_without_a_shell_and_its_output_is_the_steps(host: Bench) -> None:
    end = host.run("command.run", argv=["/bin/echo", "$HOME; id", "*"])

    assert end.outcome is Outcome.OK, end.message
    assert (end.tail, end.exit_code) == ("$HOME; id *\n", 0)


def test_another_exit_code_is_a_failure_that_names_it(host: Bench) -> None:
    end = host.run("command.run", argv=["/bin/sh", "-c", "exit 3"])

    assert (end.outcome, end.reason, end.exit_code) == (Outcome.FAILED, "exit", 3)


def test_a_program_that_a_signal_ends_says_which(host: Bench) -> None:
    end = host.run("command.run", argv=["/bin/sh", "-c", "kill -9 $$"])

    assert (end.outcome, end.reason) == (Outcome.FAILED, "signal")
    assert "SIGKILL" in end.message


def test_a_program_that_is_not_there_is_told(host: Bench) -> None:
    end = host.run("command.run", argv=["/no/such/program"])

    assert (end.outcome, end.reason) == (Outcome.FAILED, "not_started")


def test_it_gets_what_is_allowed_and_nothing_of_ours(host: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    end = host.run("command.run", argv=["/usr/bin/env"], env={"LANG": "de_DE"})

    lines = end.tail.splitlines()
    assert "LANG=de_DE" in lines
    assert {line.partition("=")[0] for line in lines} <= {
        *("PATH", "LC_ALL", "TERM", "HOME", "USER", "LOGNAME", "LANG")
    }


def test_it_reads_what_it_is_given(host: Bench) -> None:
    assert host.run("command.run", argv=["/bin/cat"], stdin="grüße\n").tail == "grüße\n"


@as_root
def test_it_runs_as_the_first_user_unless_another_is_named(host: Bench) -> None:
    first, other = (
        host.run("command.run", argv=["/usr/bin/id", "-un"], **more) for more in ({}, {"user": "root"})
    )

    assert (first.tail, first.values["user"]) == ("nobody\n", "nobody")
    assert other.tail == "root\n"


def test_a_link_does_not_lead_out_of_where_it_may_run(host: Bench, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "out").symlink_to("/tmp")

    inside = host.run("command.run", argv=["/bin/pwd"], cwd=f"{tmp_path}/in/.")
    outside = host.run("command.run", argv=["/bin/pwd"], cwd=f"{tmp_path}/in/out")

    assert inside.reason == "not_allowed"  # it is `in`, and only what lies in it is allowed
    assert (outside.outcome, outside.reason) == (Outcome.FAILED, "not_allowed")


def test_it_runs_in_the_folder_that_was_checked_though_a_link_changes(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "good")
    rule = Command(argv=["/bin/pwd"], cwd=[f"{tmp_path}/*"])

    with _entered(rule, f"{tmp_path}/link") as cwd:
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("/etc")
        ran = subprocess.run(["/bin/pwd"], cwd=cwd, capture_output=True, text=True, check=True)

    assert ran.stdout == f"{tmp_path}/good\n"


def test_a_folder_that_is_not_there_is_told(host: Bench, tmp_path: Path) -> None:
    end = host.run("command.run", argv=["/bin/pwd"], cwd=f"{tmp_path}/in/no")

    assert (end.outcome, end.reason) == (Outcome.FAILED, "not_started")
    assert "/in/no: No such file" in end.message


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"argv": ["/bin/rm", "-rf", "/"]}, r"no [[command]]"),
        ({"argv": ["echo", "x"]}, r"no [[command]]"),
        ({"argv": ["/bin/sh", "-c", "exit 4"]}, r"no [[command]]"),
        ({"argv": ["/bin/cat", "/etc/shadow"]}, r"no [[command]]"),
        ({"argv": ["/usr/bin/id", "-un"], "user": "daemon"}, "not user daemon: nobody, root"),
        ({"argv": ["/bin/echo"], "user": "root"}, "not user root: none can be named"),
        ({"argv": ["/bin/echo"], "cwd": "/etc"}, "not cwd /etc: /"),
        ({"argv": ["/bin/echo"], "env": {"LANG": "C"}}, "not env LANG"),
        ({"argv": ["/bin/echo"], "stdin": "x"}, "no stdin"),
    ],
)
def test_what_is_not_allowed_is_refused_and_says_what_stands_against_it(
    host: Bench, asked: dict[str, Any], why: str
) -> None:
    assert why in refusal(host, **asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"argv": []},
        {"argv": ["/bin/echo"] * 65},
        {"argv": ["/bin/echo", "x" * 4097]},
        {"argv": ["/bin/echo", "a\x00b"]},
        {"argv": "/bin/echo"},
        {"argv": ["/bin/echo"], "cwd": "relative"},
        {"argv": ["/bin/echo"], "env": {"A B": "c"}},
        {"argv": ["/bin/echo"], "user": "Root"},
        {"argv": ["/bin/echo"], "shell": True},
    ],
)
def test_arguments_outside_the_model_are_refused(host: Bench, asked: dict[str, Any]) -> None:
    """B-022, B-041."""
    with pytest.raises(RefusedError) as refused:
        host.catalogue.declared("command", "run").check_input(asked)
    assert refused.value.reason is Refusal.INVALID_ARGS
