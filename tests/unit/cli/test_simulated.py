"""Whatever is told of simulated hosts says so: rows, tables, documents, exports."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mcoflow.domain.query import CleanPolicy
from mcoflow.services import Services
from tests.unit.cli.conftest import Mcoflow
from tests.waiting import until
from webui.app import create_app, stop
from webui.settings import WebSettings

HOSTS = {"web1": False, "sim-00001": True, "sim-00002": True}
WHERE = ("--host", ",".join(HOSTS))


@pytest.fixture(scope="module")
def task(services: Services) -> str:
    """A task on hosts of both kinds."""
    until(services.operations.list, "a host has told what it offers")
    order = {"hosts": list(HOSTS), "package": "nginx"}
    made = services.plans.submit("install", order, user="ann").plan_id
    services.plans.await_end(made, within=timedelta(seconds=60))
    return str(made)


def rows_in(document: Any) -> Iterator[Mapping[str, Any]]:
    """Find what is told of one host, wherever it stands in a document; not what was asked for."""
    if isinstance(document, Mapping):
        if named(document) in HOSTS:
            yield document
        for part in (part for key, part in document.items() if key != "input"):
            yield from rows_in(part)
    elif isinstance(document, list):
        for part in document:
            yield from rows_in(part)


def named(row: Mapping[str, Any]) -> str:
    found = row.get("host") or row.get("name")
    return found if isinstance(found, str) else ""


@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize(
    "words",
    [
        ("host", "list"),
        ("host", "show", "sim-00001"),
        ("find", "all"),
        ("ping", "--window", "5"),
        ("run", "ping", *WHERE, "--preview"),
        ("run", "ping", "--target", "all", "--preview"),
        ("task", "hosts", "TASK"),
        ("task", "output", "TASK"),
        ("task", "show", "TASK"),
    ],
    ids=" ".join,
)
def test_each_row_of_a_document_says_it(
    mcoflow: Mcoflow, task: str, words: tuple[str, ...], form: str
) -> None:
    """B-050."""
    ended = mcoflow(*(task if word == "TASK" else word for word in words), "--output", form)

    documents = [json.loads(line) for line in ended.out.splitlines()]
    rows = [row for document in documents for row in rows_in(document)]
    assert rows or (words[:2], form) == (("task", "show"), "ndjson")  # which tells no rows
    assert [row for row in rows if row.get("simulated") is not HOSTS[named(row)]] == []


def test_each_host_that_ends_while_one_waits_says_it(mcoflow: Mcoflow, task: str) -> None:
    """B-050: `run --wait` as lines of JSON; then the task itself."""
    ended = mcoflow("run", "ping", *WHERE, "--wait", "--output", "ndjson")

    *hosts, plan = [json.loads(line) for line in ended.out.splitlines()]
    assert {host["host"]: host["simulated"] for host in hosts} == HOSTS
    assert plan["simulated"] is True


@pytest.mark.parametrize(
    "words", [("task", "show", "TASK"), ("task", "hosts", "TASK"), ("host", "list")], ids=" ".join
)
def test_each_line_of_a_table_says_it(mcoflow: Mcoflow, task: str, words: tuple[str, ...]) -> None:
    """B-050."""
    lines = mcoflow(*(task if word == "TASK" else word for word in words)).out.splitlines()

    of_hosts = {name: line for name in HOSTS for line in lines if name in line.split()}
    assert {name: "(simulated)" in line for name, line in of_hosts.items()} == HOSTS


def test_the_numbers_say_it(mcoflow: Mcoflow, task: str) -> None:
    """B-050: where hosts are counted, and where a task is named."""
    assert "(2 simulated)" in mcoflow("run", "ping", *WHERE, "--preview").err
    assert "(2 simulated)" in mcoflow("find", "all").err
    assert "(2 of 3 simulated)" in mcoflow("task", "show", task).out
    (listed,) = (line for line in mcoflow("task", "list").out.splitlines() if task in line)
    assert "(some simulated)" in listed


def test_pages_and_contract_say_it(services: Services, task: str) -> None:
    """B-050: the task, its hosts, a step, the lists."""
    app = create_app(services, WebSettings(secret_key=b"k" * 32))
    client = app.test_client()
    for address in (f"/tasks/{task}", f"/tasks/{task}/hosts", f"/tasks/{task}/steps/5", "/hosts", "/tasks"):
        page = client.get(address)
        assert (address, page.status_code, "tag-sim" in page.text) == (address, 200, True)
    row = client.get(f"/tasks/{task}/hosts").text
    assert row.count("tag-sim") == sum(HOSTS.values())
    stop(app)


def test_what_is_saved_before_it_is_removed_says_it(services: Services, task: str, tmp_path: Path) -> None:
    """B-050: the export as lines of JSON; last, because the task is gone then."""
    del task
    services.operating.clean(CleanPolicy(timedelta(0), {}, backup_dir=tmp_path))

    (saved,) = tmp_path.glob("*.jsonl")
    plans = [plan for line in saved.read_text().splitlines() for plan in json.loads(line)["plans"]]
    assert plans
    assert all(plan["simulated"] is True for plan in plans)
