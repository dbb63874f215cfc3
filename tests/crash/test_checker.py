"""The checker is checked: it finds one violation of each invariant, made by hand, and no others."""

import ast
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.clock import SystemClock
from mcoflow.storage import open_store
from tests.crash import checker
from tests.crash.checker import Evidence, check, main

PLAN, REQUEST, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
ALL = ["I-1", "I-2", "I-3", "I-4", "I-12"]


def line(event, *, request=REQUEST, pid=0, operation="once"):
    return {"event": event, "request": str(request), "pid": pid, "operation": operation}


def result(outcome):
    return b'{"body": {"outcome": "%s"}}' % outcome.encode()


def clean() -> Evidence:
    """One plan with one request that was executed once, and nothing left."""
    request = {
        "id": REQUEST,
        "plan_id": PLAN,
        "step_id": 2,
        "attempt": 1,
        "host": "web1",
        "state": "ended",
        "outcome": "ok",
        "confirmed": True,
    }
    return Evidence(
        given=[PLAN],
        plans={PLAN: {"id": PLAN, "state": "stopped", "result": "success", "owner": None}},
        steps={(PLAN, 2): {"action": "crash.effect", "attempt": 1, "outcome": "ok", "state": "success"}},
        requests={REQUEST: request},
        left={"timers": [], "events": [], "commands": []},
        worlds=[],
        journals=[{"id": REQUEST, "state": "done", "runs": 1, "result": result("ok")}],
        effects={REQUEST: [line("begin"), line("end")]},
        actions=("crash.effect",),
        idempotent=("again",),
        queues={"plans": 0},
    )


def changed(table, key, **values):
    found = clean()
    rows = getattr(found, table)
    rows[key] = {**rows[key], **values}
    return found


TWICE = [line("begin", pid=1), line("end", pid=1), line("begin", pid=2), line("end", pid=2)]
BESIDE = [
    line(event, pid=pid, operation="again")
    for event, pid in (("begin", 1), ("begin", 2), ("end", 1), ("end", 2))
]
VIOLATIONS = {
    "a plan that was given out is not there": ("I-1", replace(clean(), given=[PLAN, OTHER])),
    "a plan did not end": ("I-1", changed("plans", PLAN, state="paused", result="error")),
    "the step has another word": ("I-1", changed("steps", (PLAN, 2), outcome="lost")),
    "the agent has another word": (
        "I-1",
        replace(clean(), journals=[{"id": REQUEST, "runs": 1, "result": result("failed")}]),
    ),
    "executed twice": ("I-2", replace(clean(), effects={REQUEST: TWICE}, journals=[
        {"id": REQUEST, "runs": 2, "result": result("ok")}])),
    "executed more often than the journal says": ("I-2", replace(clean(), effects={REQUEST: [
        {**each, "operation": "again"} for each in TWICE]})),
    "executed twice at the same time": ("I-2", replace(clean(), effects={REQUEST: BESIDE}, journals=[
        {"id": REQUEST, "runs": 2, "result": result("ok")}])),
    "ok, and never executed": ("I-2", replace(clean(), effects={})),
    "executed without a request": ("I-2", replace(clean(), effects={
        **clean().effects, OTHER: [line("begin", request=OTHER), line("end", request=OTHER)]})),
    "rejected, and executed": (
        "I-3",
        replace(
            changed("steps", (PLAN, 2), outcome="rejected"),
            requests={REQUEST: {**clean().requests[REQUEST], "outcome": "rejected"}},
            journals=[{"id": REQUEST, "runs": 1, "result": result("rejected")}],
        ),
    ),
    "a result that the database does not know": ("I-4", replace(clean(), journals=[
        *clean().journals, {"id": OTHER, "runs": 0, "result": result("rejected")}])),
    "a timer is left": ("I-12", replace(clean(), left={
        "timers": [{"plan_id": PLAN}], "events": [], "commands": []})),
    "a message is left": ("I-12", replace(clean(), queues={"plans": 1})),
}  # fmt: skip


def test_nothing_is_found_where_nothing_is_wrong():
    findings = check(clean())

    assert list(findings) == ALL
    assert [finding.violations for finding in findings.values()] == [[]] * len(ALL)
    assert all(finding.cases for finding in findings.values())


@pytest.mark.parametrize(("invariant", "found"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_a_violation_is_found_and_named(invariant, found):
    """Reliability, 4: one hand-made violation of each invariant."""
    violations = {name: finding.violations for name, finding in check(found).items() if finding.violations}

    assert list(violations) == [invariant]
    assert len(violations[invariant]) == 1


def test_a_result_that_was_taken_and_not_applied_is_found():
    """I-4, and of course the request has no end then."""
    findings = check(changed("requests", REQUEST, state="accepted", outcome=None))

    assert len(findings["I-4"].violations) == 1
    assert findings["I-1"].violations


def test_a_running_plan_without_an_owner_is_found():
    """I-12, and I-1: it never ends."""
    findings = check(changed("plans", PLAN, state="running", result="pending", owner=OTHER))

    assert [len(findings[name].violations) for name in ("I-1", "I-12")] == [1, 1]


def test_an_invariant_without_a_case_is_a_failure(tmp_path, capsys):
    """Reliability, 4: 0 cases never pass."""
    case = written(tmp_path)

    assert main(str(case)) == 1
    assert "I-1: 0 cases, 0 violations" in capsys.readouterr().out


def test_missing_input_is_told_apart_from_a_violation(tmp_path, capsys):
    case = written(tmp_path)
    (tmp_path / "callers").unlink()

    assert main(str(case)) == 2
    assert "input is missing" in capsys.readouterr().err


def test_it_imports_the_standard_library_and_a_driver_only():
    """Reliability, 4: nothing of mcoflow judges mcoflow."""
    tree = ast.parse(Path(checker.__file__).read_text())
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    foreign = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}

    assert foreign == {"psycopg"}


def written(path: Path) -> Path:
    """Write a case in which nothing happened."""
    url = f"sqlite:///{path}/db"
    open_store(url, SystemClock()).close()
    (path / "callers").touch()
    case = path / "case"
    case.write_text(
        f'{{"callers": "{path}/callers", "database": "{url}", "journals": [], "effects": [], '
        '"actions": [], "idempotent": [], "queues": {}}'
    )
    return case
