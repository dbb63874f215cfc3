"""A real engine with three simulated hosts behind Flask's own client."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mcoflow.services.views import PlanView
from tests.servers.house import House
from tests.waiting import until
from webui.app import create_app, stop

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The engine, shared: tests use hosts and tasks of their own."""
    with House(tmp_path_factory.mktemp("house"), hosts=3) as open_house:
        yield open_house


@pytest.fixture(scope="session")
def app(house: House) -> Iterator[Flask]:
    """The web application over it."""
    made = create_app(house.services, house.settings)
    yield made
    stop(made)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without cookies: a script."""
    return app.test_client()


@dataclass
class Person:
    """Somebody with a browser: keeps cookies, and sends the token of the page that was opened last."""

    client: FlaskClient
    token: str = ""

    def open(self, url: str) -> TestResponse:
        """Open a page."""
        answer = self.client.get(url)
        if found := _TOKEN.search(answer.text):
            self.token = found[1]
        return answer

    def send(self, url: str, **fields: str) -> TestResponse:
        """Post a form with the token."""
        return self.client.post(
            url, data={"csrf_token": self.token, **fields}, headers={"Origin": "http://localhost"}
        )


@pytest.fixture
def person(app: Flask) -> Person:
    """Somebody who has opened the form."""
    someone = Person(app.test_client())
    someone.open("/")
    return someone


@pytest.fixture
def ended(house: House) -> Callable[[str | UUID], PlanView]:
    """Waits for a task to be at rest."""

    def wait(plan_id: str | UUID) -> PlanView:
        plans = house.services.plans
        until(lambda: plans.show(UUID(str(plan_id))).at_rest, "the end of the task")
        return plans.show(UUID(str(plan_id)))

    return wait


@pytest.fixture
def tasks(client: FlaskClient) -> Callable[[], int]:
    """Counts all tasks there are."""

    def count() -> int:
        answer: dict[str, Any] = client.get("/dynflow/tasks/count").json or {}
        return int(answer["count"])

    return count
