"""One executor and three hosts, and what a person asks of them."""

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.fleet.network import Network
from tests.stories.processes import Deployed, Process, write_settings
from tests.waiting import until

ROLES: Final[Mapping[str, str]] = {"db1": "db", "web1": "web", "web2": "web"}
HOSTS: Final = tuple(ROLES)
PICKUP: Final = 6
"""Seconds that a host has to take a request."""
HEARTBEAT: Final = 2
SERVICE: Final = "mcoflow-fleet-test"
_POLICY: Final = """\
[[command]]
argv = ["/bin/sh", "{folder}/**"]
"""
WORK: Final = """\
#!/bin/sh
# Two children and a grandchild, whose pids are told; then wait for a sign.
echo $$ >"$0.$$.pid"
/bin/sh -c 'sleep 600 & echo $! >"$0.$$.pid"; echo $$ >>"$0.$$.pid"; wait' "$0" &
while [ ! -e "$0.go" ]; do sleep 0.1; done
kill -- $(cat "$0".*.pid | grep -v "^$$\\$") 2>/dev/null
echo done >"$0.done"
"""


class Site:
    """The processes, their settings, and the command line."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self.prefix = network.broker.new_prefix()
        self.server = write_settings(
            folder / "broker.cfg",
            {
                "broker": self._broker(network.broker.url),
                "server": {"state_dir": folder / "server", "pickup_deadline": f"{PICKUP} s"},
            },
        )
        self.agents: dict[str, Process] = {}
        self.executor = Process(folder, "executor", "executor", settings=self.server)
        self.executor.facts()
        self.told = Deployed("", self.server, "")

    def _broker(self, url: str) -> dict[str, object]:
        return {"url": url, "prefix": self.prefix, "heartbeat": f"{HEARTBEAT} s"}

    def close(self) -> None:
        """End all in good order."""
        try:
            for process in [*self.agents.values(), self.executor]:
                process.end()
        finally:
            for process in [*self.agents.values(), self.executor]:
                process.kill()

    # -- hosts ---------------------------------------------------------------------------------------------

    def start_agent(self, host: str) -> Process:
        """Start the agent of a host, on that host."""
        settings, within = self._settings(host), self.network.within(host)
        started = Process(self.folder, host, "agent", settings=settings, within=within)
        self.agents[host] = started
        started.facts()
        return started

    def home(self, host: str) -> Path:
        """The directory of the host's own files."""
        return self.folder / host

    def _settings(self, host: str) -> Path:
        home = self.home(host)
        facts, policy = home / "facts.d", home / "policy.toml"
        facts.mkdir(parents=True, exist_ok=True)
        (facts / "site.json").write_text(json.dumps({"role": ROLES[host]}))
        policy.write_text(_POLICY.format(folder=home))
        policy.chmod(0o600)
        return write_settings(
            home / "broker.cfg",
            {
                "broker": self._broker(self.network.url(host)),
                "server": {"state_dir": home / "state"},
                "agent": {
                    "identity": host,
                    "agents": "host, package, service, command",
                    "provider": "pyinfra",
                    "init": "sysvinit",
                    "facts_dir": facts,
                    "facts_interval": "1 s",
                    "policy": policy,
                    "presence_interval": "1 s",
                    "drain": "2 s",
                },
            },
        )

    def hosts(self) -> dict[str, dict[str, Any]]:
        """What `mcoflow host list` tells, by name."""
        listed = self.told.mcoflow("host", "list", "--output", "json")
        assert listed.returncode == 0, listed.stderr
        return {host["name"]: host for host in json.loads(listed.stdout)}

    # -- tasks ---------------------------------------------------------------------------------------------

    def run(self, *words: str, code: int = 0) -> dict[str, Any]:
        """`mcoflow run … --wait`, which has to end with `code`; return the task."""
        done = self.told.mcoflow("run", *words, "--wait", "--timeout", "100", "--output", "json")
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    def begin(self, *words: str) -> str:
        """`mcoflow run`, without waiting; return the id."""
        done = self.told.mcoflow("run", *words, "--output", "json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    def task(self, task: str) -> dict[str, Any]:
        """`mcoflow task show`."""
        shown = self.told.mcoflow("task", "show", task, "--output", "json")
        found = json.loads(shown.stdout)
        assert isinstance(found, dict), shown.stderr
        return found

    def at_rest(self, task: str, *, within: float = 90) -> dict[str, Any]:
        """The task once it is stopped or paused."""

        def look() -> dict[str, Any] | None:
            found = self.task(task)
            return found if found["state"] in ("stopped", "paused") else None

        found = until(look, f"task {task} is at rest", within=within)
        assert found is not None
        return found

    def command(self, host: str, name: str, text: str = WORK) -> "Command":
        """Put a script on a host, where its policy lets it run."""
        path = self.home(host) / name
        path.write_text(text)
        return Command(path)


class Command:
    """A script that `command.run` may run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def words(self) -> Sequence[str]:
        """What to say behind `mcoflow run`."""
        return ("command.run", "--set", f"argv:={json.dumps(['/bin/sh', str(self._path)])}")

    def pids(self) -> list[int]:
        """It, its children and theirs, once all have said so."""

        def look() -> list[int]:
            found = [int(n) for each in self._marks() for n in each.read_text().split()]
            return found if len(found) == 3 else []

        return until(look, f"{shlex.quote(str(self._path))} and its children run", within=60)

    def _marks(self) -> list[Path]:
        return list(self._path.parent.glob(f"{self._path.name}.*.pid"))

    @property
    def begun(self) -> int:
        """How often it was begun."""
        return len([each for each in self._marks() if each.read_text().split() == [each.name.split(".")[-2]]])

    def go(self) -> None:
        """Let it end."""
        self._path.with_name(f"{self._path.name}.go").touch()

    @property
    def done(self) -> bool:
        """Whether it came to its end."""
        return self._path.with_name(f"{self._path.name}.done").exists()


def by_host(task: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The steps on hosts, by host."""
    return {step["host"]: step for step in task["steps"] if step["host"]}


def alive(pids: Sequence[int]) -> list[int]:
    """Those of them that run; one that only waits to be looked at does not."""
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            continue
        if state != "Z":
            found.append(pid)
    return found


def words_of(done: subprocess.CompletedProcess[str]) -> str:
    """All that a command said."""
    return done.stdout + done.stderr
