"""`mcoflow task output`: what hosts print."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mcoflow.clock import SystemClock
from mcoflow.config import load_config
from mcoflow.domain.output import HostChunk, OutputEnd
from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Changes
from mcoflow.services import Services
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing.contracts.samples import draft, request
from tests.unit.cli.conftest import Mcoflow


@pytest.fixture(scope="module")
def store(settings: Path, services: Services) -> SqlStore:
    return open_store(str(load_config(settings, {}).server.database), SystemClock())


@pytest.fixture(scope="module")
def plan_id(store: SqlStore) -> UUID:
    """A task that has ended, on two hosts: one has printed on two streams, and lost a chunk at the end."""
    plan = draft(2, plan_id=uuid4(), label="printing", args="{}").plan
    made = draft(2, plan_id=plan.id, label="printing", args="{}")
    made.plan.state = PlanState.STOPPED
    store.commit(Changes(new_plans=[made]))
    first, second = request(plan.id), request(plan.id, 4)
    second.host = "web2"
    store.commit(Changes(new_requests=[first, second]))
    chunks = [
        HostChunk(plan.id, first.id, 0, "stdout", 0, "one\ntwo\n", 1.0),
        HostChunk(plan.id, first.id, 1, "stderr", 0, "\x1b[31mbad\x1b[0m\x07\n", 2.0),
        HostChunk(plan.id, first.id, 2, "stdout", 8, "three\nfour\n", 3.0),
        HostChunk(plan.id, second.id, 0, "stdout", 0, "eins\n", 4.0),
    ]
    store.commit(Changes(host_chunks=chunks, output_ends=[OutputEnd(plan.id, first.id, 3, 1 << 30, True)]))
    return plan.id


def test_it_prints_what_a_host_printed_without_what_a_terminal_would_obey(
    mcoflow: Mcoflow, plan_id: UUID
) -> None:
    """W-036, W-037: what is cut is told on stderr, with the true size."""
    ended = mcoflow("task", "output", str(plan_id), "--host", "web1")

    assert (ended.code, ended.out) == (0, "one\ntwo\nbad␇\nthree\nfour\n")
    assert "of 1.0 GiB are kept" in ended.err
    assert mcoflow("task", "output", str(plan_id), "--step", "2").out == ended.out


def test_lines_of_several_hosts_begin_with_their_names(mcoflow: Mcoflow, plan_id: UUID) -> None:
    lines = mcoflow("task", "output", str(plan_id)).out.splitlines()

    assert lines[0] == "web1 | one"
    assert lines[-1] == "web2 | eins"


def test_streams_and_the_last_lines_are_chosen(mcoflow: Mcoflow, plan_id: UUID) -> None:
    of_web1 = ("task", "output", str(plan_id), "--host", "web1")
    assert mcoflow(*of_web1, "--stream", "stderr").out == "bad␇\n"
    assert mcoflow(*of_web1, "--tail", "1").out == "four\n"
    assert mcoflow(*of_web1, "--tail", "3").out == "bad␇\nthree\nfour\n"
    assert mcoflow(*of_web1, "--tail", "0").out == ""
    assert mcoflow(*of_web1, "--stream", "stdout", "--tail", "3").out == "two\nthree\nfour\n"


def test_raw_is_the_text_as_it_was_printed(mcoflow: Mcoflow, plan_id: UUID) -> None:
    raw = mcoflow("task", "output", str(plan_id), "--host", "web1", "--raw").out
    assert raw == "one\ntwo\n\x1b[31mbad\x1b[0m\x07\nthree\nfour\n"


def test_it_is_one_document_or_a_line_for_each_piece(mcoflow: Mcoflow, plan_id: UUID) -> None:
    """H-050"""
    whole = mcoflow("task", "output", str(plan_id), "--output", "json").json
    lines = mcoflow("task", "output", str(plan_id), "--output", "ndjson", "--follow").out.splitlines()

    assert [json.loads(line) for line in lines] == whole["items"]
    assert (whole["complete"], whole["printed"]) == (True, (1 << 30) + 5)
    assert whole["items"][1]["stream"] == "stderr"
    assert whole["items"][1]["host"] == "web1"


def test_following_ends_as_the_task_ends(mcoflow: Mcoflow) -> None:
    """B-046: whatever came of it, with 0."""
    ran = mcoflow("run", "install", "hello", "--host", "web1", "--output", "json")
    plan_id = ran.json["id"]

    assert mcoflow("task", "output", str(plan_id), "--follow", "--timeout", "30").code == 0


def test_what_is_not_there_and_what_makes_no_sense_is_refused(mcoflow: Mcoflow, plan_id: UUID) -> None:
    assert mcoflow("task", "output", str(uuid4())).code == 3
    assert mcoflow("task", "output", str(plan_id), "--host", "web9").code == 3
    assert mcoflow("task", "output", str(plan_id), "--step", "99").code == 3
    assert mcoflow("task", "output", str(plan_id), "--stream", "stdin").code == 2
    assert mcoflow("task", "output", str(plan_id), "--follow", "--output", "json").code == 2
    assert mcoflow("task", "output", str(plan_id), "--timeout", "5").code == 2


def test_a_task_that_printed_says_so_and_how_to_read_it(mcoflow: Mcoflow, plan_id: UUID) -> None:
    assert f"it printed 1.0 GiB: mcoflow task output {plan_id}" in mcoflow("task", "show", str(plan_id)).out


def test_a_task_that_printed_nothing_says_nothing_of_it(mcoflow: Mcoflow, store: SqlStore) -> None:
    quiet = draft(1, plan_id=uuid4(), label="quiet", args="{}")
    store.commit(Changes(new_plans=[quiet]))

    assert "it printed" not in mcoflow("task", "show", str(quiet.plan.id)).out
