"""What a worker prints goes into files of bounded size, and is read from them while they grow."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcoflow.agent.printed import Print, Prints, Recorder
from mcoflow.wire.kinds import Stream

OUT, ERR = Stream.STDOUT, Stream.STDERR
written = st.lists(st.tuples(st.sampled_from((OUT, ERR)), st.binary(min_size=1, max_size=30)), max_size=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("printed")


@given(written, st.integers(min_value=0, max_value=80))
@settings(max_examples=150)
def test_head_and_tail_are_the_true_ends_and_the_count_is_true(
    folder: Path, prints: list[tuple[Stream, bytes]], cap: int
) -> None:
    """B-045: the first and the last half of the cap, and how much there was."""
    recorder, everything = Recorder(folder, 1, cap), b""
    for stream, data in prints:
        recorder.write(stream, data, 1.0)
        everything += data
    recorder.save()

    read = Prints(folder, 1)
    head = b"".join(each.data for each in read.take(10_000, 1))
    tail = b"".join(each.data for each in read.tail())

    half = cap // 2
    assert head == everything[:half]
    assert tail == (everything[half:][-half:] if half else b"")
    assert read.total == recorder.total == len(everything)


@given(written)
def test_a_reader_follows_the_writer(folder: Path, prints: list[tuple[Stream, bytes]]) -> None:
    recorder, read = Recorder(folder, 1, 10_000), Prints(folder, 1)
    for stream, data in prints:
        recorder.write(stream, data, 1.0)
        (found,) = read.take(1, 1)
        assert (found.stream, found.data) == (stream, data)

    assert not read.take(1, 1)


def test_offsets_count_the_bytes_of_each_stream(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1, 1000)
    for stream, data in ((OUT, b"one"), (ERR, b"no"), (OUT, b"two")):
        recorder.write(stream, data, 7.0)

    assert list(Prints(tmp_path, 1).take(1000, 1)) == [
        Print(OUT, 0, 7.0, b"one"), Print(ERR, 0, 7.0, b"no"), Print(OUT, 3, 7.0, b"two"),
    ]  # fmt: skip


def test_little_is_left_until_there_is_enough(tmp_path: Path) -> None:
    recorder, read = Recorder(tmp_path, 1, 1000), Prints(tmp_path, 1)
    recorder.write(OUT, b"few", 1.0)

    assert not read.take(100, 100)
    recorder.write(OUT, b"x" * 100, 1.0)
    assert read.take(100, 100)


def test_a_stream_that_fell_silent_keeps_its_count_through_a_flood(tmp_path: Path) -> None:
    """B-045: what was only said in the middle is counted although it is kept nowhere."""
    recorder = Recorder(tmp_path, 1, 20)
    recorder.write(OUT, b"x" * 15, 1.0)
    recorder.write(ERR, b"complaint", 1.0)
    for _ in range(100):
        recorder.write(OUT, b"y" * 15, 1.0)
    recorder.save()

    read = Prints(tmp_path, 1)
    read.take(100, 1)
    marks = {each.stream: each.offset for each in read.tail() if not each.data}

    assert marks == {OUT: 15 + 1500 - 10, ERR: 9, Stream.LOG: 0}
    assert read.total == 15 + 9 + 1500


def test_a_flood_fills_neither_disk_nor_memory(tmp_path: Path) -> None:
    """B-045: two files, none over half of the cap and what describes it."""
    recorder = Recorder(tmp_path, 1, 2000)
    for number in range(10_000):
        recorder.write(OUT, b"x" * 700, 1.0)
        recorder.write(OUT, b"y", 1.0)
        if number % 1000 == 0:
            recorder.save()

    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 1000 + 200


def test_what_is_printed_byte_by_byte_is_kept_like_the_rest(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1, 20_000)
    for number in range(30_000):
        recorder.write(OUT, b"%d" % (number % 10), 1.0)
    recorder.save()

    tail = [each for each in Prints(tmp_path, 1).tail() if each.data]
    assert b"".join(each.data for each in tail) == b"0123456789" * 1000
    assert tail[0].offset == 20_000
    assert len(tail) <= 4


def test_a_torn_record_ends_the_reading(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1, 1000)
    recorder.write(OUT, b"whole", 1.0)
    recorder.write(OUT, b"torn", 1.0)
    (head,) = tmp_path.glob("*.head")
    head.write_bytes(head.read_bytes()[:-2])

    assert [each.data for each in Prints(tmp_path, 1).take(1000, 1)] == [b"whole"]


def test_what_printed_nothing_has_nothing(tmp_path: Path) -> None:
    read = Prints(tmp_path, 1)

    assert not read.take(1000, 1)
    assert not any(each.data for each in read.tail())
    assert read.total == 0
