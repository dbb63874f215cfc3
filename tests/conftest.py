"""Fixtures that every room of the tests may ask for."""

import fcntl
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page

from tests.servers.chromium import Visits, chromium_binary, running_chromium
from tests.servers.need import need
from tests.servers.postgresql import PostgreSQL, postgresql_binaries
from tests.servers.rabbitmq import rabbitmq, rabbitmq_url

__all__ = ["postgresql", "postgresql_url", "rabbitmq", "rabbitmq_url"]

pytest_plugins = ["mcoflow.testing.fixtures", "pytester"]
# How fast the machine is proves nothing: it has other things to do.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
_SERVERS = ("rabbitmq", "postgresql", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the servers they ask for."""
    for item in items:
        for server in _SERVERS:
            if server in getattr(item, "fixturenames", ()):
                item.add_marker(server)


@pytest.fixture(autouse=True)
def _in_turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let only one test at a time change this machine, also among test runs beside each other.

    The groups of xdist 3.8 do not work with pytest 9.2: it marks items in a field that is no longer read.
    """
    if request.node.get_closest_marker("root") is None:
        yield
        return
    with (Path(gettempdir()) / "mcoflow-tests-root.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A private PostgreSQL server, started once in the session."""
    binaries = postgresql_binaries()
    need(binaries, "PostgreSQL (Debian package postgresql)")
    assert binaries is not None
    with PostgreSQL(binaries) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database, made for this test alone."""
    with postgresql.database() as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, started once in the session."""
    binary = chromium_binary()
    need(binary, "Chromium (Debian package chromium)")
    assert binary is not None
    with running_chromium(binary) as started:
        yield started


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Opens pages; fails the test when the browser complained and the test did not expect it.

    Ask for the web server first, so that it outlives the pages: a cut connection is a complaint.
    """
    opened = Visits(browser)
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture
def page(visits: Visits) -> Page:
    """One page with cookies of its own."""
    return visits.page()
