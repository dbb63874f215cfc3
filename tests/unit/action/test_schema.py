"""Input and output against the models of an action."""

import pytest
from pydantic import BaseModel, ConfigDict

from mcoflow.action.schema import valid_input, valid_output
from mcoflow.domain.reference import OutputReference
from mcoflow.errors import InputInvalidError, NotSerialisableError, OutputInvalidError

REFERENCE = OutputReference(1, 2)["x"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int
    names: list[str] = ["a"]


def test_defaults_are_filled_in() -> None:
    assert valid_input("x", Model, {"size": 3}) == {"size": 3, "names": ["a"]}


def test_a_reference_satisfies_any_field_and_the_others_are_checked() -> None:
    made = valid_input("x", Model, {"size": REFERENCE})
    assert made["size"] == REFERENCE.stored()

    with pytest.raises(InputInvalidError, match=r"names\.0"):
        valid_input("x", Model, {"size": REFERENCE, "names": [3]})
    with pytest.raises(InputInvalidError, match="colour"):
        valid_input("x", Model, {"size": REFERENCE, "colour": "red"})


def test_a_reference_keeps_the_defaults_of_the_others() -> None:
    assert valid_input("x", Model, {"size": REFERENCE})["names"] == ["a"]


def test_an_unknown_field_is_refused_though_its_value_comes_later() -> None:
    with pytest.raises(InputInvalidError, match="colour"):
        valid_input("x", Model, {"size": 1, "colour": REFERENCE})


def test_without_a_model_any_json_object_will_do() -> None:
    assert valid_input("x", None, {"a": (1, 2)}) == {"a": [1, 2]}
    with pytest.raises(NotSerialisableError):
        valid_input("x", None, {"a": {1}})


def test_an_output_that_does_not_fit_is_refused_by_field() -> None:
    with pytest.raises(OutputInvalidError, match="x: output size"):
        valid_output("x", Model, {"names": []})


def test_no_value_is_repeated_in_a_refusal() -> None:
    with pytest.raises(InputInvalidError) as refused:
        valid_input("x", Model, {"size": "hunter2"})
    assert "hunter2" not in str(refused.value)
