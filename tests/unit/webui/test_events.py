"""The doorbell: nothing is missed, nothing is left open."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from mcoflow.services.views import PlanView
from tests.servers.house import House
from tests.waiting import until
from webui.server import WebServer

Stream = http.client.HTTPResponse


@pytest.fixture(scope="module")
def served(house: House) -> Iterator[WebServer]:
    """The pages on a real socket, for three streams at most."""
    with WebServer(house.services, replace(house.settings, max_streams=3)) as server:
        yield server


def get(server: WebServer, path: str) -> Stream:
    """Ask, and return the answer unread."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    connection.request("GET", path)
    return connection.getresponse()


def events(stream: Stream) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events of a stream until it ends."""
    name = ""
    for line in stream:
        text = line.decode().rstrip("\n")
        if text.startswith("event: "):
            name = text[7:]
        elif text.startswith("data: "):
            yield name, json.loads(text[6:])


def failed_task(house: House, ended: Callable[[str | UUID], PlanView]) -> PlanView:
    """Return a paused task."""
    plan = house.services.plans.submit(
        "restart", {"hosts": ["nobody-there"], "service": "x"}, user="t"
    ).plan_id
    return ended(plan)


def test_a_stream_tells_the_state_that_was_missed_and_the_end(
    house: House, served: WebServer, ended: Callable[[str | UUID], PlanView]
) -> None:
    """W-019: what happened between page and stream is told at once; after `end` nothing follows."""
    task = failed_task(house, ended)
    stream = get(served, f"/tasks/{task.id}/events?after=0")
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert stream.headers["Cache-Control"] == "no-store"
    heard = events(stream)
    name, first = next(heard)
    assert (name, first["version"], first["state"]) == ("task", task.version, "paused")
    house.services.plans.cancel(task.id, actor="t")
    rest = list(heard)
    assert rest[-1] == ("end", {})
    assert rest[-2][1]["result"] == "cancelled"
    last = rest[-2][1]["version"]
    assert get(served, f"/tasks/{task.id}/events?after={last}").status == 204


def test_one_stream_too_many_is_refused_and_a_reader_that_left_makes_room(
    house: House, served: WebServer, ended: Callable[[str | UUID], PlanView]
) -> None:
    """H-052: 503 with `Retry-After`; other pages still answer."""
    task = failed_task(house, ended)
    path = f"/tasks/{task.id}/events?after={task.version}"
    open_ones = [get(served, path) for _ in range(3)]
    refused = get(served, path)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    assert get(served, "/healthz").status == 200
    for stream in open_ones:
        stream.close()
    until(lambda: get(served, path).status == 200, "room for another stream", within=10)


def test_the_server_goes_down_with_streams_open(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        plan = house.services.plans.submit("ping", {"hosts": ["nobody"]}, user="t").plan_id
        until(lambda: house.services.plans.show(plan).at_rest, "a task at rest")
        server = WebServer(house.services, house.settings)
        server.start()
        version = house.services.plans.show(plan).version
        stream = get(server, f"/tasks/{plan}/events?after={version}")
        assert stream.readline() == b"retry: 3000\n"
        server.stop()
        assert list(events(stream)) == []
        with pytest.raises(ConnectionRefusedError):
            get(server, "/healthz")


def test_progress_and_the_end_can_be_awaited(house: House) -> None:
    plans = house.services.plans
    plan = plans.submit("ping", {"hosts": ["sim-00001"]}, user="t").plan_id
    seen = list(plans.progress(plan, tick=timedelta(milliseconds=200)))
    assert seen[-1].at_rest
    assert [view.version for view in seen] == sorted({view.version for view in seen})
    assert plans.await_end(plan, within=timedelta(seconds=5)).result == "success"
