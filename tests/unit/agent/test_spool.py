"""The chunks of a request live as long as its row; what a crash did to them harms nobody."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from mcoflow.agent.chunks import Chunk
from mcoflow.agent.spool import FileSpools, Numbered, RecentSpools
from mcoflow.wire.kinds import Stream
from mcoflow.wire.messages import QueryBody
from tests.unit.agent.test_streams import FakePrints, printing
from tests.unit.agent.world import TOKEN, AgentWorld
from tests.waiting import until

OUT = Stream.STDOUT


def said(text: str, offset: int = 0) -> Chunk:
    return Chunk(OUT, offset, len(text), 1.0, text)


def filled(spools: FileSpools, request_id: UUID, *texts: str) -> None:
    numbered = Numbered(spools.make(request_id), 1)
    for text in texts:
        numbered.append(said(text, numbered.size))


def test_chunks_are_found_again_after_a_restart(tmp_path: Path) -> None:
    generation, request_id = uuid4(), uuid4()
    filled(FileSpools(tmp_path, generation), request_id, "one", "two\n\u2407")

    spool = FileSpools(tmp_path, generation).find(request_id)

    assert spool is not None
    kept = [spool.read(seq) for seq in range(spool.count)]
    assert [(each.body.seq, each.body.offset, each.body.text) for each in kept if each] == [
        (0, 0, "one"), (1, 3, "two\n\u2407"),
    ]  # fmt: skip
    assert Numbered(spool, 1).ends == {OUT: 8}


def test_a_line_that_a_crash_tore_is_cut_off_and_written_anew(tmp_path: Path) -> None:
    """B-035: kill -9 in the middle of a write."""
    generation, request_id = uuid4(), uuid4()
    filled(FileSpools(tmp_path, generation), request_id, "whole", "torn")
    (path,) = tmp_path.glob("*/*")
    path.write_bytes(path.read_bytes()[:-4])

    filled(FileSpools(tmp_path, generation), request_id, "anew")
    spool = FileSpools(tmp_path, generation).find(request_id)

    assert spool is not None
    assert [kept.body.text for seq in range(spool.count) if (kept := spool.read(seq))] == ["whole", "anew"]


def test_a_damaged_line_is_passed_over(tmp_path: Path) -> None:
    spools, request_id = FileSpools(tmp_path, uuid4()), uuid4()
    filled(spools, request_id, "one")
    (path,) = tmp_path.glob("*/*")
    path.write_bytes(b"{nonsense}\n")

    spool = spools.find(request_id)

    assert spool is not None
    assert spool.read(0) is None
    assert Numbered(spool, 1).ends == {}


def test_what_belongs_to_a_lost_journal_is_removed(tmp_path: Path) -> None:
    """B-037: a new generation does not know the old requests."""
    filled(FileSpools(tmp_path, uuid4()), uuid4(), "old")

    FileSpools(tmp_path, uuid4())

    assert not list(tmp_path.iterdir())


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    filled(FileSpools(tmp_path, uuid4()), uuid4(), "private")

    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0


def test_played_hosts_are_remembered_for_a_while() -> None:
    spools, ids = RecentSpools(), [uuid4() for _ in range(5000)]
    for request_id in ids:
        Numbered(spools.make(request_id), 1).append(said("played"))

    assert spools.find(ids[0]) is None
    assert (last := spools.find(ids[-1])) is not None
    assert last.count == 1


def test_output_goes_with_the_row(tmp_path: Path) -> None:
    """What the journal forgets, the spool forgets."""
    world = AgentWorld(tmp_path, retention=timedelta(days=9)).start()
    asked = printing(world, FakePrints(b"some"))
    world.begun(asked).end()
    world.result(asked)
    journal = sqlite3.connect(world.settings.state_dir / "journal.db")
    until(lambda: journal.execute("SELECT replied_at FROM requests").fetchone()[0], "noted as answered")
    journal.close()
    world.end()
    (spool,) = world.settings.state_dir.glob("output/*/*")
    assert spool.read_text().count("\n") == 1

    later = AgentWorld(tmp_path, retention=timedelta(days=9))
    later.clock.shift = timedelta(days=10)
    later.start()
    later.say(asked.id, QueryBody(reply_to=TOKEN, output_from=0))
    assert later.bus.reply(asked.id, "progress").state == "unknown"
    assert not spool.exists()
    later.end()


def test_times_are_those_of_the_printing(tmp_path: Path) -> None:
    spools, request_id = FileSpools(tmp_path, uuid4()), uuid4()
    filled(spools, request_id, "one")

    spool = spools.find(request_id)

    assert spool is not None
    assert (kept := spool.read(0)) is not None
    assert kept.body.at == datetime.fromtimestamp(1.0, UTC)
