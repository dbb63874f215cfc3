"""Fixtures that every room of the tests may ask for."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.servers.chromium import Visits, chromium_binary, running_chromium
from tests.servers.need import need
from tests.servers.postgresql import PostgreSQL, postgresql_binaries
from tests.servers.rabbitmq import rabbitmq, rabbitmq_url

__all__ = ["postgresql", "postgresql_url", "rabbitmq", "rabbitmq_url"]

_SERVERS = ("rabbitmq", "postgresql", "browser")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the servers they ask for; those that change this machine's packages take turns."""
    for item in items:
        for server in _SERVERS:
            if server in getattr(item, "fixturenames", ()):
                item.add_marker(server)
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.xdist_group("root"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A private PostgreSQL server, started once in the session."""
    binaries = postgresql_binaries()
    need(binaries, "PostgreSQL (Debian package postgresql)")
    assert binaries is not None
    with PostgreSQL(binaries) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> str:
    """The SQLAlchemy URL of an empty database, made for this test alone."""
    postgresql.start()
    return postgresql.create_database()


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
