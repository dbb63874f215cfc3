"""Releases that differ: a real agent and servers newer and older than it, a real server and such agents."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import pytest

from connectors.choose import agent_connector, executor_connector
from mcoflow.ports.bus import (
    Connector,
    Delivery,
    Link,
    LinkReport,
    Parcel,
    Presence,
    Replies,
    Request,
    ToExecutor,
    Verdict,
)
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.wire.envelope import Envelope, decode
from mcoflow.wire.fields import time_text
from mcoflow.wire.kinds import Kind
from mcoflow.wire.messages import ResultBody
from tests.servers.rabbitmq import RabbitMQ
from tests.stories.processes import Deployed, Process, write_settings
from tests.unit.wire.recorded import anew, recorded, releases
from tests.waiting import until

C = TypeVar("C", bound=Connector)
HOST: Final = "web1"
TOKEN: Final = "x-abcdefghijkl"
"""The host and the executor of the recorded messages."""


@pytest.fixture
def bus(rabbitmq: RabbitMQ) -> BusSettings:
    rabbitmq.start()
    return BusSettings(url=rabbitmq.url, prefix=rabbitmq.new_prefix())


@contextmanager
def linked(connector: C) -> Iterator[C]:
    """Open a connector, and close it."""
    links: list[LinkReport] = []
    connector.open(links.append)
    until(lambda: any(report.link is Link.UP for report in links), "the link is up", within=30)
    try:
        yield connector
    finally:
        connector.close(wait=timedelta(seconds=2))


def lines(release: str) -> dict[str, bytes]:
    """The first message of each kind that a release wrote."""
    found: dict[str, bytes] = {}
    for line in recorded(release):
        found.setdefault(json.loads(line)["kind"], line)
    return found


def changed(message: bytes, inside: Mapping[str, Any] | None = None, /, **outer: Any) -> bytes:
    """A message as a newer release might write it."""
    read = json.loads(message)
    return json.dumps({**read, **outer, "body": {**read["body"], **(inside or {})}}).encode()


# -- servers of other releases, a real agent ---------------------------------------------------------------


class OtherServer:
    """Asks a real agent as another release would."""

    def __init__(self, bus: BusSettings, folder: Path) -> None:
        self._bus, self._folder = bus, folder
        self.said: list[Envelope] = []

    @contextmanager
    def with_agent(self) -> Iterator["OtherServer"]:
        """Let the agent in, and have it there."""
        settings = write_settings(
            self._folder / "web1.cfg",
            {
                "broker": {"url": self._bus.url, "prefix": self._bus.prefix},
                "agent": {"identity": HOST, "state_dir": self._folder / "agent", "provider": "fake"},
            },
        )
        with linked(executor_connector(self._bus)) as self._connector:
            self._connector.declare_shared()
            self._connector.declare_host(HOST, {"main"})
            self._connector.declare_executor(TOKEN)
            self._connector.consume(Replies(TOKEN), self._heard, prefetch=50)
            with Process(self._folder, HOST, "agent", settings=settings) as agent:
                agent.facts()
                yield self

    def _heard(self, delivery: Delivery) -> None:
        self._connector.settle([delivery], Verdict.ACK)
        self.said.append(decode(delivery.body))

    def ask(self, message: bytes) -> UUID:
        """Publish a request."""
        own_id = UUID(json.loads(message)["id"])
        parcel = Parcel(Request(HOST), Kind.REQUEST.value, own_id, message, own_id, TOKEN)
        assert self._connector.publish([parcel], lambda _parcel, _receipt: None) == 1
        return own_id

    def end(self, request: UUID) -> ResultBody:
        """Wait for the end of a request."""

        def look() -> ResultBody | None:
            ends = [each.body for each in self.said if each.request == request]
            return next((body for body in ends if isinstance(body, ResultBody)), None)

        found = until(look, "the result", within=60)
        assert found is not None
        return found


def fresh_request(release: str) -> bytes:
    """A recorded request that has not expired."""
    was = lines(release)["request"]
    known = json.loads(was)
    soon = time_text(datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5))
    return anew(was, {known["id"]: str(uuid4()), known["body"]["expires_at"]: soon})


@pytest.fixture
def server(bus: BusSettings, tmp_path: Path) -> Iterator[OtherServer]:
    with OtherServer(bus, tmp_path).with_agent() as made:
        yield made


def test_an_agent_does_what_every_older_server_asks(server: OtherServer) -> None:
    """B-023, R-038: the bytes that releases wrote."""
    for release in releases():
        end = server.end(server.ask(fresh_request(release)))

        assert (end.outcome, end.values["after"] is not None) == ("ok", True)


def test_an_agent_refuses_a_newer_server_in_words_and_serves_it_when_it_speaks_as_before(
    server: OtherServer,
) -> None:
    """B-023, B-022, R-038: version 2, then 1 with fields that are new; what must be known is refused."""
    today = fresh_request(releases()[-1])
    newer = server.end(server.ask(changed(today, v=2)))
    assert (newer.outcome, newer.reason, newer.runs) == ("rejected", "unsupported_version", 0)
    assert "version 1 is spoken here" in newer.message
    assert {envelope.v for envelope in server.said} == {1}

    must = changed(fresh_request(releases()[-1]), {"vigour": 9}, must=["vigour"])
    assert server.end(server.ask(must)).reason == "unsupported_version"

    extra = changed(fresh_request(releases()[-1]), {"args": {"package": "nginx", "vigour": 9}})
    assert server.end(server.ask(extra)).reason == "invalid_args"

    server.said.clear()  # the next one has the id of the first, of which nothing was noted
    ignored = changed(today, {"vigour": 9}, colour="blue")
    assert server.end(server.ask(ignored)).outcome == "ok"


# -- agents of other releases, a real server ---------------------------------------------------------------


class OtherAgent:
    """Answers a real server as the agent of another release would; `says` changes each of its messages."""

    def __init__(self, bus: BusSettings, release: str, says: Callable[[bytes], bytes]) -> None:
        self._bus, self._lines, self._says = bus, lines(release), says
        self.heard: Queue[Envelope] = Queue()

    @contextmanager
    def at_work(self) -> Iterator["OtherAgent"]:
        """Be there."""
        with linked(agent_connector(self._bus)) as self._connector:
            self._connector.attend(HOST, self._asked)
            yield self

    def say_up(self) -> None:
        """Say that the host is there, in words that every server knows."""
        message = anew(self._lines["presence"], {})
        own_id = UUID(json.loads(message)["id"])
        self._send(Parcel(Presence(HOST), Kind.PRESENCE.value, own_id, message, durable=False))

    def _asked(self, delivery: Delivery) -> None:
        self._connector.settle([delivery], Verdict.ACK)
        asked = decode(delivery.body)
        self.heard.put(asked)
        if asked.kind is not Kind.REQUEST:
            return
        reply_to = json.loads(delivery.body)["body"]["reply_to"]
        for kind in (Kind.ACCEPTED, Kind.PROGRESS, Kind.OUTPUT, Kind.RESULT):
            was = self._lines[kind.value]
            known = json.loads(was)
            own_id = uuid4()
            message = anew(was, {known["id"]: str(own_id), known["request"]: str(asked.request)})
            address = ToExecutor(reply_to, HOST)
            self._send(Parcel(address, kind.value, own_id, self._says(message), asked.request))

    def _send(self, parcel: Parcel) -> None:
        assert self._connector.publish([parcel], lambda _parcel, _receipt: None) == 1


@pytest.fixture
def deployed(bus: BusSettings, tmp_path: Path) -> Iterator[Deployed]:
    """A real executor."""
    settings = write_settings(
        tmp_path / "broker.cfg",
        {
            "broker": {"url": bus.url, "prefix": bus.prefix},
            "server": {"state_dir": tmp_path / "server", "pickup_deadline": "30 s"},
        },
    )
    with Process(tmp_path, "executor", "executor", settings=settings) as executor:
        executor.facts()
        yield Deployed("", settings, HOST)


@contextmanager
def agent_of(
    bus: BusSettings, deployed: Deployed, release: str, says: Callable[[bytes], bytes]
) -> Iterator[None]:
    with OtherAgent(bus, release, says).at_work() as agent:

        def let_in() -> bool:
            agent.say_up()
            return HOST in deployed.online()

        until(let_in, "the host is admitted", within=30)
        yield


def install(deployed: Deployed) -> tuple[int, dict[str, Any]]:
    done = deployed.mcoflow("run", "install", "nginx", "--host", HOST, "--wait", "--output", "json")
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("release", releases())
def test_an_install_completes_with_every_older_agent(
    bus: BusSettings, deployed: Deployed, release: str
) -> None:
    """B-023, R-038: the bytes that releases wrote."""
    with agent_of(bus, deployed, release, lambda message: message):
        code, task = install(deployed)

    assert (code, task["result"]) == (0, "success")


def test_an_install_completes_with_a_newer_agent_that_speaks_as_before(
    bus: BusSettings, deployed: Deployed
) -> None:
    """B-023, B-022: fields that are new are ignored, and so is a kind of message that is."""

    def says(message: bytes) -> bytes:
        kind = json.loads(message)["kind"]
        return changed(message, {"vigour": 9}, colour="blue", kind="mood" if kind == "output" else kind)

    with agent_of(bus, deployed, releases()[-1], says):
        code, task = install(deployed)

    assert (code, task["result"]) == (0, "success")


def test_an_agent_that_speaks_only_a_newer_version_is_named_at_once(
    bus: BusSettings, deployed: Deployed
) -> None:
    """B-023, R-038: refused in words; long before the pickup deadline, and without effect."""
    with agent_of(bus, deployed, releases()[-1], lambda message: changed(message, v=2)):
        code, task = install(deployed)

    (step,) = [each for each in task["steps"] if each["host"]]
    assert (code, task["result"]) == (1, "error")
    assert (step["words"], step["unknown_effect"]) == ("rejected (unsupported_version)", False)
    assert "the agent of web1 speaks version 2" in task["explanation"]
    assert step["duration"] < 20
