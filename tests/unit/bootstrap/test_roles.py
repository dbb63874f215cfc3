"""What a machine is by its settings, and what the doctor looks at there."""

import os
from pathlib import Path

import pytest

from mcoflow.bootstrap import embedded
from mcoflow.bootstrap.doctor import Finding, examine, examine_agent
from mcoflow.bootstrap.roles import agent_holder, last_up, roles_of, up_holder
from mcoflow.config import Config, load_config

AWAY = "amqp://mco:s3cret@127.0.0.1:1/"


def config_of(folder: Path, text: str, **variables: str) -> Config:
    path = folder / "broker.cfg"
    path.write_text(text)
    path.chmod(0o600)
    return load_config(path, {"HOME": str(folder), **variables})


def found_in(config: Config) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(config)}


@pytest.mark.parametrize(
    ("text", "server", "agent"),
    [
        (f"[broker]\nurl = {AWAY}\n", True, False),
        (f"[broker]\nurl = {AWAY}\n[server]\ndatabase = postgresql://a@b/c\n", True, False),
        (f"[broker]\nurl = {AWAY}\n[web]\nlisten = 127.0.0.1:1\n", True, False),
        (f"[broker]\nurl = {AWAY}\n[agent]\nidentity = web1\n", False, True),
        (f"[broker]\nurl = {AWAY}\n[agent]\nstate_dir = /var/lib/mcoflow\n", False, True),
        (f"[broker]\nurl = {AWAY}\n[agent]\nparallel=1\n[server]\ndatabase=sqlite:///x\n", True, True),
        ("", True, True),
    ],
)
def test_the_settings_say_what_a_machine_is(tmp_path: Path, text: str, server: bool, agent: bool) -> None:
    roles = roles_of(config_of(tmp_path, text))

    assert (roles.server, roles.agent) == (server, agent)
    assert roles.embedded is (text == "")


def test_a_managed_host_is_not_asked_for_a_database_that_lies_around(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        f"[broker]\nurl = {AWAY}\n[agent]\nidentity = web1\nagents = host, nope\nprovider = fake\n",
    )
    config.server.state_dir.mkdir(parents=True)
    (config.server.state_dir / "mcoflow.db").write_text("of somebody else")

    found = found_in(config)

    assert {"role", "process", "broker", "packages", "services", "rights", "journal", "plug-ins"} <= set(
        found
    )
    assert {"database", "executors", "port"}.isdisjoint(found)
    assert found["role"].found.startswith("managed host")
    assert "no installed package offers it" in found["plug-ins"].found
    assert "no agent runs here" in found["process"].found
    checked = [finding.what for finding in examine_agent(config)]
    assert {"broker", "packages", "services", "rights", "journal", "plug-ins"} <= set(checked)


def test_a_server_is_not_asked_for_an_agent(tmp_path: Path) -> None:
    config = config_of(tmp_path, f"[broker]\nurl = {AWAY}\n")

    found = found_in(config)

    assert {"agent", "packages", "services", "rights", "journal", "process"}.isdisjoint(found)
    assert not found["database"].good
    assert "Connection refused" in found["broker"].found
    assert "s3cret" not in str(found)


def test_when_the_one_process_is_gone_it_is_said_that_nothing_runs(tmp_path: Path) -> None:
    config = config_of(tmp_path, "[web]\nlisten = 127.0.0.1:0\n[agent]\nidentity = web1\nprovider = fake\n")
    assert found_in(config)["process"].found == "nothing runs here, and nothing ever did"

    with embedded(config):
        assert up_holder(config) == agent_holder(config) == os.getpid()
        assert found_in(config)["process"].found == f"`mcoflow up` runs, pid {os.getpid()}"

    assert up_holder(config) is None
    found = found_in(config)
    assert not found["process"].good
    assert f"the last `mcoflow up` was pid {os.getpid()}" in found["process"].found
    assert found["process"].remedy.startswith("start `mcoflow up`")
    assert {"executors", "agent"}.isdisjoint(found)
    assert {"database", "broker", "packages", "plug-ins", "port"} <= set(found)
    last = last_up(config)
    assert last is not None
    assert last[0] == os.getpid()
