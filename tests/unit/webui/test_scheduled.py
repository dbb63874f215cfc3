"""Tasks that begin later, as people see them."""

from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.schedule import Schedule
from tests.servers.house import House
from tests.unit.webui.conftest import Person


@pytest.fixture
def scheduled(house: House) -> UUID:
    """A task that starts in two hours."""
    start = house.services.clock.now() + timedelta(hours=2)
    return house.services.schedules.submit(
        "ping", {"hosts": ["sim-00001"]}, schedule=Schedule(start), user="ann"
    )


def test_a_scheduled_task_shows_when_it_starts(client: FlaskClient, scheduled: UUID) -> None:
    """E-087: state, start time, and no step yet."""
    page = unescape(client.get(f"/tasks/{scheduled}").text)

    assert "<title>Scheduled: Ping on sim-00001" in page
    assert "<dt>Starts</dt><dd><time" in page
    assert "its time" in page
    assert "Its steps are planned when it starts." in page
    status = client.get(f"/dynflow/tasks/{scheduled}/status").json
    assert status is not None
    assert (status["state"], status["actions"]) == ("scheduled", [])
    listed = client.get("/tasks?state=scheduled").text
    assert str(scheduled) in listed
    assert "from <time" in listed
    assert "waits for its time" in listed


def test_a_scheduled_task_is_cancelled_from_its_page(
    client: FlaskClient, person: Person, house: House, scheduled: UUID
) -> None:
    """E-060."""
    assert "has not started" in person.open(f"/tasks/{scheduled}/cancel").text

    assert person.send(f"/tasks/{scheduled}/cancel").status_code == 303

    assert house.services.plans.show(scheduled).word == "cancelled"
    assert str(scheduled) not in client.get("/tasks?state=scheduled").text
