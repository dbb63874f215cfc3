"""`mcoflow plugin new`: what it writes works as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcoflow.agent.equip import equip
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.clock import SystemClock
from mcoflow.config import load_config
from mcoflow.errors import ConfigError
from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import bench
from tests.unit.cli.conftest import Mcoflow


def installed(source: Path, site: Path) -> None:
    """Install a package without a network, and run its own tests."""
    pip = ["install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", *pip, str(source)], check=True, timeout=120)
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(source), "tests"]
    tried = subprocess.run(
        [sys.executable, *words],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout


def test_a_new_plugin_is_installed_tested_and_runs_on_a_real_agent(mcoflow: Mcoflow, tmp_path: Path) -> None:
    """B-041: the template works, without a network."""
    source, site, counted = tmp_path / "source", tmp_path / "site", tmp_path / "counted"
    ended = mcoflow("plugin", "new", "back_log", str(source))
    assert ended.code == ExitCode.OK, ended.err

    installed(source, site)
    counted.mkdir()
    (counted / "one").touch()
    sys.path.insert(0, str(site))
    try:
        with bench(tmp_path, ["host", "back_log"], site=site) as agent:
            assert agent.catalogue.broken() == ()
            end = agent.run("back_log.count", folder=str(counted))
    finally:
        sys.path.remove(str(site))
    assert (end.outcome, end.values) == (Outcome.OK, {"files": 1})


def test_a_new_provider_is_installed_tested_and_installs_packages_on_a_real_agent(
    mcoflow: Mcoflow, tmp_path: Path
) -> None:
    """Issue 4, 5: the template of a provider works, too; services stay with mcoflow's own."""
    source, site, kept = tmp_path / "source", tmp_path / "site", tmp_path / "kept"
    ended = mcoflow("plugin", "new", "shelf", str(source), "--provider")
    assert ended.code == ExitCode.OK, ended.err
    module = source / "mcoflow_shelf.py"
    module.write_text(module.read_text().replace("/var/lib/shelf", str(kept)))

    installed(source, site)
    with bench(tmp_path, ["package", "service"], site=site, provider="shelf") as agent:
        first = agent.run("package.install", package="hello")
        missing = agent.run("service.status", service="mcoflow-no-such-service")

    assert (first.outcome, first.values["after"], first.values["changed"]) == (Outcome.OK, "1.0", True)
    assert (kept / "hello").read_text() == "1.0"
    assert (missing.outcome, missing.reason) == (Outcome.FAILED, "not_found")


def test_a_provider_that_is_not_installed_stops_the_start_and_fails_what_was_begun(
    mcoflow: Mcoflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCOFLOW_AGENT_PROVIDER", "shelf")
    checked = mcoflow("agent", "--check")
    assert checked.code == ExitCode.FAILED
    assert "provider = shelf: no installed package offers it" in checked.out
    config = load_config(None, {"HOME": str(tmp_path), "MCOFLOW_AGENT_PROVIDER": "shelf"})
    with pytest.raises(ConfigError, match="there are pyinfra, fake"):
        equip(config.agent, SystemClock())

    with bench(tmp_path, ["package"], provider="shelf") as agent:
        end = agent.run("package.status", package="hello")
    assert (end.outcome, end.reason) == (Outcome.FAILED, "unsupported")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Back-Log"], "names no agent"),
        (["package"], "has the agent package already"),
        (["back_log", "."], "is not empty"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(
    mcoflow: Mcoflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()

    ended = mcoflow("plugin", "new", *words)

    assert ended.code == ExitCode.USAGE
    assert said in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
