"""What was printed becomes the texts of messages: whole characters, valid, never too large."""

from hypothesis import given
from hypothesis import strategies as st

from mcoflow.agent.chunks import LARGEST, USUAL, Chunk, Cutter
from mcoflow.agent.printed import Print
from mcoflow.wire import codec
from mcoflow.wire.kinds import KIB, Stream

OUT, ERR = Stream.STDOUT, Stream.STDERR


def cut(*parts: bytes, most: int = USUAL) -> list[Chunk]:
    """Cut parts of one stream, each as a print, handed over one by one."""
    cutter, chunks, offset = Cutter({}), [], 0
    for part in parts:
        chunks += cutter.cut([Print(OUT, offset, 1.0, part)], most)
        offset += len(part)
    return [*chunks, *cutter.finish()]


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs"))), st.lists(st.integers(1, 9)))
def test_a_character_is_never_cut(text: str, cuts: list[int]) -> None:
    """B-046: whatever the pipe's pieces are, the text comes out as it went in."""
    data, parts = text.encode(), []
    for size in cuts:
        parts.append(data[:size])
        data = data[size:]

    assert "".join(chunk.text for chunk in cut(*parts, data, most=5)) == text


@given(st.lists(st.binary()))
def test_any_bytes_become_valid_text_and_every_byte_counts(parts: list[bytes]) -> None:
    """B-046, W-037: binary arrives as valid text, without control characters but four."""
    chunks = cut(*parts, most=64)

    text = "".join(chunk.text for chunk in chunks)
    text.encode()
    assert not set(text) & {chr(code) for code in range(32) if chr(code) not in "\t\n\r\x1b"}
    assert sum(chunk.size for chunk in chunks) == len(b"".join(parts))
    assert [chunk.offset for chunk in chunks] == [sum(c.size for c in chunks[:n]) for n in range(len(chunks))]


def test_control_characters_appear_as_symbols_and_colours_stay() -> None:
    """W-037: a bell is shown, an escape sequence of colours is left to whoever shows it."""
    (chunk,) = cut(b"\x07\x00\x7f \x1b[31mred\x1b[0m\r\n")

    assert chunk.text == "\u2407\u2400\u2421 \x1b[31mred\x1b[0m\r\n"


def test_the_worst_bytes_fit_into_a_message() -> None:
    """B-046: bytes that triple as text, and characters that take six in JSON."""
    for worst in (b"\xff", b"\x1b", b"\x00", b'"'):
        chunks = cut(worst * 100_000, most=LARGEST)

        assert sum(chunk.size for chunk in chunks) == 100_000
        for chunk in chunks:
            assert len(chunk.text.encode()) <= 32 * KIB
            assert len(codec.dumps({"text": chunk.text})) < 60 * KIB


def test_streams_are_kept_apart_and_in_order() -> None:
    prints = [
        Print(OUT, 0, 1.0, b"a"),
        Print(OUT, 1, 1.0, b"b"),
        Print(ERR, 0, 2.0, b"c"),
        Print(OUT, 2, 3.0, b"d"),
    ]

    chunks = list(Cutter({}).cut(prints, USUAL))

    assert [(chunk.stream, chunk.offset, chunk.text) for chunk in chunks] == [
        (OUT, 0, "ab"), (ERR, 0, "c"), (OUT, 2, "d"),
    ]  # fmt: skip


def test_streams_that_change_all_the_time_do_not_make_a_message_each() -> None:
    prints = [Print(stream, n, 1.0, b"x") for n in range(1000) for stream in (OUT, ERR)]

    chunks = list(Cutter({}).cut(prints, USUAL))

    assert [(chunk.stream, chunk.size) for chunk in chunks] == [(OUT, 1000), (ERR, 1000)]


def test_what_is_left_out_shows_in_the_offsets() -> None:
    """B-045: the reader sees where something is missing, and how much; half a character before it is none."""
    prints = [Print(OUT, 0, 1.0, b"head\xc3"), Print(OUT, 1005, 1.0, b"tail")]

    chunks = list(Cutter({}).cut(prints, USUAL))

    assert [(chunk.offset, chunk.text) for chunk in chunks] == [(0, "head"), (4, "\ufffd"), (1005, "tail")]


def test_what_was_cut_before_is_skipped() -> None:
    """After a restart everything is read again from its beginning."""
    cutter = Cutter({OUT: 5})
    prints = [Print(OUT, 0, 1.0, b"ab"), Print(ERR, 0, 1.0, b"e"), Print(OUT, 2, 1.0, b"cdefg")]

    assert [(chunk.offset, chunk.text) for chunk in cutter.cut(prints, USUAL)] == [(0, "e"), (5, "fg")]
