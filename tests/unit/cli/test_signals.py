"""Signals of a process that serves (bus specification, 5.9)."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.processes import MCOFLOW, write_settings
from tests.waiting import until

NO_BROKER = "amqp://127.0.0.1:1/"


class Served:
    """An agent whose broker is away: it serves all the same."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "broker.cfg"
        self.write("info")
        self._log = folder / "log"
        argv = [MCOFLOW, "agent", "--config", self.settings]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        self.says("mcoflow agent is up")

    def write(self, level: str) -> None:
        agent = {"identity": "web1", "state_dir": self.settings.parent / "agent", "log_level": level}
        write_settings(self.settings, {"broker": {"url": NO_BROKER}, "agent": agent})

    def says(self, words: str) -> None:
        until(lambda: words in self._log.read_text(), words, within=30)

    def tell(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_end_it_in_good_order(served: Served, number: signal.Signals) -> None:
    served.tell(number)

    assert served.process.wait(15) == 0
    served.says("once more ends it at once")


def test_a_second_term_ends_it_at_once(served: Served) -> None:
    """B-048: whatever the first is still waiting for."""
    served.tell(signal.SIGTERM)
    served.says("once more ends it at once")
    served.tell(signal.SIGTERM)

    assert served.process.wait(2) in (0, -signal.SIGTERM)


def test_usr1_prints_the_stacks_of_all_threads(served: Served) -> None:
    """B-048: for those who wonder what it is doing."""
    served.tell(signal.SIGUSR1)

    served.says("(most recent call first)")
    assert served.process.poll() is None


def test_hup_reads_the_log_level_and_keeps_it_if_the_settings_are_wrong(served: Served) -> None:
    """B-048: a mistake in the file does not end a running agent."""
    served.write("loud")
    served.tell(signal.SIGHUP)

    served.says("event=settings.refused")
    assert served.process.poll() is None
