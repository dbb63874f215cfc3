"""A mcoflow in this process, with simulated hosts and an agent that pretends, and its command line."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcoflow import bootstrap
from mcoflow.cli import main
from mcoflow.config import load_config
from mcoflow.services import Services
from tests.stories.processes import write_settings
from tests.waiting import until


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which has to be one JSON document and nothing else."""
        return json.loads(self.out)


Mcoflow = Callable[..., Ended]


def settings_in(folder: Path) -> Path:
    return write_settings(
        folder / "broker.cfg",
        {
            "server": {"state_dir": folder / "state"},
            "web": {"listen": "127.0.0.1:0"},
            "agent": {"identity": "web1", "provider": "fake", "facts_dir": folder / "facts.d"},
        },
    )


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The broker.cfg of the mcoflow that runs."""
    return settings_in(tmp_path_factory.mktemp("up"))


@pytest.fixture(scope="module")
def services(settings: Path) -> Iterator[Services]:
    """Everything is up, and its hosts are online: web1, sim-00001, sim-00002."""
    config = load_config(settings, {})
    with bootstrap.embedded(config, simulate=2), bootstrap.client(config) as opened:
        until(lambda: len(opened.hosts.list().items) == 3, "the hosts are there")
        yield opened


@pytest.fixture
def mcoflow(settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mcoflow:
    """Run a command in this process; the settings are those of the fixture unless it names others."""
    monkeypatch.setenv("MCOFLOW_CONFIG", str(settings))

    def run(*words: str) -> Ended:
        code = main(words)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run
