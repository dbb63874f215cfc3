"""`mcoflow executors`: who runs tasks, and declaring one dead."""

import io
import os
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mcoflow import __version__
from mcoflow.cli.exit_codes import ExitCode
from mcoflow.services import Services
from mcoflow.services.executors import Pulse
from tests.unit.cli.conftest import Mcoflow
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("services")
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Terminal(io.StringIO):
    """A terminal on which somebody has typed."""

    def isatty(self) -> bool:
        return True


def the_living(services: Services) -> UUID:
    (living,) = [each.id for each in services.executors.list() if each.state is Pulse.LIVE]
    return living


def test_executors_are_listed_with_what_is_known_of_them(mcoflow: Mcoflow, services: Services) -> None:
    """E-103: who lives."""
    told = mcoflow("executors", "--output", "json")
    (found,) = told.json
    assert UUID(found["id"]) == the_living(services)
    assert (found["pid"], found["version"], found["state"]) == (str(os.getpid()), __version__, "live")
    assert found["queues"]["default"] >= 1

    listed = mcoflow("executors", "list").out
    head, row = listed.splitlines()
    assert head.split() == ["executor", "host", "pid", "version", "state", "heard", "queues", "tasks"]
    assert row.startswith(found["id"])
    assert "default 5, hooks 2" in row.replace("hooks 2, default 5", "default 5, hooks 2")
    assert mcoflow("executors").out.split()[:9] == listed.split()[:9]
    assert services.executors.list()[0].tasks == 0


def test_check_counts_and_changes_nothing(mcoflow: Mcoflow, services: Services) -> None:
    """E-103: `check` changes nothing."""
    before = the_living(services)

    assert mcoflow("executors", "check").out == (
        "executors: 1 live, 0 late, 0 dead\nrows without their task: none\n"
    )

    assert mcoflow("executors", "check", "--output", "json").json["orphans"] == {}
    assert the_living(services) == before


def test_a_live_executor_is_only_declared_dead_if_that_is_confirmed(
    mcoflow: Mcoflow, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E-103, W-040: a live one only by typing its id."""
    before = the_living(services)
    refused = mcoflow("executors", "invalidate", str(before))
    assert refused.code == ExitCode.FAILED
    assert "is alive" in refused.err
    assert "--force" in refused.err

    for typed, code in (("no", ExitCode.FAILED), (str(before), ExitCode.OK)):
        monkeypatch.setattr(sys, "stdin", Terminal(f"{typed}\n"))
        ended = mcoflow("executors", "invalidate", str(before))
        assert ended.code == code, ended.err
    assert "declared dead" in ended.out

    until(lambda: _lives_anew(services, before), "it goes on under a new id")
    again = mcoflow("executors", "invalidate", str(before))
    assert again.code in (ExitCode.OK, ExitCode.NOT_FOUND)  # it may be forgotten by then
    forced = the_living(services)
    assert mcoflow("executors", "invalidate", str(forced), "--force").code == ExitCode.OK
    until(lambda: _lives_anew(services, forced), "it goes on")


def test_an_unknown_executor_is_said_so(mcoflow: Mcoflow) -> None:
    unknown = mcoflow("executors", "invalidate", str(uuid4()))
    assert unknown.code == ExitCode.NOT_FOUND
    assert "mcoflow executors list" in unknown.err
    assert mcoflow("executors", "invalidate", "web1").code == ExitCode.USAGE


def test_without_any_executor_the_way_to_one_is_said(mcoflow: Mcoflow, tmp_path: Path) -> None:
    from mcoflow.bootstrap.database import upgrade_database
    from mcoflow.config import load_config
    from tests.unit.cli.conftest import settings_in

    alone = settings_in(tmp_path)
    (tmp_path / "state").mkdir()
    upgrade_database(load_config(alone, {}))

    said = mcoflow("executors", "--config", str(alone))

    assert (said.code, said.out) == (ExitCode.OK, "")
    assert "mcoflow executor`" in said.err


def _lives_anew(services: Services, before: UUID) -> bool:
    living = [each.id for each in services.executors.list() if each.state is Pulse.LIVE]
    return bool(living) and before not in living
