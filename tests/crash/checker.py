"""Checks what is left after a crash test: `python -m tests.crash.checker CASE`.

It imports the standard library and a database driver, and nothing of mcoflow. CASE is a JSON file:

    callers     file of lines {"plan": id}: the plans whose ids were given out
    database    URL
    journals    files of the agents, those set aside included
    effects     files of lines {"event", "request", "run", "host", "operation", "pid", "at"}
    actions     names of the actions whose requests leave effects; idempotent: operations that may be repeated
    queues      what was left in each queue of the broker

It prints for each invariant how many cases it has seen, and every violation. Exit code 0: all is well, 1: a
violation, or an invariant of which there was no case; 2: input is missing. Source: the project's reliability
specification, chapters 1 and 4.
"""

import json
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

Row = Mapping[str, Any]
NO_EFFECT: Final = ("rejected", "no_such_host", "not_picked_up", "cancelled")
"""Words after which nothing can have been executed."""
TABLES: Final = ("plans", "steps", "requests", "timers", "events", "commands", "worlds")


@dataclass
class Evidence:
    """All that was read."""

    given: list[UUID]
    plans: dict[UUID, Row]
    steps: dict[tuple[UUID, int], Row]
    requests: dict[UUID, Row]
    left: dict[str, list[Row]]
    worlds: list[Row]
    journals: list[Row]
    effects: dict[UUID, list[Row]]
    actions: tuple[str, ...]
    idempotent: tuple[str, ...]
    queues: dict[str, int]


@dataclass
class Finding:
    """What came of one invariant."""

    cases: int = 0
    violations: list[str] = field(default_factory=list)

    def case(self, faults: Iterable[str]) -> None:
        """Count a case, and note what is wrong with it."""
        self.cases += 1
        self.violations += faults


def check(found: Evidence) -> dict[str, Finding]:
    """Check all invariants."""
    findings: dict[str, Finding] = defaultdict(Finding)
    for plan_id in found.given:
        findings["I-1"].case(_given_plan(found, plan_id))
    for request in found.requests.values():
        findings["I-1"].case(_one_word(found, request))
        if _leaves_effects(found, request):
            lines = found.effects.get(request["id"], [])
            findings["I-2"].case(_executions(found, request, lines))
            findings["I-3"].case(_effect_of_word(request, lines))
    for request_id in found.effects.keys() - found.requests.keys():
        findings["I-2"].case([f"request {request_id} was executed, and the database does not know it"])
    for row in found.journals:
        if row["result"] is not None:
            findings["I-4"].case(_acknowledged(found, row))
    for name, faults in _at_rest(found):
        findings["I-12"].case([f"{name}: {fault}" for fault in faults])
    return {name: findings[name] for name in ("I-1", "I-2", "I-3", "I-4", "I-12")}


# -- the invariants --------------------------------------------------------------------------------------


def _given_plan(found: Evidence, plan_id: UUID) -> Iterator[str]:
    plan = found.plans.get(plan_id)
    if plan is None:
        yield f"plan {plan_id} was given out and is not there"
    elif plan["state"] != "stopped" or plan["result"] == "pending":
        yield f"plan {plan_id} is {plan['state']}/{plan['result']}"


def _one_word(found: Evidence, request: Row) -> Iterator[str]:
    """The request ended with one word, the step has it too, and so has the agent."""
    name, word = f"request {request['id']}", request["outcome"]
    if request["state"] != "ended" or not word:
        yield f"{name} is {request['state']} with the word {word}"
    step = found.steps.get((request["plan_id"], request["step_id"]))
    if step is not None and step["attempt"] == request["attempt"] and step["outcome"] not in (None, word):
        yield f"{name} ended {word} and its step {step['outcome']}"
    for row in found.journals:
        if row["id"] == request["id"] and row["result"] is not None:
            said = json.loads(row["result"])["body"]["outcome"]
            if (said == "ok") != (word == "ok"):
                yield f"{name} ended {word} and the agent said {said}"


def _executions(found: Evidence, request: Row, lines: list[Row]) -> Iterator[str]:
    begun = [line for line in lines if line["event"] == "begin"]
    ended = [line for line in lines if line["event"] == "end"]
    repeatable = any(line["operation"] in found.idempotent for line in lines)
    name = f"request {request['id']} on {request['host']}"
    if len(begun) > (2 if repeatable else 1):
        yield f"{name} was executed {len(begun)} times"
    if request["outcome"] == "ok" and not ended:
        yield f"{name} ended ok and was never executed to its end"
    runs = [row["runs"] for row in found.journals if row["id"] == request["id"]]
    if runs and len(begun) > max(runs):
        yield f"{name} was executed {len(begun)} times, the journal says {max(runs)}"
    if _overlap(lines):
        yield f"{name} was executed twice at the same time"


def _overlap(lines: list[Row]) -> bool:
    """Whether an execution began while another one had begun that came to its end later."""
    open_pids: set[int] = set()
    for line in lines:
        if line["event"] == "end":
            open_pids.discard(line["pid"])
        elif any(later["pid"] in open_pids and later["event"] == "end" for later in _after(lines, line)):
            return True
        else:
            open_pids.add(line["pid"])
    return False


def _after(lines: list[Row], line: Row) -> list[Row]:
    return lines[lines.index(line) + 1 :]


def _effect_of_word(request: Row, lines: list[Row]) -> Iterator[str]:
    if request["outcome"] in NO_EFFECT and lines:
        yield f"request {request['id']} ended {request['outcome']} and was executed"


def _acknowledged(found: Evidence, row: Row) -> Iterator[str]:
    """The queues are empty: each result that an agent has sent was acknowledged, so it is in the database."""
    request = found.requests.get(row["id"])
    if request is None:
        yield f"request {row['id']} has a result, and the database does not know it"
    elif request["state"] != "ended":
        yield f"request {row['id']} has a result, and it is {request['state']} in the database"


def _at_rest(found: Evidence) -> Iterator[tuple[str, list[str]]]:
    """Nothing is left over: rows, owners, messages, processes."""
    living = {world["id"] for world in found.worlds if world["expires_at"] > time.time()}
    for plan_id, plan in found.plans.items():
        faults = [
            f"{len(rows)} rows of {table} are left"
            for table in ("timers", "events", "commands")
            if (rows := [row for row in found.left[table] if row["plan_id"] == plan_id])
        ]
        if plan["state"] in ("planned", "running") and plan["owner"] not in living:
            faults.append(f"it is {plan['state']} and has no living owner")
        yield f"plan {plan_id}", faults
    for request_id, request in found.requests.items():
        unsent = request["state"] != "ended" and not request["confirmed"]
        yield f"request {request_id}", ["it waits in the outbox"] if unsent else []
    for queue, count in found.queues.items():
        yield f"queue {queue}", [f"{count} messages are left"] if count else []
    for request_id, lines in found.effects.items():
        pids = {line["pid"] for line in lines}
        yield f"workers of {request_id}", [f"{pid} lives" for pid in pids if _works(pid, str(request_id))]


def _leaves_effects(found: Evidence, request: Row) -> bool:
    step = found.steps.get((request["plan_id"], request["step_id"]))
    return step is not None and step["action"] in found.actions


def _works(pid: int, mark: str) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


# -- reading ---------------------------------------------------------------------------------------------


def read(case: Mapping[str, Any]) -> Evidence:
    """Read everything that the case names; OSError, KeyError or a driver's error if it cannot be."""
    tables = _database(case["database"])
    effects: dict[UUID, list[Row]] = defaultdict(list)
    for path in case["effects"]:
        for line in _lines(path):
            if "request" in line:
                effects[UUID(line["request"])].append(line)
    return Evidence(
        given=[UUID(line["plan"]) for line in _lines(case["callers"])],
        plans={row["id"]: row for row in tables["plans"]},
        steps={(row["plan_id"], row["id"]): row for row in tables["steps"]},
        requests={row["id"]: row for row in tables["requests"]},
        left={
            "timers": tables["timers"],
            "events": tables["events"],
            "commands": [row for row in tables["commands"] if row["result"] is None],
        },
        worlds=tables["worlds"],
        journals=[row for path in case["journals"] for row in _journal(path)],
        effects=effects,
        actions=tuple(case["actions"]),
        idempotent=tuple(case["idempotent"]),
        queues=dict(case["queues"]),
    )


def _lines(path: str) -> list[Row]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def _database(url: str) -> dict[str, list[Row]]:
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return {table: [_row(row) for row in connection.execute(_select(table))] for table in TABLES}
    with psycopg.connect(url.replace("+psycopg", ""), row_factory=psycopg.rows.dict_row) as server:
        return {table: [_row(row) for row in server.execute(_select(table).encode())] for table in TABLES}


def _select(table: str) -> str:
    return f"SELECT * FROM {table}"


def _row(row: Any) -> Row:
    """Return a row with its ids as ids; SQLite keeps them as text."""
    values = dict(row)
    for key in ("plan_id", "owner"):
        if values.get(key) is not None:
            values[key] = UUID(str(values[key]))
    if not isinstance(values.get("id"), int):
        values["id"] = UUID(str(values["id"]))
    return values


def _journal(path: str) -> list[Row]:
    query = "SELECT id, state, runs, result FROM requests"
    with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [{**row, "id": UUID(bytes=row["id"])} for row in connection.execute(query)]


# -- the program -----------------------------------------------------------------------------------------


def report(findings: Mapping[str, Finding]) -> Iterator[str]:
    """Say what was found, an invariant a line, and every violation."""
    for name, finding in findings.items():
        yield f"{name}: {finding.cases} cases, {len(finding.violations)} violations"
        yield from (f"  {violation}" for violation in finding.violations)


def main(path: str) -> int:
    """Check a case; return the exit code."""
    try:
        found = read(json.loads(Path(path).read_text()))
    except (OSError, KeyError, ValueError, sqlite3.Error, psycopg.Error) as error:
        sys.stderr.write(f"input is missing: {error!r}\n")
        return 2
    findings = check(found)
    sys.stdout.write("\n".join(report(findings)) + "\n")
    clean = all(finding.cases and not finding.violations for finding in findings.values())
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
