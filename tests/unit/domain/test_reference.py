"""Promises of values: stored, loaded, resolved."""

from typing import Any

import pytest

from mcoflow.domain.reference import OutputReference, find_references, resolve
from mcoflow.errors import PlanningError, ReferenceMissingError

MADE = OutputReference(2, 5)


def test_a_reference_reads_as_the_author_wrote_it() -> None:
    assert str(MADE["a"][0]["b"]) == 'step 5 output["a"][0]["b"]'


@pytest.mark.parametrize("reference", [MADE, MADE["a"][1], MADE["a"].or_else(None), MADE.or_else([1])])
def test_a_reference_is_stored_and_loaded(reference: OutputReference) -> None:
    loaded = OutputReference.load(reference.stored())

    assert (loaded.stored(), loaded.required) == (reference.stored(), reference.required)


def test_references_deep_inside_are_replaced_by_their_values() -> None:
    """E-007: the exact values."""
    given = {"x": [1, {"y": MADE["list"][1].stored()}], "z": "same"}

    assert resolve(given, {2: {"list": ["a", {"b": None}]}}) == {
        "x": [1, {"y": {"b": None}}],
        "z": "same",
    }


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (MADE["no"], r'step 5 output\["no"\] is missing: its keys are list'),
        (MADE["list"][7], "it has 1 items"),
        (MADE["list"][0]["deep"], "it is str"),
        (OutputReference(9, 9)["x"], "its keys are none"),
    ],
)
def test_a_missing_value_says_what_is_there_instead(reference: OutputReference, words: str) -> None:
    """E-010: names step, path and keys."""
    with pytest.raises(ReferenceMissingError, match=words):
        reference.value({2: {"list": ["a"]}})


@pytest.mark.parametrize(("there", "value"), [({2: {"a": 1}}, 1), ({2: {}}, "else"), ({}, "else")])
def test_the_alternative_is_for_what_is_missing_only(there: Any, value: Any) -> None:
    """E-011: else the real one."""
    assert MADE["a"].or_else("else").value(there) == value


def test_references_are_found_wherever_they_are() -> None:
    assert find_references({"a": [MADE, (MADE["x"],)], "b": {"c": MADE["y"]}}) == [MADE, MADE["x"], MADE["y"]]


def test_an_author_cannot_use_the_key_of_references() -> None:
    with pytest.raises(PlanningError, match="mcoflow's own"):
        find_references({"a": {"$mcoflow_ref": {}}})
