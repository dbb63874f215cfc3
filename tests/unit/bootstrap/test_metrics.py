"""Which processes are observed, and where they show it."""

import socket
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from mcoflow.bootstrap import parts
from mcoflow.config import Config, load_config
from mcoflow.ports.measures import MEASURES
from tests.unit.telemetry.samples import Scrape


def config_of(root: Path, **variables: str) -> Config:
    return load_config(None, {"HOME": str(root), "XDG_STATE_HOME": str(root), **variables})


@pytest.fixture
def port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_an_executor_serves_its_metrics_where_the_settings_say(tmp_path: Path, port: int) -> None:
    config = config_of(tmp_path, MCOFLOW_TELEMETRY_LISTEN=f"127.0.0.1:{port}")
    parts.make_private(config.server.state_dir)

    with (
        closing(parts.store(config)) as store,
        parts.observed_executor(config, store),
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
    ):
        shown = Scrape(answer.read())

    assert shown.names == {measure.full_name for measure in MEASURES}
    assert shown.value("mcoflow_plans", state="running") == 0


def test_an_executor_serves_nothing_by_default(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    parts.make_private(config.server.state_dir)

    with closing(parts.store(config)) as store, parts.observed_executor(config, store) as world:
        assert not world._observing.observed
