"""What is wrong with settings or modes stops each of the real commands at its start, with the way out."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mcoflow.cli.exit_codes import ExitCode
from tests.stories.processes import MCOFLOW, write_settings

WITHIN = 40
SERVERS, AGENTS = ("executor", "web", "up"), ("agent", "up")
COMMANDS = ("executor", "web", "agent", "up")


class Site:
    """Settings that are right but for what a test changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "policy.toml"
        self.policy.write_text('[[command]]\nargv = ["/bin/df"]\n')
        self.policy.chmod(0o600)
        self.sections: dict[str, dict[str, object]] = {
            "broker": {"url": "amqp://mco:s3cret@127.0.0.1:1/"},
            "server": {"state_dir": folder / "server"},
            "web": {"listen": "127.0.0.1:0"},
            "agent": {
                "identity": "web1",
                "agents": "host, command",
                "policy": self.policy,
                "state_dir": folder / "agent",
                "facts_dir": folder / "facts.d",
            },
        }
        self.settings = self.write()

    def write(self) -> Path:
        return write_settings(self.folder / "broker.cfg", self.sections)

    def start(self, command: str) -> tuple[int, str]:
        """Start it; it has to end by itself."""
        if command == "up":
            self.sections["broker"]["url"] = "memory://"
            mode = self.settings.stat().st_mode
            self.write().chmod(mode & 0o777)
        argv = [MCOFLOW, command, "--config", str(self.settings)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=WITHIN, check=False)
        return done.returncode, done.stderr


def unknown_key(site: Site) -> None:
    site.sections["server"]["pickup_dedline"] = "10 s"
    site.write()


def unknown_section(site: Site) -> None:
    site.sections["agnet"] = {}
    site.write()


def wrong_value(site: Site) -> None:
    site.sections["agent"]["parallel"] = "many"
    site.write()


def wrong_time(site: Site) -> None:
    site.sections["server"]["pickup_deadline"] = "-5 s"
    site.write()


def open_settings(site: Site) -> None:
    site.settings.chmod(0o666)


def password_for_all(site: Site) -> None:
    site.settings.chmod(0o644)


def open_state(name: str) -> Callable[[Site], None]:
    def spoil(site: Site) -> None:
        (site.folder / name).mkdir()
        (site.folder / name).chmod(0o777)

    return spoil


def open_policy(site: Site) -> None:
    site.policy.chmod(0o666)


def unknown_key_of_policy(site: Site) -> None:
    site.policy.write_text('[[command]]\nargs = ["/bin/df"]\n')


def another_users_state(site: Site) -> None:
    (site.folder / "agent").mkdir(mode=0o700)
    os.chown(site.folder / "agent", 65534, 65534)


FAULTS: list[tuple[Callable[[Site], None], str, tuple[str, ...]]] = [
    (unknown_key, "did you mean 'pickup_deadline'?", COMMANDS),
    (unknown_section, "did you mean 'agent'?", COMMANDS),
    (wrong_value, "[agent] parallel = 'many'", COMMANDS),
    (wrong_time, "[server] pickup_deadline", COMMANDS),
    (open_settings, "chmod go-w", COMMANDS),
    (password_for_all, "chmod o-r", ("executor", "web", "agent")),
    (open_state("agent"), "chmod 700", AGENTS),
    (open_state("server"), "chmod 700", SERVERS),
    (open_policy, "chmod go-w", AGENTS),
    (unknown_key_of_policy, "argv", AGENTS),
    pytest.param(
        another_users_state,
        "chown",
        AGENTS,
        marks=pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away: needs root"),
    ),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("spoil", "remedy", "commands"), FAULTS)
def test_a_wrong_setting_or_mode_stops_the_start(
    tmp_path: Path, spoil: Callable[[Site], None], remedy: str, commands: tuple[str, ...]
) -> None:
    """B-051: exit 78, the way out in words, no traceback, no password."""
    site = Site(tmp_path)
    spoil(site)

    for command in commands:
        code, said = site.start(command)

        assert (command, code) == (command, ExitCode.CONFIG), said
        assert remedy in said, command
        assert "Traceback" not in said
        assert "s3cret" not in said
