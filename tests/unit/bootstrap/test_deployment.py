"""What a deployment does with the daemons in it."""

from datetime import timedelta

import pytest

from mcoflow.bootstrap.deployment import Deployment, RunningDaemon
from mcoflow.errors import McoflowError


class Recorded:
    """A daemon that notes what it is told; `broken` is what ended it."""

    def __init__(self, broken: Exception | None = None, ended: bool = False) -> None:
        self.told: list[object] = []
        self._broken, self._ended = broken, ended

    def start(self) -> None:
        self.told.append("start")

    def stop(self, drain: timedelta | None = None) -> None:
        self.told.append(drain)

    def wait(self, wait: timedelta | None = None) -> bool:
        if self._broken is not None:
            raise self._broken
        return self._ended

    def reload(self) -> None:
        self.told.append("reload")


def test_a_daemon_is_started_and_drained() -> None:
    daemon = Recorded()

    with RunningDaemon(daemon, timedelta(seconds=3)):
        assert daemon.told == ["start"]

    assert daemon.told == ["start", timedelta(seconds=3)]


def test_a_daemon_that_ended_by_itself_ends_the_process() -> None:
    Deployment(daemons=[Recorded()]).check()
    with pytest.raises(McoflowError, match="the agent of this process has ended"):
        Deployment(daemons=[Recorded(ended=True)]).check()
    with pytest.raises(OSError, match="disk"):
        Deployment(daemons=[Recorded(broken=OSError("disk"))]).check()


def test_every_daemon_reads_its_facts_again() -> None:
    daemons = [Recorded(), Recorded()]

    Deployment(daemons=daemons).reload()

    assert [daemon.told for daemon in daemons] == [["reload"], ["reload"]]
