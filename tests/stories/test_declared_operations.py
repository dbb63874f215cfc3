"""`mcoflow up` with the agents that the host's owner has to allow: from the command line."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.processes import Deployed, Process, write_settings
from tests.waiting import until

SLOW = "#!/bin/sh\ncase $1 in restart) sleep 6 ;; esac\nexit 0\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("declared")


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Process]:
    policy = folder / "policy.toml"
    policy.write_text('[[command]]\nargv = ["/bin/echo", "*"]\n')
    policy.chmod(0o600)
    settings = write_settings(
        folder / "broker.cfg",
        {
            "server": {"state_dir": folder / "state"},
            "web": {"listen": "127.0.0.1:0"},
            "agent": {
                "identity": "web1",
                "facts_dir": folder / "facts.d",
                "agents": "host, service, command, file, process",
                "policy": policy,
            },
        },
    )
    with Process(folder, "up", "up", settings=settings) as process:
        yield process


@pytest.fixture(scope="module")
def deployed(up: Process, folder: Path) -> Deployed:
    found = Deployed(up.facts()["pages"], folder / "broker.cfg", "web1")
    until(
        lambda: "file.read" in found.mcoflow("action", "list", "--declared").stdout,
        "it says what it offers",
    )
    return found


def run(deployed: Deployed, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run an operation to its end; return the exit code, the output of its step, and what was said."""
    ended = deployed.mcoflow("run", *words, "--host", "web1", "--wait", "--output", "json")
    task = json.loads(ended.stdout)
    (output,) = (each["output"] for each in deployed.status(task["id"])["actions"] if each["run_step_id"])
    return ended.returncode, output, ended.stderr + ended.stdout


def test_what_the_policy_allows_is_run_and_the_rest_is_refused_before_it_begins(deployed: Deployed) -> None:
    """B-055, B-041: off unless named and allowed, from end to end."""
    allowed = run(deployed, "command.run", "--set", 'argv:=["/bin/echo", "hello"]')
    assert (allowed[0], allowed[1]["exit_code"], allowed[1]["log"]) == (0, 0, "hello\n")

    refused = run(deployed, "command.run", "--set", 'argv:=["/bin/rm", "x"]')
    assert refused[0] == 1
    assert "rejected (not_allowed)" in refused[2]


def test_a_policy_changes_on_hup(deployed: Deployed, up: Process, folder: Path) -> None:
    """B-048."""
    assert "not_allowed" in run(deployed, "file.read", "--set", f"path={folder}/broker.cfg")[2]
    (folder / "policy.toml").write_text(f'[file]\nread = ["{folder}/*.cfg"]\n')

    up.started.send_signal(signal.SIGHUP)

    def read() -> bool:
        code, output, _ = run(deployed, "file.read", "--set", f"path={folder}/broker.cfg")
        return code == 0 and "identity = web1" in output["content"]

    until(read, "the new policy holds")


def test_the_journal_tells_of_the_requests(deployed: Deployed) -> None:
    requests = run(deployed, "host.requests", "--set", "limit:=5")[1]["requests"]

    assert requests[0]["operation"] == "host.requests"
    assert requests[0]["state"] == "executing"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="writes an init script: needs root")
def test_who_waits_for_a_lock_says_for_whom(deployed: Deployed, service: str) -> None:
    """B-042: on the server, while it waits; they never overlap."""
    (Path("/etc/init.d") / service).write_text(SLOW)
    first, second = (_restart(deployed, service) for _ in range(2))

    until(
        lambda: "waits for its turn: service.restart" in deployed.get(f"/tasks/{second}"),
        "it says whom it waits for",
    )

    assert deployed.ended(second)["result"] == "success"
    assert deployed.ended(first)["ended_at"] < deployed.status(second)["ended_at"]


def _restart(deployed: Deployed, service: str) -> str:
    begun = deployed.mcoflow("run", "restart", service, "--host", "web1")
    assert begun.returncode == 0, begun.stderr
    return begun.stdout.strip()
