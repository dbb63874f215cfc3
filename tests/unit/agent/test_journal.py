"""The journal: what it keeps, and that it keeps all of a turn or nothing."""

import sqlite3
from uuid import uuid4

import pytest

from mcoflow.agent.execution import WorkerIdentity
from mcoflow.agent.journal import Journal
from mcoflow.agent.journal_rows import Batch, Row, State


@pytest.fixture
def journal(tmp_path):
    journal = Journal.open(tmp_path / "journal.db", uuid4)
    yield journal
    journal.close()


def received(**changes):
    values = {"id": uuid4(), "host": "web1", "state": State.RECEIVED, "digest": b"d", "request": b"{}"}
    return Row(**{**values, **changes})


def write(journal, *rows, at=1.0):
    batch = Batch()
    for row in rows:
        batch.insert(row, at)
    journal.commit(batch)


def test_a_row_goes_from_received_over_executing_to_its_end(journal):
    row = received(headers="[]", reply_to="x-abcdefghijkl")
    write(journal, row)
    assert journal.find([row.id, uuid4()]) == {row.id: row}

    batch = Batch()
    batch.execute(row.id, 1, WorkerIdentity(4711, 12, "boot"))
    journal.commit(batch)
    found = journal.find([row.id])[row.id]
    assert (found.state, found.runs, found.worker) == (
        State.EXECUTING,
        1,
        WorkerIdentity(4711, 12, "boot"),
    )

    batch = Batch()
    batch.end(received(id=row.id, state=State.DONE, runs=1, result=b"result"), 2.0)
    batch.reply(row.id, 3.0)
    journal.commit(batch)
    found = journal.find([row.id])[row.id]
    assert (found.state, found.result, found.replied) == (State.DONE, b"result", True)
    assert list(journal.unanswered()) == []


def test_a_turn_is_written_whole_or_not_at_all(journal):
    good, bad = received(), received(host=None)

    with pytest.raises(sqlite3.IntegrityError):
        write(journal, good, bad)

    assert journal.find([good.id]) == {}
    write(journal, good)


def test_only_what_is_answered_and_old_is_forgotten_in_slices(journal):
    old = [received() for _ in range(5)]
    open_one, young = received(), received()
    write(journal, *old, open_one, at=10.0)
    write(journal, young, at=100.0)
    batch = Batch()
    for row in (*old, young):
        batch.reply(row.id, 101.0)
    journal.commit(batch)

    gone = []
    for _ in range(3):
        old = journal.old(50.0, 3)
        journal.purge(old)
        gone.append(len(old))

    assert gone == [3, 2, 0]
    assert set(journal.find([row.id for row in (*old, open_one, young)])) == {open_one.id, young.id}


def test_many_ids_are_found_at_once(journal):
    rows = [received() for _ in range(1_200)]
    write(journal, *rows)

    assert len(journal.find([row.id for row in rows])) == 1_200


def test_the_generation_stays_as_long_as_the_file(tmp_path):
    first = Journal.open(tmp_path / "journal.db", uuid4)
    first.close()
    second = Journal.open(tmp_path / "journal.db", uuid4)

    assert second.generation == first.generation
    second.close()


def test_a_journal_of_another_format_is_set_aside_and_kept(tmp_path):
    path = tmp_path / "journal.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()

    Journal.open(path, uuid4).close()

    assert len(list(tmp_path.glob("journal.db.damaged-*"))) == 1


def test_the_file_is_private(journal, tmp_path):
    """S-017: databases, journals 0600."""
    assert (tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600
