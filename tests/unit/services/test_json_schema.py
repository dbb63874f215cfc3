"""Values against schemas that hosts declare: refused as the agent would, in words, and nothing is fetched."""

from typing import Any

import pytest

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import RefusedError
from mcoflow.agent.presence import declared
from mcoflow.errors import InputInvalidError
from mcoflow.services.json_schema import faults

CATALOGUE = LoadedCatalogue(("command", "file", "host", "package", "process", "service"))
DECLARED = declared(CATALOGUE.operations())


@pytest.mark.parametrize(
    ("operation", "args", "said"),
    [
        ("package.install", {"package": "nginx"}, {}),
        ("package.install", {"package": "nginx", "version": "1.0", "refresh": True}, {}),
        ("package.install", {"package": "nginx", "version": None}, {}),
        ("package.install", {}, {"package": "is missing"}),
        ("package.install", {"package": 5}, {"package": "should be a text"}),
        ("package.install", {"package": "a b"}, {"package": "should match"}),
        ("package.install", {"package": "nginx\n"}, {"package": "should match"}),
        ("package.install", {"package": "nginx", "version": "-1"}, {"version": "should match"}),
        ("package.install", {"package": "nginx", "refresh": "yes"}, {"refresh": "should be true or false"}),
        ("package.install", {"package": "nginx", "color": 1}, {"color": "is not known; there are: package"}),
        ("file.read", {"path": "etc"}, {"path": "should match"}),
        ("file.read", {"path": "/x", "length": 0}, {"length": "should be 1 or more"}),
        ("file.read", {"path": "/x", "length": 10**6}, {"length": "should be 24576 or less"}),
        ("file.read", {"path": "/x", "offset": "0"}, {"offset": "should be a whole number"}),
        ("file.read", {"path": "/x", "encoding": "hex"}, {"encoding": "should be one of text, base64"}),
        ("command.run", {"argv": []}, {"argv": "should have at least 1 items"}),
        ("command.run", {"argv": ["/bin/x", 5]}, {"argv.1": "should be a text"}),
        ("command.run", {"argv": ["/bin/x"], "env": {"A": "b"}}, {}),
        ("process.signal", {"pid": 0, "started": -1}, {"pid": "1 or more", "started": "0 or more"}),
        ("host.ping", {"x": 1}, {"x": "there are: none"}),
    ],
)
def test_server_and_agent_refuse_alike(operation: str, args: dict[str, Any], said: dict[str, str]) -> None:
    """B-041: one declaration, the same verdict on both sides, and the server names field and expectation."""
    found = faults(DECLARED[operation]["input"], args)

    assert found.keys() == said.keys()
    assert all(words in found[path] for path, words in said.items())
    agent, _, name = operation.partition(".")
    try:
        CATALOGUE.declared(agent, name).check_input(args)
    except RefusedError:
        assert said
    else:
        assert not said


def test_what_was_given_is_not_repeated() -> None:
    found = faults(DECLARED["package.install"]["input"], {"package": "my secret", "more": "my secret"})

    assert "secret" not in " ".join(found.values())


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.invalid/schema"},
        {"$ref": "#/properties/a"},
        {"pattern": "("},
    ],
)
def test_a_schema_that_is_none_is_told_and_nothing_is_fetched(schema: dict[str, Any]) -> None:
    with pytest.raises(InputInvalidError, match="no usable JSON Schema"):
        faults({"properties": {"a": schema}}, {"a": "x"})


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("^(a+)+$", "a" * 100 + "b"),
        ("^(a|a)*$", "a" * 100 + "b"),
        ("^((a?))*$", "a" * 100 + "b"),
        ("a*a*a*a*a*b", "a" * 1000),
        ("a*b", "a" * 40_000),
        ("((((){999}){999}){999}){999}", "a"),
    ],
)
def test_a_pattern_that_would_take_for_ever_is_left_to_the_agent(pattern: str, value: str) -> None:
    """B-041: whatever one host declares, the server does not stand still."""
    schema = {"properties": {"a": {"pattern": pattern}}}

    assert faults(schema, {"a": value}) == {}


def test_a_schema_that_would_take_for_ever_is_told() -> None:
    """B-041: by patterns of names, or by references that double thirty times."""
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    doubling: dict[str, Any] = {"$defs": {**twice, "d30": {}}, "$ref": "#/$defs/d0"}

    names: dict[str, Any] = {"properties": {"a": {"patternProperties": {"^(a|a)*$": {}}}}}

    for schema in (doubling, names):
        with pytest.raises(InputInvalidError, match="takes too long"):
            faults(schema, {"a": {"a" * 100 + "b": 1}})


def test_patterns_of_names_are_looked_at() -> None:
    schema: dict[str, Any] = {
        "patternProperties": {"^[a-z]+$": {"type": "string"}},
        "additionalProperties": False,
    }

    assert faults(schema, {"abc": "x"}) == {}
    assert faults(schema, {"abc": 1}) == {"abc": "should be a text"}
