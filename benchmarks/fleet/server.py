"""The executor of the fleet benchmark, driven by lines of JSON: `python -m benchmarks.fleet.server URL DB`.

It is the Driver of benchmarks.server_process, and counts what it sends to SQLite.
"""

import resource
import sys
import time
from datetime import timedelta

from benchmarks.engine.statements import Count, counted
from benchmarks.server_process import Driver, serve
from mcoflow.actions.hosts import Ping
from mcoflow.domain.states import PlanResult
from mcoflow.engine.handles import Triggered

WAIT = timedelta(minutes=5)


class FleetDriver(Driver):
    """One world with a fleet, and the measurements on it."""

    def __init__(self, url: str, database: str, count: Count) -> None:
        super().__init__(url, database)
        self._count = count

    def admit(self, count: int) -> float:
        """Wait until so many hosts are let in; return the seconds it took."""
        began = time.monotonic()
        while self.find_hosts() < count:
            time.sleep(1)
        return time.monotonic() - began

    def names(self) -> list[str]:
        """Name the hosts that were let in."""
        return sorted(self.hosts)

    def run(self, hosts: int) -> dict[str, float]:
        """Plan, run and gather one plan with a step on each of so many hosts; the costs are for each."""
        some = self.names()[:hosts]
        statements, cpu = self._count.statements, time.process_time()
        began = time.monotonic()
        made = self.world.trigger(Ping, hosts=some)
        planned = time.monotonic() - began
        if not isinstance(made, Triggered):
            raise SystemExit(f"no plan was made: {made}")
        plan = made.future.wait(WAIT)
        seconds = time.monotonic() - began
        if plan.result is not PlanResult.SUCCESS:
            raise SystemExit(f"{plan.label} ended {plan.result}: {plan.explanation}")
        return {
            "seconds": seconds,
            "planning": planned,
            "cpu": (time.process_time() - cpu) / hosts,
            "statements": (self._count.statements - statements) / hosts,
        }

    def discover(self, hosts: int) -> float:
        """Ask everybody who is there; return the seconds until so many answers are stored."""
        began, answered = time.monotonic(), 0
        asked = self.world.discoveries.ask("all")
        while answered < hosts:
            record, counting = self.world.discoveries.wait_for_more(asked, answered, wait=WAIT)
            answered = counting.answered
            if record.ended_at is not None and answered < hosts:
                raise SystemExit(f"{answered} of {hosts} hosts answered: {counting} {record.problem}")
        return time.monotonic() - began

    def most_memory(self) -> int:
        """Bytes this process ever had in memory."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(url: str, database: str) -> None:
    """Answer lines until standard input closes."""
    with counted() as count:
        serve(FleetDriver(url, database, count))


if __name__ == "__main__":
    main(*sys.argv[1:])
