"""What can be stored as JSON without loss."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.plain import MAX_DEPTH, plain, to_json
from mcoflow.domain.reference import OutputReference
from mcoflow.errors import NotSerialisableError

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
scalars = (
    st.none()
    | st.booleans()
    | texts
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


@given(values)
def test_plain_data_comes_back_as_it_was(value: Any) -> None:
    """E-003: what is JSON is stored without loss."""
    assert json.loads(to_json(plain(value))) == value


def test_tuples_become_lists_and_references_their_stored_form() -> None:
    made = plain({"a": (1, (2,)), "b": OutputReference(3, 4)["x"]})

    assert made == {"a": [1, [2]], "b": {"$mcoflow_ref": {"action": 3, "step": 4, "path": ["x"]}}}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [1, {2}]}, r"a\[1\] is a set"),
        ({"a": math.inf}, "a is inf"),
        ({"a": {1: 2}}, "a has the key 1"),
        ({"a": b"x"}, "a is a bytes"),
        ({"a": "x\0"}, "a contains a NUL"),
        ({"\ud800": 1}, "a lone surrogate"),
        ([2**53 + 1], r"\[0\] is 9007199254740993"),
        (object(), "the value is a object"),
    ],
)
def test_what_is_no_json_is_refused_with_its_path(value: Any, words: str) -> None:
    """E-003: naming the path."""
    with pytest.raises(NotSerialisableError, match=words):
        plain(value)


def test_what_is_nested_too_deep_is_refused() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH + 1):
        value = [value]

    with pytest.raises(NotSerialisableError, match="deeper than 64"):
        plain(value)
