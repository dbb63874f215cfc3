"""Forms made from schemas: one for every action and every operation that hosts declare."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, SecretStr

from mcoflow.action import Action
from mcoflow.domain.states import PlanResult
from mcoflow.services.schema_fields import Kind, input_fields, values_of
from mcoflow.services.views import PlanView
from tests.servers.house import House
from tests.unit.webui.conftest import Person
from tests.waiting import until


@pytest.fixture(autouse=True)
def told(house: House) -> None:
    until(house.services.operations.list, "a host has told what it offers")


def made(answer: "object") -> UUID:
    location = answer.headers["Location"]  # type: ignore[attr-defined]
    return UUID(re.fullmatch(r"/\?uuid=(.*)", location)[1])  # type: ignore[index]


def test_actions_and_operations_are_listed_with_links_to_their_forms(client: FlaskClient) -> None:
    page = client.get("/new").text

    for name in ("install", "start", "package.search", "host.facts"):
        assert f'href="/new/{name}"' in page
        assert client.get(f"/new/{name}").status_code == 200


def test_the_fields_of_a_form_equal_its_schema(house: House, client: FlaskClient) -> None:
    """W-013: each property has one field, and no field is without one."""
    for view in house.services.operations.list():
        page = client.get(f"/new/{view.name}").text
        fields = set(re.findall(r'name="input\.([^"]+)"', page))
        assert fields == set(view.input.get("properties", {})), view.name
        assert ('name="check"' in page) is view.check


def test_where_and_how_are_no_fields_of_the_input(client: FlaskClient) -> None:
    assert set(re.findall(r'name="input\.([^"]+)"', client.get("/new/start").text)) == {"service"}


def test_a_form_makes_a_task(person: Person, ended: Callable[[UUID], PlanView]) -> None:
    person.open("/new/package.search")

    answer = person.send(
        "/new/package.search", hostname="sim-00001", **{"input.text": "nginx", "input.limit": "2"}
    )

    assert answer.status_code == 303, answer.text
    plan = ended(made(answer))
    assert plan.result is PlanResult.SUCCESS
    assert plan.arguments["args"] == {"text": "nginx", "limit": 2}


def test_the_form_of_an_action_makes_its_task(person: Person, ended: Callable[[UUID], PlanView]) -> None:
    person.open("/new/start")

    answer = person.send("/new/start", hostname="sim-00001", check="yes", **{"input.service": "nginx"})

    plan = ended(made(answer))
    assert (plan.action, plan.arguments["service"], plan.arguments["check"]) == ("start", "nginx", True)


def test_each_fault_stands_at_its_field_and_nothing_is_run(person: Person, house: House) -> None:
    """W-013: 422, the summary links to the fields, and what was written is still there."""
    person.open("/new/package.search")
    before = house.services.plans.list().items[:1]

    answer = person.send(
        "/new/package.search", hostname="", **{"input.text": "-rf <b>", "input.limit": "many"}
    )

    assert answer.status_code == 422
    for field in ("hostname", "input.text", "input.limit"):
        assert f'href="#{field}"' in answer.text
        assert f'id="fault-{field}"' in answer.text
    assert "should match" in answer.text
    assert 'value="-rf &lt;b&gt;"' in answer.text
    assert house.services.plans.list().items[:1] == before


def test_21_hosts_ask_for_their_number(person: Person) -> None:
    """W-012."""
    person.open("/new/host.ping")
    names = ",".join(f"new-{n}" for n in range(21))

    answer = person.send("/new/host.ping", hostname=names, confirm="20")

    assert answer.status_code == 422
    assert "type 21 to confirm" in answer.text


@pytest.mark.parametrize("name", ["host.reboot", "no_such_action", "install_package"])
def test_what_cannot_be_run_has_no_form(client: FlaskClient, name: str) -> None:
    assert client.get(f"/new/{name}").status_code == 404


SCHEMA = {
    "$defs": {"Color": {"enum": ["red", "blue"], "type": "string"}},
    "properties": {
        "word": {"type": "string", "maxLength": 5, "examples": ["abc"]},
        "count": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "deep": {"type": "boolean", "default": True},
        "color": {"$ref": "#/$defs/Color", "default": "red"},
        "names": {"type": "array", "items": {"type": "string"}},
        "password": {"type": "string", "format": "password", "writeOnly": True},
        "more": {"type": "object"},
    },
    "required": ["word"],
}


def test_each_kind_of_value_has_its_kind_of_field() -> None:
    """W-013."""
    fields = {each.name: each for each in input_fields(SCHEMA)}

    assert [each.kind for each in fields.values()] == [
        Kind.TEXT, Kind.NUMBER, Kind.FLAG, Kind.CHOICE, Kind.LINES, Kind.SECRET, Kind.JSON,
    ]  # fmt: skip
    assert (fields["word"].required, fields["word"].max_length, fields["word"].example) == (True, 5, "abc")
    assert (list(fields["color"].choices), fields["color"].default) == (["red", "blue"], "red")


def test_what_is_written_becomes_values() -> None:
    filled = {"word": " x ", "count": "3", "names": "a\n\n b \n", "color": "", "more": '{"a": [1]}'}

    values, faults = values_of(input_fields(SCHEMA), filled)

    assert values == {"word": "x", "count": 3, "deep": False, "names": ["a", "b"], "more": {"a": [1]}}
    assert faults == {}


def test_what_cannot_be_read_is_told_by_field() -> None:
    values, faults = values_of(input_fields(SCHEMA), {"count": "x", "more": "{"})

    assert faults["count"] == "should be a number"
    assert "is no JSON" in faults["more"]
    assert values == {"deep": False}


def test_a_secret_never_comes_back(person: Person) -> None:
    """W-013."""
    person.open("/new/webui-test-login")

    answer = person.send("/new/webui-test-login", **{"input.password": "hush", "input.word": ""})

    assert answer.status_code == 422
    assert 'type="password"' in answer.text
    assert "hush" not in answer.text


class _Login(BaseModel):
    word: str
    password: SecretStr


class Login(Action):
    """Take a secret."""

    name = "webui_test_login"
    title = "Log in"
    Input = _Login
