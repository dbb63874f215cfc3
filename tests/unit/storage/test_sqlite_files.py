"""SQLite files: private, durable, and shared by threads and processes without "database is locked"."""

import multiprocessing
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.clock import SystemClock
from mcoflow.errors import ConfigError, StoreError, StoreUnavailableError
from mcoflow.ports.store import Changes, Listing
from mcoflow.storage import open_store
from mcoflow.storage.engines import connect, database_url
from mcoflow.storage.store import SqlStore
from mcoflow.testing.contracts.samples import draft, living_world, stored

PLANS = 25


def test_file_and_directory_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "mcoflow.db"
    store = open_store(f"sqlite:///{path}", SystemClock())
    stored(store, draft())

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    store.close()


def test_every_commit_is_on_the_disk_before_it_returns(tmp_path: Path) -> None:
    database = connect(database_url(f"sqlite:///{tmp_path}/a.db"))
    open_store(f"sqlite:///{tmp_path}/a.db", SystemClock()).close()

    with database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    database.close()


def test_readers_cannot_write(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/a.db", SystemClock()).close()
    database = connect(database_url(f"sqlite:///{tmp_path}/a.db"))

    with pytest.raises(StoreError, match="readonly"), database.reading() as connection:
        connection.exec_driver_sql("DELETE FROM plans")
    database.close()


def test_eight_threads_never_see_a_locked_database(tmp_path: Path) -> None:
    """E-106: a SQLite file with 8 connections, "locked" never seen."""
    store = open_store(f"sqlite:///{tmp_path}/a.db", SystemClock())
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: write_and_read(store), range(8)))

    assert store.count_plans(None) == 8 * PLANS
    store.close()


def test_processes_on_one_file_never_see_it_locked(tmp_path: Path) -> None:
    """E-106: several processes, each with its own connections, opening the file at the same moment."""
    url = f"sqlite:///{tmp_path}/a.db"
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=_work, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0, 0]
    store = open_store(url, SystemClock())
    assert store.count_plans(None) == 3 * 2 * PLANS
    store.close()


def test_opening_the_file_again_keeps_the_locks_of_the_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    store = open_store(url, SystemClock())
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE plans SET version = 1")
        connect(database_url(url)).close()
        other = multiprocessing.get_context("spawn").Process(target=_expect_a_lock, args=(tmp_path / "a.db",))
        other.start()
        other.join(60)
    store.close()
    assert other.exitcode == 0


def test_a_path_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(StoreUnavailableError, match="taken"):
        open_store(f"sqlite:///{tmp_path}/taken", SystemClock())


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("this is no database, but a rather long text about something else" * 9)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/a.db", SystemClock())


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "mysql://db/x", "nonsense"])
def test_what_is_no_database_of_ours_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError, match="database"):
        open_store(url, SystemClock())


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(StoreUnavailableError) as raised:
        open_store("postgresql://anna:s3cret@127.0.0.1:1/x", SystemClock())
    assert "s3cret" not in str(raised.value)


def _expect_a_lock(path: Path) -> None:
    locked = pytest.raises(sqlite3.OperationalError, match="locked")
    with closing(sqlite3.connect(path, timeout=0.0)) as connection, locked:
        connection.execute("BEGIN IMMEDIATE")


def _work(url: str) -> None:
    store = open_store(url, SystemClock())
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: write_and_read(store), range(2)))
    store.close()


def write_and_read(store: SqlStore) -> UUID:
    me = living_world(store)
    for _ in range(PLANS):
        (plan_id,) = stored(store, draft(3))
        (snapshot,) = store.claim(me, [plan_id])
        store.commit(Changes(plans=[snapshot.plan]))
        assert store.plans(Listing(limit=5))
        assert store.heartbeat(me, lease=60.0)
    return me


@pytest.mark.parametrize("way", ["reading", "glancing", "writing"])
def test_a_query_that_was_broken_off_leaves_nobody_with_an_old_view(tmp_path: Path, way: str) -> None:
    """Its cursor lives as long as the error is kept, and what the cursor saw with it."""
    store = open_store(f"sqlite:///{tmp_path}/a.db", SystemClock())
    stored(store, draft(), draft(), draft())
    kept = []

    try:
        with getattr(store._database, way)() as connection:
            rows = connection.exec_driver_sql("SELECT id FROM plans").yield_per(1)
            assert [int(row.id) for row in rows]  # which a row cannot be
    except ValueError as error:
        kept.append(error)
    stored(store, draft())

    assert store.count_plans(None) == 4
    assert len(kept) == 1
    store.close()
