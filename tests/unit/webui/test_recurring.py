"""Tasks that come back, as people see them."""

from collections.abc import Callable, Iterator
from html import unescape
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.recurrence import Recurrence
from mcoflow.services.views import PlanView
from tests.servers.house import House
from tests.unit.webui.conftest import Person

LIST = "/tasks?state=scheduled"


@pytest.fixture
def nightly(house: House) -> Iterator[UUID]:
    """A task that comes back far from now."""
    schedules = house.services.schedules
    made = schedules.recur(
        "ping",
        {"hosts": ["sim-00001"]},
        recurrence=Recurrence("30 4 1 1 *", timezone="Europe/Vienna", purpose=f"heartbeat {uuid4()}"),
        user="ann",
    )
    yield made.id
    if schedules.recurrence(made.id).state in ("active", "disabled"):
        schedules.cancel(made.id)


def listed(client: FlaskClient) -> str:
    return unescape(client.get(LIST).text)


def test_what_comes_back_is_in_the_view_of_scheduled_tasks(client: FlaskClient, nightly: UUID) -> None:
    """Pages, 3.2: next time, purpose."""
    page = listed(client)

    assert f'data-key="{nightly}"' in page
    assert "Active" in page
    assert "30 4 1 1 *" in page
    assert "Europe/Vienna · 0 runs · by ann" in page
    assert "heartbeat " in page
    assert "-01-01 03:30:00</time>" in page
    assert "none yet" in page
    for elsewhere in ("/tasks", "/tasks?state=paused", f"{LIST}&q=ping", f"/tasks?of={uuid4()}"):
        assert str(nightly) not in client.get(elsewhere).text
    assert 'data-part="recurrences"' in client.get(f"{LIST}&part=recurrences").text


def test_it_is_disabled_and_enabled(client: FlaskClient, person: Person, nightly: UUID) -> None:
    """Pages, 3.2: 303 back to the list, with a notice; 409 with the list when it is refused."""
    sent = person.send(f"/recurrences/{nightly}/disable")
    assert (sent.status_code, sent.location) == (303, LIST)
    page = unescape(person.open(LIST).text)
    assert "Disabled: it makes no tasks until it is enabled." in page
    assert f"/recurrences/{nightly}/enable" in page

    refused = person.send(f"/recurrences/{nightly}/disable")
    assert refused.status_code == 409
    assert "is disabled, it cannot become disabled" in unescape(refused.text)
    assert f'data-key="{nightly}"' in refused.text

    assert person.send(f"/recurrences/{nightly}/enable").status_code == 303
    assert "Enabled: it comes next at 20" in person.open(LIST).text
    assert f"/recurrences/{nightly}/disable" in listed(client)


def test_it_is_run_by_hand(person: Person, nightly: UUID, ended: Callable[[str | UUID], PlanView]) -> None:
    """Pages, 3.2: run now."""
    sent = person.send(f"/recurrences/{nightly}/run")
    assert sent.status_code == 303
    task = ended(sent.location.rpartition("/")[2])
    assert (task.word, task.user, task.title) == ("success", "local", "Ping on sim-00001")
    assert "Made by hand" in person.open(sent.location).text


def test_it_is_cancelled_after_being_asked(client: FlaskClient, person: Person, nightly: UUID) -> None:
    asked = unescape(person.open(f"/recurrences/{nightly}/cancel").text)
    assert "Let “Ping on sim-00001” come back no more?" in asked
    assert f'data-key="{nightly}"' in listed(client)

    assert person.send(f"/recurrences/{nightly}/cancel").status_code == 303

    assert str(nightly) not in listed(client)
    assert person.send(f"/recurrences/{nightly}/enable").status_code == 409


def test_one_that_is_not_there_is_said_so(client: FlaskClient, person: Person) -> None:
    for act in ("enable", "disable", "cancel", "run"):
        assert person.send(f"/recurrences/{uuid4()}/{act}").status_code == 404
    assert client.get(f"/recurrences/{uuid4()}/cancel").status_code == 404
    assert client.post(f"/recurrences/{uuid4()}/run", headers={"Origin": "http://evil"}).status_code == 403
