"""What apt and dpkg say, read into words."""

import pytest

from mcoflow.agent.providers.apt import DEBIAN_NAME, failure, moved
from mcoflow.agent.providers.port import Change, PackageMove
from mcoflow.agent.providers.tools import Ended, run_tool
from mcoflow.errors import OperationFailedError
from mcoflow.wire import codec
from mcoflow.wire.kinds import VALUES_LIMIT

SAID = [
    ("locked", "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (apt-get)"),
    ("locked", "dpkg: error: dpkg frontend lock was locked by another process with pid 4711"),
    ("not_root", "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?"),
    ("not_root", "dpkg: error: requested operation requires superuser privilege"),
    ("no_space", "E: You don't have enough free space in /var/cache/apt/archives/. No space left on device"),
    ("not_found", "E: Unable to locate package nosuch"),
    ("not_found", "E: Version '9' for 'hello' was not found"),
    (
        "fetch_failed",
        "E: Failed to fetch http://deb.invalid/x.deb  Temporary failure resolving 'deb.invalid'",
    ),
    ("unmet_dependencies", "E: Unable to correct problems, you have held broken packages."),
    ("exit", "E: Sub-process /usr/bin/dpkg returned an error code (1)"),
]


@pytest.mark.parametrize(("reason", "text"), SAID)
def test_each_failure_gets_the_word_that_fits(reason: str, text: str) -> None:
    """B-054: a held lock is `locked`; what has no word of its own is `exit`."""
    error = failure(Ended(100, "Reading package lists...\n", f"{text}\n"))

    assert (error.reason, error.exit_code) == (reason, 100)
    assert str(error) == text


def test_a_tool_that_says_nothing_is_told_by_its_exit_code() -> None:
    assert "exit code 7" in str(failure(Ended(7, "", "")))


def test_every_package_that_came_went_or_changed_is_named() -> None:
    before = {"a": "1", "b": "1", "c": "1"}
    after = {"a": "1", "b": "2", "d": "1"}

    assert moved(before, after) == (
        PackageMove("b", "1", "2"),
        PackageMove("c", "1", None),
        PackageMove("d", None, "1"),
    )


@pytest.mark.parametrize("name", ["nginx-", "Nginx", "a_b", "a@b", "x"])
def test_names_that_debian_never_gives_do_not_reach_apt(name: str) -> None:
    assert DEBIAN_NAME.fullmatch(name) is None


def test_a_huge_change_fits_into_a_result_and_is_counted() -> None:
    moves = tuple(PackageMove(f"a-package-with-a-long-name-{n}" * 3, "1" * 60, "2" * 60) for n in range(900))

    values = Change("1", "2", changed=True, packages=moves).values()

    assert values["packages_total"] == 900
    assert 0 < len(values["packages"]) <= 500
    assert len(codec.dumps(values)) <= VALUES_LIMIT


def test_a_tool_that_is_missing_is_named() -> None:
    with pytest.raises(OperationFailedError, match="mcoflow-no-such-tool") as failed:
        run_tool(["mcoflow-no-such-tool"])
    assert failed.value.reason == "no_tool"


def test_a_tool_is_over_when_it_ends_though_a_child_holds_its_output() -> None:
    ended = run_tool(["sh", "-c", "sleep 5 & echo $!"])

    assert ended.exit_code == 0
    run_tool(["kill", ended.stdout.strip()])


def test_a_tool_that_a_signal_ended_says_which() -> None:
    assert run_tool(["sh", "-c", "kill -9 $$"]).exit_code == -9
