"""`make bench`: the raw ceilings of the broker, and mcoflow's figures beside them, in one run."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from benchmarks import durable
from benchmarks.figures import Ceilings, Figures, rows
from benchmarks.report import publish
from tests.servers.postgresql import PostgreSQL, postgresql_binaries
from tests.servers.rabbitmq import RabbitMQ, sbin


def main() -> int:
    """Measure, print, write build/bench.jsonl; 1 when a target was missed."""
    found: dict[str, Figures] = {}
    raw: Ceilings | None = None
    for store, new_database in DATABASES.items():
        with private_rabbitmq() as broker:
            raw = raw or Ceilings.measure(broker.url)
            with new_database() as database:
                found[store] = durable.measure(broker.url, database)
    assert raw is not None
    measured = raw.rows()
    for store, figures in found.items():
        measured += rows(store, figures, raw)
    return 0 if publish("bench", measured) else 1


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


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="mcoflow-bench-") as directory:
        yield f"sqlite:///{directory}/mcoflow.db"


@contextmanager
def _postgresql() -> Iterator[str]:
    binaries = postgresql_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is missing; as root: apt-get install postgresql")
    with PostgreSQL(binaries) as server:
        yield server.create_database()


DATABASES: Final[Mapping[str, Callable[[], AbstractContextManager[str]]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
}


if __name__ == "__main__":
    sys.exit(main())
