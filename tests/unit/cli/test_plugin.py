"""`mcoflow plugin new`: what it writes works as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcoflow.cli.exit_codes import ExitCode
from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import bench
from tests.unit.cli.conftest import Mcoflow


def test_a_new_plugin_is_installed_tested_and_runs_on_a_real_agent(mcoflow: Mcoflow, tmp_path: Path) -> None:
    """B-041: the template works, without a network."""
    source, site, counted = tmp_path / "source", tmp_path / "site", tmp_path / "counted"
    ended = mcoflow("plugin", "new", "back_log", str(source))
    assert ended.code == ExitCode.OK, ended.err

    pip = ["install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", *pip, str(source)], check=True, timeout=120)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(source),
        "tests",
    ]
    tried = subprocess.run(tests, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stdout
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Back-Log"], "is no name of an agent"),
        (["package"], "has an agent package already"),
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
