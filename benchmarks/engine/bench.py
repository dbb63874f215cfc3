"""`make bench-engine`: the engine alone, on SQLite and on PostgreSQL.

Dynflow's figures are those of Dynflow 2.x on two cores, from the project's issue; ours are measured now.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.bench import DATABASES
from benchmarks.durable import Peer
from benchmarks.report import Row, publish

CLIENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Dynflow:
    """What Dynflow does in a second."""

    plans = 65.0
    steps = 508.0
    events = 111.0


def main() -> int:
    """Measure, print, write build/bench-engine.jsonl; 1 when a target was missed."""
    measured = [row for store in DATABASES for row in _rows(store)]
    return 0 if publish("bench-engine", measured) else 1


def _rows(store: str) -> Iterator[Row]:
    with DATABASES[store]() as database, Peer("benchmarks.engine.process", database) as engine:
        yield from _planning(store, engine)
        latency = engine.ask("latency", 300) * 1e3
        yield Row(f"{store}-latency", f"trigger to finished on {store}, median", latency, "ms").judged(
            "<=", 5
        )
        engine.ask("plans", 500, CLIENTS)
        yield from _work(store, "plans", "trivial plans", Dynflow.plans, engine.ask("plans", 5_000, CLIENTS))
        yield from _work(store, "steps", "concurrent steps", Dynflow.steps, engine.ask("steps", 20_000))
        yield from _work(
            store, "events", "suspend-and-event plans", Dynflow.events, engine.ask("events", 3_000, CLIENTS)
        )
    with DATABASES[store]() as database, Peer("benchmarks.engine.process", database) as engine:
        memory = engine.ask("suspended", 100, 1_000)
        what = f"memory per suspended step, 100,000 of them on {store}"
        yield Row(f"{store}-memory", what, memory, "bytes").judged("<=", 2048)
    with DATABASES[store]() as database, Peer("benchmarks.engine.process", database) as engine:
        yield from _sub_plans(store, engine.ask("sub_plans", 10_000))


def _planning(store: str, engine: Peer) -> Iterator[Row]:
    few, many = engine.ask("planning", 1_000), engine.ask("planning", 100_000)
    yield Row(f"{store}-planning", "planning 1,000 actions", few, "s").judged("<=", 0.15)
    growth = many / few / 100
    yield Row(f"{store}-planning-growth", "time an action, 100,000 over 1,000", growth, "x").judged("<=", 2)


def _sub_plans(store: str, found: dict[str, Any]) -> Iterator[Row]:
    on = f"plan with 10,000 sub-plans on {store}"
    yield Row(f"{store}-sub-plans", f"sub-plans of a {on}", found["rate"], "a second")
    yield Row(f"{store}-sub-plans-cpu", f"CPU for each of a {on}", found["cpu"] * 1e6, "µs")
    if store == "sqlite":
        sql = Row(f"{store}-sub-plans-sql", f"SQL statements for each of a {on}", found["statements"], "")
        yield sql.judged("<=", 3)
    memory = Row(f"{store}-sub-plans-memory", f"memory of a {on}", found["memory"] / 2**20, "MiB")
    yield memory.judged("<=", 64)
    seconds = 10_000 / found["rate"]
    counts = Row(f"{store}-sub-plans-counts", f"counts taken by a {on}", found["counts"], "")
    yield counts.judged("<=", int(seconds) + 2)  # one as it begins, and at most one a second


def _work(store: str, key: str, what: str, theirs: float, found: dict[str, Any]) -> Iterator[Row]:
    on = f"{what} on {store}"
    yield Row(f"{store}-{key}", on, found["rate"], "a second")
    yield Row(f"{store}-{key}-ratio", f"{on} over Dynflow's", found["rate"] / theirs, "x").judged(">=", 10)
    yield Row(f"{store}-{key}-cpu", f"CPU for each of the {on}", found["cpu"] * 1e6, "µs")
    if store == "sqlite":  # counted where the statements pass through this process's own library
        row = Row(f"{store}-{key}-sql", f"SQL statements for each of the {on}", found["statements"], "")
        yield row.judged("<=", 3) if key == "plans" else row


if __name__ == "__main__":
    sys.exit(main())
