"""Who is there, on RabbitMQ with processes of their own: a thousand simulated hosts, two with one name."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.simulate import Simulation, cast
from tests.servers.rabbitmq import RabbitMQ
from tests.stories.processes import Deployed, Process, write_settings
from tests.waiting import until

HOSTS = 1000
AT_WORK = 200
SILENT = {
    host.identity
    for host in cast(HOSTS, AgentSettings(identity="x", state_dir=Path("x")), Simulation(silent=0.01))
    if host.silent
}


class Site:
    """An executor on an SQLite file, and agents on the same broker."""

    def __init__(self, folder: Path, rabbitmq: RabbitMQ) -> None:
        self.folder = folder
        self._broker = {"url": rabbitmq.url, "prefix": rabbitmq.new_prefix()}
        self.settings = self.write("server", {"admit_simulated": "yes"}, {})
        self._held = ExitStack()
        self.commands = Deployed("", self.settings, "")

    def write(self, name: str, server: dict[str, Any], agent: dict[str, Any]) -> Path:
        sections = {
            "broker": self._broker,
            "server": {"state_dir": self.folder / name, **server},
            "web": {"listen": "127.0.0.1:0"},
            "agent": agent,
        }
        return write_settings(
            self.folder / f"{name}.cfg", {key: each for key, each in sections.items() if each}
        )

    def run(self, name: str, *words: str, settings: Path) -> Process:
        started = self._held.enter_context(Process(self.folder, name, *words, settings=settings))
        started.facts()
        return started

    def json(self, *words: str) -> Any:
        said = self.commands.mcoflow(*words, "--output", "json")
        return json.loads(said.stdout)

    def close(self) -> None:
        self._held.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, rabbitmq: RabbitMQ) -> Iterator[Site]:
    rabbitmq.start()
    made = Site(tmp_path_factory.mktemp("site"), rabbitmq)
    try:
        made.run("executor", "executor", settings=made.settings)
        yield made
    finally:
        made.close()


def test_of_a_thousand_hosts_exactly_the_silent_are_named(site: Site) -> None:
    """B-050, B-059."""
    agents = site.write("simulated", {}, {"presence_interval": "20 s"})
    played = site.run("agents", "agent", "--simulate", str(HOSTS), "--silent", "1%", settings=agents)
    until(lambda: len(site.json("find", "all")["hosts"]) == HOSTS, "all are known", within=60)
    assert len(SILENT) == 10

    told = site.json("ping", "--target", "sim-*")

    assert (told["expected"], told["answered"], told["offline"], told["silent"]) == (HOSTS, 990, 0, 10)
    assert {host["name"] for host in told["hosts"] if host["standing"] == "silent"} == SILENT
    assert all(host["simulated"] for host in told["hosts"])

    ended = site.commands.mcoflow("ping", "--target", "sim-*")
    assert ended.returncode == 1
    assert {line[8:] for line in ended.stdout.splitlines() if line.startswith("silent: ")} == SILENT

    found = site.json("find", "sim-0000* and mcoflow.provider=fake", "--live")
    assert {host["name"] for host in found["hosts"]} == {f"sim-0000{number}" for number in range(1, 10)}

    _starts_no_process(site, played, found_in(told, "answered")[:AT_WORK])


def _starts_no_process(site: Site, played: Process, hosts: Sequence[str]) -> None:
    """B-050: neither a living child nor one that has ended, while all of them install a package."""
    before = _of_children(played)

    words = ("run", "install", "nginx", "--host", ",".join(hosts), "--all-at-once", "--yes", "--wait")
    ended = site.commands.mcoflow(*words)

    assert ended.returncode == 0, ended.stderr
    assert f"{AT_WORK} ok" in ended.stdout
    assert psutil.Process(played.started.pid).children(recursive=True) == []
    assert _of_children(played) == before


def _of_children(process: Process) -> Sequence[str]:
    """Page faults of children that were waited for: even the smallest has some."""
    fields = Path(f"/proc/{process.started.pid}/stat").read_text().rpartition(")")[2].split()
    return fields[8], fields[10]


def found_in(told: Any, standing: str) -> Sequence[str]:
    return [host["name"] for host in told["hosts"] if host["standing"] == standing]


def test_two_agents_with_one_name_are_named_on_both_sides(site: Site) -> None:
    """B-038: on the list, on the page, by the doctor, and in both logs; a restart is no conflict."""
    agent = {"identity": "twin1", "provider": "fake", "presence_interval": "2 s"}
    one, two = (site.write(name, {}, agent) for name in ("one", "two"))
    first = site.run("one", "agent", settings=one)
    second = site.run("two", "agent", settings=two)

    until(lambda: _host(site)["conflict"], "the conflict is known", within=60)
    twin = _host(site)
    assert twin["daemon"] != twin["rival"]
    assert "twin1" in site.commands.mcoflow("host", "list", "--text", "twin").stdout
    assert "two agents call themselves twin1" in site.commands.mcoflow("host", "show", "twin1").stdout
    assert "two agents have the same name: twin1" in site.commands.mcoflow("doctor").stdout
    here = Deployed("", one, "").mcoflow("agent", "--check").stdout
    assert "2 agents take requests of twin1" in here
    assert "set [agent] identity of one" in here
    for each in (first, second):
        until(lambda log=each: "identity.conflict" in log.log, "the agent was told", within=90)


def test_an_agent_that_is_killed_and_started_again_is_no_conflict(site: Site) -> None:
    settings = site.write("again", {}, {"identity": "again1", "provider": "fake", "presence_interval": "2 s"})
    with Process(site.folder, "again-1", "agent", settings=settings) as before:
        before.facts()
        until(lambda: _host(site, "again1"), "it is known", within=30)
        was = _host(site, "again1")["daemon"]
        before.started.kill()
        before.started.wait()
        with Process(site.folder, "again-2", "agent", settings=settings) as after:
            after.facts()
            until(lambda: _host(site, "again1")["daemon"] != was, "the new one is known", within=30)
            gone = site.json("ping", "again1")
            assert gone["answered"] == 1
            assert not _host(site, "again1")["conflict"]
            assert "identity.conflict" not in after.log
        before.end = lambda: None  # type: ignore[method-assign] # it was killed


def _host(site: Site, name: str = "twin1") -> Any:
    found = site.json("host", "list", "--text", name)
    return found[0] if found else None
