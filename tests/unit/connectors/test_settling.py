"""Acknowledgements are few, and never of a tag that the broker has forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.amqp.settling import AckBook


def test_a_run_from_the_oldest_is_one_acknowledgement() -> None:
    assert AckBook().ack([1, 2, 3]) == (3, [])


def test_what_lies_above_a_gap_is_acknowledged_alone() -> None:
    book = AckBook()

    assert book.ack([2, 3]) == (None, [2, 3])
    assert book.ack([1, 5]) == (1, [5])
    assert book.ack([4]) == (4, [])


def test_a_rejected_tag_is_no_gap() -> None:
    book = AckBook()

    assert book.reject([1, 3]) == [1, 3]
    assert book.ack([2]) == (2, [])


@given(st.permutations(range(1, 30)), st.lists(st.integers(1, 6), min_size=30, max_size=30))
def test_each_tag_is_acknowledged_exactly_once(tags: list[int], sizes: list[int]) -> None:
    book, outstanding = AckBook(), set(tags)
    for size in sizes:
        batch, tags = tags[:size], tags[size:]
        up_to, singles = book.ack([*batch, *batch])
        if up_to is not None:
            assert up_to in outstanding
            outstanding -= set(range(1, up_to + 1))
        assert outstanding.issuperset(singles)
        outstanding -= set(singles)
        assert outstanding == set(tags)
