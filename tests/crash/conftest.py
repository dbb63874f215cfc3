"""Executors and agents that are killed, on a private RabbitMQ and a private database."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.crash.supervisor import Supervisor
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ


@pytest.fixture(scope="module")
def sqlite_site_of_file(rabbitmq: RabbitMQ, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    """One host with its agent, an SQLite file, and no executor; kept from test to test of a file."""
    path = tmp_path_factory.mktemp("site")
    with closing(
        Supervisor(path, rabbitmq.url, rabbitmq.new_prefix(), f"sqlite:///{path}/db", ["web1"])
    ) as site:
        site.start_agent("web1")
        yield site


@pytest.fixture(scope="module")
def postgresql_site_of_file(
    rabbitmq: RabbitMQ, postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Supervisor]:
    """The same on PostgreSQL."""
    path = tmp_path_factory.mktemp("site")
    with (
        postgresql.database() as database,
        closing(Supervisor(path, rabbitmq.url, rabbitmq.new_prefix(), database, ["web1"])) as site,
    ):
        site.start_agent("web1")
        yield site


@pytest.fixture
def site(sqlite_site_of_file: Supervisor) -> Iterator[Supervisor]:
    """The site on SQLite; no executor of a test that failed disturbs the next one."""
    yield sqlite_site_of_file
    sqlite_site_of_file.kill_servers()


@pytest.fixture
def postgresql_site(postgresql_site_of_file: Supervisor) -> Iterator[Supervisor]:
    """The same on PostgreSQL."""
    yield postgresql_site_of_file
    postgresql_site_of_file.kill_servers()
