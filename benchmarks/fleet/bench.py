"""`make bench-fleet`: plans over thousands of simulated hosts, beside the raw gather of the same broker.

All sizes are measured in turns on one fleet, so that what else the machine does falls on all alike:
`python -m benchmarks.fleet.bench [--hosts 1000,5000,10000] [--rounds 5] [--stores sqlite,postgresql]`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import DATABASES, private_rabbitmq
from benchmarks.durable import Peer
from benchmarks.fleet.deployment import Deployment
from benchmarks.fleet.figures import RATE, SIZES, Fleet, Pages, Run, rows
from benchmarks.fleet.pages import Reader, until
from benchmarks.fleet.raw import Raw, raw_hosts
from benchmarks.report import publish

READ: Final = 60
"""How often a page is read at rest."""


def main() -> int:
    """Measure, print, write build/bench-fleet.jsonl; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stores", default=",".join(DATABASES))
    asked = parser.parse_args()
    sizes = sorted(map(int, asked.hosts.split(",")))
    measured = [
        row for store in asked.stores.split(",") for row in rows(store, measure(store, sizes, asked.rounds))
    ]
    return 0 if publish("bench-fleet", measured) else 1


def measure(store: str, sizes: Sequence[int], rounds: int) -> Fleet:
    """Measure everything on one store, with a broker and a fleet of its own.

    The raw hosts have a broker of their own, just like it: with the queues of both, RabbitMQ would need more
    than the 20,000 open files that a machine may allow, and would be busy with closing and opening them.
    """
    most = max(sizes)
    with ExitStack() as stack:
        broker = stack.enter_context(private_rabbitmq())
        database = stack.enter_context(DATABASES[store]())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mcoflow-fleet-"))
        deployment = Deployment(Path(folder), broker.url, database)
        executor = stack.enter_context(deployment.executor())
        _say(f"{most:,} hosts on {store}: let in, which takes the broker some milliseconds each")
        deployment.admit(executor, most)
        _say("raw hosts, on a broker of their own")
        raw = stack.enter_context(raw_hosts(stack.enter_context(private_rabbitmq()).url, most))
        _say("the hosts play")
        with deployment.playing(most), deployment.pages() as reader:
            _say("plans beside the raw gather")
            runs = _runs(raw, executor, sizes, rounds)
            names = executor.ask("names")
            _say("discoveries beside the raw broadcast")
            discoveries = [(raw.broadcast(), executor.ask("discover", most)) for _ in range(rounds)]
            _say("pages")
            first, task = _first_results(reader, names, rounds)
            at_rest = reader.read(task, READ)
        _say(f"pages while {RATE} results come a second")
        running = _running(deployment, names)
        return Fleet(
            runs=runs,
            discoveries=discoveries,
            memory=executor.ask("most_memory"),
            pages=Pages(first_result=first, at_rest=at_rest, **running),
        )


def _runs(raw: Raw, executor: Peer, sizes: Sequence[int], rounds: int) -> dict[int, list[Run]]:
    executor.ask("run", max(sizes))  # once before it counts, as the raw peers did
    found: dict[int, list[Run]] = {hosts: [] for hosts in sizes}
    for _ in range(rounds):
        for hosts in sizes:
            found[hosts].append(Run(raw=raw.gather(hosts), **executor.ask("run", hosts)))
    return found


def _first_results(reader: Reader, hosts: Sequence[str], rounds: int) -> tuple[list[float], str]:
    """Start tasks from the pages one after another; return the waits, and the last task."""
    waits, task = [], ""
    for _ in range(rounds):
        task, wait = reader.first_result(hosts)
        waits.append(wait)
        _await_end(reader, task)
    return waits, task


def _running(deployment: Deployment, hosts: Sequence[str]) -> dict[str, Any]:
    """Run a task whose results come at RATE, without a reader and with one."""
    latency = max(1.0, len(hosts) / RATE)
    with deployment.playing(len(hosts), "--latency", f"{latency:g}"), deployment.pages() as reader:
        order = {"hosts": list(hosts), "rollout": {"batch": "100%"}}
        alone = reader.start("install", package="vim", **order)
        _await_end(reader, alone)
        followed = reader.start("install", package="nano", **order)
        pages, parts = reader.follow(followed)
        unread, read = reader.lasted(alone), reader.lasted(followed)
    # results come from half the latency to one and a half of it
    rate = len(hosts) / (read - latency / 2)
    return {"running": pages, "fragments": parts, "rate": rate, "unread": unread, "read": read}


def _say(what: str) -> None:
    """Tell whoever waits how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _await_end(reader: Reader, task: str) -> None:
    until(lambda: reader.over(task), f"task {task} has ended")


if __name__ == "__main__":
    sys.exit(main())
