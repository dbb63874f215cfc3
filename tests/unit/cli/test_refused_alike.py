"""One table of bad input, by all ways on which input comes in: form, command line, API, contract, agent."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from flask.testing import FlaskClient
from pydantic import Field

from mcoflow.agent.execution import RefusedError
from mcoflow.agent.operations import Agent, Strict
from mcoflow.agent.presence import declared
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.clock import SystemClock
from mcoflow.config import load_config
from mcoflow.domain.requests import HostRecord
from mcoflow.services import Services
from mcoflow.storage import open_store
from tests.unit.cli.conftest import Mcoflow
from webui.app import create_app, stop
from webui.settings import WebSettings

HOST, OPERATION = "strict1", "strict.check"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
Word = Annotated[str, Field(max_length=8, pattern=r"^[a-z]+$")]


class Inner(Strict):
    """A value with parts."""

    key: Word
    level: Annotated[int, Field(ge=0, le=9)] = 0


class Given(Strict):
    """One of each kind."""

    word: Word
    count: Annotated[int, Field(ge=1, le=10)] = 1
    sure: bool = False
    words: Annotated[list[Word], Field(max_length=3, default_factory=list)]
    inner: Inner | None = None


class Nothing(Strict):
    """No values."""


agent = Agent("strict")


@agent.operation(summary="Take what is right")
def check(given: Given) -> Nothing:
    """Do nothing."""
    return Nothing()


BAD: Mapping[str, tuple[dict[str, Any], str]] = {
    "missing": ({}, "word"),
    "extra": ({"word": "abc", "color": "red"}, "color"),
    "no text": ({"word": 5}, "word"),
    "null": ({"word": None}, "word"),
    "no number": ({"word": "abc", "count": "many"}, "count"),
    "a fraction": ({"word": "abc", "count": 1.5}, "count"),
    "too large": ({"word": "abc", "count": 11}, "count"),
    "too small": ({"word": "abc", "count": 0}, "count"),
    "no yes or no": ({"word": "abc", "sure": "perhaps"}, "sure"),
    "too long": ({"word": "abcdefghi"}, "word"),
    "bad pattern": ({"word": "ABC"}, "word"),
    "an option": ({"word": "-rf"}, "word"),
    "a new line at the end": ({"word": "abc\n"}, "word"),
    "a control character": ({"word": "a\x1bc"}, "word"),
    "too large a list": ({"word": "abc", "words": ["a", "b", "c", "d"]}, "words"),
    "no list": ({"word": "abc", "words": "abc"}, "words"),
    "bad in a list": ({"word": "abc", "words": ["a", "B"]}, "words.1"),
    "no object": ({"word": "abc", "inner": "abc"}, "inner"),
    "missing inside": ({"word": "abc", "inner": {}}, "inner.key"),
    "extra inside": ({"word": "abc", "inner": {"key": "abc", "more": 1}}, "inner.more"),
    "bad pattern inside": ({"word": "abc", "inner": {"key": "A\x01"}}, "inner.key"),
    "too large inside": ({"word": "abc", "inner": {"key": "abc", "level": 10}}, "inner.level"),
}
NO_FORM_SAYS: frozenset[str] = frozenset(
    # a form has no field for it, or a field of its kind, or takes the blank at the end away
    ("extra", "no text", "null", "no yes or no", "a new line at the end", "no list")
)
table = pytest.mark.parametrize(("args", "field"), BAD.values(), ids=BAD.keys())


@pytest.fixture(scope="module")
def strict(services: Services, settings: Path) -> Iterator[Services]:
    """A host that declares the operation."""
    store = open_store(str(load_config(settings, {}).server.database), SystemClock())
    operations = declared([each.operation for each in agent.declared.values()])
    store.save_hosts([HostRecord(HOST, operations=operations, operations_digest="strict")])
    yield services
    store.remove_host(HOST)
    store.close()


@pytest.fixture(scope="module")
def client(strict: Services) -> Iterator[FlaskClient]:
    """The pages and the contract over the same tasks."""
    app = create_app(strict, WebSettings(secret_key=b"k" * 32))
    yield app.test_client()
    stop(app)


@pytest.fixture(autouse=True)
def nothing_is_made(strict: Services) -> Iterator[None]:
    """No task is made of bad input."""
    before = strict.plans.list().items[:1]
    yield
    assert strict.plans.list().items[:1] == before


@table
def test_the_agent_refuses_it(args: dict[str, Any], field: str) -> None:
    """B-041, S-003: against its own declaration, whoever checked before."""
    with pytest.raises(RefusedError) as refused:
        agent.declared["check"].check_input(args)

    assert refused.value.reason == "invalid_args"
    assert f"{OPERATION}: {field}: " in str(refused.value)


@table
def test_the_command_line_refuses_it(mcoflow: Mcoflow, args: dict[str, Any], field: str) -> None:
    """B-041: with the same field named."""
    given = [word for key, value in args.items() for word in ("--set", f"{key}:={json.dumps(value)}")]

    ended = mcoflow("run", OPERATION, "--host", HOST, *given)

    assert ended.code == ExitCode.USAGE
    assert f"{OPERATION}: {field}: " in ended.err


@table
def test_the_contract_refuses_it(client: FlaskClient, args: dict[str, Any], field: str) -> None:
    """B-041: 422, with the same field named."""
    asked = {"hosts": [HOST], "operation": OPERATION, "args": args}

    answer = client.post("/dynflow/tasks", json={"action_name": "operation", "action_input": asked})

    assert answer.status_code == 422
    assert f"{OPERATION}: {field}: " in answer.json["error"]  # type: ignore[index]


@table
def test_the_api_refuses_it(client: FlaskClient, args: dict[str, Any], field: str) -> None:
    """B-041: 422, and the fault has the pointer of the field; by either name of the operation."""
    pointer = field.replace(".", "/")
    asked = {"hosts": [HOST], "operation": OPERATION, "args": args}
    for path in ("/api/v1/tasks", "/api/v1/tasks/preview"):
        whole = client.post(path, json={"action": "operation", "input": asked})
        short = client.post(path, json={"action": OPERATION, "input": args, "targets": HOST})

        assert (whole.status_code, short.status_code) == (422, 422)
        assert f"/input/args/{pointer}" in [each["pointer"] for each in whole.json["errors"]]  # type: ignore[index]
        assert f"/input/{pointer}" in [each["pointer"] for each in short.json["errors"]]  # type: ignore[index]


@pytest.mark.parametrize("what", [each for each in BAD if each not in NO_FORM_SAYS])
def test_the_form_refuses_it(client: FlaskClient, what: str) -> None:
    """B-041: 422, and the fault stands at the field; of parts at that of the whole."""
    args, field = BAD[what]
    token = _TOKEN.search(client.get(f"/new/{OPERATION}").text)
    assert token is not None

    answer = client.post(
        f"/new/{OPERATION}",
        data={"csrf_token": token[1], "hostname": HOST, **{f"input.{k}": _typed(v) for k, v in args.items()}},
        headers={"Origin": "http://localhost"},
    )

    assert answer.status_code == 422
    assert f'id="fault-input.{field.partition(".")[0]}"' in answer.text


def _typed(value: Any) -> str:
    """How a person writes it."""
    if isinstance(value, list):
        return "\n".join(value)
    return value if isinstance(value, str) else json.dumps(value)
