"""What tests of the API have in common."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel
from werkzeug.test import TestResponse

from mcoflow.action import Action, Cancellable, Event

API = "/api/v1"
Call = Callable[..., TestResponse]


class Sleeps(Cancellable):
    """Sleeps until it is cancelled or told anything."""

    name = "test_api_sleeps"
    title = "Sleep"
    accepts: ClassVar[tuple[type, ...]] = (str,)

    def run(self, event: Event | None) -> None:
        """Sleep, once."""
        if event is None:
            self.suspend()


class Stumbles(Action):
    """Two steps of which the first fails until it is told otherwise."""

    name = "test_api_stumbles"
    title = "Stumble"
    wall = True

    def run(self) -> None:
        """Fail."""
        if Stumbles.wall:
            raise RuntimeError("there is a wall")


class Walk(Action):
    """Stumbles, and would then go on."""

    name = "test_api_walk"
    title = "Walk"

    def plan(self) -> None:
        """Two steps in a row."""
        with self.sequence():
            self.plan_action(Stumbles)
            self.plan_action(Rests)


class SleepsThenRests(Action):
    """Sleeps, then rests."""

    name = "test_api_sleeps_then_rests"
    title = "Sleep, then rest"

    def plan(self) -> None:
        """Two steps in a row."""
        with self.sequence():
            self.plan_action(Sleeps)
            self.plan_action(Rests)


class Rests(Action):
    """Does nothing."""

    name = "test_api_rests"
    title = "Rest"

    def run(self) -> None:
        """Nothing."""


class Fetches(Action):
    """Needs a mirror that is there."""

    name = "test_api_fetches"
    title = "Fetch"

    class Input(BaseModel):
        """From where."""

        mirror: str

    def run(self) -> None:
        """Fail if the mirror is away."""
        if self.input["mirror"] == "away":
            raise ConnectionError("the mirror is away")


class Unplannable(Action):
    """Cannot be planned."""

    name = "test_api_unplannable"
    title = "Unplannable"

    def plan(self) -> None:
        """Fail."""
        raise ValueError("no plan for this")


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """Sends a request to the API, and checks the status of the answer."""

    def send(method: str, path: str, status: int | None, body: Any = None, **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.open(f"{API}{path}", method=method, json=body, headers=sent)
        assert status is None or answer.status_code == status, answer.text
        return answer

    return send
