"""The init system is found by what runs, not by what is installed."""

from pathlib import Path

import pytest

from mcoflow.agent.init_system import InitSystem, chosen_init, find_init
from mcoflow.errors import ConfigError

MARKS = [
    ("run/systemd/system", InitSystem.SYSTEMD),
    ("run/openrc", InitSystem.OPENRC),
    ("run/runit", InitSystem.RUNIT),
    ("etc/init.d", InitSystem.SYSVINIT),
]


@pytest.mark.parametrize(("mark", "init"), MARKS)
def test_each_init_is_found_by_its_mark(tmp_path: Path, mark: str, init: InitSystem) -> None:
    """B-053: systemd, OpenRC, runit and sysvinit by the directories of the running system."""
    (tmp_path / mark).mkdir(parents=True)

    assert find_init(tmp_path, "Linux") is init


def test_an_installed_systemctl_does_not_make_it_systemd(tmp_path: Path) -> None:
    """B-053: a container with systemctl and without a running systemd is sysvinit."""
    (tmp_path / "etc/init.d").mkdir(parents=True)
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/systemctl").touch()

    assert find_init(tmp_path, "Linux") is InitSystem.SYSVINIT


def test_runit_is_found_as_first_process(tmp_path: Path) -> None:
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text("runit\n")

    assert find_init(tmp_path, "Linux") is InitSystem.RUNIT


def test_the_more_certain_mark_wins(tmp_path: Path) -> None:
    for mark, _ in MARKS:
        (tmp_path / mark).mkdir(parents=True)

    assert find_init(tmp_path, "Linux") is InitSystem.SYSTEMD


def test_a_mac_has_launchd_and_an_empty_root_nothing(tmp_path: Path) -> None:
    assert find_init(tmp_path, "Darwin") is InitSystem.LAUNCHD
    assert find_init(tmp_path, "Linux") is InitSystem.NONE


def test_the_setting_wins_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    assert chosen_init("runit", tmp_path) is InitSystem.RUNIT
    assert chosen_init("auto", tmp_path) is find_init(tmp_path)
    with pytest.raises(ConfigError, match="upstart"):
        chosen_init("upstart", tmp_path)
