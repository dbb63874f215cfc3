"""An executor for benchmarks, driven by lines of JSON: `python -m benchmarks.server_process URL DATABASE`.

Each line on standard input is `[method, arguments]` of Driver; each answer is one line of JSON.
"""

import gc
import json
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import psutil

from connectors.choose import executor_connector
from mcoflow.actions.hosts import Ping
from mcoflow.bootstrap.garbage import collect_seldom
from mcoflow.clock import SystemClock
from mcoflow.domain.states import PlanResult
from mcoflow.engine.handles import PlanningFailed, Triggered
from mcoflow.engine.settings import WorldSettings
from mcoflow.engine.world import World
from mcoflow.ports.bus_settings import BusSettings
from mcoflow.ports.store import Changes
from mcoflow.storage.open import open_store
from mcoflow.storage.store import SqlStore

WAIT = timedelta(seconds=60)


class CountingStore:
    """A store that counts its commits, and is the given one in all else."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.commits = 0

    def commit(self, changes: Changes) -> None:
        """Commit, and count it."""
        self.commits += 1
        self._store.commit(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Driver:
    """One world, and the measurements on it."""

    def __init__(self, url: str, database: str) -> None:
        clock = SystemClock()
        began = time.monotonic()
        self.store: Any = CountingStore(open_store(database, clock))
        self.world = World(
            self.store,
            executor_connector(BusSettings(url=url)),
            clock=clock,
            chance=Random(),
            settings=WorldSettings(admit_simulated=True),
        ).start()
        self.began = began
        self.hosts: list[str] = []

    def await_hosts(self, count: int) -> float:
        """Wait until all hosts are there and answer; return the seconds it took."""
        began = time.monotonic()
        while self.find_hosts() < count:
            time.sleep(0.1)
        self._ping(self.hosts)
        return time.monotonic() - began

    def find_hosts(self) -> int:
        """Count the hosts that were admitted."""
        self.hosts = [host.identity for host in self.store.hosts()]
        return len(self.hosts)

    def load(self, plans: int, hosts: int, at_once: int) -> dict[str, float]:
        """Run `plans` plans of `hosts` hosts each, `at_once` of them at a time."""
        left = iter(range(plans))
        commits, cpu, began = self.store.commits, time.process_time(), time.monotonic()

        def go() -> None:
            for number in left:
                first = number * hosts % len(self.hosts)
                self._ping((self.hosts + self.hosts)[first : first + hosts])

        threads = [threading.Thread(target=go) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds, commands = time.monotonic() - began, plans * hosts
        return {
            "rate": commands / seconds,
            "cpu": (time.process_time() - cpu) / commands,
            "commits": (self.store.commits - commits) / commands,
        }

    def latency(self, times: int) -> float:
        """Median seconds of one command on one host, one after another."""
        return statistics.median(self._ping([host]) for host in self.hosts[:times])

    def fan_out(self, times: int) -> float:
        """Median seconds of one plan over all hosts."""
        return statistics.median(self._ping(self.hosts) for _ in range(times))

    def suspend(self, plans: int) -> dict[str, float]:
        """Let single-step plans sleep on hosts that never reply; return bytes and threads per plan."""
        gc.collect()
        process = psutil.Process()
        before, threads = process.memory_info().rss, threading.active_count()
        for number in range(plans):
            host = self.hosts[number % len(self.hosts)]
            self.world.submit("ping", {"hosts": [host]}, user="bench")
        gc.collect()
        grown = process.memory_info().rss - before
        return {"memory": grown / plans, "threads": threading.active_count() - threads}

    def recover(self, plans: int) -> float:
        """Seconds from the start of this process's world until it has all the plans in memory."""
        while self.world.execution_status().get("requests", 0) < plans:
            time.sleep(0.01)
        return time.monotonic() - self.began

    def stop(self) -> float:
        """End the world."""
        self.world.terminate(timeout=timedelta(seconds=10))
        return 0.0

    def _ping(self, hosts: Sequence[str]) -> float:
        began = time.monotonic()
        match self.world.trigger(Ping, hosts=list(hosts)):
            case Triggered(future=future):
                plan = future.wait(WAIT)
            case PlanningFailed(error=error):
                raise SystemExit(error.message)
        seconds = time.monotonic() - began
        if plan.result is not PlanResult.SUCCESS:
            raise SystemExit(f"{plan.label} ended {plan.result}: {plan.explanation}")
        return seconds


def main(url: str, database: str) -> None:
    """Answer lines until standard input closes."""
    serve(Driver(url, database))


def serve(driver: Driver) -> None:
    """Call the methods of a driver that standard input names, until it closes."""
    collect_seldom()
    for line in sys.stdin:
        method, arguments = json.loads(line)
        answer: Any = getattr(driver, method)(*arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
