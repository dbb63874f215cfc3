"""`make bench`: the raw ceilings of the broker, and mcoflow's figures beside them, in one run."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Ceilings
from benchmarks.report import publish
from tests.servers.rabbitmq import RabbitMQ, sbin


def main() -> int:
    """Measure, print, write build/bench.jsonl; 1 when a target was missed."""
    with private_rabbitmq() as broker:
        rows = Ceilings.measure(broker.url).rows()
    return 0 if publish("bench", rows) else 1


@contextmanager
def private_rabbitmq() -> Iterator[RabbitMQ]:
    """Start a broker of our own, and remove it with all its data at the end."""
    scripts = sbin()
    if scripts is None:
        raise SystemExit("RabbitMQ is missing; as root: apt-get install rabbitmq-server")
    with tempfile.TemporaryDirectory(prefix="mcoflow-bench-") as directory:
        broker = RabbitMQ(scripts, Path(directory) / "rabbitmq")
        try:
            broker.start()
            yield broker
        finally:
            broker.close()


if __name__ == "__main__":
    sys.exit(main())
