"""mcoflow as it is deployed for a fleet: simulated hosts and pages in processes of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.durable import Peer
from benchmarks.fleet.pages import Reader, until
from tests.stories.processes import Process, write_settings


class Deployment:
    """One broker and one database in a folder; each part is a process."""

    def __init__(self, folder: Path, broker: str, database: str) -> None:
        self._folder, self._broker, self._database = folder, broker, database
        sections: dict[str, dict[str, object]] = {
            "broker": {"url": broker},
            "server": {"state_dir": folder / "server", "database": database},
            "agent": {"state_dir": folder / "agent", "provider": "fake"},
            "web": {"listen": "127.0.0.1:0"},
        }
        self._settings = write_settings(folder / "broker.cfg", sections)

    def executor(self) -> Peer:
        """Start the executor."""
        return Peer("benchmarks.fleet.server", self._broker, self._database)

    def admit(self, executor: Peer, hosts: int) -> None:
        """Have so many hosts let in. Their queues take the broker some milliseconds each."""
        agent = self._agent(hosts)
        try:
            executor.ask("admit", hosts)
        finally:
            agent.kill()

    @contextmanager
    def playing(self, hosts: int, *words: str) -> Iterator[None]:
        """Have the hosts played: all are there inside. In the end nobody waits for their last words."""
        agent = self._agent(hosts, *words)
        try:
            until(lambda: "link=up" in agent.log, "all hosts are there")
            yield
        finally:
            agent.kill()

    def _agent(self, hosts: int, *words: str) -> Process:
        argv = ("agent", "--simulate", str(hosts), *words)
        return Process(self._folder, "agent", *argv, settings=self._settings)

    @contextmanager
    def pages(self) -> Iterator[Reader]:
        """Have the pages served, and somebody who reads them."""
        with Process(self._folder, "web", "web", settings=self._settings) as web:
            yield Reader(web.facts()["pages"])
