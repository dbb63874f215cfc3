"""Where a person has to admit hosts, each command that misses one says so."""

from pathlib import Path

import pytest

from mcoflow.cli.exit_codes import ExitCode
from tests.unit.cli.conftest import Mcoflow, settings_in

pytestmark = pytest.mark.usefixtures("services")
ADMIT = "`mcoflow host admit sim-00001 sim-00002 web1`"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The broker.cfg of a mcoflow that lets nobody in by itself."""
    found = settings_in(tmp_path_factory.mktemp("up"))
    found.write_text(found.read_text().replace("[server]", "[server]\nadmission = approve"))
    return found


@pytest.mark.parametrize(
    "words", [("find", "all"), ("ping",), ("run", "ping", "--target", "all", "--preview")]
)
def test_who_finds_nobody_is_told_who_waits(mcoflow: Mcoflow, words: tuple[str, ...]) -> None:
    ended = mcoflow(*words)

    assert ended.code == ExitCode.NOT_FOUND
    assert f"; hosts wait to be let in: {ADMIT}" in ended.err


def test_the_doctor_has_the_agent_of_this_machine_let_in(mcoflow: Mcoflow) -> None:
    ended = mcoflow("doctor")

    assert "web1 is pending" in ended.out
    assert "let it in: `mcoflow host admit web1`" in ended.out


def test_a_name_that_waits_is_said_to_be_left_out(mcoflow: Mcoflow) -> None:
    assert "no admitted host is called web1" in mcoflow("find", "web1,sim-*").err
