"""Tasks that begin later, as people see them."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.schedule import Schedule
from mcoflow.services.views import PlanView
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


def test_a_task_is_held_back_and_let_go_from_its_page(person: Person, house: House, scheduled: UUID) -> None:
    """Pages, 3.3; E-088: each of the two is only offered where it makes sense."""
    url = f"/tasks/{scheduled}"
    assert "Unfreeze" not in person.open(url).text

    assert person.send(f"{url}/freeze").status_code == 303
    page = person.open(url).text
    assert "Frozen: it does not start" in page
    assert f"{url}/unfreeze" in page
    assert f'formaction="{url}/freeze"' not in page

    assert person.send(f"{url}/unfreeze").status_code == 303
    assert f'formaction="{url}/freeze"' in person.open(url).text
    schedule = house.services.plans.show(scheduled).schedule
    assert schedule is not None
    assert not schedule.frozen


def test_a_task_is_started_before_its_time(
    person: Person, scheduled: UUID, ended: Callable[[str | UUID], PlanView]
) -> None:
    url = f"/tasks/{scheduled}"
    assert "Start now" in person.open(url).text

    assert person.send(f"{url}/start").status_code == 303

    assert ended(scheduled).word == "success"
    page = person.open(url).text
    assert "Start now" not in page
    assert "Freeze" not in page
    refused = person.send(f"{url}/freeze")
    assert refused.status_code == 409
    assert "is stopped" in refused.text


def test_times_in_the_history_are_written_for_people(client: FlaskClient, scheduled: UUID) -> None:
    page = unescape(client.get(f"/tasks/{scheduled}").text)

    assert re.search(r"from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC<", page)
