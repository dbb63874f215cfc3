"""What a deployment refuses before it starts."""

import os
import socket
from pathlib import Path

import pytest

from mcoflow.bootstrap import embedded
from mcoflow.bootstrap.actions import load_actions
from mcoflow.bootstrap.doctor import actions
from mcoflow.bootstrap.settings import check_trusted, identity_of
from mcoflow.bootstrap.state import held, make_private
from mcoflow.config import AgentConfig, load_config
from mcoflow.errors import ConfigError
from tests.broken_package import install_broken_package


def test_a_state_directory_is_private_and_held_by_one(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    with held(state):
        assert state.stat().st_mode & 0o777 == 0o700
        with pytest.raises(ConfigError, match=f"up already on .* \\(pid {os.getpid()}\\)"), held(state):
            pass
    with held(state):
        pass


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"state_dir .*file/state cannot be made"):
        make_private(tmp_path / "file" / "state")


def test_settings_of_another_user_are_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = tmp_path / "broker.cfg"
    path.write_text("")
    os.chown(path, 12345, -1)

    with pytest.raises(ConfigError, match="belongs to another user"):
        check_trusted(load_config(path, {}))


@pytest.mark.parametrize(
    ("full", "short", "identity"),
    [
        ("Web1.Example.org", "web1", "web1.example.org"),
        ("localhost", "web1", "web1"),
        ("localhost.localdomain", "web1", "web1"),
    ],
)
def test_a_host_is_called_as_the_machine_is(
    monkeypatch: pytest.MonkeyPatch, full: str, short: str, identity: str
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: full)
    monkeypatch.setattr(socket, "gethostname", lambda: short)

    assert identity_of(AgentConfig(state_dir=Path("/nowhere"))) == identity
    assert identity_of(AgentConfig(state_dir=Path("/nowhere"), identity="db1")) == "db1"


def test_a_machine_without_a_fit_name_needs_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "my_machine")

    with pytest.raises(ConfigError, match=r"set \[agent\] identity"):
        identity_of(AgentConfig(state_dir=Path("/nowhere")))


def test_a_transport_that_is_not_offered_is_refused_with_the_reason(tmp_path: Path) -> None:
    """B-031: filesystem:// and SQL URLs lose messages."""
    for url in ("filesystem://", "sqla+sqlite:///x.db"):
        config = load_config(
            None,
            {"HOME": str(tmp_path), "MCOFLOW_BROKER_URL": url, "MCOFLOW_WEB_LISTEN": "127.0.0.1:0"},
        )
        with pytest.raises(ConfigError, match="amqp://"), embedded(config):
            pass


def test_actions_of_a_package_that_is_broken_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_broken_package(tmp_path, monkeypatch)

    (reason,) = load_actions()

    assert "broken_actions_of_a_test cannot be loaded: ModuleNotFoundError" in reason
    assert "those of all" not in actions().found
    assert (actions().what, actions().good) == ("actions", False)


@pytest.mark.parametrize(
    ("url", "environ", "refused"),
    [
        ("amqp://mco:s3cret@mq/", {}, True),
        ("amqp://mco:s%40cret@mq/", {}, True),
        ("amqp://mq/", {}, False),
        ("amqp://guest:guest@localhost/", {}, False),
        ("amqp://mco:old@mq/", {"MCOFLOW_BROKER_URL": "amqp://mco:s3cret@mq/"}, False),
    ],
)
def test_a_password_that_everybody_can_read_is_refused(
    tmp_path: Path, url: str, environ: dict[str, str], refused: bool
) -> None:
    """S-017, B-051: in the file; what comes from the environment, or is no secret, does not count."""
    path = tmp_path / "broker.cfg"
    path.write_text(f"[broker]\nurl = {url}\n")
    path.chmod(0o644)
    config = load_config(path, {"HOME": str(tmp_path), **environ})

    if refused:
        with pytest.raises(ConfigError, match=r"everybody can read: chmod o-r"):
            check_trusted(config)
    else:
        check_trusted(config)
    path.chmod(0o640)
    check_trusted(config)
