"""Alive, ready, and what everybody is told when something is away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from mcoflow.clock import SystemClock
from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.bus import Link, LinkReport
from mcoflow.services import build_services
from tests.servers.house import House
from webui.app import create_app, stop


def test_a_whole_house_is_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    answer = client.get("/readyz")
    assert (answer.status_code, set(answer.json["checks"])) == (200, {"store", "schema", "bus", "executor"})
    assert 'class="note note-warning"' not in client.get("/tasks").text


class Ruin:
    """An engine and a store of which nothing is there; every other question is a fault of the test."""

    def now(self) -> float:
        """Fail as a store does whose database is away."""
        raise StoreUnavailableError("the database is away: connection refused")

    def link(self) -> LinkReport:
        """Tell that the broker is away."""
        return LinkReport(Link.DOWN, "connection refused")

    def __getattr__(self, name: str) -> object:
        def away(*_: object, **__: object) -> object:
            raise StoreUnavailableError("the database is away: connection refused")

        return away


@pytest.fixture
def ruined(house: House) -> Iterator[FlaskClient]:
    """A client of a web process that has lost everything."""
    ruin = Ruin()
    services = build_services(ruin, ruin, SystemClock())  # type: ignore[arg-type]
    app = create_app(services, house.settings)
    yield app.test_client()
    stop(app)


def test_alive_without_anything_else(ruined: FlaskClient) -> None:
    """H-057: `/healthz` is 200 with store and bus down, `/readyz` 503 naming them."""
    assert ruined.get("/healthz").status_code == 200
    answer = ruined.get("/readyz")
    assert answer.status_code == 503
    assert "database is away" in answer.json["checks"]["store"]
    assert answer.json["checks"]["bus"] == "down: connection refused"


def test_pages_say_that_the_database_is_away(ruined: FlaskClient) -> None:
    """W-048, W-049: 503 with plain words and a request id, no traceback."""
    answer = ruined.get("/tasks", headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 503
    assert "Database away" in answer.text
    assert "r-1" in answer.text
    assert "Traceback" not in answer.text
    contract = ruined.get("/dynflow/tasks/count")
    assert (contract.status_code, contract.content_type) == (503, "application/json")


def test_no_executor_is_told_on_every_page(tmp_path: Path) -> None:
    """W-040: the notice appears when no executor is alive."""
    with House(tmp_path) as house:
        app = create_app(house.services, house.settings)
        client = app.test_client()
        house.world.terminate(timeout=timedelta(seconds=5))
        for url in ("/", "/tasks", "/hosts", "/tasks?part=notices"):
            assert "No executor is alive: tasks wait." in client.get(url).text
        assert client.get("/readyz").json["checks"]["executor"] == "none is alive"
        stop(app)
