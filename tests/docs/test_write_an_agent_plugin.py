"""The page about agent plug-ins is tried as it stands."""

import re
from pathlib import Path

import pytest

from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import bench, install_plugin

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-an-agent-plugin.md"


def block(language: str) -> str:
    """Return the one block of code in this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def test_the_plugin_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, counted = tmp_path / "site", tmp_path / "counted"
    install_plugin(site, "backlog", block("python"))
    monkeypatch.syspath_prepend(str(site))
    counted.mkdir()
    (counted / "one").touch()
    (counted / "two").touch()

    with bench(tmp_path, ["host", "package", "service", "backlog"], site=site) as agent:
        end = agent.run("backlog.count", folder=str(counted))

    assert end.outcome is Outcome.OK, end.message
    assert end.values == {"files": 2}


def test_the_plugin_of_the_page_takes_fifteen_lines() -> None:
    lines = [line for line in block("python").splitlines() if line and not line.startswith("#")]

    assert len(lines) <= 15


def test_the_page_names_the_entry_point_that_the_agent_reads() -> None:
    assert '[project.entry-points."mcoflow.agents"]' in block("toml")
    assert "agents = host, package, service, backlog" in block("ini")
