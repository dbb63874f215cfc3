"""The pages of a task as a reader has them: over HTTP, from a web process of its own."""

import json
import re
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

PARTS: Final = ("head", "graph", "steps", "history", "evidence")
"""What the page fetches again when something changed."""
LOOK: Final = 0.05
"""Seconds between two looks for the first result: who asks all the time holds up what he waits for."""
PAUSE: Final = 0.1
"""Seconds between two of them; the page itself leaves 0.5 s between two of the same."""
_OVER: Final = 'data-over="yes"'
_DONE: Final = re.compile(r"data-summary>(\d+) of \d+ done")


class Reader:
    """Somebody with a browser; times are seconds."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc

    def start(self, action: str, **fields: Any) -> str:
        """Start a task and return its id."""
        order = json.dumps({"action_name": action, "action_input": fields})
        return str(json.loads(self._ask("POST", "/dynflow/tasks", order))["task_id"])

    def first_result(self, hosts: Sequence[str]) -> tuple[str, float]:
        """Start a task; return its id, and the time until its page shows the first result."""
        began = time.perf_counter()
        task = self.start("ping", hosts=list(hosts))
        while self.done(task) == 0:
            time.sleep(LOOK)
        return task, time.perf_counter() - began

    def done(self, task: str) -> int:
        """How many results the page shows."""
        found = _DONE.search(self._ask("GET", f"/tasks/{task}?part=head"))
        return int(found[1]) if found else 0

    def over(self, task: str) -> bool:
        """Whether the page says that nothing more will come."""
        return _OVER in self._ask("GET", f"/tasks/{task}?part=head")

    def lasted(self, task: str) -> float:
        """Seconds that a task took which is over."""
        return float(json.loads(self._ask("GET", f"/dynflow/tasks/{task}/status"))["real_time"])

    def read(self, task: str, times: int) -> list[float]:
        """Read the page so many times."""
        return [self._timed(f"/tasks/{task}") for _ in range(times)]

    def follow(self, task: str) -> tuple[list[float], list[float]]:
        """Read the page and its parts in turns until it is over; what pages took, and what parts took."""
        pages: list[float] = []
        parts: list[float] = []
        while not self.over(task):
            pages.append(self._timed(f"/tasks/{task}"))
            for part in PARTS:
                time.sleep(PAUSE)
                parts.append(self._timed(f"/tasks/{task}?part={part}"))
        return pages, parts

    def _timed(self, path: str) -> float:
        began = time.perf_counter()
        self._ask("GET", path)
        return time.perf_counter() - began

    def _ask(self, method: str, path: str, body: str = "") -> str:
        connection = HTTPConnection(self._netloc, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise SystemExit(f"{method} {path} answered {answer.status}: {text[:500]}")
        return text


def until(holds: Callable[[], bool], what: str, within: float = 600.0) -> None:
    """Look twice a second until it holds; end the benchmark if it takes too long."""
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"waited {within:.0f} s in vain until {what}")
        time.sleep(0.5)
