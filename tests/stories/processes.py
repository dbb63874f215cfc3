"""mcoflow's own processes, started as a person would start them, and asked as a person would ask them."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.servers.rabbitmq import ended_with_us
from tests.waiting import until

MCOFLOW = str(Path(sys.executable).with_name("mcoflow"))
START_WITHIN = 60.0
END_WITHIN = 30.0
AT_REST = ("stopped", "paused")


class Process:
    """One serving process, from its first words to its good end."""

    def __init__(
        self, folder: Path, name: str, *words: str, settings: Path, within: Sequence[str] = ()
    ) -> None:
        """`within`: the command that starts it somewhere else, by becoming it."""
        self.name = name
        self._said, self._logged = folder / f"{name}.out", folder / f"{name}.log"
        argv = [*within, MCOFLOW, *words, "--config", str(settings), "--output", "json"]
        with self._said.open("wb") as out, self._logged.open("wb") as log:
            self.started = subprocess.Popen(ended_with_us(*argv), stdout=out, stderr=log)

    @property
    def log(self) -> str:
        return self._logged.read_text()

    def facts(self) -> dict[str, str]:
        """What it says of itself when it is up."""

        def look() -> str:
            assert self.started.poll() is None, f"{self.name} ended: {self.log[-3000:]}"
            return self._said.read_text().partition("\n")[0]

        found = json.loads(until(look, f"{self.name} is up", within=START_WITHIN))
        assert isinstance(found, dict)
        return found

    def end(self) -> None:
        """Tell it to end, and see it end in good order."""
        if self.started.poll() is None:
            self.started.terminate()
        try:
            code = self.started.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self.started.kill()
            self.started.wait()
            raise
        assert code == 0, f"{self.name} ended with {code}: {self.log[-3000:]}"

    def kill(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.started.kill()
        self.started.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.end()
        else:
            self.kill()


@dataclass(frozen=True)
class Deployed:
    """A running mcoflow, seen from outside: its pages, and the command line with the same settings."""

    url: str
    settings: Path
    host: str

    # -- the pages -----------------------------------------------------------------------------------------

    def get(self, path: str) -> str:
        status, _, body = self._ask("GET", path)
        assert status == 200, body
        return body

    def answers(self, path: str) -> int:
        """The status with which a page is answered."""
        return self._ask("GET", path)[0]

    def send_form(self, **fields: str) -> tuple[int, str, str]:
        """Send the form; return status, the address it sends us on to, and the page."""
        return self._ask("POST", "/trigger", urlencode(fields), "application/x-www-form-urlencoded")

    def make(self, **fields: str) -> str:
        """Send a good form and return the id of the task."""
        status, to, page = self.send_form(**fields)
        assert status == 303, page
        return parse_qs(urlsplit(to).query)["uuid"][0]

    def post_json(self, path: str, body: str) -> tuple[int, str]:
        status, _, answer = self._ask("POST", path, body, "application/json")
        return status, answer

    def status(self, task: str) -> dict[str, Any]:
        found = json.loads(self.get(f"/dynflow/tasks/{task}/status"))
        assert isinstance(found, dict)
        return found

    def ended(self, task: str, *, within: float = 120.0) -> dict[str, Any]:
        """The status of a task once it is at rest."""

        def look() -> dict[str, Any] | None:
            found = self.status(task)
            return found if found["state"] in AT_REST else None

        found = until(look, f"task {task} is at rest", within=within)
        assert found is not None
        return found

    def count(self) -> int:
        """How many tasks there are."""
        return int(json.loads(self.get("/dynflow/tasks/count"))["count"])

    def _ask(self, method: str, path: str, body: str = "", kind: str = "") -> tuple[int, str, str]:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            headers = {"Content-Type": kind} if kind else {}
            connection.request(method, path, body.encode() if kind else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read().decode()
        finally:
            connection.close()

    # -- the command line ------------------------------------------------------------------------------------

    def mcoflow(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        argv = [MCOFLOW, *words, "--config", str(self.settings)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)

    def online(self) -> set[str]:
        """The hosts whose agents are there."""
        listed = self.mcoflow("host", "list", "--output", "json")
        assert listed.returncode == 0, listed.stderr
        return {host["name"] for host in json.loads(listed.stdout) if host["presence"] == "online"}


def write_settings(path: Path, sections: Mapping[str, Mapping[str, object]]) -> Path:
    """Write a broker.cfg."""
    lines = []
    for section, keys in sections.items():
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in keys.items())]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


@contextmanager
def all_of(*processes: Process) -> Iterator[None]:
    """End them in the opposite order; kill them all if something went wrong."""
    try:
        yield
        for process in reversed(processes):
            process.end()
    finally:
        for process in processes:
            process.kill()
