"""What the agent has taken on and how it ended, in SQLite: each state is on disk before what it permits.

One thread uses a journal. All that a turn decided is one transaction: BEGIN IMMEDIATE, WAL,
`synchronous=FULL`. Source: the project's bus specification, 5.4.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID, uuid4

from mcoflow.agent.execution import WorkerIdentity
from mcoflow.agent.journal_rows import Batch, Row, State
from mcoflow.agent.state_dir import sync_directory

log = logging.getLogger(__name__)

FORMAT: Final = 1
"""Kept in `PRAGMA user_version`; a journal of another format is set aside like a damaged one."""
_FEW: Final = 500
"""Ids asked for in one statement; SQLite takes at least 999 parameters."""
_SCHEMA: Final = """
    CREATE TABLE generation (id TEXT NOT NULL);
    CREATE TABLE requests (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        host TEXT NOT NULL,
        state TEXT NOT NULL,
        digest BLOB,
        request BLOB,
        headers TEXT NOT NULL,
        reply_to TEXT NOT NULL,
        runs INTEGER NOT NULL,
        pid INTEGER,
        started INTEGER,
        boot_id TEXT,
        result BLOB,
        received_at REAL NOT NULL,
        ended_at REAL,
        replied_at REAL
    );
    CREATE INDEX unanswered ON requests (number) WHERE replied_at IS NULL;
"""
_COLUMNS: Final = (
    "id, host, state, digest, request, headers, reply_to, runs, pid, started, boot_id, result, replied_at"
)
_INSERT: Final = """
    INSERT OR REPLACE INTO requests
        (id, host, state, digest, request, headers, reply_to, runs, result, received_at, ended_at, replied_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_EXECUTING: Final = """
    UPDATE requests SET state = 'executing', runs = ?, pid = ?, started = ?, boot_id = ? WHERE id = ?
"""
_ENDED: Final = "UPDATE requests SET state = ?, runs = ?, reply_to = ?, result = ?, ended_at = ? WHERE id = ?"
_REPLIED: Final = "UPDATE requests SET replied_at = ? WHERE id = ?"
_NEWEST: Final = """
    SELECT id, state, request, result, received_at, ended_at FROM requests
    WHERE host = ? ORDER BY number DESC LIMIT ?
"""
_OLD: Final = """
    SELECT id FROM (SELECT id, received_at, replied_at FROM requests ORDER BY number LIMIT ?)
    WHERE replied_at IS NOT NULL AND received_at < ?
"""
_PURGE: Final = "DELETE FROM requests WHERE id = ?"


class Journal:
    """An open journal. `generation` is drawn when the file is made: who knows another met a lost journal."""

    def __init__(self, database: sqlite3.Connection, generation: UUID) -> None:
        self._database = database
        self.generation = generation

    @classmethod
    def open(cls, path: Path, new_generation: Callable[[], UUID]) -> Self:
        """Open or make the journal; a damaged one is set aside and a new generation begins."""
        try:
            return cls._open(path, new_generation)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # disk full, no permission: not the file's fault
                raise
            aside = _set_aside(path)
            log.error("journal.damaged", extra={"why": str(error), "kept": str(aside)})
            return cls._open(path, new_generation)

    @classmethod
    def _open(cls, path: Path, new_generation: Callable[[], UUID]) -> Self:
        path.touch(mode=0o600)
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            generation = _generation(database, new_generation)
            _check(database)
        except sqlite3.Error:
            database.close()
            raise
        sync_directory(path.parent)
        return cls(database, generation)

    def commit(self, batch: Batch) -> None:
        """Write all of it, synced to disk, or nothing; raise sqlite3.Error."""
        execute, many = self._database.execute, self._database.executemany
        execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in (
                (_INSERT, batch.inserted),
                (_EXECUTING, batch.executing),
                (_ENDED, batch.ended),
                (_REPLIED, batch.replied),
            ):
                if rows:
                    many(statement, rows)
            execute("COMMIT")
        except sqlite3.Error:
            if self._database.in_transaction:
                execute("ROLLBACK")
            raise

    def find(self, ids: Sequence[UUID]) -> Mapping[UUID, Row]:
        """Return the rows of those ids that are known."""
        found: dict[UUID, Row] = {}
        for start in range(0, len(ids), _FEW):
            some = [request_id.bytes for request_id in ids[start : start + _FEW]]
            marks = ",".join("?" * len(some))
            query = f"SELECT {_COLUMNS} FROM requests WHERE id IN ({marks})"  # noqa: S608 - question marks
            found.update((row.id, row) for row in self._rows(query, some))
        return found

    def unanswered(self) -> Iterable[Row]:
        """Return the rows whose result is not known to have arrived, oldest first."""
        return self._rows(f"SELECT {_COLUMNS} FROM requests WHERE replied_at IS NULL ORDER BY number")  # noqa: S608

    def newest(self, host: str, limit: int) -> Sequence[tuple[Any, ...]]:
        """Return id, state, request, result, times of arrival and end of the newest requests of a host."""
        found = self._database.execute(_NEWEST, (host, limit))
        return [(str(UUID(bytes=request_id)), *rest) for request_id, *rest in found]

    def old(self, before: float, most: int) -> Sequence[UUID]:
        """Return the answered ones among the oldest `most`, if received before the time."""
        return [UUID(bytes=found) for (found,) in self._database.execute(_OLD, (most, before))]

    def purge(self, ids: Iterable[UUID]) -> None:
        """Forget requests."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(_PURGE, [(request_id.bytes,) for request_id in ids])
            self._database.execute("COMMIT")
        except sqlite3.Error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return [_row(values) for values in self._database.execute(query, parameters)]


def _row(values: tuple[Any, ...]) -> Row:
    request_id, host, state, digest, request, headers, reply_to, runs, pid, started, boot, result, at = values
    return Row(
        id=UUID(bytes=request_id),
        host=host,
        state=State(state),
        digest=digest,
        request=request,
        headers=headers,
        reply_to=reply_to,
        runs=runs,
        worker=None if pid is None else WorkerIdentity(pid, started, boot),
        result=result,
        replied=at is not None,
    )


def _generation(database: sqlite3.Connection, new_generation: Callable[[], UUID]) -> UUID:
    """Read the generation; make the tables in an empty file."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        generation = new_generation()
        database.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        database.execute("INSERT INTO generation VALUES (?)", (str(generation),))
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.execute("COMMIT")
        return generation
    if version != FORMAT:
        raise sqlite3.DatabaseError(f"format {version}, this release reads format {FORMAT}")
    row = database.execute("SELECT id FROM generation").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("it has no generation")
    return UUID(row[0])


def _check(database: sqlite3.Connection) -> None:
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _set_aside(path: Path) -> Path:
    """Rename the damaged file and what belongs to it; it stays as evidence."""
    aside = path.with_name(f"{path.name}.damaged-{uuid4().hex[:12]}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
