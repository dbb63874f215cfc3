"""What can be run, told to programs: the same declaration that forms and commands use."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mcoflow.errors import UnknownActionError
from mcoflow.services.actions import action_named, action_view, all_actions
from mcoflow.services.new import _OURS
from tests.servers.house import House
from tests.unit.webui.api.conftest import Call
from tests.waiting import until


@pytest.fixture
def names(call: Call, house: House) -> dict[str, str]:
    """The kind of each thing that can be run."""
    until(house.services.operations.list, "a host has told what it offers")
    found: dict[str, Any] = call("GET", "/actions", 200).json or {}
    return {each["name"]: each["kind"] for each in found["items"]}


def test_actions_and_operations_are_listed_and_each_leads_to_its_schema(
    call: Call, names: dict[str, str]
) -> None:
    assert names["install-and-restart"] == "action"
    assert names["package.search"] == "operation"
    for name, kind in names.items():
        told = call("GET", f"/actions/{name}", 200).json or {}
        assert (told["name"], told["kind"]) == (name, kind)
        assert (told["hosts"] is None) == (kind == "action")
        assert told["links"]["self"].endswith(f"/actions/{name}")
        schema = call("GET", told["links"]["schema"].removeprefix("/api/v1"), 200).json or {}
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"].endswith("2020-12/schema")
        assert not re.search(r'"\$ref": ?"[^#]', str(schema))
    assert (call("GET", "/actions/install", 200).json or {})["targets"]
    assert not (call("GET", "/actions/test-api-rests", 200).json or {})["targets"]
    for unknown in ("nothing", "no.such", "os.system"):
        call("GET", f"/actions/{unknown}", 404)
        call("GET", f"/actions/{unknown}/schema", 404)


def test_form_command_line_and_schema_have_the_same_names_marks_patterns_and_limits(
    call: Call, house: House, names: dict[str, str]
) -> None:
    """H-040: for each action and each operation."""
    compared = 0
    for name, kind in names.items():
        schema = call("GET", f"/actions/{name}/schema", 200).json or {}
        try:
            form = house.services.new.form(name)
        except UnknownActionError:
            continue  # it declares no input
        compared += 1
        given = dict(schema.get("properties", {}))
        ours = _OURS if kind == "action" else frozenset()
        assert {key: told for key, told in given.items() if key not in ours} == form.schema["properties"]
        assert set(form.schema.get("required", ())) == set(schema.get("required", ())) - ours
        required = {field.name: field.required for field in form.fields}
        assert required == {key: key in schema.get("required", ()) for key in required}
        if kind == "action":
            view = action_view(action_named(name))
            assert [field.name for field in view.fields] == list(given)
            assert {f.name: f.required for f in view.fields} == {
                key: key in schema.get("required", ()) for key in given
            }
    assert compared > len(all_actions()) // 2


def test_the_schema_has_the_patterns_by_which_names_are_judged(call: Call) -> None:
    """H-040, H-061"""
    install = (call("GET", "/actions/install/schema", 200).json or {})["properties"]
    assert re.search(install["package"]["pattern"], "nginx")
    assert not re.search(install["package"]["pattern"], "-rf")
    assert install["package"]["maxLength"] == 145
    assert not re.search(install["hosts"]["items"]["pattern"], "-x")
