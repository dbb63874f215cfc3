"""What tools print is kept within bounds and made readable."""

from hypothesis import given
from hypothesis import strategies as st

from mcoflow.agent.output import HeadTail, readable, tail_of


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=2, max_value=64))
def test_head_and_tail_are_the_true_ends(chunks: list[bytes], cap: int) -> None:
    kept, everything = HeadTail(cap), b"".join(chunks)
    for chunk in chunks:
        kept.write(chunk)

    half = cap // 2
    assert kept.total == len(everything)
    if kept.truncated:
        assert kept.kept().startswith(everything[:half])
        assert kept.kept().endswith(everything[-half:])
        assert b"%d bytes left out" % (len(everything) - 2 * half) in kept.kept()
    else:
        assert kept.kept() == everything


def test_a_flood_takes_no_memory() -> None:
    """B-045: what is kept stays bounded, the count is true."""
    kept = HeadTail(1024)
    for _ in range(10_000):
        kept.write(b"x" * 1000)

    assert kept.total == 10_000_000
    assert len(kept.kept()) < 1200


@given(st.binary())
def test_any_bytes_become_valid_text_without_control_characters(data: bytes) -> None:
    """B-046: binary and escape bytes arrive as valid text."""
    text = readable(data)

    text.encode()
    assert not set(text) & {chr(code) for code in range(32) if chr(code) not in "\t\n\r\x1b"}


def test_the_end_of_a_text_is_cut_between_characters() -> None:
    assert tail_of("aäö", 3) == "ö"
    assert tail_of("abc", 10) == "abc"
