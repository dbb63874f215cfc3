"""The requests of the page about the API are sent as they stand, from the first to the last."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.docs.pages import blocks
from tests.servers.house import House
from tests.waiting import until
from webui.app import create_app, stop

HERE = "http://127.0.0.1:9292"
REFUSED = ("limit=501",)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path, hosts=3) as open_house:
        until(open_house.services.operations.list, "a host has told what it offers")
        yield open_house


def requests() -> list[list[str]]:
    """The words of each curl of the page."""
    text = "\n".join(blocks("use-the-api", "sh")).replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("curl ")]


def sent(client: FlaskClient, words: list[str], known: dict[str, str]) -> TestResponse:
    """Send what a curl with these words would."""
    words = [re.sub(r"\$([A-Z]+)", lambda found: known[found[1]], word) for word in words]
    method, body, headers, url = "GET", None, {}, ""
    left = iter(words)
    for word in left:
        if word == "-s":
            continue
        if word == "-X":
            method = next(left)
        elif word == "-H":
            name, _, value = next(left).partition(": ")
            headers[name] = value
        elif word == "--json":
            method, body = ("POST" if method == "GET" else method), next(left)
        else:
            url = word
    assert url.startswith(HERE), words
    return client.open(url.removeprefix(HERE), method=method, data=body, headers=headers)


def test_the_requests_of_the_page_do_what_it_says(house: House) -> None:
    app = create_app(house.services, house.settings)
    plans = house.services.plans
    task = plans.submit("ping", {"hosts": ["sim-00001"]}, user="t").plan_id
    fails = {"hosts": ["never-there"], "package": "nginx"}
    paused = plans.submit("install", fails, user="t").plan_id
    known = {"TASK": str(task), "PAUSED": str(paused), "HOST": "sim-00001", "NEXT": ""}
    try:
        for words in requests():
            until(lambda: all(plans.show(each).at_rest for each in (task, paused)), "the ends of the tasks")
            answer = sent(app.test_client(), words, known)
            refused = any(mark in word for mark in REFUSED for word in words)
            assert (answer.status_code >= 400) == refused, (words, answer.text)
            assert refused or answer.status_code < 300
            assert not answer.text or json.loads(answer.text) is not None
    finally:
        stop(app)
