"""mcoflow end to end: an executor process, a process of simulated hosts, a private broker, a real store."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Self

from benchmarks.figures import Figures
from benchmarks.raw_rabbitmq import round_trip

HOSTS = 1000
SUSPENDED = 10_000


class Peer:
    """A process of the benchmark, asked by lines of JSON."""

    def __init__(self, module: str, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the Driver there and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([method, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of the benchmark ended while it was asked to {method}")
        return json.loads(line)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def measure(broker: str, database: str) -> Figures:
    """Measure everything on one store; the broker must be empty of hosts and the database new."""
    with playing(broker, "answer"), Peer("benchmarks.server_process", broker, database) as server:
        server.ask("await_hosts", HOSTS)
        turns = [(round_trip(broker, rounds=200), server.ask("latency", 150)) for _ in range(3)]
        fan_out = server.ask("fan_out", 5)
        server.ask("load", 20, 100, 10)
        load = server.ask("load", 150, 100, 10)
        server.ask("stop")
    memory, recovery = measure_suspended(broker, database)
    return Figures(
        rate=load["rate"],
        cpu=load["cpu"],
        commits=load["commits"],
        round_trip=median(raw for raw, _ in turns),
        latency=median(ours for _, ours in turns),
        fan_out=fan_out,
        memory=memory,
        recovery=recovery,
    )


def measure_suspended(broker: str, database: str) -> tuple[float, float]:
    """Bytes per suspended plan, and seconds until a new process has all of them after a kill -9."""
    with playing(broker, "silent"):
        with Peer("benchmarks.server_process", broker, database) as server:
            server.ask("find_hosts")
            suspended = server.ask("suspend", SUSPENDED)
            if suspended["threads"] > 5:  # a housekeeper or two, not one a plan
                raise SystemExit(f"{SUSPENDED} suspended plans hold {suspended['threads']} threads")
        with Peer("benchmarks.server_process", broker, database) as server:
            return suspended["memory"], server.ask("recover", SUSPENDED)


@contextmanager
def playing(broker: str, mode: str) -> Iterator[None]:
    """Have the hosts played by a process of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="mcoflow-hosts-") as directory,
        Peer("benchmarks.hosts_process", broker, str(HOSTS), str(Path(directory)), mode),
    ):
        yield
