"""What reaches the tools of the host, recorded by fake ones: constant words and checked names only."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcoflow.domain.operation_names import is_package_name, is_service_name, is_version
from tests.unit.agent.tool_trap import hostile_names, recorded, set_trap

ROOT = Path(__file__).parents[3]
APT_TOOLS = {
    "dpkg": "case $1 in --print-architecture) echo amd64 ;; -l) echo 'ii  bash 5 amd64 shell' ;; esac\n",
    "dpkg-query": "printf 'bash\\tamd64\\t5\\tii \\n'\n",
    "apt-cache": "printf 'x:\\n  Candidate: 1.0\\n'\n",
    "apt-get": "exit 0\n",
}
APT_WORDS = {
    "--print-architecture", "-l", "--show",
    "--showformat=${Package}\t${Architecture}\t${Version}\t${db:Status-Abbrev}\n",
    "policy", "--", "--simulate", "--yes", "-y", "-o", "Dpkg::Options::=--force-confdef",
    "Dpkg::Options::=--force-confold", "install", "remove", "purge", "--no-install-recommends",
    "--allow-downgrades", "update",
}  # fmt: skip


class Trap:
    """Offers operations to the real providers in a process of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "argv"

    def offer(
        self, tools: dict[str, str], init: str, operations: list[tuple[str, dict[str, Any], bool]]
    ) -> list[Any]:
        path = set_trap(self.folder / "bin", tools)
        environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "TRAP_LOG": str(self.log)}
        argv = [sys.executable, "-m", "tests.unit.agent.trap_run", str(self.folder), init]
        run = subprocess.run(
            argv,
            input=json.dumps(operations),
            text=True,
            capture_output=True,
            env=environment,
            cwd=ROOT,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        ends: list[Any] = json.loads((self.folder / "ends.json").read_text())
        assert len(ends) == len(operations)
        return ends

    def calls(self) -> list[list[str]]:
        return recorded(self.log)


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def test_5000_hostile_names_never_reach_a_tool_outside_the_pattern(trap: Trap) -> None:
    """B-055: apt and dpkg are called with constant words and names that pass the pattern, unchanged."""
    names = list(hostile_names(5_000))
    allowed = {name for name in names if is_package_name(name)}
    assert 50 < len(allowed) < 500
    offered = [("package.install", {"package": name}, number % 3 == 0) for number, name in enumerate(names)]

    ends = trap.offer(APT_TOOLS, "sysvinit", offered)

    for name, end in zip(names, ends, strict=True):
        assert (end == "invalid_args") == (name not in allowed), repr(name)
    words = {word for call in trap.calls() for word in call[1:]} - APT_WORDS
    assert words
    assert words <= allowed
    assert any(call[0] == "apt-get" and "install" in call for call in trap.calls())


def test_names_stand_behind_the_options(trap: Trap) -> None:
    """B-055: `--` ends the options, so that no name can be one."""
    trap.offer(
        APT_TOOLS,
        "sysvinit",
        [
            ("package.install", {"package": "nginx", "version": "1.0"}, False),
            ("package.install", {"package": "nginx"}, True),
            ("package.uninstall", {"package": "bash", "purge": True}, False),
            ("package.status", {"package": "nginx"}, False),
        ],
    )

    named = [call for call in trap.calls() if {"nginx", "nginx=1.0", "bash"} & set(call)]
    assert named
    assert all(call[-2] == "--" for call in named)


def test_hostile_versions_never_reach_a_tool(trap: Trap) -> None:
    versions = list(hostile_names(500, seed=2))
    allowed = {f"nginx={version}" for version in versions if is_version(version)}
    offered = [("package.install", {"package": "nginx", "version": version}, True) for version in versions]

    trap.offer(APT_TOOLS, "sysvinit", offered)

    words = {word for call in trap.calls() for word in call[1:]} - APT_WORDS - {"nginx"}
    assert words == allowed


SYSTEMS: dict[str, dict[str, str]] = {
    "systemd": {
        "systemctl": "printf 'LoadState=loaded\\nActiveState=active\\nId=%s\\nSubState=running\\n' x\n"
    },
    "openrc": {"rc-service": "exit 0\n", "rc-status": "exit 0\n"},
    "runit": {"sv": "echo 'run: x: (pid 1) 5s'\n"},
    "launchd": {"launchctl": "[ $# = 2 ] && echo '\"PID\" = 5;' || printf '5\\t0\\tnginx\\n'\n"},
}
EXPECTED = {
    "systemd": ["systemctl", "restart", "nginx.service"],
    "openrc": ["rc-service", "nginx", "restart"],
    "runit": ["sv", "restart", "nginx"],
    "launchd": ["launchctl", "start", "nginx"],
}


@pytest.mark.parametrize("init", SYSTEMS)
def test_each_init_system_is_asked_in_its_own_words(trap: Trap, init: str) -> None:
    """B-053: the operation that matches the init system is called, whatever else is installed."""
    (end,) = trap.offer(SYSTEMS[init], init, [("service.restart", {"service": "nginx"}, False)])

    assert EXPECTED[init] in trap.calls()
    assert (end["changed"], end["before"], end["after"]) == (True, "running", "running")


BOOT: dict[str, tuple[dict[str, str], list[str]]] = {
    "systemd": (
        {
            "systemctl": "[ -e $TRAP_LOG.on ] && is=enabled || is=disabled\n"
            "[ $1 = is-enabled ] && echo $is && exit\n"
            "[ $1 = enable ] && touch $TRAP_LOG.on\n[ $1 = disable ] && rm $TRAP_LOG.on\n"
            "echo LoadState=loaded ActiveState=active\n"
        },
        ["systemctl", "enable", "--", "nginx.service"],
    ),
    "openrc": (
        {
            "rc-service": "exit 0\n",
            "rc-update": "[ $1 = add ] && touch $TRAP_LOG.on\n[ $1 = del ] && rm $TRAP_LOG.on\n"
            "[ $1 = show ] && [ -e $TRAP_LOG.on ] && echo ' nginx | default'\nexit 0\n",
        },
        ["rc-update", "add", "nginx", "default"],
    ),
}


@pytest.mark.parametrize("init", BOOT)
def test_a_service_is_enabled_and_disabled_once(trap: Trap, init: str) -> None:
    tools, expected = BOOT[init]
    offered = [
        (f"service.{verb}", {"service": "nginx"}, check)
        for verb, check in (("enable", True), ("enable", False), ("enable", False), ("disable", False))
    ]

    ends = trap.offer(tools, init, offered)

    assert [(end["before"], end["after"], end["changed"]) for end in ends] == [
        ("disabled", "enabled", True),
        ("disabled", "enabled", True),
        ("enabled", "enabled", False),
        ("enabled", "disabled", True),
    ]
    assert trap.calls().count(expected) == 1


def test_where_nobody_knows_how_a_service_is_not_enabled(trap: Trap) -> None:
    offered = [
        ("service.enable", {"service": "nginx"}, False),
        ("service.status", {"service": "nginx"}, False),
    ]

    enabled, status = trap.offer(SYSTEMS["runit"], "runit", offered)

    assert (enabled, status) == ("unsupported", {"state": "running", "boot": "unknown"})


def test_a_part_of_a_name_is_no_pattern_for_apt(trap: Trap) -> None:
    tools = {**APT_TOOLS, "apt-cache": "printf 'g++ - compiler\\na2 - x - y\\n'\n"}

    found, refused = trap.offer(
        tools,
        "sysvinit",
        [("package.search", {"text": "g++"}, False), ("package.search", {"text": ".*"}, False)],
    )

    assert found == {
        "packages": [{"name": "a2", "summary": "x - y"}, {"name": "g++", "summary": "compiler"}],
        "total": 2,
    }
    assert refused == "invalid_args"
    assert trap.calls()[-1] == ["apt-cache", "search", "--names-only", "--", r"g\+\+"]


@pytest.mark.parametrize("init", SYSTEMS)
def test_a_check_asks_for_the_state_only(trap: Trap, init: str) -> None:
    offered = [(f"service.{verb}", {"service": "nginx"}, True) for verb in ("restart", "start", "stop")]

    ends = trap.offer(SYSTEMS[init], init, offered)

    assert [end["changed"] for end in ends] == [True, False, True]
    assert not {"restart", "start", "stop"} & {word for call in trap.calls() for word in call}


def test_hostile_names_of_services_never_reach_a_tool(trap: Trap) -> None:
    """B-055: services too; another unit than a service is none."""
    names = [*hostile_names(1_000, seed=3), "default.target", "x.socket"]
    allowed = {name for name in names if is_service_name(name)}

    ends = trap.offer(
        SYSTEMS["systemd"], "systemd", [("service.stop", {"service": name}, True) for name in names]
    )

    constant = {"show", "--property=LoadState", "--property=ActiveState", "--"}
    words = {word.removesuffix(".service") for call in trap.calls() for word in call[1:]} - constant
    assert words == {name.removesuffix(".service") for name in allowed}
    assert [end == "invalid_args" for end in ends] == [name not in allowed for name in names]


def test_a_host_without_a_known_init_system_says_so(trap: Trap) -> None:
    assert trap.offer({}, "no_init", [("service.start", {"service": "nginx"}, False)]) == ["no_init"]
