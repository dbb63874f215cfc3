"""`mcoflow up` on a database server that is stopped under it, and started again."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.servers.postgresql import PostgreSQL
from tests.stories.processes import Deployed, Process, write_settings
from tests.waiting import until

pytestmark = pytest.mark.postgresql
AWAY = 8.0
"""Seconds. That a minute is no different is proven with managed time, in tests/unit/engine."""
RESUMES_WITHIN = 5.0
LATENCY = 4.0
"""Seconds that the host works on average: it mostly ends while nobody can store its answer."""


@pytest.fixture
def server(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """A server, there again afterwards."""
    postgresql.start()
    yield postgresql
    postgresql.start()


def test_a_server_that_was_away_ends_no_process_and_loses_no_task(tmp_path: Path, server: PostgreSQL) -> None:
    """E-104, R-035: the real outage is short, the minute is proven in managed time.

    The process stays, `/readyz` is 503 meanwhile, and all goes on within 5 s of the return.
    """
    settings = write_settings(
        tmp_path / "broker.cfg",
        {
            "server": {"state_dir": tmp_path / "state", "database": server.create_database()},
            "web": {"listen": "127.0.0.1:0"},
            "agent": {"identity": "web1"},
        },
    )
    words = ("up", "--simulate", "1", "--latency", str(LATENCY))
    with Process(tmp_path, "up", *words, settings=settings) as up:
        deployed = Deployed(up.facts()["pages"], settings, "sim-00001")
        until(lambda: ready(deployed) == 200, "ready", within=30)
        until(lambda: "sim-00001" in deployed.online(), "the host is online", within=30)
        task = deployed.make(hostname="sim-00001", param="nginx", action="install")
        until(lambda: deployed.status(task)["state"] == "running", "it runs")

        server.stop()
        until(lambda: ready(deployed) == 503, "not ready")
        Event().wait(AWAY)
        assert up.started.poll() is None
        assert (ready(deployed), deployed.answers("/healthz")) == (503, 200)

        server.start()
        back = time.monotonic()
        until(lambda: ready(deployed) == 200, "ready again", within=RESUMES_WITHIN)
        next_one = deployed.make(hostname="sim-00001", param="curl", action="install")
        until(lambda: deployed.status(next_one)["state"] == "running", "goes on", within=RESUMES_WITHIN)
        assert time.monotonic() - back < RESUMES_WITHIN
        assert [deployed.ended(each)["result"] for each in (task, next_one)] == ["success"] * 2


def ready(deployed: Deployed) -> int:
    return deployed.answers("/readyz")
