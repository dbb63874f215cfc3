"""The agent `host`: what the daemon tells of itself."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mcoflow.agent.journal import Journal
from mcoflow.agent.journal_rows import Batch, Row, State
from mcoflow.agent.ledger import Ledger
from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import Bench, bench


@pytest.fixture
def host(tmp_path: Path) -> Any:
    with bench(tmp_path, ["host", "file", "missing"]) as made:
        yield made


def test_all_facts_or_those_of_one_path_are_told(host: Bench) -> None:
    whole = host.run("host.facts").values["facts"]

    assert host.run("host.facts", path="os.id").values == {"facts": {"os.id": whole["os"]["id"]}}
    assert host.run("host.facts", path="os").values["facts"]["os"] == whole["os"]
    unknown = host.run("host.facts", path="os.colour")
    assert (unknown.outcome, unknown.reason) == (Outcome.FAILED, "not_found")


def test_a_name_of_a_fact_may_hold_dots(host: Bench, tmp_path: Path) -> None:
    (tmp_path / "facts.d").mkdir()
    facts = tmp_path / "facts.d" / "a.json"
    facts.write_text('{"disk": {"/mnt/a.b": {"total": 5}}}')
    facts.chmod(0o644)

    assert host.run("host.facts", path="disk./mnt/a.b.total").values["facts"] == {"disk./mnt/a.b.total": 5}


def test_what_it_can_be_asked_for_is_told(host: Bench) -> None:
    offered = {each["operation"]: each for each in host.run("host.agents").values["operations"]}

    assert {"host.ping", "file.read"} <= offered.keys()
    assert offered["file.read"]["changes"] is False


def test_the_host_in_a_few_words(host: Bench) -> None:
    found = host.run("host.inventory").values

    assert found["agents"] == ["file", "host"]
    assert found["system"]
    assert found["cpus"] >= 1
    assert "memory" in found["facts"]


def test_the_newest_requests_are_told_from_the_journal(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db", uuid4)
    batch, ids = Batch(), [uuid4() for _ in range(3)]
    for at, each in enumerate(ids):
        batch.insert(Row(id=each, host="web1", state=State.RECEIVED), float(at))
    batch.insert(Row(id=uuid4(), host="web2", state=State.RECEIVED), 9.0)
    journal.commit(batch)
    ledger = Ledger()
    assert ledger.newest("web1", 2) == []

    ledger.open(journal)

    newest = ledger.newest("web1", 2)
    assert [each["id"] for each in newest] == [str(ids[2]), str(ids[1])]
    assert newest[0]["received_at"] == "1970-01-01T00:00:02Z"
    journal.close()
