"""A database that another process keeps locked for longer than anybody waits, under an executor at work."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection

from mcoflow.domain.states import PlanResult
from mcoflow.errors import StoreUnavailableError
from mcoflow.storage.open import open_store
from mcoflow.testing import Ground, ManagedClock
from mcoflow.testing.hosts import accepted, only, result
from tests.unit.engine.house import House
from tests.unit.engine.play import Install
from tests.waiting import until

WAIT = 0.3
"""Seconds that a writer waits here; by itself it would be BUSY_TIMEOUT, and the lock thirty."""
TRIES = 3
LOCKER = """
import sqlite3, sys
locker = sqlite3.connect(sys.argv[1], isolation_level=None)
locker.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
Lock = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let all connections wait for a short time."""

    def shorten(connection: DBAPIConnection, _record: object) -> None:
        if isinstance(connection, psycopg.Connection):
            connection.execute(f"SET lock_timeout = {int(WAIT * 1000)}")
            connection.commit()
        else:
            connection.execute(f"PRAGMA busy_timeout = {int(WAIT * 1000)}")  # type: ignore[attr-defined]

    event.listen(sqlalchemy.Engine, "connect", shorten)
    yield
    event.remove(sqlalchemy.Engine, "connect", shorten)


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    argv = [sys.executable, "-c", LOCKER, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == b"locked\n"
        yield
        locker.communicate()


@contextmanager
def locked_table(url: str) -> Iterator[None]:
    """Somebody has a table for himself."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE plans IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def place(request: pytest.FixtureRequest, tmp_path: Path, hasty: None) -> tuple[str, Lock]:
    """The URL of a database, and what locks it."""
    if request.param == "sqlite":
        path = tmp_path / "mcoflow.db"
        return f"sqlite:///{path}", lambda: locked_file(path)
    url: str = request.getfixturevalue("postgresql_url")
    return url, lambda: locked_table(url)


@pytest.fixture
def house(place: tuple[str, Lock]) -> Iterator[House]:
    ground = Ground(ManagedClock(running=True))
    with closing(open_store(place[0], ground.clock)) as store:
        ground.store = store
        made = House(ground)
        made.another()
        try:
            yield made
        finally:
            made.close()
            ground.close()


def test_a_database_that_stays_locked_is_waited_for(
    house: House, place: tuple[str, Lock], caplog: pytest.LogCaptureFixture
) -> None:
    """R-034: tried again, the reply unacknowledged, no thread ends; what is new is refused meanwhile."""
    caplog.set_level(logging.WARNING, "mcoflow.store")
    house.hosts.default = only(accepted())
    plan_id = house.trigger(Install, host="web1")
    until(lambda: house.hosts.requests and not house.broker.unsettled(), "accepted")
    client = house.another(executor=False)
    threads = {thread.name for thread in threading.enumerate()} - {"replies-read"}  # its work is done

    with place[1]():
        house.hosts.say(result(), about=house.hosts.requests[0])
        until(lambda: len(away(caplog)) >= TRIES, "it tried, and tries again")
        assert house.broker.unsettled()
        for world in (client, house.worlds[0]):
            with pytest.raises(StoreUnavailableError):
                world.submit(Install.name, {"host": "web2"}, user="ann")
        assert {thread.name for thread in threading.enumerate()} >= threads

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    until(lambda: not house.broker.unsettled(), "acknowledged")
    house.hosts.default = only(accepted(), result())
    assert house.run(Install, host="web3").result is PlanResult.SUCCESS


def away(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage() == "store.away"]
