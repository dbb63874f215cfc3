"""An executor, and a host whose operations are rough, as processes over RabbitMQ."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcoflow.ports.bus_settings import BusSettings
from tests.crash.field import ROOT
from tests.servers.rabbitmq import RabbitMQ, ended_with_us
from tests.stories.processes import Deployed, Process, write_settings
from tests.unit.agent.bench import install_plugin
from tests.unit.agent.rough import ROUGH
from tests.waiting import until

HOST = "web1"


@dataclass
class RoughSite:
    """Both processes, and the command line."""

    folder: Path
    told: Deployed
    bus: BusSettings
    executor: Process
    agent: subprocess.Popen[bytes]

    def start_executor(self) -> None:
        """Start another one, after the first was killed."""
        self.executor = _executor(self.folder)
        self.executor.facts()

    def token(self) -> str:
        """What the executor's queues are called, of the one that began last."""
        with closing(sqlite3.connect(self.folder / "server" / "mcoflow.db")) as store:
            asked = "SELECT token FROM worlds WHERE token != '' ORDER BY started_at DESC"
            return str(store.execute(asked).fetchone()[0])

    def begin(self, operation: str, **args: object) -> str:
        """`mcoflow run`, without waiting; return the id."""
        words = [word for name, value in args.items() for word in ("--set", f"{name}:={json.dumps(value)}")]
        done = self.told.mcoflow("run", f"rough.{operation}", *words, "--host", HOST, "--output", "json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    def task(self, task: str) -> Mapping[str, Any]:
        """`mcoflow task show`."""
        shown = self.told.mcoflow("task", "show", task, "--output", "json")
        assert shown.returncode == 0, shown.stderr
        found = json.loads(shown.stdout)
        assert isinstance(found, dict)
        return found

    def step(self, task: str, *, within: float = 60.0) -> Mapping[str, Any]:
        """The step on the host, once its task is at rest."""
        until(lambda: self.task(task)["state"] in ("stopped", "paused"), "it is at rest", within=within)
        (step,) = (step for step in self.task(task)["steps"] if step["host"])
        assert isinstance(step, dict)
        return step


@contextmanager
def rough_site(folder: Path, server: RabbitMQ, database: str = "") -> Iterator[RoughSite]:
    """Start both; end both in good order. `database`: its URL, if it is not to be a file in the folder."""
    prefix = server.new_prefix()
    settings = write_settings(
        folder / "broker.cfg",
        {
            "broker": {"url": server.url, "prefix": prefix},
            "server": {"state_dir": folder / "server", **({"database": database} if database else {})},
            "web": {"listen": "127.0.0.1:0"},
        },
    )
    home = folder / "host"
    home.mkdir()
    install_plugin(home / "site", "rough", ROUGH)
    paths = {**os.environ, "PYTHONPATH": f"{home / 'site'}{os.pathsep}{ROOT}"}
    argv = [sys.executable, "-m", "tests.stories.rough_agent", server.url, prefix, str(home), HOST]
    bus, told = BusSettings(url=server.url, prefix=prefix), Deployed("", settings, HOST)
    with subprocess.Popen(ended_with_us(*argv), env=paths, cwd="/") as agent:
        site = RoughSite(folder, told, bus, _executor(folder), agent)
        try:
            site.executor.facts()
            until(lambda: HOST in told.online(), "the agent is online", within=60)
            until(
                lambda: "rough.steady" in told.mcoflow("action", "list", "--declared").stdout,
                "it says what it offers",
                within=30,
            )
            yield site
            agent.terminate()
            assert agent.wait(60) == 0
            site.executor.end()
        finally:
            agent.kill()
            site.executor.kill()


def waiting(rabbitmq: RabbitMQ, site: RoughSite) -> int:
    """How many replies the executor has taken and not acknowledged, or not taken."""
    rows = rabbitmq.ctl("list_queues", "name", "messages").splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith(f"{site.bus.prefix}.reply."))


def _executor(folder: Path) -> Process:
    return Process(folder, "executor", "executor", settings=folder / "broker.cfg")
