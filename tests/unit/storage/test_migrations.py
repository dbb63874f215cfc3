"""Migrations: under a lock, whole or not at all, and never over a newer schema."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from mcoflow.clock import SystemClock
from mcoflow.errors import SchemaTooNewError, SchemaTooOldError
from mcoflow.storage import migrate, open_store
from mcoflow.storage.engines import database_url
from mcoflow.storage.tables import metadata


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mcoflow.db"
    return str(request.getfixturevalue("postgresql_url"))


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(database_url(url))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def schema(url: str) -> dict[str, Any]:
    """Return everything that the database says about its tables."""
    with connected(url) as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name"))
            found = {row.name: sorted((row.sql or "").replace(",", "").split()) for row in rows}
        else:
            found = {row.indexname: row.indexdef for row in connection.execute(text(_INDEXES))}
            found |= {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(text(_COLUMNS))}
    return {name: value for name, value in found.items() if "alembic_version" not in str(name)}


_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
_COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default "
    "FROM information_schema.columns WHERE table_schema = 'public'"
)


def claim_newer(url: str) -> None:
    """Mark the database as a later release would."""
    with connected(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def test_an_empty_database_gets_the_schema_of_this_release(url: str) -> None:
    assert migrate.current(url) is None
    with pytest.raises(SchemaTooOldError, match="mcoflow db upgrade"):
        migrate.check(url)

    assert migrate.upgrade(url) == migrate.newest()

    assert migrate.current(url) == migrate.newest()
    migrate.check(url)


def test_migrations_make_the_tables_that_the_code_uses(url: str, tmp_path: Path) -> None:
    migrate.upgrade(url)
    migrated = schema(url)
    with connected(url) as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)

    assert migrated == schema(url)
    assert len(migrated) > len(metadata.tables)


def test_upgrading_twice_changes_nothing(url: str) -> None:
    migrate.upgrade(url)
    before = schema(url)
    migrate.upgrade(url)
    assert schema(url) == before


def test_a_newer_schema_is_refused_and_not_touched(url: str, tmp_path: Path) -> None:
    """R-044: a database of a newer release is refused with the way out; nothing is touched."""
    migrate.upgrade(url)
    claim_newer(url)
    before = schema(url), {each.name: each.read_bytes() for each in tmp_path.glob("*.db")}

    for refused in (migrate.upgrade, migrate.check, lambda it: open_store(it, SystemClock())):
        with pytest.raises(SchemaTooNewError, match=r"9999 of a newer release.* upgrade mcoflow"):
            refused(url)

    assert (schema(url), {each.name: each.read_bytes() for each in tmp_path.glob("*.db")}) == before
    assert migrate.current(url) == "9999"


def test_of_many_that_migrate_at_once_one_does_and_the_others_wait(url: str) -> None:
    """R-044: two migrate."""
    with ThreadPoolExecutor(4) as threads:
        revisions = list(threads.map(migrate.upgrade, [url] * 4))

    assert set(revisions) == {migrate.newest()}
    migrate.check(url)


def test_processes_that_migrate_at_once_wait_for_each_other(url: str) -> None:
    """R-044: two migrate."""
    processes = [_spawn(migrate.upgrade, url) for _ in range(2)]
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0]
    migrate.check(url)


@pytest.mark.parametrize("survived", [0, 5, 20])
def test_a_killed_migration_leaves_nothing_and_can_be_started_again(url: str, survived: int) -> None:
    """R-044: a migration killed midway is rolled back."""
    process = _spawn(_upgrade_and_die, url, survived)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert migrate.current(url) is None
    with connected(url) as connection:
        assert inspect(connection).get_table_names() == []

    migrate.upgrade(url)

    migrate.check(url)


def test_a_store_can_be_told_not_to_migrate(url: str) -> None:
    with pytest.raises(SchemaTooOldError):
        open_store(url, SystemClock(), migrate=False)

    migrate.upgrade(url)

    open_store(url, SystemClock(), migrate=False).close()


def _upgrade_and_die(url: str, survived: int) -> None:
    """Kill this process before the next statement after so many that make something."""
    made = 0

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal made
        if statement.lstrip().startswith("CREATE"):
            if made == survived:
                os.kill(os.getpid(), signal.SIGKILL)
            made += 1

    event.listen(Engine, "before_cursor_execute", count)
    migrate.upgrade(url)


def _spawn(target: Any, *args: Any) -> Any:
    process = multiprocessing.get_context("spawn").Process(target=target, args=args)
    process.start()
    return process


def test_the_files_are_called_as_their_revisions() -> None:
    """So that a look at a task needs no Alembic to tell whether the schema fits."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)

    assert [script.revision for script in scripts.walk_revisions()] == migrate.known()[::-1]
    assert scripts.get_current_head() == migrate.newest()
