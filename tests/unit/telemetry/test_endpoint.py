"""Metrics of a process without pages."""

import socket
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from mcoflow.errors import ConfigError
from mcoflow.ports import measures as m
from mcoflow.telemetry import Endpoint, Prometheus
from tests.unit.telemetry.samples import Scrape


@pytest.fixture
def observer() -> Prometheus:
    return Prometheus(lambda _: True)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_metrics_are_served_until_the_end(observer: Prometheus) -> None:
    observer.counted({(m.FENCED_WRITES,): 3})
    with Endpoint(observer, "127.0.0.1", 0) as endpoint:
        with urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=10) as answer:
            shown = Scrape(answer.read())
        port = endpoint.port

    assert shown.value("mcoflow_fenced_writes_total") == 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def test_an_address_that_is_taken_is_named_with_the_setting(observer: Prometheus, taken: int) -> None:
    with (
        pytest.raises(ConfigError, match=rf"127\.0\.0\.1 port {taken}: .*\[telemetry\] listen"),
        Endpoint(observer, "127.0.0.1", taken),
    ):
        pass
