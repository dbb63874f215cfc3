"""What the broker alone can do: the ceilings that mcoflow's figures are put beside."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final, TypedDict

ROOT: Final = Path(__file__).parents[1]
PATIENCE: Final = 300.0
PEER: Final = (sys.executable, "-m", "benchmarks.raw_peers")


class Measured(TypedDict):
    """What one measurement gives."""

    seconds: list[float]
    median_wait: float


def throughput(url: str, *, commands: int = 20_000, in_flight: int = 1000, queues: int = 1) -> float:
    """Return request/reply pairs per second, persistent and confirmed on both ways."""
    return commands / median(_measure(url, queues, commands, in_flight, rounds=1)["seconds"])


def round_trip(url: str, *, rounds: int = 500) -> float:
    """Return the median seconds from sending a request to its reply, with one in flight."""
    return _measure(url, queues=1, commands=rounds, in_flight=1, rounds=1)["median_wait"]


def gather(url: str, *, hosts: int = 1000, times: int = 5) -> float:
    """Return the median seconds to send one request to each of `hosts` queues and to have all replies."""
    return median(_measure(url, hosts, hosts, hosts, rounds=times)["seconds"])


def _measure(url: str, queues: int, commands: int, in_flight: int, rounds: int) -> Measured:
    prefix = f"raw-{secrets.token_hex(4)}"
    with _answering(url, prefix, queues):
        numbers = map(str, (queues, commands, in_flight, rounds))
        asked = subprocess.run(
            [*PEER, "ask", url, prefix, *numbers],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
            check=True,
        )
    measured: Measured = json.loads(asked.stdout)
    return measured


@contextmanager
def _answering(url: str, prefix: str, queues: int) -> Iterator[None]:
    answerer = subprocess.Popen([*PEER, "answer", url, prefix, str(queues)], cwd=ROOT)
    try:
        yield
    finally:
        answerer.kill()
        answerer.wait()
